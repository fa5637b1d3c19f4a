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
    /// Whether there was nobody to ask when it was last looked.
    waits: bool,
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

    /// These parts of gaps are left; it `waits` while there is nobody to ask for them.
    pub(super) fn note(&mut self, left: &[Span], waits: bool, counters: &ResumeCounters) {
        let totals = [&counters.messages, &counters.sessions, &counters.pages].map(|c| c.get());
        let seconds_missing = seconds(left);
        match &mut self.filling {
            None if left.is_empty() => {}
            None => {
                tracing::info!(seconds_missing, "resuming");
                self.filling = Some(Filling::begin(totals));
            }
            Some(filling) if left.is_empty() => {
                let [messages, sessions, pages] = filling.since(totals);
                let seconds = filling.began.elapsed().as_secs_f64();
                tracing::info!(messages, sessions, pages, seconds, "resumed");
                self.filling = None;
            }
            Some(filling) => {
                let [messages, sessions, pages] = filling.since(totals);
                if waits && !filling.waits {
                    tracing::info!(
                        seconds_missing,
                        messages,
                        sessions,
                        pages,
                        "no connected peer can give the rest now: trying again later"
                    );
                } else if !waits && filling.told.elapsed() >= self.interval {
                    filling.told = Instant::now();
                    tracing::info!(seconds_missing, messages, "still resuming");
                }
                filling.waits = waits;
            }
        }
    }
}

impl Filling {
    fn begin(totals: [u64; 3]) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            told: now,
            waits: false,
            before: totals,
        }
    }

    fn since(&self, totals: [u64; 3]) -> [u64; 3] {
        std::array::from_fn(|place| totals[place] - self.before[place])
    }
}

fn seconds(spans: &[Span]) -> u64 {
    let nanoseconds: u64 = spans.iter().map(Span::length).sum();
    nanoseconds / 1_000_000_000
}
