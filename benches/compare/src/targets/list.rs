//! The one list of targets.

use super::{Goal, Peer, Target, Unit};
use crate::contest::Entry;
use crate::contestant::Contestant;
use crate::plan::{FRAME_LIMIT, Plan};
use crate::report::Report;
use crate::setup::Setup;
use crate::text::{bytes, count};
use crate::tree::{Figure, Shape, Work};

/// What hoytech's C++ BTreeMem (negentropy 6edb041, g++ 12 -O2) took on a machine like the one in
/// the report: it isn't run here.
const BTREE_MEM: &str = "C++ BTreeMem";

/// Every target, with what `report` says of it.
pub(crate) fn targets(report: &Report) -> Vec<Target> {
    let plan = report.plan();
    let lists: [Vec<Option<Target>>; 4] = [
        trees(report, plan),
        edits(report, plan),
        reconciliations(report, plan),
        others(report, plan),
    ];
    lists.into_iter().flatten().flatten().collect()
}

const fn value(must: f64, aim: f64) -> Goal {
    Goal::Value { must, aim }
}

/// Ours through the peer's is at most one through so much.
const fn one_in(must: f64, aim: f64) -> Goal {
    Goal::Ratio {
        must: 1.0 / must,
        aim: 1.0 / aim,
    }
}

const fn times(must: f64, aim: f64) -> Goal {
    Goal::Ratio { must, aim }
}

fn trees(report: &Report, plan: &Plan) -> Vec<Option<Target>> {
    let [million, ten] = [plan.million, plan.ten_million()];
    let tree = |work, shape, items, goal, elsewhere| {
        let figure = report.figure(work, shape, items)?;
        Some(of_tree(figure, goal, elsewhere))
    };
    let summary =
        |shape, items, goal, elsewhere| tree(Work::Summary, shape, items, goal, elsewhere);
    let insert = |shape| {
        tree(
            Work::Insert,
            shape,
            million,
            value(650e-9, 450e-9),
            Some(1_124e-9),
        )
    };
    let memory = |shape, goal, elsewhere| tree(Work::Memory, shape, million, goal, Some(elsewhere));
    let build = |work, goal| tree(work, Shape::Bulk, million, goal, None);
    vec![
        summary(Shape::Bulk, million, value(1.1e-6, 0.6e-6), Some(7.6e-6)),
        summary(Shape::Grown, million, value(1.1e-6, 0.6e-6), Some(7.6e-6)),
        summary(Shape::Bulk, ten, value(2.5e-6, 1.2e-6), Some(19e-6)),
        summary(Shape::Grown, ten, value(2.5e-6, 1.2e-6), Some(19e-6)),
        insert(Shape::Bulk),
        insert(Shape::Grown),
        tree(
            Work::Append,
            Shape::Bulk,
            million,
            value(50e-9, 35e-9),
            Some(321e-9),
        ),
        build(Work::BuildSorted, value(20e-9, 10e-9)),
        build(Work::BuildUnsorted, value(80e-9, 65e-9)),
        memory(Shape::Bulk, value(42.5, 41.0), 50.6),
        memory(Shape::Appended, value(42.5, 41.0), 50.6),
        memory(Shape::Grown, value(62.0, 56.0), 73.0),
    ]
}

fn edits(report: &Report, plan: &Plan) -> Vec<Option<Target>> {
    let items = plan.million;
    let tree = |work, shape, goal| {
        let figure = report.figure(work, shape, items)?;
        Some(of_tree(figure, goal, None))
    };
    let after_snapshot = |shape| {
        let without = report.figure(Work::Insert, shape, items)?;
        Some(Target {
            peer: Some(Peer {
                name: "without".into(),
                value: without.value,
                same_run: true,
            }),
            ..tree(Work::InsertAfterSnapshot, shape, times(2.0, 1.5))?
        })
    };
    vec![
        tree(Work::Prune, Shape::Bulk, value(1e-3, 0.2e-3)),
        tree(Work::Prune, Shape::Grown, value(1e-3, 0.2e-3)),
        tree(Work::Snapshot, Shape::Grown, value(1e-6, 0.1e-6)),
        after_snapshot(Shape::Bulk),
        after_snapshot(Shape::Grown),
    ]
}

fn reconciliations(report: &Report, plan: &Plan) -> Vec<Option<Target>> {
    let spread = |differences| plan.spread(1_000_000, differences);
    let framed = |differences| spread(differences).framed(FRAME_LIMIT);
    let against_crate = |setup: Setup, goal| {
        let ours = report.session(&setup, Contestant::Ours)?;
        let peer = report.session(&setup, Contestant::NegentropyCrate)?;
        of_sessions(reconciliation(&setup), ours, peer, "negentropy crate", goal)
    };
    let linear = |from: Setup, to: Setup| {
        let [from, to] = [from, to].map(|setup| report.session(&setup, Contestant::Ours));
        linear(from?, to?)
    };
    let view = |setup: Setup| {
        let view = report.session(&setup, Contestant::OursView)?;
        let tree = report.session(&setup, Contestant::Ours)?;
        let work = format!("{}, view of 8 shards", reconciliation(&setup));
        of_sessions(work, view, tree, "one tree", times(3.0, 1.5))
    };
    vec![
        against_crate(spread(0), one_in(500.0, 1_000.0)),
        against_crate(spread(10), one_in(60.0, 100.0)),
        against_crate(spread(100), one_in(10.0, 20.0)),
        against_crate(spread(1_000), one_in(4.0, 8.0)),
        against_crate(spread(10_000), one_in(2.5, 4.0)),
        against_crate(spread(1_000).recent(), one_in(60.0, 150.0)),
        against_crate(framed(10_000), one_in(8.0, 12.0)),
        against_crate(framed(100_000), one_in(10.0, 14.0)),
        linear(framed(10_000), framed(100_000)),
        against_crate(plan.spread(10_000_000, 1_000), one_in(8.0, 13.0)),
        view(spread(1_000)),
    ]
}

