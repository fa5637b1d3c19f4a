//! What a range amounts to: a commutative group, from which each dialect makes its fingerprint.

use core::ops::{Add, AddAssign, Sub, SubAssign};

use crate::item::Id;
use crate::{sha256, varint};

/// 256 bits as 64-bit limbs from low to high.
type Limbs = [u64; 4];

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
        add_limbs(&mut self.sum, &limbs);
        xor_limbs(&mut self.xor, &limbs);
    }

    /// The summary of these ids; faster for many than adding one by one.
    ///
    /// Sums and xors are taken in a pass each: together they need more registers than there are,
    /// and the second pass finds the ids in the first-level cache, where vectors xor them.
    #[must_use]
    pub fn of_ids(ids: &[Id]) -> Self {
        Self {
            count: ids.len() as u64,
            sum: sum_of(ids.iter().map(limbs_of)),
            xor: xor_of(ids.iter().map(limbs_of)),
        }
    }

    /// Negentropy's fingerprint: the first 16 bytes of SHA-256 over the sum (32 bytes,
    /// little-endian) and the count (base-128 varint), as the negentropy V1 specification has it.
    #[must_use]
    pub fn negentropy_fingerprint(&self) -> [u8; 16] {
        // At most 42 bytes: always a single block, which spares the hasher's buffer.
        let mut block = [0; sha256::BLOCK_BYTES];
        for (bytes, limb) in block.chunks_exact_mut(8).zip(self.sum) {
            bytes.copy_from_slice(&limb.to_le_bytes());
        }
        let len = 32 + varint::write_big_endian_to(&mut block[32..], self.count);
        let mut blocks = [block];
        let mut state = sha256::State::START;
        state.compress(sha256::pad(&mut blocks, len, 0).expect("42 bytes fit a block"));
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&state.finish()[..16]);
        fingerprint
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

impl AddAssign<&Summary> for Summary {
    #[inline]
    fn add_assign(&mut self, other: &Self) {
        self.count = self.count.wrapping_add(other.count);
        add_limbs(&mut self.sum, &other.sum);
        xor_limbs(&mut self.xor, &other.xor);
    }
}

impl SubAssign<&Summary> for Summary {
    #[inline]
    fn sub_assign(&mut self, other: &Self) {
        self.count = self.count.wrapping_sub(other.count);
        sub_limbs(&mut self.sum, &other.sum);
        xor_limbs(&mut self.xor, &other.xor);
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

/// The sum modulo 2^256.
///
/// Adding 256-bit numbers is one chain of four carries for each; adding up each limb by itself, in
/// 128 bits, makes four independent chains, and the carries are settled once at the end.
#[inline]
fn sum_of(numbers: impl Iterator<Item = Limbs>) -> Limbs {
    let mut columns = [0u128; 4];
    for limbs in numbers {
        for (column, limb) in columns.iter_mut().zip(limbs) {
            *column += u128::from(limb);
        }
    }
    let mut sum = [0; 4];
    let mut carry = 0;
    for (limb, column) in sum.iter_mut().zip(columns) {
        let total = column + carry;
        *limb = total as u64;
        carry = total >> 64;
    }
    sum
}

#[inline]
fn xor_of(numbers: impl Iterator<Item = Limbs>) -> Limbs {
    numbers.fold([0; 4], |mut xor, limbs| {
        xor_limbs(&mut xor, &limbs);
        xor
    })
}

#[inline]
fn limbs_of(id: &Id) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(id.0.chunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(bytes);
        *limb = u64::from_le_bytes(word);
    }
    limbs
}

#[inline]
fn add_limbs(to: &mut [u64; 4], other: &[u64; 4]) {
    let mut carry = false;
    for (limb, add) in to.iter_mut().zip(other) {
        let (sum, over) = limb.overflowing_add(*add);
        let (sum, over_by_carry) = sum.overflowing_add(u64::from(carry));
        *limb = sum;
        carry = over | over_by_carry;
    }
}

#[inline]
fn sub_limbs(to: &mut [u64; 4], other: &[u64; 4]) {
    let mut borrow = false;
    for (limb, sub) in to.iter_mut().zip(other) {
        let (difference, under) = limb.overflowing_sub(*sub);
        let (difference, under_by_borrow) = difference.overflowing_sub(u64::from(borrow));
        *limb = difference;
        borrow = under | under_by_borrow;
    }
}

#[inline]
fn xor_limbs(to: &mut [u64; 4], other: &[u64; 4]) {
    for (limb, xor) in to.iter_mut().zip(other) {
        *limb ^= xor;
    }
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
