//! Whole reconciliations against the `negentropy` crate in the same process:
//! `cargo run --release -p benches --example sessions [NAME [RUNS]]`; NAME picks the case of that
//! name, or those whose name contains it; `only-NAME` runs ours alone, for a profiler.
//!
//! Thread CPU time of both sides together. Ours and the crate's are warmed up, then each is run
//! several times in a row; the median counts. The cold figure is ours right after the crate's. The
//! differences found are checked in every run.

use std::hint::black_box;
use std::time::Duration;

use benches::{
    Competitor, Laps, NegentropyCrate, Ours, Outcome, Pair, Placement, pair, thread_cpu, tree, view,
};
use sync_core::Dialect;

/// Shards of the view.
const SHARDS: usize = 8;

struct Case {
    name: &'static str,
    items: usize,
    differences: usize,
    placement: Placement,
    frame_bytes: usize,
    view: bool,
    /// The ratio (ours through the crate's, or the view's through the tree's) that is to be reached.
    most: f64,
}

const BASE: Case = Case {
    name: "",
    items: 1_000_000,
    differences: 1_000,
    placement: Placement::Spread,
    frame_bytes: 0,
    view: false,
    most: 1.0,
};

/// What is measured, and what must be reached.
const CASES: [Case; 14] = [
    Case {
        name: "1e6 d0",
        differences: 0,
        most: 1.0 / 500.0,
        ..BASE
    },
    Case {
        name: "1e6 d10",
        differences: 10,
        most: 1.0 / 60.0,
        ..BASE
    },
    Case {
        name: "1e6 d100",
        differences: 100,
        most: 1.0 / 10.0,
        ..BASE
    },
    Case {
        name: "1e6 d1000",
        most: 1.0 / 4.0,
        ..BASE
    },
    Case {
        name: "1e6 d10000",
        differences: 10_000,
        most: 1.0 / 2.5,
        ..BASE
    },
    Case {
        name: "1e6 d1000 recent",
        placement: Placement::Recent,
        most: 1.0 / 60.0,
        ..BASE
    },
    Case {
        name: "1e6 d1000 framed",
        frame_bytes: 60_000,
        most: 1.0,
        ..BASE
    },
    Case {
        name: "1e6 d10000 framed",
        differences: 10_000,
        frame_bytes: 60_000,
        most: 1.0 / 8.0,
        ..BASE
    },
    Case {
        name: "1e6 d100000 framed",
        differences: 100_000,
        frame_bytes: 60_000,
        most: 1.0 / 10.0,
        ..BASE
    },
    Case {
        name: "1e4 d1000",
        items: 10_000,
        ..BASE
    },
    Case {
        name: "1e5 d1000",
        items: 100_000,
        ..BASE
    },
    Case {
        name: "1e7 d1000",
        items: 10_000_000,
        most: 1.0 / 8.0,
        ..BASE
    },
    Case {
        name: "1e6 d1000 view",
        view: true,
        most: 3.0,
        ..BASE
    },
    Case {
        name: "1e6 d0 view",
        differences: 0,
        view: true,
        most: 3.0,
        ..BASE
    },
];

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let (wanted, alone) = match wanted.strip_prefix("only-") {
        Some(name) => (name.to_owned(), true),
        None => (wanted, false),
    };
    let runs = std::env::args().nth(2).and_then(|runs| runs.parse().ok());
    println!(
        "{:20} {:>10} {:>10} {:>10} {:>9} {:>9}      {:>10} rounds",
        "case", "ours us", "peer us", "cold us", "ratio", "must", "bytes"
    );
    let exact = CASES.iter().any(|case| case.name == wanted);
    let picked = |case: &&Case| case.name == wanted || !exact && case.name.contains(&wanted);
    for case in CASES.iter().filter(picked) {
        measure(case, runs.unwrap_or(default_runs(case)), alone);
    }
}

fn default_runs(case: &Case) -> usize {
    if case.frame_bytes > 0 && case.differences >= 10_000 {
        3
    } else {
        15
    }
}

fn measure(case: &Case, runs: usize, alone: bool) {
    let pair = pair(case.items, case.differences, case.placement, 3);
    let frame_bytes = case.frame_bytes;
    let negentropy = Dialect::Negentropy;
    let trees = Ours::new(tree(&pair.left), tree(&pair.right), negentropy, frame_bytes);
    let views = || {
        let (left, right) = (view(&pair.left, SHARDS), view(&pair.right, SHARDS));
        Box::new(Ours::new(left, right, negentropy, frame_bytes))
    };
    let (ours, peer): (Box<dyn Competitor>, Box<dyn Competitor>) = if case.view {
        (views(), Box::new(trees))
    } else {
        let peer = NegentropyCrate::new(&pair.left, &pair.right, frame_bytes);
        (Box::new(trees), Box::new(peer))
    };
    let warm_runs = 3 * runs;
    if alone {
        let (time, outcome) = median(warm_runs, &pair, &*ours);
        report(case, time, Duration::ZERO, time, &outcome);
        return;
    }
    timed(&pair, &*peer);
    let (time, outcome) = median(warm_runs, &pair, &*ours);
    let (peers, _) = median(runs, &pair, &*peer);
    let cold = timed(&pair, &*ours).0;
    report(case, time, peers, cold, &outcome);
}

fn report(case: &Case, ours: Duration, peer: Duration, cold: Duration, outcome: &Outcome) {
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let ratio = us(ours) / us(peer);
    let shown = |ratio: f64| {
        if ratio < 1.0 {
            format!("1/{:.1}", 1.0 / ratio)
        } else {
            format!("{ratio:.2}x")
        }
    };
    println!(
        "{:20} {:10.1} {:10.1} {:10.1} {:>9} {:>9} {:4} {:10} {}",
        case.name,
        us(ours),
        us(peer),
        us(cold),
        shown(ratio),
        shown(case.most),
        if ratio <= case.most { "ok" } else { "MISS" },
        outcome.bytes(),
        outcome.round_trips(),
    );
}

/// The median of so many runs, after one to warm up.
fn median(runs: usize, pair: &Pair, work: &dyn Competitor) -> (Duration, Outcome) {
    let outcome = timed(pair, work).1;
    let mut times: Vec<_> = (0..runs).map(|_| timed(pair, work).0).collect();
    times.sort_unstable();
    (times[runs / 2], outcome)
}

/// Runs `work` once and checks what it found.
fn timed(pair: &Pair, work: &dyn Competitor) -> (Duration, Outcome) {
    let start = thread_cpu();
    let outcome = black_box(work.reconcile(&mut Laps::off()));
    let time = thread_cpu() - start;
    assert!(outcome.is_difference_of(pair), "{}", work.name());
    (time, outcome)
}
