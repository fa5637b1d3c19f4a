//! Searching the packed timestamps of a node.

/// How many keys lie between two samples: one cache line of timestamps.
const STRIDE: usize = 8;

/// How many lines are looked at together by [`lower_bound_warm`] and [`lower_bound_near`].
const GROUP: usize = 4;

/// How many keys [`lower_bound_near`] looks at.
pub(super) const WINDOW: usize = GROUP * STRIDE;

/// How many of the ascending `keys` are less than `key`. Unused slots at the end must hold
/// `u64::MAX`.
///
/// A binary search over a cold node waits for one cache miss after the other. Here the last keys of all
/// lines are read, by loads that don't depend on each other, so that the misses overlap: that is the
/// one wait, since the line in question is among those read. Nothing branches on a key.
#[inline]
pub(super) fn lower_bound<const N: usize>(keys: &[u64; N], key: u64) -> usize {
    const { assert!(N.is_multiple_of(STRIDE)) };
    let (lines, _) = keys.as_chunks::<STRIDE>();
    let line = ends_below(lines, key);
    lines
        .get(line)
        .map_or(N, |keys| line * STRIDE + within(keys, key))
}

/// As [`lower_bound`], for nodes that are likely to be in the cache: fewer lines are read, those of one group
/// after the ends of all groups.
#[inline]
pub(super) fn lower_bound_warm<const N: usize>(keys: &[u64; N], key: u64) -> usize {
    const { assert!(N.is_multiple_of(GROUP * STRIDE)) };
    let (lines, _) = keys.as_chunks::<STRIDE>();
    let (groups, _) = lines.as_chunks::<GROUP>();
    let ends = groups.iter().map(|group| group[GROUP - 1][STRIDE - 1]);
    let group: usize = ends.map(|end| usize::from(end < key)).sum();
    let Some(lines) = groups.get(group) else {
        return N;
    };
    let line = ends_below(&lines[..GROUP - 1], key);
    (group * GROUP + line) * STRIDE + within(&lines[line], key)
}

/// How many of the lines have only keys that are less than `key`.
#[inline]
fn ends_below(lines: &[[u64; STRIDE]], key: u64) -> usize {
    let ends = lines.iter().map(|line| line[STRIDE - 1]);
    ends.map(|end| usize::from(end < key)).sum()
}

/// As [`lower_bound`], where it is known that the first `from` keys are less. Close by it is faster:
/// it goes on from there, a stride at a time.
#[inline]
pub(super) fn lower_bound_from<const N: usize>(keys: &[u64; N], from: usize, key: u64) -> usize {
    let mut start = from.min(N);
    while let Some(line) = keys[start..].first_chunk::<STRIDE>() {
        if line[STRIDE - 1] >= key {
            return start + within(line, key);
        }
        start += STRIDE;
    }
    let rest = keys[start..].iter();
    start + rest.take_while(|slot| **slot < key).count()
}

/// As [`lower_bound`], where the answer is likely to be `near`: only the [`window`] around it is read, unless
/// the answer lies elsewhere.
#[inline]
pub(super) fn lower_bound_near<const N: usize>(keys: &[u64; N], near: usize, key: u64) -> usize {
    const { assert!(N.is_multiple_of(STRIDE) && N >= WINDOW) };
    let start = window(N, near);
    let (lines, _) = keys[start..start + WINDOW].as_chunks::<STRIDE>();
    let is_behind = start == 0 || lines[0][0] < key;
    let is_before = start + WINDOW == N || lines[GROUP - 1][STRIDE - 1] >= key;
    if !is_behind || !is_before {
        return lower_bound(keys, key);
    }
    let line = ends_below(lines, key);
    let inside = lines
        .get(line)
        .map_or(WINDOW, |keys| line * STRIDE + within(keys, key));
    start + inside
}

/// Where the [`WINDOW`] keys around `near` start, of `len`.
#[inline]
pub(super) const fn window(len: usize, near: usize) -> usize {
    let start = near.saturating_sub((WINDOW - STRIDE) / 2) / STRIDE * STRIDE;
    if start + WINDOW <= len {
        start
    } else {
        len - WINDOW
    }
}

/// How many keys of the line, the last of which isn't, are less than `key`.
#[inline]
const fn within(line: &[u64; STRIDE], key: u64) -> usize {
    let four = (line[3] < key) as usize * 4;
    let two = four + (line[four + 1] < key) as usize * 2;
    two + (line[two] < key) as usize
}

#[cfg(test)]
mod tests {
    use super::{lower_bound, lower_bound_from, lower_bound_near, lower_bound_warm};

    #[test]
    fn counts_as_a_linear_scan_does() {
        let mut keys = [u64::MAX; 128];
        for len in 0..=keys.len() {
            for (slot, key) in keys.iter_mut().take(len).enumerate() {
                *key = (slot as u64 / 3) * 10;
            }
            for key in (0..440).chain([u64::MAX]) {
                let expected = keys.iter().filter(|slot| **slot < key).count();
                assert_eq!(lower_bound(&keys, key), expected, "{len} keys, {key}");
                assert_eq!(lower_bound_warm(&keys, key), expected);
                for near in [0, 5, 8, 60, 127, 128, 200] {
                    assert_eq!(lower_bound_near(&keys, near, key), expected);
                }
                for from in 0..=expected {
                    assert_eq!(lower_bound_from(&keys, from, key), expected);
                }
            }
        }
    }
}
