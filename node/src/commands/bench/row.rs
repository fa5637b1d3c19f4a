//! A row of the results, as programs read it.

use std::time::Duration;

use serde::Serialize;

use super::measure::Measured;
use crate::cli::BenchArgs;

/// What was measured for one number of differences. Names and units are part of the program's
/// interface.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Row {
    pub(super) items: usize,
    pub(super) diffs: usize,
    pub(super) placement: &'static str,
    pub(super) dialect: &'static str,
    /// 0 is no limit.
    pub(super) frame_limit: usize,
    pub(super) cpu_initiator_s: f64,
    pub(super) cpu_responder_s: f64,
    pub(super) bytes_up: usize,
    pub(super) bytes_down: usize,
    pub(super) round_trips: usize,
    pub(super) largest_frame: usize,
    pub(super) peak_bytes: u64,
    /// Whether every run found the differences that there are, the peer's runs too.
    pub(super) correct: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peer_cpu_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peer_bytes: Option<usize>,
    /// Ours through the peer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu_ratio: Option<f64>,
}

impl Row {
    /// The row of this engine alone, given the initiator's share of the time.
    pub(super) fn new(
        args: &BenchArgs,
        diffs: usize,
        ours: &Measured,
        share: f64,
        peak_bytes: u64,
    ) -> Self {
        let cpu = ours.cpu.as_secs_f64();
        let cpu_initiator_s = cpu * share;
        Self {
            items: args.items,
            diffs,
            placement: args.placement.name(),
            dialect: args.dialect.name(),
            frame_limit: args.frame_limit,
            cpu_initiator_s,
            cpu_responder_s: cpu - cpu_initiator_s,
            bytes_up: ours.outcome.up.bytes,
            bytes_down: ours.outcome.down.bytes,
            round_trips: ours.outcome.round_trips(),
            largest_frame: ours.outcome.largest_frame(),
            peak_bytes,
            correct: ours.correct,
            peer_cpu_s: None,
            peer_bytes: None,
            cpu_ratio: None,
        }
    }

    /// The same beside what the peer came to.
    pub(super) fn against(self, peer: &Measured) -> Self {
        // A clock too coarse to see the peer's time must not lead to an infinite ratio.
        let cpu = peer.cpu.max(Duration::from_nanos(1)).as_secs_f64();
        Self {
            correct: self.correct && peer.correct,
            peer_cpu_s: Some(cpu),
            peer_bytes: Some(peer.outcome.bytes()),
            cpu_ratio: Some((self.cpu_initiator_s + self.cpu_responder_s) / cpu),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use benches::Outcome;
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn a_row_is_correct_only_if_both_are() {
        let Ok(Cli {
            command: Command::Bench(args),
        }) = Cli::try_parse_from(["wakustore", "bench"])
        else {
            panic!("a command line of the bench")
        };
        let measured = |correct| Measured {
            cpu: Duration::from_micros(10),
            outcome: Outcome::default(),
            correct,
        };
        for (ours, peer) in [(false, false), (false, true), (true, false), (true, true)] {
            let row = Row::new(&args, 0, &measured(ours), 0.5, 1);
            assert_eq!(row.correct, ours);
            assert_eq!(row.against(&measured(peer)).correct, ours && peer);
        }
    }
}
