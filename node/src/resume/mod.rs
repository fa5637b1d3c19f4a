//! Resume: what came while a node was away is fetched from those who were there.
//!
//! A node keeps in its archive when it was last online, which is as long as it has a peer that
//! messages can come from. What lies between two times online is a *gap*. Gaps are told to peers in
//! the hello of a session, and filled, oldest part first, by whoever holds them: by sessions of the
//! own protocol about slices of an hour, or by Store pages. What one peer has filled is confirmed
//! by a second one when there is one, since a peer may lack what it doesn't know of. All progress is
//! durable, so what is interrupted goes on where it was.

mod absence;
mod counters;
mod filling;
mod ledger;
mod limits;
mod pages;
mod plan;
mod progress;
mod session;
mod source;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

pub use counters::ResumeCounters;
pub use ledger::Ledger;
pub use limits::ResumeLimits;
pub(crate) use session::{span_of, vouched};
pub(crate) use source::KnowingSource;

use self::limits::TICK;
use crate::cli::time::{nanoseconds, now};
use crate::net::protocols;
use crate::sync::Syncer;
use store_adapter::Span;

/// How a node resumes.
#[derive(Clone, Debug)]
pub struct ResumeConfig {
    /// Whether gaps are filled; if not, they are only known and told to peers.
    pub fill: bool,
    /// How far back messages are fetched, counted from when the node is online again; without one,
    /// everything since it last was.
    pub limit: Option<Duration>,
    /// Bounds and intervals.
    pub limits: ResumeLimits,
}

impl Default for ResumeConfig {
    /// Fills gaps of the last 6 hours.
    fn default() -> Self {
        Self {
            fill: true,
            limit: Some(Duration::from_secs(6 * 3_600)),
            limits: ResumeLimits::default(),
        }
    }
}

/// Keeps the time of a node and fills its gaps.
pub struct Resume {
    ledger: Arc<Ledger>,
    syncer: Arc<Syncer>,
    config: ResumeConfig,
    /// The protocols by which messages come.
    sources: Vec<&'static str>,
    counters: ResumeCounters,
}

impl Resume {
    /// Over `ledger`; messages come by sync and, if `relays`, by relay.
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        syncer: Arc<Syncer>,
        config: ResumeConfig,
        relays: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            sources: sources(relays),
            ledger,
            syncer,
            config,
            counters: ResumeCounters::default(),
        })
    }

    /// Whether it is to fill gaps.
    pub(crate) fn fills(&self) -> bool {
        self.config.fill
    }

    /// What is known of absences.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &ResumeCounters {
        &self.counters
    }

    /// Notes when the node is online, until it is dropped.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        let limits = &self.config.limits;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut first, mut saved) = (true, Instant::now());
        loop {
            ticks.tick().await;
            if !self.is_online() {
                continue;
            }
            // However short it was, at the start nobody knows what came meanwhile.
            let longest = if first {
                Duration::ZERO
            } else {
                limits.isolation
            };
            let now = now();
            let opened = self.ledger.with(|absences| {
                absences.online(now, nanoseconds(limits.overlap), nanoseconds(longest))
            });
            let returned = first || opened.is_some();
            if returned || saved.elapsed() >= limits.interval {
                // Before anything is filled, or a gap would be opened again by the next start.
                self.ledger.save().await;
                saved = Instant::now();
            }
            if returned {
                self.returned(now, opened);
            }
            first = false;
        }
    }

    /// The node is online again: what it missed is to be fetched, as far back as is allowed.
    fn returned(&self, now: u64, opened: Option<Span>) {
        match opened {
            Some(gap) => {
                self.counters.gaps.increment();
                tracing::info!(
                    since = gap.since,
                    until = gap.until,
                    seconds = gap.length() / 1_000_000_000,
                    "the node was away"
                );
            }
            None => tracing::info!("online; when the node last was isn't known"),
        }
        let limit = self.config.limit.map_or(u64::MAX, nanoseconds);
        let since = now.saturating_sub(limit);
        self.ledger
            .with(|absences| absences.want(Span::new(since, now)));
    }

    /// Whether there is a peer that messages can come from.
    fn is_online(&self) -> bool {
        !self.syncer.peers.that_speak(&self.sources).is_empty()
    }

    /// Stores the last time online at a clean end.
    pub(crate) async fn stop(&self) {
        self.ledger.save().await;
    }
}

/// The protocols by which messages come from peers.
fn sources(relays: bool) -> Vec<&'static str> {
    let synced = [
        protocols::STORE,
        protocols::RECONCILE,
        protocols::RECONCILIATION,
    ];
    synced
        .into_iter()
        .chain(relays.then_some(protocols::RELAY))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_of_the_relay_keeps_a_node_online_that_relays_itself() {
        assert!(sources(true).contains(&protocols::RELAY));
        assert!(!sources(false).contains(&protocols::RELAY));
        assert!(sources(false).contains(&protocols::STORE));
    }
}
