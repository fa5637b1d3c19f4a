//! Under a cap nobody stores faster than the partitions are looked after: one that outgrows its share
//! of the cap couldn't be dropped without much of the history, and couldn't be divided under it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::limits::PARTITION_WAIT_MILLISECONDS;

/// How far the looks at the partitions have come behind what is stored, in bytes since the start.
#[derive(Debug)]
pub(super) struct Care {
    stored: AtomicU64,
    looked_after: watch::Sender<u64>,
    /// Whether others are in the way of looking after anything.
    held_up: AtomicBool,
}

impl Default for Care {
    fn default() -> Self {
        Self {
            stored: AtomicU64::new(0),
            looked_after: watch::Sender::new(0),
            held_up: AtomicBool::new(false),
        }
    }
}

impl Care {
    /// Takes note of so many bytes that were stored.
    pub(super) fn stored(&self, bytes: u64) {
        self.stored.fetch_add(bytes, Ordering::SeqCst);
    }

    /// What a look that begins now will have seen.
    pub(super) fn seen_now(&self) -> u64 {
        self.stored.load(Ordering::SeqCst)
    }

    /// Takes note of a look that is over, and of what it had seen.
    pub(super) fn looked_after(&self, seen: u64) {
        self.held_up.store(false, Ordering::SeqCst);
        self.looked_after.send_replace(seen);
    }

    /// Takes note that others are in the way, maybe for long: waiting is of no use then.
    pub(super) fn held_up(&self) {
        self.held_up.store(true, Ordering::SeqCst);
    }

    /// Whether others are in the way.
    pub(super) fn is_held_up(&self) -> bool {
        self.held_up.load(Ordering::SeqCst)
    }

    /// Waits until at most so many of the bytes stored until now haven't been looked after, but not for
    /// long: a large partition takes its time to be divided.
    pub(super) async fn catch_up(&self, unseen: u64) {
        if self.is_held_up() {
            return;
        }
        let stored = self.seen_now();
        let mut looked_after = self.looked_after.subscribe();
        let enough = looked_after.wait_for(|seen| stored.saturating_sub(*seen) <= unseen);
        let pause = Duration::from_millis(PARTITION_WAIT_MILLISECONDS);
        // Ended by time or by a look, it is the same: what is stored is bounded in either case.
        let _ = tokio::time::timeout(pause, enough).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn storing_waits_for_the_look_and_not_for_ever() {
        let care = Care::default();
        care.stored(100);
        let begun = Instant::now();
        care.catch_up(99).await;
        let most = Duration::from_millis(PARTITION_WAIT_MILLISECONDS);
        assert!(begun.elapsed() >= most);
        let seen = care.seen_now();
        care.stored(50);
        let mut waiting = pin!(care.catch_up(50));
        assert!(futures::poll!(&mut waiting).is_pending());
        care.looked_after(seen - 1);
        assert!(futures::poll!(&mut waiting).is_pending());
        care.looked_after(seen);
        assert!(futures::poll!(&mut waiting).is_ready());
        assert!(futures::poll!(pin!(care.catch_up(50))).is_ready());
        care.held_up();
        assert!(futures::poll!(pin!(care.catch_up(0))).is_ready());
        care.looked_after(seen);
        assert!(futures::poll!(pin!(care.catch_up(0))).is_pending());
    }
}
