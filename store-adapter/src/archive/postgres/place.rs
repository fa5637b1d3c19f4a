//! Positions as the tables have them.
//!
//! Timestamps are `bigint`: no message has one past 2^63 - 1, for on the wire they are signed. Positions
//! past it are clipped, and the end of all positions is a hash of 33 bytes, which no message has.

use sync_core::{Bound, Id, Item, Range};
use tokio_postgres::Row;

use super::fault::Fault;

/// A position: just before the message of this timestamp and hash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    pub(super) timestamp: i64,
    pub(super) hash: Vec<u8>,
}

impl Place {
    /// Before every message.
    pub(super) fn first() -> Self {
        Self::at_time(0)
    }

    /// Behind every message.
    pub(super) fn end() -> Self {
        Self {
            timestamp: i64::MAX,
            hash: vec![0xff; 33],
        }
    }

    /// Before every message of this time.
    pub(super) fn at_time(timestamp: i64) -> Self {
        Self {
            timestamp,
            hash: vec![0; 32],
        }
    }

    pub(super) fn of(bound: &Bound) -> Self {
        match bound {
            Bound::Before(item) => match i64::try_from(item.timestamp) {
                Ok(timestamp) => Self {
                    timestamp,
                    hash: item.id.0.to_vec(),
                },
                Err(_) => Self::end(),
            },
            Bound::Infinity => Self::end(),
        }
    }

    pub(super) fn bound(&self) -> Bound {
        match (
            u64::try_from(self.timestamp),
            <[u8; 32]>::try_from(&self.hash[..]),
        ) {
            (Ok(timestamp), Ok(hash)) => Bound::Before(Item::new(timestamp, Id(hash))),
            _ => Bound::Infinity,
        }
    }

    /// The place in two columns of a row.
    pub(super) fn read(row: &Row, column: usize) -> Result<Self, Fault> {
        Ok(Self {
            timestamp: row.try_get(column)?,
            hash: row.try_get(column + 1)?,
        })
    }

    /// As a bound of a partition.
    pub(super) fn partition_bound(&self) -> String {
        if *self == Self::first() {
            "(MINVALUE, MINVALUE)".into()
        } else if *self == Self::end() {
            "(MAXVALUE, MAXVALUE)".into()
        } else {
            format!("({}, {})", self.timestamp, self.hash_literal())
        }
    }

    /// The hash as SQL has it.
    pub(super) fn hash_literal(&self) -> String {
        format!("'\\x{}'", hex::encode(&self.hash))
    }
}

/// The places of a range; `None` for a range of nothing.
pub(super) fn places_of(range: &Range) -> Option<(Place, Place)> {
    let (lower, upper) = (Place::of(&range.lower), Place::of(&range.upper));
    (lower < upper).then_some((lower, upper))
}

/// The item in two columns of a row.
pub(super) fn item_in(row: &Row, column: usize) -> Result<Item, Fault> {
    let place = Place::read(row, column)?;
    match place.bound() {
        Bound::Before(item) => Ok(item),
        Bound::Infinity => Err(Fault::Damaged(format!(
            "a message has the timestamp {} and a hash of {} bytes",
            place.timestamp,
            place.hash.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_keep_their_order_and_come_back() {
        let item = |timestamp, byte| Bound::Before(Item::new(timestamp, Id([byte; 32])));
        let bounds = [
            Bound::MIN,
            item(0, 1),
            item(7, 0),
            item(i64::MAX as u64, 0xff),
            Bound::Infinity,
        ];
        for pair in bounds.windows(2) {
            assert!(Place::of(&pair[0]) < Place::of(&pair[1]));
        }
        for bound in bounds {
            assert_eq!(Place::of(&bound).bound(), bound);
        }
        assert_eq!(Place::of(&item(i64::MAX as u64 + 1, 0)), Place::end());
        assert_eq!(places_of(&Range::new(Bound::Infinity, Bound::MIN)), None);
        let past = Range::of_times(u64::MAX - 1, u64::MAX);
        assert_eq!(places_of(&past), None);
    }
}
