//! Whole reconciliations against the `negentropy` crate in the same process:
//! `cargo run --release -p benches --example sessions [NAME [RUNS]]`; NAME picks the case of that
//! name, or those whose name contains it; `only-NAME` runs ours alone, for a profiler.
//!
//! Thread CPU time of both sides together. Ours and the crate's are warmed up, then each is run
//! several times in a row; the median counts. The cold figure is ours right after the crate's. The
//! differences found are checked in every run.

use std::hint::black_box;
use std::time::Duration;

use benches::{Pair, Placement, pair, thread_cpu};
use negentropy::{Negentropy, NegentropyStorageVector};
use sync_core::negentropy::{Initiator, Responder};
use sync_core::{Id, Item, ItemSet, RangeTree, Session, SessionLimits, View};

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

/// What a reconciliation found, and what it took.
struct Outcome {
    have: Vec<Id>,
    need: Vec<Id>,
    bytes: usize,
    rounds: usize,
}

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
    let (left, right) = (tree(&pair.left), tree(&pair.right));
    let trees = || ours(&left, &right, frame_bytes);
    let warm_runs = 3 * runs;
    if case.view {
        let (left, right) = (view(&pair.left), view(&pair.right));
        let views = || ours(&left, &right, frame_bytes);
        let one = if alone {
            Duration::ZERO
        } else {
            median(warm_runs, &pair, &trees).0
        };
        let (time, outcome) = median(warm_runs, &pair, &views);
        let cold = timed(&pair, &views).0;
        report(case, time, one, cold, &outcome);
        return;
    }
    if alone {
        let (time, outcome) = median(warm_runs, &pair, &trees);
        report(case, time, Duration::ZERO, time, &outcome);
        return;
    }
    let (left, right) = (storage(&pair.left), storage(&pair.right));
    let peer = || crates(&left, &right, frame_bytes);
    timed(&pair, &peer);
    let (time, outcome) = median(warm_runs, &pair, &trees);
    let (peers, _) = median(runs, &pair, &peer);
    let cold = timed(&pair, &trees).0;
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
        outcome.bytes,
        outcome.rounds,
    );
}

/// The median of so many runs, after one to warm up.
fn median(runs: usize, pair: &Pair, work: &dyn Fn() -> Outcome) -> (Duration, Outcome) {
    timed(pair, work);
    let mut outcomes: Vec<_> = (0..runs).map(|_| timed(pair, work)).collect();
    outcomes.sort_by_key(|(time, _)| *time);
    outcomes.swap_remove(runs / 2)
}

/// Runs `work` once and checks what it found.
fn timed(pair: &Pair, work: &dyn Fn() -> Outcome) -> (Duration, Outcome) {
    let start = thread_cpu();
    let outcome = black_box(work());
    let time = thread_cpu() - start;
    assert_eq!(sorted(&outcome.have), pair.have);
    assert_eq!(sorted(&outcome.need), pair.need);
    (time, outcome)
}

fn sorted(ids: &[Id]) -> Vec<Id> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids
}

fn tree(items: &[Item]) -> RangeTree {
    RangeTree::from_sorted(items.iter().copied()).expect("the items of a pair are in order")
}

/// The items by their first byte, as random as a topic.
fn view(items: &[Item]) -> View<RangeTree> {
    let shard = |number: usize| {
        let of_shard = items
            .iter()
            .filter(move |item| usize::from(item.id.0[0]) % SHARDS == number);
        RangeTree::from_sorted(of_shard.copied()).expect("the items of a pair are in order")
    };
    (0..SHARDS).map(shard).collect()
}

fn storage(items: &[Item]) -> NegentropyStorageVector {
    let mut storage = NegentropyStorageVector::with_capacity(items.len());
    for item in items {
        let id = negentropy::Id::from_byte_array(item.id.0);
        storage.insert(item.timestamp, id).expect("not sealed");
    }
    storage.seal().expect("not sealed");
    storage
}

fn ours<S: ItemSet + Sync + Send>(left: &S, right: &S, frame_bytes: usize) -> Outcome
where
    for<'a> &'a S: ItemSet + Send,
{
    let limits = SessionLimits {
        frame_bytes_sent: frame_bytes,
        ..SessionLimits::default()
    };
    let mut responder = Responder::new(right, limits.clone()).expect("a legal limit");
    let (mut initiator, mut frame) = Initiator::start(left, limits).expect("a legal limit");
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let (mut bytes, mut rounds) = (0, 0);
    loop {
        let answer = responder.receive(&frame).expect("honest");
        let answer = answer.reply.expect("a responder always answers");
        bytes += frame.len() + answer.len();
        rounds += 1;
        let step = initiator.receive(&answer).expect("honest");
        have.extend(step.have);
        need.extend(step.need);
        match step.reply {
            Some(next) => frame = next,
            None => {
                return Outcome {
                    have,
                    need,
                    bytes,
                    rounds,
                };
            }
        }
    }
}

fn crates(
    left: &NegentropyStorageVector,
    right: &NegentropyStorageVector,
    frame_bytes: usize,
) -> Outcome {
    let mut responder = Negentropy::borrowed(right, frame_bytes as u64).expect("a legal limit");
    let mut initiator = Negentropy::borrowed(left, frame_bytes as u64).expect("a legal limit");
    let mut frame = initiator.initiate().expect("fresh");
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let (mut bytes, mut rounds) = (0, 0);
    loop {
        let answer = responder.reconcile(&frame).expect("honest");
        bytes += frame.len() + answer.len();
        rounds += 1;
        match initiator
            .reconcile_with_ids(&answer, &mut have, &mut need)
            .expect("honest")
        {
            Some(next) => frame = next,
            None => break,
        }
    }
    let ids = |ids: Vec<negentropy::Id>| {
        let mut ids: Vec<Id> = ids.into_iter().map(|id| Id(id.to_bytes())).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    Outcome {
        have: ids(have),
        need: ids(need),
        bytes,
        rounds,
    }
}
