//! Periodic sync: with a random suitable peer at every interval.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use rand::seq::IndexedRandom;
use sync_core::Range;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use super::Syncer;
use crate::cli::DialectArg;
use crate::cli::time::{nanoseconds, now};
use crate::net::protocols;

/// When to sync, and how far back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// From the start of one sync to the start of the next.
    pub interval: Duration,
    /// How long the window is.
    pub range: Duration,
    /// How far before the present the window ends: what is younger may still be under way.
    pub jitter: Duration,
}

impl Schedule {
    /// The window to sync at `now` (nanoseconds since 1970).
    #[must_use]
    pub fn window(&self, now: u64) -> Range {
        let until = now.saturating_sub(nanoseconds(self.jitter));
        Range::of_times(until.saturating_sub(nanoseconds(self.range)), until)
    }
}

/// Syncs at every interval, until it is dropped.
pub(crate) async fn run(syncer: Arc<Syncer>, schedule: Schedule) {
    let mut ticks = tokio::time::interval(schedule.interval.max(Duration::from_millis(100)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A peer that is slow doesn't keep this node from syncing with others.
    let (mut syncs, mut busy) = (JoinSet::new(), Vec::<(PeerId, AbortHandle)>::new());
    // The first tick is at once: peers have yet to connect.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        while syncs.try_join_next().is_some() {}
        busy.retain(|(_, sync)| !sync.is_finished());
        if busy.len() >= syncer.limits.scheduled {
            tracing::warn!("no sync is started: earlier ones still go on");
            continue;
        }
        let suitable = syncer
            .peers()
            .that_speak(&[protocols::RECONCILE, protocols::RECONCILIATION]);
        let free = |peer: &PeerId| busy.iter().all(|(busy, _)| busy != peer);
        let suitable: Vec<PeerId> = suitable.into_iter().filter(free).collect();
        let Some(peer) = suitable.choose(&mut rand::rng()).copied() else {
            tracing::debug!("no connected peer is free to reconcile");
            continue;
        };
        let window = schedule.window(now());
        let sync = syncs.spawn(sync_once(Arc::clone(&syncer), peer, window));
        busy.push((peer, sync));
    }
}

async fn sync_once(syncer: Arc<Syncer>, peer: PeerId, window: Range) {
    match syncer.sync(peer, window, DialectArg::Auto).await {
        Ok(done) => {
            tracing::info!(
                session = done.job.session,
                %peer,
                missing = done.job.need(),
                fetched = done.job.fetch.fetched,
                owed = done.job.fetch.owed(),
                lacking = done.job.have,
                undelivered = done.job.undelivered,
                "synced"
            );
            syncer.note_filled(&done).await;
        }
        // Another session with the peer does the work, or it is being resumed from.
        Err(error) if error.is_yielded() || error.is_running() => {}
        Err(error) => tracing::warn!(%peer, %error, "sync failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_ends_before_what_may_still_be_under_way() {
        let schedule = Schedule {
            interval: Duration::from_secs(300),
            range: Duration::from_secs(3_600),
            jitter: Duration::from_secs(20),
        };
        let now = 10_000_000_000_000;
        assert_eq!(
            schedule.window(now),
            Range::of_times(6_380_000_000_000, 9_980_000_000_000)
        );
        assert_eq!(schedule.window(5), Range::of_times(0, 0));
    }
}
