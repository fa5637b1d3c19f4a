//! The clock of the buckets: tokio's, so that tests run it by hand.

use std::time::Duration;

use governor::clock::Clock;
use tokio::time::Instant;

/// Time since the node started.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokioClock(Instant);

impl TokioClock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
