//! Searching the packed timestamps of a node.

/// How many keys lie between two samples: one cache line of timestamps.
const STRIDE: usize = 8;

/// How many of the ascending `keys` are less than `key`. Unused slots at the end must hold
/// `u64::MAX`.
///
/// A binary search over a cold node waits for one cache miss after the other. Here every line is
/// touched once, at its last key, by loads that don't depend on each other, so that the misses
/// overlap; then the one line in question is counted through. Neither loop branches on a key.
#[inline]
pub(super) fn lower_bound<const N: usize>(keys: &[u64; N], key: u64) -> usize {
    const { assert!(N.is_multiple_of(STRIDE)) };
    let (lines, _) = keys.as_chunks::<STRIDE>();
    let full: usize = lines.iter().map(|line| below(line[STRIDE - 1], key)).sum();
    match lines.get(full) {
        Some(line) => full * STRIDE + line.iter().map(|slot| below(*slot, key)).sum::<usize>(),
        None => N,
    }
}

/// As [`lower_bound`], where it is known that the first `from` keys are less. Close by it is faster:
/// it goes on from there, a stride at a time.
#[inline]
pub(super) fn lower_bound_from<const N: usize>(keys: &[u64; N], from: usize, key: u64) -> usize {
    let mut start = from.min(N);
    while let Some(line) = keys[start..].first_chunk::<STRIDE>() {
        if line[STRIDE - 1] >= key {
            return start + line.iter().map(|slot| below(*slot, key)).sum::<usize>();
        }
        start += STRIDE;
    }
    let rest = keys[start..].iter();
    start + rest.map(|slot| below(*slot, key)).sum::<usize>()
}

/// 1 if `slot < key`, else 0: the borrow of their subtraction, taken by logic on whole words.
///
/// The plain comparison is the same, but the baseline of x86-64 has no vector comparison of 64-bit
/// integers, and what compilers make of sums of such comparisons there takes three times as long.
#[inline]
const fn below(slot: u64, key: u64) -> usize {
    (((!slot & key) | (!(slot ^ key) & slot.wrapping_sub(key))) >> 63) as usize
}

#[cfg(test)]
mod tests {
    use super::{lower_bound, lower_bound_from};

    #[test]
    fn counts_as_a_linear_scan_does() {
        let mut keys = [u64::MAX; 64];
        for len in 0..=keys.len() {
            for (slot, key) in keys.iter_mut().take(len).enumerate() {
                *key = (slot as u64 / 3) * 10;
            }
            for key in (0..120).chain([u64::MAX]) {
                let expected = keys.iter().filter(|slot| **slot < key).count();
                assert_eq!(lower_bound(&keys, key), expected, "{len} keys, {key}");
                for from in 0..=expected {
                    assert_eq!(lower_bound_from(&keys, from, key), expected);
                }
            }
        }
    }
}
