//! 256-bit numbers as 64-bit limbs: the two groups that summaries are made of.

use crate::item::Id;

/// 256 bits as 64-bit limbs from low to high.
pub(crate) type Limbs = [u64; 4];

/// What adds up, in a way that can be taken back.
pub(crate) trait Total: Copy + Default {
    /// Adds another total to this one.
    fn add(&mut self, other: &Self);

    /// Takes another total off this one.
    fn sub(&mut self, other: &Self);
}

/// What ids add up to.
pub(crate) trait Group: Total {
    /// What these ids add up to.
    fn of_ids(ids: &[Id]) -> Self;

    /// What one id amounts to.
    fn of_id(id: &Id) -> Self;
}

/// Ids added as little-endian integers modulo 2^256.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sum(pub(crate) Limbs);

/// Ids xored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Xor(pub(crate) Limbs);

impl Group for Sum {
    /// An id is an addition and three with carry, each taking a limb from memory; those of consecutive
    /// ids overlap. Four at a time, which the compiler doesn't do by itself where flags are carried.
    #[inline]
    fn of_ids(ids: &[Id]) -> Self {
        let mut sum = Self::default();
        let (fours, rest) = ids.as_chunks::<4>();
        for [a, b, c, d] in fours {
            sum.add(&Self::of_id(a));
            sum.add(&Self::of_id(b));
            sum.add(&Self::of_id(c));
            sum.add(&Self::of_id(d));
        }
        rest.iter().for_each(|id| sum.add(&Self::of_id(id)));
        sum
    }

    #[inline]
    fn of_id(id: &Id) -> Self {
        Self(limbs_of(id))
    }
}

impl Total for Sum {
    #[inline]
    fn add(&mut self, other: &Self) {
        let mut carry = false;
        for (limb, add) in self.0.iter_mut().zip(other.0) {
            (*limb, carry) = limb.carrying_add(add, carry);
        }
    }

    #[inline]
    fn sub(&mut self, other: &Self) {
        let mut borrow = false;
        for (limb, sub) in self.0.iter_mut().zip(other.0) {
            (*limb, borrow) = limb.borrowing_sub(sub, borrow);
        }
    }
}

impl Group for Xor {
    #[inline]
    fn of_ids(ids: &[Id]) -> Self {
        ids.iter().fold(Self::default(), |mut xor, id| {
            xor.add(&Self::of_id(id));
            xor
        })
    }

    #[inline]
    fn of_id(id: &Id) -> Self {
        Self(limbs_of(id))
    }
}

impl Total for Xor {
    #[inline]
    fn add(&mut self, other: &Self) {
        for (limb, xor) in self.0.iter_mut().zip(other.0) {
            *limb ^= xor;
        }
    }

    #[inline]
    fn sub(&mut self, other: &Self) {
        self.add(other);
    }
}

/// Both at once. Sums and xors are taken in a pass each: together they need more registers than
/// there are, and the second pass finds the ids in the first-level cache, where vectors xor them.
impl Group for (Sum, Xor) {
    #[inline]
    fn of_ids(ids: &[Id]) -> Self {
        (Sum::of_ids(ids), Xor::of_ids(ids))
    }

    #[inline]
    fn of_id(id: &Id) -> Self {
        (Sum::of_id(id), Xor::of_id(id))
    }
}

impl Total for (Sum, Xor) {
    #[inline]
    fn add(&mut self, other: &Self) {
        self.0.add(&other.0);
        self.1.add(&other.1);
    }

    #[inline]
    fn sub(&mut self, other: &Self) {
        self.0.sub(&other.0);
        self.1.sub(&other.1);
    }
}

/// The id as a little-endian integer.
#[inline]
pub(crate) fn limbs_of(id: &Id) -> Limbs {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(id.0.as_chunks().0) {
        *limb = u64::from_le_bytes(*bytes);
    }
    limbs
}
