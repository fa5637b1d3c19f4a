//! Having the cache fetch what will be read soon.

use core::ops::Range;

/// Bytes in a line of the cache.
const LINE: usize = 64;

/// Has the cache fetch these elements of `all`, as far as they are there, without waiting for them: all lines
/// at once, where reading would wait for some before it asks for the next.
///
/// Without the feature `prefetch` the first element of each line is read, which does the same as long as the
/// processor has room for reads that haven't come.
#[inline]
pub(crate) fn fetch<T: Copy>(all: &[T], range: Range<usize>) {
    let each = const {
        if size_of::<T>() < LINE {
            LINE / size_of::<T>()
        } else {
            1
        }
    };
    let end = range.end.min(all.len());
    for index in (range.start..end).step_by(each) {
        line_of(all, index);
    }
}

#[cfg(feature = "prefetch")]
#[inline]
fn line_of<T: Copy>(all: &[T], index: usize) {
    prefetch_index::prefetch_index(all, index);
}

#[cfg(not(feature = "prefetch"))]
#[inline]
fn line_of<T: Copy>(all: &[T], index: usize) {
    core::hint::black_box(all.get(index).copied());
}
