//! One value that says whether two sets are the same.

use core::ops::ControlFlow;

use sha2::{Digest, Sha256};

use crate::item::Item;
use crate::set::ItemSet;

/// Makes the [`digest()`] of items that are shown one by one, in order.
#[derive(Clone, Debug, Default)]
pub struct SetDigest(Sha256);

impl SetDigest {
    /// Takes the next item; it has to lie behind the one before.
    pub fn push(&mut self, item: &Item) {
        self.0.update(item.timestamp.to_be_bytes());
        self.0.update(item.id.as_bytes());
    }

    /// The digest of all items shown.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-256 over every item in order: its timestamp as 8 bytes big-endian, then its id.
///
/// Reads every item; unlike a [`Summary`](crate::Summary) it can't be forged.
#[must_use]
pub fn digest(set: &(impl ItemSet + ?Sized)) -> [u8; 32] {
    let mut digest = SetDigest::default();
    let all = set.visit(0..set.len(), &mut |item| {
        digest.push(&item);
        ControlFlow::Continue(())
    });
    debug_assert!(all.is_continue(), "nothing above breaks");
    digest.finish()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::digest;
    use crate::item::{Id, Item};
    use crate::sorted::SortedItems;

    #[test]
    fn items_are_hashed_in_order_timestamps_big_endian() {
        let items = [
            Item::new(0x0102, Id([7; 32])),
            Item::new(1, Id([9; 32])),
            Item::new(1, Id([8; 32])),
        ];
        let mut bytes = [0; 120];
        bytes[7] = 1;
        bytes[8..40].fill(8);
        bytes[47] = 1;
        bytes[48..80].fill(9);
        (bytes[86], bytes[87]) = (1, 2);
        bytes[88..].fill(7);
        let expected: [u8; 32] = Sha256::digest(bytes).into();
        assert_eq!(digest(&SortedItems::from_iter(items)), expected);
    }

    #[test]
    fn no_items_have_the_digest_of_nothing() {
        let expected: [u8; 32] = Sha256::digest([]).into();
        assert_eq!(digest(&SortedItems::new()), expected);
    }
}
