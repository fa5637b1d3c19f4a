//! What is reconciled: items, the positions between them, and the ranges that positions delimit.

use core::fmt;

/// A 32-byte identifier; in Waku the deterministic message hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Id(pub [u8; 32]);

impl Id {
    /// The smallest id.
    pub const ZERO: Self = Self([0; 32]);

    /// The id as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Id {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Id {
    /// Lower-case hex without a prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

/// One element of a set, ordered by timestamp and then by id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Item {
    /// Nanoseconds since 1970-01-01T00:00:00Z. `u64::MAX` is reserved: negentropy's wire format
    /// uses it for infinity, so sets refuse such items.
    pub timestamp: u64,
    /// The identifier.
    pub id: Id,
}

impl Item {
    /// An item of the given time (nanoseconds since 1970) and id.
    #[must_use]
    pub const fn new(timestamp: u64, id: Id) -> Self {
        Self { timestamp, id }
    }
}

/// A position in the order of items: just before an item (whether or not it is in any set), or
/// past every item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Bound {
    /// Just before this item.
    Before(Item),
    /// Past every item.
    Infinity,
}

impl Bound {
    /// Before every item.
    pub const MIN: Self = Self::Before(Item::new(0, Id::ZERO));

    /// Before every item of `timestamp` (nanoseconds) and later ones.
    #[must_use]
    pub const fn at_time(timestamp: u64) -> Self {
        Self::Before(Item::new(timestamp, Id::ZERO))
    }

    /// Right behind `item`: no other item lies between.
    #[must_use]
    pub fn after(item: &Item) -> Self {
        let mut next = *item;
        for byte in next.id.0.iter_mut().rev() {
            let (sum, carry) = byte.overflowing_add(1);
            *byte = sum;
            if !carry {
                return Self::Before(next);
            }
        }
        match next.timestamp.checked_add(1) {
            Some(timestamp) => Self::at_time(timestamp),
            None => Self::Infinity,
        }
    }

    /// The shortest position behind `left` and not behind `right`, which must be greater: its id is
    /// zero if the timestamps differ, and else that of `right` up to the first byte that differs,
    /// with zeros behind.
    #[must_use]
    pub fn between(left: &Item, right: &Item) -> Self {
        if left.timestamp != right.timestamp {
            return Self::at_time(right.timestamp);
        }
        let pairs = left.id.0.iter().zip(&right.id.0);
        let shared = pairs.take_while(|(left, right)| left == right).count();
        let len = (shared + 1).min(32);
        let mut id = Id::ZERO;
        id.0[..len].copy_from_slice(&right.id.0[..len]);
        Self::Before(Item::new(right.timestamp, id))
    }

    /// Whether `item` lies to the left of this position.
    #[must_use]
    pub fn is_after(&self, item: &Item) -> bool {
        match self {
            Self::Before(key) => item < key,
            Self::Infinity => true,
        }
    }

    /// The timestamp of the position; `u64::MAX` for infinity.
    #[must_use]
    pub const fn timestamp(&self) -> u64 {
        match self {
            Self::Before(item) => item.timestamp,
            Self::Infinity => u64::MAX,
        }
    }
}

/// The items from `lower` on and before `upper`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Range {
    /// Items before this position are outside.
    pub lower: Bound,
    /// Items behind this position are outside.
    pub upper: Bound,
}

impl Range {
    /// Every item.
    pub const ALL: Self = Self {
        lower: Bound::MIN,
        upper: Bound::Infinity,
    };

    /// A range from `lower` (included) to `upper` (excluded).
    #[must_use]
    pub const fn new(lower: Bound, upper: Bound) -> Self {
        Self { lower, upper }
    }

    /// The items with `since <= timestamp < until`, in nanoseconds.
    #[must_use]
    pub const fn of_times(since: u64, until: u64) -> Self {
        Self::new(Bound::at_time(since), Bound::at_time(until))
    }

    /// Whether no item can lie inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lower >= self.upper
    }

    /// Whether `item` lies inside.
    #[must_use]
    pub fn contains(&self, item: &Item) -> bool {
        !self.lower.is_after(item) && self.upper.is_after(item)
    }

    /// The items that lie in both ranges.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let lower = self.lower.max(other.lower);
        Self {
            lower,
            upper: self.upper.min(other.upper).max(lower),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_an_item_lies_nothing_before_its_successor() {
        let item = Item::new(7, Id([0xff; 32]));
        assert_eq!(Bound::after(&item), Bound::at_time(8));
        let mut id = Id::ZERO;
        id.0[30] = 1;
        let mut before = Id::ZERO;
        before.0[31] = 0xff;
        assert_eq!(
            Bound::after(&Item::new(7, before)),
            Bound::Before(Item::new(7, id))
        );
        assert_eq!(
            Bound::after(&Item::new(u64::MAX, Id([0xff; 32]))),
            Bound::Infinity
        );
    }

    #[test]
    fn a_range_holds_its_lower_bound_and_not_its_upper_one() {
        let range = Range::of_times(5, 9);
        assert!(range.contains(&Item::new(5, Id::ZERO)));
        assert!(range.contains(&Item::new(8, Id([0xff; 32]))));
        assert!(!range.contains(&Item::new(9, Id::ZERO)));
        assert!(!range.contains(&Item::new(4, Id([0xff; 32]))));
    }

    #[test]
    fn disjoint_ranges_intersect_in_nothing() {
        assert!(
            Range::of_times(1, 3)
                .intersect(&Range::of_times(5, 9))
                .is_empty()
        );
        assert_eq!(
            Range::of_times(1, 6).intersect(&Range::of_times(5, 9)),
            Range::of_times(5, 6)
        );
    }
}
