//! What the log says of filling gaps.

use std::time::Duration;

use store_adapter::Span;
use tokio::time::Instant;

use super::ResumeCounters;

/// Says when filling begins, how it gets on, and when it is done.
#[derive(Debug)]
pub(super) struct Progress {
    interval: Duration,
    filling: Option<Filling>,
}

#[derive(Debug)]
struct Filling {
    began: Instant,
    told: Instant,
    /// Messages, sessions and pages before it began.
    before: [u64; 3],
}

impl Progress {
    /// Tells of progress every `interval` at most.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            filling: None,
        }
    }

    /// These parts of gaps are left.
    pub(super) fn note(&mut self, left: &[Span], counters: &ResumeCounters) {
        let seconds = seconds(left);
        let totals = [&counters.messages, &counters.sessions, &counters.pages].map(|c| c.get());
        match (&mut self.filling, left.is_empty()) {
            (None, true) => {}
            (None, false) => {
                tracing::info!(seconds_missing = seconds, "resuming");
                let now = Instant::now();
                self.filling = Some(Filling {
                    began: now,
                    told: now,
                    before: totals,
                });
            }
            (Some(filling), false) if filling.told.elapsed() >= self.interval => {
                filling.told = Instant::now();
                let [messages, ..] = filling.since(totals);
                tracing::info!(seconds_missing = seconds, messages, "still resuming");
            }
            (Some(_), false) => {}
            (Some(filling), true) => {
                let [messages, sessions, pages] = filling.since(totals);
                let seconds = filling.began.elapsed().as_secs_f64();
                tracing::info!(messages, sessions, pages, seconds, "resumed");
                self.filling = None;
            }
        }
    }
}

impl Filling {
    fn since(&self, totals: [u64; 3]) -> [u64; 3] {
        std::array::from_fn(|place| totals[place] - self.before[place])
    }
}

fn seconds(spans: &[Span]) -> u64 {
    let nanoseconds: u64 = spans.iter().map(Span::length).sum();
    nanoseconds / 1_000_000_000
}
