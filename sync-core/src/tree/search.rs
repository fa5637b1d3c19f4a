//! Searching the packed timestamps of a node.

/// How many keys lie between two samples: one cache line of timestamps.
const STRIDE: usize = 8;

/// How many of the ascending `keys` are less than `key`. Unused slots at the end must hold
/// `u64::MAX`.
///
/// A binary search over a cold node waits for one cache miss after the other. Here the last keys of all
/// lines are read, by loads that don't depend on each other, so that all misses overlap: that is the
/// one wait, since the line in question is among those read. Nothing branches on a key.
#[inline]
pub(super) fn lower_bound<const N: usize>(keys: &[u64; N], key: u64) -> usize {
    const { assert!(N.is_multiple_of(STRIDE)) };
    let (lines, _) = keys.as_chunks::<STRIDE>();
    let ends = lines.iter().map(|line| line[STRIDE - 1]);
    let line: usize = ends.map(|end| usize::from(end < key)).sum();
    let Some(keys) = lines.get(line) else {
        return N;
    };
    line * STRIDE + within(keys, key)
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

/// How many keys of the line, the last of which isn't, are less than `key`.
#[inline]
const fn within(line: &[u64; STRIDE], key: u64) -> usize {
    let four = (line[3] < key) as usize * 4;
    let two = four + (line[four + 1] < key) as usize * 2;
    two + (line[two] < key) as usize
}

#[cfg(test)]
mod tests {
    use super::{lower_bound, lower_bound_from};

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
                for from in 0..=expected {
                    assert_eq!(lower_bound_from(&keys, from, key), expected);
                }
            }
        }
    }
}
