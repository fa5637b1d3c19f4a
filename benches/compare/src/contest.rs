//! All contestants on one setup, in one run, each result checked before it counts.

use std::time::Duration;

use benches::{Competitor, Laps, Outcome, Pair};
use serde::{Deserialize, Serialize};

use crate::contestant::Contestant;
use crate::setup::Setup;
use crate::timing::{Patience, median, middle, timed};

/// What a contestant took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// On what.
    #[serde(flatten)]
    pub(crate) setup: Setup,
    /// Who.
    pub(crate) contestant: Contestant,
    /// Thread CPU time of both sides in seconds, the median of `runs`; nothing where it would
    /// mislead.
    pub(crate) cpu_s: Option<f64>,
    /// The same of a first run after the rival's.
    pub(crate) cold_s: Option<f64>,
    /// How many runs the median is of.
    pub(crate) runs: usize,
    /// From initiator to responder.
    pub(crate) bytes_up: usize,
    /// From responder to initiator.
    pub(crate) bytes_down: usize,
    /// Frames from initiator to responder.
    pub(crate) frames_up: usize,
    /// Frames from responder to initiator.
    pub(crate) frames_down: usize,
    /// The longest frame of either side, in bytes.
    pub(crate) largest_frame: usize,
}

impl Entry {
    /// All that was sent, in bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes_up + self.bytes_down
    }

    /// Of this and what other passes took for the same, the middle.
    pub(crate) fn settle(&mut self, others: &[Self]) {
        let same = others
            .iter()
            .filter(|other| other.setup == self.setup && other.contestant == self.contestant);
        self.runs += same.clone().map(|other| other.runs).sum::<usize>();
        let all = || std::iter::once(&*self).chain(same.clone());
        let (cpu, cold) = (
            middle(all().map(|entry| entry.cpu_s)),
            middle(all().map(|entry| entry.cold_s)),
        );
        (self.cpu_s, self.cold_s) = (cpu, cold);
    }

    /// How many times a frame went up and another came down.
    pub(crate) fn round_trips(&self) -> usize {
        self.frames_up.max(self.frames_down)
    }
}

/// Runs everybody who joins, the engine against the `negentropy` crate and everybody else against
/// the engine.
///
/// Each is warmed up by a run, then run several times in a row; the median counts. Then the rival and
/// it take turns up to three times, of which the median is the cold figure.
pub(crate) fn contest(setup: &Setup, patience: Patience, joins: &[Contestant]) -> Vec<Entry> {
    let pair = setup.pair();
    let prepare = |contestant: Contestant| contestant.prepare(&pair, setup.frame_limit);
    let [ours, peer] = [Contestant::Ours, Contestant::NegentropyCrate].map(prepare);
    let enter = |contestant: Contestant| match contestant {
        Contestant::Ours => entry(setup, &pair, patience, contestant, &*ours, &*peer),
        Contestant::NegentropyCrate => entry(setup, &pair, patience, contestant, &*peer, &*ours),
        other => entry(setup, &pair, patience, other, &*prepare(other), &*peer),
    };
    joins
        .iter()
        .filter(|contestant| contestant.joins(setup))
        .map(|contestant| enter(*contestant))
        .collect()
}

/// Runs a contestant by itself, for a profiler.
pub(crate) fn alone(setup: &Setup, patience: Patience, contestant: Contestant) -> Entry {
    let pair = setup.pair();
    let competitor = contestant.prepare(&pair, setup.frame_limit);
    entry(
        setup,
        &pair,
        patience,
        contestant,
        &*competitor,
        &*competitor,
    )
}

fn entry(
    setup: &Setup,
    pair: &Pair,
    patience: Patience,
    contestant: Contestant,
    competitor: &dyn Competitor,
    rival: &dyn Competitor,
) -> Entry {
    let (first, outcome) = checked(pair, competitor);
    let (mut times, mut cold) = (Vec::new(), Vec::new());
    if contestant.is_timed() {
        while patience.goes_on(&times) {
            times.push(checked(pair, competitor).0);
        }
        let mut turns = Duration::ZERO;
        while cold.len() < 3 && turns < patience.time {
            turns += checked(pair, rival).0;
            let (time, _) = checked(pair, competitor);
            turns += time;
            cold.push(time);
        }
    } else {
        times.push(first);
        cold.push(first);
    }
    let seconds = |time: Duration| contestant.is_timed().then_some(time.as_secs_f64());
    Entry {
        setup: *setup,
        contestant,
        runs: times.len(),
        cpu_s: seconds(median(times)),
        cold_s: seconds(median(cold)),
        bytes_up: outcome.up.bytes,
        bytes_down: outcome.down.bytes,
        frames_up: outcome.up.frames,
        frames_down: outcome.down.frames,
        largest_frame: outcome.largest_frame(),
    }
}

/// Runs `competitor` once, and holds what it found against the truth.
fn checked(pair: &Pair, competitor: &dyn Competitor) -> (Duration, Outcome) {
    let (time, outcome) = timed(|| competitor.reconcile(&mut Laps::off()));
    let name = competitor.name();
    assert!(
        outcome.is_difference_of(pair),
        "{name} found something else"
    );
    (time, outcome)
}
