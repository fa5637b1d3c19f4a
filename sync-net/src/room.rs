//! The memory that long frames may take while they are read, all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound of bytes, and how many are taken.
#[derive(Debug)]
pub(crate) struct Room {
    most: usize,
    taken: AtomicUsize,
}

impl Room {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: AtomicUsize::new(0),
        })
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Nothing of it yet.
    pub(crate) fn part(self: &Arc<Self>) -> Part {
        Part {
            room: Arc::clone(self),
            bytes: 0,
        }
    }
}

/// What one frame takes; given back when dropped.
#[derive(Debug)]
pub(crate) struct Part {
    room: Arc<Room>,
    bytes: usize,
}

impl Part {
    /// Takes `bytes` in all, if so many are left.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let within = |taken: usize| {
            let sum = taken.checked_add(more);
            sum.filter(|sum| more == 0 || *sum <= self.room.most)
        };
        let update = Ordering::Relaxed;
        let grown = self.room.taken.fetch_update(update, update, within).is_ok();
        if grown {
            self.bytes += more;
        }
        grown
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_to_the_bound_of_all_and_come_back() {
        let room = Room::new(10);
        let (mut one, mut other) = (room.part(), room.part());
        assert!(one.grow_to(7) && one.grow_to(7) && one.grow_to(3));
        assert!(other.grow_to(3) && !other.grow_to(4));
        assert!(!one.grow_to(8));
        drop(one);
        assert!(other.grow_to(10) && !other.grow_to(11));
    }
}
