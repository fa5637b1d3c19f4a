//! What can't be read without waiting, read again and again by a task.

use std::sync::Arc;

use parking_lot::Mutex;
use store_adapter::Archive;
use tokio::time::{Instant, MissedTickBehavior};

use super::limits::{LOOK, MEASURE};
use crate::health::{Health, HealthReport};
use crate::relay::Relay;

/// What was read last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest {
    /// How everything was, and when that was looked at.
    pub(crate) health: Option<(HealthReport, Instant)>,
    /// Bytes of the archive on disk, and when that was asked for.
    pub(crate) disk: Option<(u64, Instant)>,
    /// How many peers relay.
    pub(crate) relaying: usize,
}

/// What was read last, shared by the task that reads and the page.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<Latest>);

impl Watched {
    pub(crate) fn latest(&self) -> Latest {
        self.0.lock().clone()
    }

    /// Looks at the health and the relay, and measures the archive, until it is dropped.
    pub(crate) async fn watch(
        self: Arc<Self>,
        health: Arc<Health>,
        archive: Arc<dyn Archive>,
        relay: Option<Relay>,
    ) {
        tokio::join!(self.look(&health, relay.as_ref()), self.measure(&*archive));
    }

    async fn look(&self, health: &Health, relay: Option<&Relay>) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let report = health.report().await;
            let relaying = match relay {
                Some(relay) => relay.peers().await.len(),
                None => 0,
            };
            let mut latest = self.0.lock();
            latest.health = Some((report, Instant::now()));
            latest.relaying = relaying;
        }
    }

    async fn measure(&self, archive: &dyn Archive) {
        let mut ticks = tokio::time::interval(MEASURE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match archive.disk_bytes().await {
                Ok(bytes) => self.0.lock().disk = Some((bytes, Instant::now())),
                Err(error) => tracing::debug!(%error, "the archive's size isn't known"),
            }
        }
    }
}
