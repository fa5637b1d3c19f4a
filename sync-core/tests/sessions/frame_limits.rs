//! Sessions whose frames are too short for what there is to say: they end with every difference told.
//!
//! A side whose frame is full ends it by one fingerprint for all that the frame doesn't reach, and that
//! begins where the last range *written* ended. A fingerprint that begins behind the range that didn't
//! fit would leave that range out, and if both sides agree on what follows, the session would end
//! without it: so did older implementations of the format.

use proptest::prelude::*;
use sync_core::negentropy::{Division, Initiator, Responder};
use sync_core::{Item, RangeTree, SessionLimits};

use crate::cases::cases;
use crate::support::{assert_differences, id, sync};

/// Who holds the items of a run.
#[derive(Clone, Copy, Debug)]
enum Holder {
    Initiator,
    Responder,
    Both,
    /// Each item one of the above, by its id.
    Mixed,
}

/// Items that follow each other.
#[derive(Clone, Debug)]
struct Run {
    holder: Holder,
    count: u64,
    /// From an item to the next.
    interval: u64,
}

const fn run(holder: Holder, count: u64, interval: u64) -> Run {
    Run {
        holder,
        count,
        interval,
    }
}

/// Runs of any kind.
fn any_runs() -> impl Strategy<Value = Vec<Run>> {
    let holder = prop_oneof![
        2 => Just(Holder::Initiator),
        2 => Just(Holder::Responder),
        1 => Just(Holder::Both),
        2 => Just(Holder::Mixed),
    ];
    let any_run = (holder, 1..120u64, 0..2u64).prop_map(|(holder, c, i)| run(holder, c, i));
    prop::collection::vec(any_run, 1..8)
}

/// Runs of which one in some hundred would be lost in part by a rest that begins too late: the frames of
/// both sides fill by what they differ in before the last items, of which the initiator has none.
fn critical_runs() -> impl Strategy<Value = Vec<Run>> {
    let both = (300..800u64, 0..2u64).prop_map(|(c, i)| run(Holder::Both, c, i));
    let mixed = (60..300u64, 0..2u64).prop_map(|(c, i)| run(Holder::Mixed, c, i));
    let last = (2..80u64).prop_map(|count| run(Holder::Responder, count, 0));
    (both, mixed, last).prop_map(|(both, mixed, last)| vec![both, mixed, last])
}

/// What the initiator and the responder hold. Ids of one time differ only behind their first `shared`
/// bytes, so that bounds are about so long.
fn sides(runs: &[Run], seed: u64, shared: usize) -> (Vec<Item>, Vec<Item>) {
    let (mut initiators, mut responders) = (Vec::new(), Vec::new());
    let (mut time, mut number) = (0, seed);
    for run in runs {
        for _ in 0..run.count {
            let mut id = id(number);
            let (mine, yours) = match (run.holder, id.0[31] % 3) {
                (Holder::Initiator, _) | (Holder::Mixed, 0) => (true, false),
                (Holder::Responder, _) | (Holder::Mixed, 1) => (false, true),
                _ => (true, true),
            };
            id.0[..shared].fill(7);
            let item = Item::new(time, id);
            if mine {
                initiators.push(item);
            }
            if yours {
                responders.push(item);
            }
            number = number.wrapping_add(1);
            time += run.interval;
        }
        time += 1;
    }
    (initiators, responders)
}

fn assert_all_told(initiators: &[Item], responders: &[Item], limits: [usize; 2]) {
    let tree = |items: &[Item]| items.iter().copied().collect::<RangeTree>();
    let [up, down] = limits.map(SessionLimits::with_frame_limit);
    for division in [Division::Lean, Division::Reference] {
        let (mut initiator, first) =
            Initiator::start_dividing(tree(initiators), division, up.clone()).unwrap();
        let mut responder = Responder::dividing(tree(responders), division, down.clone()).unwrap();
        let told = sync(&mut initiator, first, &mut responder);
        assert_differences(initiators, responders, told.initiator.0, told.initiator.1);
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_session_ends_with_items_missing(
        runs in prop_oneof![1 => any_runs(), 3 => critical_runs()],
        seed in any::<u64>(),
        shared in prop_oneof![1 => Just(0usize), 7 => Just(28)],
        limits in [4_096usize..5_000, 4_096usize..5_000],
    ) {
        let (initiators, responders) = sides(&runs, seed, shared);
        assert_all_told(&initiators, &responders, limits);
    }
}

/// Each of these is a session that a rest which begins too late would end with so many items missing.
#[test]
fn the_last_items_are_told_where_the_frames_of_both_sides_are_full() {
    let cases = [
        ([(394, 1), (186, 1), (8, 0)], 125, [4_096, 4_096], 6),
        ([(482, 0), (124, 0), (10, 0)], 398, [4_096, 4_096], 10),
        ([(386, 0), (185, 1), (18, 0)], 115, [4_196, 4_467], 10),
    ];
    for (counts, seed, limits, at_risk) in cases {
        let holders = [Holder::Both, Holder::Mixed, Holder::Responder];
        let runs = holders.into_iter().zip(counts);
        let runs: Vec<Run> = runs.map(|(holder, (c, i))| run(holder, c, i)).collect();
        let (initiators, responders) = sides(&runs, seed, 28);
        let last = initiators.iter().max().unwrap();
        assert!(responders.iter().filter(|item| *item > last).count() >= at_risk);
        assert_all_told(&initiators, &responders, limits);
    }
}