fn others(report: &Report, plan: &Plan) -> Vec<Option<Target>> {
    let setup = plan.spread(1_000_000, 1_000);
    let waku = |work: &str, unit, goal, of: fn(&Entry) -> usize| {
        let ours = report.session(&setup, Contestant::OursWaku)?;
        let nwaku = report.session(&setup, Contestant::Nwaku)?;
        Some(Target {
            work: format!("{}, `waku` dialect: {work}", reconciliation(&setup)),
            unit,
            goal,
            measured: of(ours) as f64,
            cold: None,
            peer: Some(Peer {
                name: "nwaku's splitting".into(),
                value: of(nwaku) as f64,
                same_run: true,
            }),
        })
    };
    let hashing = &report.hashing;
    let hash = Target {
        work: format!("message hash, payload of {} bytes", count(hashing.payload)),
        unit: Unit::Seconds,
        goal: Goal::Share {
            must: 0.95,
            aim: 0.98,
        },
        measured: hashing.message_hash_s,
        cold: None,
        peer: Some(Peer {
            name: "SHA-256".into(),
            value: hashing.sha256_s,
            same_run: true,
        }),
    };
    let exchange = report.exchanges.first().map(|exchange| Target {
        work: format!(
            "exchange of two nodes, {} messages, {} missing each (clock)",
            count(exchange.messages),
            count(exchange.missing)
        ),
        unit: Unit::Seconds,
        goal: value(5.0, 2.0),
        measured: exchange.seconds,
        cold: None,
        peer: None,
    });
    vec![
        waku("bytes", Unit::Bytes, value(2.2e6, 1.8e6), Entry::bytes),
        waku(
            "frames each way",
            Unit::Frames,
            value(5.0, 5.0),
            Entry::round_trips,
        ),
        Some(hash),
        exchange,
    ]
}

fn of_tree(figure: &Figure, goal: Goal, elsewhere: Option<f64>) -> Target {
    let unit = match figure.work {
        Work::Memory => Unit::BytesAnItem,
        _ => Unit::Seconds,
    };
    let here = figure.peer.map(|value| Peer {
        name: "negentropy crate".into(),
        value,
        same_run: true,
    });
    let elsewhere = elsewhere.map(|value| Peer {
        name: BTREE_MEM.into(),
        value,
        same_run: false,
    });
    let [work, items, shape] = [
        figure.work.name(),
        &count(figure.items),
        figure.shape.name(),
    ];
    Target {
        work: match figure.work {
            Work::BuildSorted | Work::BuildUnsorted | Work::Append => {
                format!("{work}, n = {items}")
            }
            _ => format!("{work}, n = {items}, {shape}"),
        },
        unit,
        goal,
        measured: figure.value,
        cold: figure.cold,
        peer: elsewhere.or(here),
    }
}

fn of_sessions(work: String, ours: &Entry, peer: &Entry, name: &str, goal: Goal) -> Option<Target> {
    Some(Target {
        work,
        unit: Unit::Seconds,
        goal,
        measured: ours.cpu_s?,
        cold: ours.cold_s,
        peer: Some(Peer {
            name: name.into(),
            value: peer.cpu_s?,
            same_run: true,
        }),
    })
}

/// Linear in the differences: what each of many takes is no more than what each of few does.
fn linear(few: &Entry, many: &Entry) -> Option<Target> {
    let each = |entry: &Entry| Some(entry.cpu_s? / entry.setup.differences as f64);
    Some(Target {
        work: format!("{}: CPU a difference", reconciliation(&many.setup)),
        unit: Unit::Seconds,
        goal: times(1.0, 1.0),
        measured: each(many)?,
        cold: None,
        peer: Some(Peer {
            name: format!("at d = {}", count(few.setup.differences)),
            value: each(few)?,
            same_run: true,
        }),
    })
}

/// How the table says what is reconciled.
fn reconciliation(setup: &Setup) -> String {
    let [items, differences] = [setup.items, setup.differences].map(count);
    let mut text = format!("reconcile n = {items}, d = {differences}");
    if *setup == setup.recent() {
        text += " in the newest hour";
    }
    if setup.frame_limit > 0 {
        text += &format!(", frames of {}", bytes(setup.frame_limit as f64));
    }
    text
}
