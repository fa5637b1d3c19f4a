//! What a range amounts to: a commutative group, from which each dialect makes its fingerprint.

use core::ops::{Add, AddAssign, Sub, SubAssign};
use core::slice;

use crate::item::Id;
use crate::limbs::{Group, Limbs, Sum, Total, Xor, limbs_of};
use crate::{sha256, varint};

/// Count, sum and xor of the ids of some items.
///
/// Summaries add and subtract component by component (sum modulo 2^256, xor by itself, count
/// modulo 2^64), so the summary of a range is the difference of two prefixes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// How many items.
    pub count: u64,
    /// The ids, read as little-endian integers, added modulo 2^256; limbs from low to high.
    pub sum: [u64; 4],
    /// The ids xored; limbs as in `sum`.
    pub xor: [u64; 4],
}

impl Summary {
    /// The summary of no items.
    pub const EMPTY: Self = Self {
        count: 0,
        sum: [0; 4],
        xor: [0; 4],
    };

    /// The summary of one item with this id.
    #[must_use]
    pub fn of(id: &Id) -> Self {
        let limbs = limbs_of(id);
        Self {
            count: 1,
            sum: limbs,
            xor: limbs,
        }
    }

    /// Counts one more item.
    #[inline]
    pub fn push(&mut self, id: &Id) {
        let limbs = limbs_of(id);
        self.count = self.count.wrapping_add(1);
        self.add_groups(&(Sum(limbs), Xor(limbs)));
    }

    /// The summary of these ids; faster for many than adding one by one.
    #[must_use]
    pub fn of_ids(ids: &[Id]) -> Self {
        Self::of_groups(ids.len(), Group::of_ids(ids))
    }

    pub(crate) fn of_groups(count: usize, (sum, xor): (Sum, Xor)) -> Self {
        Self {
            count: count as u64,
            sum: sum.0,
            xor: xor.0,
        }
    }

    pub(crate) const fn groups(&self) -> (Sum, Xor) {
        (Sum(self.sum), Xor(self.xor))
    }

    #[inline]
    fn add_groups(&mut self, other: &(Sum, Xor)) {
        let mut groups = self.groups();
        groups.add(other);
        (self.sum, self.xor) = (groups.0.0, groups.1.0);
    }

    /// Count and sum alone.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        Tally {
            count: self.count,
            sum: self.sum,
        }
    }

    /// Negentropy's fingerprint: the first 16 bytes of SHA-256 over the sum (32 bytes,
    /// little-endian) and the count (base-128 varint), as the negentropy V1 specification has it.
    #[must_use]
    pub fn negentropy_fingerprint(&self) -> [u8; 16] {
        sum_fingerprint(&self.sum, self.count)
    }

    /// nwaku's fingerprint: the xor of the ids.
    #[must_use]
    pub fn xor_fingerprint(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        for (bytes, limb) in fingerprint.chunks_exact_mut(8).zip(self.xor) {
            bytes.copy_from_slice(&limb.to_le_bytes());
        }
        fingerprint
    }
}

/// Count and sum of the ids of some items: that part of a [`Summary`] which negentropy's fingerprint is
/// made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// How many items.
    pub count: u64,
    /// The ids, read as little-endian integers, added modulo 2^256; limbs from low to high.
    pub sum: [u64; 4],
}

impl Tally {
    /// As [`Summary::negentropy_fingerprint`].
    #[must_use]
    pub fn negentropy_fingerprint(&self) -> [u8; 16] {
        sum_fingerprint(&self.sum, self.count)
    }
}

/// The fingerprints of many tallies, one after the other.
///
/// All inputs are written before the first is hashed: a block that was just put together from smaller
/// words can't be loaded before these have reached the cache. And with nothing between the hashes the
/// processor has several under way.
#[derive(Debug)]
pub(crate) struct Fingerprints<const N: usize> {
    inputs: [sha256::Block; N],
    len: usize,
}

impl<const N: usize> Fingerprints<N> {
    pub(crate) const fn new() -> Self {
        Self {
            inputs: [[0; sha256::BLOCK_BYTES]; N],
            len: 0,
        }
    }

    /// Adds a tally to those that are to be hashed: at most `N`.
    #[inline]
    pub(crate) fn push(&mut self, tally: &Tally) {
        self.inputs[self.len] = fingerprint_input(&tally.sum, tally.count);
        self.len += 1;
    }

    /// The fingerprints in the order of the tallies.
    pub(crate) fn finish(&self) -> [[u8; 16]; N] {
        let mut fingerprints = [[0; 16]; N];
        for (fingerprint, input) in fingerprints.iter_mut().zip(&self.inputs[..self.len]) {
            *fingerprint = fingerprint_of(input);
        }
        fingerprints
    }
}

