//! Keeps the figures up as long as the node runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::handle::CountsHandle;
use super::limits::{LOOK, RECOUNT, RECOUNT_MOST, RECOUNT_PAUSE};
use crate::store::Store;

/// Takes the figures over again and again, and has hours that lost messages counted anew, until it is
/// dropped.
pub(crate) async fn keep(store: Arc<Store>, counts: CountsHandle) {
    tokio::join!(take_over(&store, &counts), recount(&store));
}

async fn take_over(store: &Store, counts: &CountsHandle) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        counts.take_over(store.counts());
    }
}

async fn recount(store: &Store) {
    let mut pause = RECOUNT;
    loop {
        tokio::time::sleep(pause).await;
        let begun = Instant::now();
        if let Err(error) = store.index().recount().await {
            tracing::debug!(%error, "hours that lost messages can't be counted anew now");
        }
        pause = pause_after(begun.elapsed());
    }
}

fn pause_after(took: Duration) -> Duration {
    took.saturating_mul(RECOUNT_PAUSE)
        .clamp(RECOUNT, RECOUNT_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_left_in_peace_for_longer_than_it_was_read() {
        assert_eq!(pause_after(Duration::ZERO), RECOUNT);
        assert_eq!(pause_after(Duration::from_secs(3)), Duration::from_secs(30));
        assert_eq!(pause_after(Duration::from_secs(3_600)), RECOUNT_MOST);
    }
}
