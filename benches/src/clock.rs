//! The clock that benches measure by.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The processor time that this thread has taken so far.
#[must_use]
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// A side of a reconciliation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The one that starts.
    Initiator,
    /// The one that answers.
    Responder,
}

/// How the time of a reconciliation is shared out between its sides, which take turns.
#[derive(Clone, Copy, Debug)]
pub struct Laps {
    /// When the turn at hand began; nothing if nobody wants to know.
    since: Option<Duration>,
    initiator: Duration,
    responder: Duration,
}

impl Laps {
    /// Takes no time: reading the clock costs a good part of a microsecond, as much as a tenth of
    /// what the quickest reconciliations take.
    #[must_use]
    pub const fn off() -> Self {
        Self {
            since: None,
            initiator: Duration::ZERO,
            responder: Duration::ZERO,
        }
    }

    /// Takes the time from now on.
    #[must_use]
    pub fn start() -> Self {
        Self {
            since: Some(thread_cpu()),
            ..Self::off()
        }
    }

    /// Ends the turn of `side`.
    pub fn end_turn(&mut self, side: Side) {
        if let Some(since) = &mut self.since {
            let now = thread_cpu();
            let turn = now - *since;
            *since = now;
            match side {
                Side::Initiator => self.initiator += turn,
                Side::Responder => self.responder += turn,
            }
        }
    }

    /// What `side` took in all its turns.
    #[must_use]
    pub const fn of(&self, side: Side) -> Duration {
        match side {
            Side::Initiator => self.initiator,
            Side::Responder => self.responder,
        }
    }
}
