//! Holds a node's archive to its retention policy as time goes by.

use std::sync::Arc;
use std::time::Duration;

use store_adapter::retention::Keeper;
use tokio::time::{Instant, MissedTickBehavior};

use crate::cli::time::now;
use crate::metrics::Observed;

/// How often it is looked whether messages have got too old, or are too many.
const LOOK: Duration = Duration::from_secs(30);

/// Prunes what is due, every half minute, until it is dropped.
pub(crate) async fn run(mut keeper: Keeper, observed: Arc<Observed>) {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = keeper.apply(now(), start.elapsed()).await {
            observed.prune_failed();
            tracing::error!(%error, "the archive isn't pruned now; trying again in 30 s");
        }
    }
}
