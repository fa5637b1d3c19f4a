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

/// Counts one hour after the other, from the newest on, with a pause after each.
async fn recount(store: &Store) {
    let mut pause = RECOUNT;
    let mut last = None;
    loop {
        tokio::time::sleep(pause).await;
        let begun = Instant::now();
        last = match store.index().recount_before(last).await {
            Ok(counted) => counted.map(|(hour, _)| hour),
            Err(error) => {
                tracing::debug!(%error, "hours that lost messages can't be counted anew now");
                None
            }
        };
        pause = pause_after(begun.elapsed(), last.is_some());
    }
}

/// How long to wait after an hour was counted; when all were, others are left to come together.
fn pause_after(took: Duration, has_more: bool) -> Duration {
    let least = match has_more {
        true => Duration::ZERO,
        false => RECOUNT,
    };
    took.saturating_mul(RECOUNT_PAUSE)
        .clamp(least, RECOUNT_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_left_in_peace_for_longer_than_it_was_read() {
        for has_more in [false, true] {
            let pause = |seconds| pause_after(Duration::from_secs(seconds), has_more);
            assert_eq!(pause(3), Duration::from_secs(30));
            assert_eq!(pause(3_600), RECOUNT_MOST);
        }
        assert_eq!(pause_after(Duration::ZERO, false), RECOUNT);
    }
}