impl AddAssign<&Tally> for Tally {
    #[inline]
    fn add_assign(&mut self, other: &Self) {
        let mut sum = Sum(self.sum);
        sum.add(&Sum(other.sum));
        self.count = self.count.wrapping_add(other.count);
        self.sum = sum.0;
    }
}

impl AddAssign<&Summary> for Summary {
    #[inline]
    fn add_assign(&mut self, other: &Self) {
        self.count = self.count.wrapping_add(other.count);
        self.add_groups(&other.groups());
    }
}

impl SubAssign<&Summary> for Summary {
    #[inline]
    fn sub_assign(&mut self, other: &Self) {
        self.count = self.count.wrapping_sub(other.count);
        let mut groups = self.groups();
        groups.sub(&other.groups());
        (self.sum, self.xor) = (groups.0.0, groups.1.0);
    }
}

impl Add for Summary {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += &other;
        self
    }
}

impl Sub for Summary {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        self -= &other;
        self
    }
}

impl<'a> FromIterator<&'a Id> for Summary {
    fn from_iter<I: IntoIterator<Item = &'a Id>>(ids: I) -> Self {
        let mut summary = Self::EMPTY;
        ids.into_iter().for_each(|id| summary.push(id));
        summary
    }
}

/// The first 16 bytes of SHA-256 over the sum (32 bytes, little-endian) and the count (base-128
/// varint).
///
fn sum_fingerprint(sum: &Limbs, count: u64) -> [u8; 16] {
    fingerprint_of(&fingerprint_input(sum, count))
}

/// What a fingerprint is the hash of, padded. It's at most 42 bytes: always a single block, which
/// spares the hasher's buffer.
fn fingerprint_input(sum: &Limbs, count: u64) -> sha256::Block {
    let mut block = [0; sha256::BLOCK_BYTES];
    for (bytes, limb) in block.chunks_exact_mut(8).zip(sum) {
        bytes.copy_from_slice(&limb.to_le_bytes());
    }
    let end = block[32..].first_chunk_mut().expect("32 bytes are left");
    let len = 32 + varint::write_big_endian_to(end, count);
    let mut blocks = [block];
    sha256::pad(&mut blocks, len, 0).expect("42 bytes fit a block");
    blocks[0]
}

fn fingerprint_of(input: &sha256::Block) -> [u8; 16] {
    let mut state = sha256::State::START;
    state.compress(slice::from_ref(input));
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&state.finish()[..16]);
    fingerprint
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_sum_carries_over_every_limb_and_wraps() {
        let full = Id([0xff; 32]);
        let mut one = Id::ZERO;
        one.0[0] = 1;
        let summary = Summary::of(&full) + Summary::of(&one);
        assert_eq!((summary.count, summary.sum), (2, [0; 4]));
        assert_eq!(summary - Summary::of(&full), Summary::of(&one));
    }

    #[test]
    fn summing_at_once_is_summing_one_by_one() {
        let ids: [Id; 300] = core::array::from_fn(|i| Id([(i * 151 + 200) as u8; 32]));
        let one_by_one: Summary = ids.iter().collect();
        assert_eq!(Summary::of_ids(&ids), one_by_one);
        let full = [Id([0xff; 32]); 3];
        assert_eq!(Summary::of_ids(&full), full.iter().collect());
    }

    #[test]
    fn negentropys_fingerprint_is_the_head_of_a_sha_256() {
        for count in (0..64).map(|bit| u64::MAX >> bit).chain([0]) {
            let summary = Summary {
                count,
                sum: [1, 2, count, u64::MAX - 7],
                xor: [0; 4],
            };
            let mut input: Vec<u8> = summary
                .sum
                .iter()
                .flat_map(|limb| limb.to_le_bytes())
                .collect();
            varint::write_big_endian(&mut input, count);
            assert_eq!(
                summary.negentropy_fingerprint(),
                Sha256::digest(&input)[..16]
            );
        }
    }

    #[test]
    fn adding_and_subtracting_are_inverse() {
        let ids: [Id; 5] = core::array::from_fn(|i| Id([(i * 77 + 3) as u8; 32]));
        let all: Summary = ids.iter().collect();
        let head: Summary = ids[..2].iter().collect();
        let tail: Summary = ids[2..].iter().collect();
        assert_eq!(all - head, tail);
        assert_eq!(head + tail, all);
        assert_eq!(all - all, Summary::EMPTY);
    }
}
