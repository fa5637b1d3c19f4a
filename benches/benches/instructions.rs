//! Instructions that the hot paths take, counted by callgrind: the same on a busy machine as on an
//! idle one.
//!
//! `make instructions` compares them with `benches/instructions/counts.json`. They hardly depend on
//! the machine: valgrind shows programs a processor without SHA instructions, so SHA-256 counts as
//! the portable code has it, and the C library is kept from choosing by processor how it copies.
#![expect(missing_docs, reason = "gungraun's macros make public modules")]

#[path = "support/exchange.rs"]
mod exchange;
#[path = "support/frames.rs"]
mod frames;
#[path = "support/message.rs"]
mod message;

use std::hint::black_box;

use benches::{Pair, Placement, SPAN, START, items, pair};
use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store_adapter::{WakuMessage, message_hash};
use sync_core::negentropy::PrefixBound;
use sync_core::waku::Payload;
use sync_core::{Bound, Id, Item, ItemSet, ItemSetMut, Range, RangeTree, View};

use frames::{Described, Frames, decode_negentropy, decode_waku, encode_negentropy};

/// Has the GNU C library copy and compare as on the least of processors (of 64 bits from Intel and
/// AMD): with the others' extensions some counts would be a third higher or lower.
const PLAIN_PROCESSOR: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-AVX2_Usable",
);

/// Items in each tree.
const ITEMS: usize = 20_000;

/// Edits or queries that are counted together.
const TIMES: usize = 1_000;

fn tree() -> RangeTree {
    RangeTree::from_sorted(items(ITEMS, 1)).expect("sorted")
}

fn unsorted(count: usize) -> Vec<Item> {
    let mut items = items(count, 2);
    items.sort_unstable_by_key(|item| item.id);
    items
}

fn tree_and_new() -> (RangeTree, Vec<Item>) {
    (tree(), unsorted(TIMES))
}

fn tree_and_newest() -> (RangeTree, Vec<Item>) {
    let (tree, new) = tree_and_new();
    let newest = (START + SPAN..).zip(new);
    (
        tree,
        newest
            .map(|(time, item)| Item::new(time, item.id))
            .collect(),
    )
}

fn tree_and_old() -> (RangeTree, Vec<Item>) {
    let tree = tree();
    let step = ITEMS / TIMES;
    let old = (0..TIMES).map(|n| tree.select(n * step).expect("as many items"));
    let old = old.collect();
    (tree, old)
}

fn tree_and_ranges() -> (RangeTree, Vec<Range>) {
    let mut rng = StdRng::seed_from_u64(9);
    let mut bound = || {
        let mut id = Id::ZERO;
        rng.fill(&mut id.0[..]);
        Bound::Before(Item::new(rng.random_range(START..START + SPAN), id))
    };
    let ranges = (0..TIMES).map(|_| {
        let (one, other) = (bound(), bound());
        Range::new(one.min(other), one.max(other))
    });
    let ranges = ranges.collect();
    (tree(), ranges)
}

#[library_benchmark]
#[bench::items_20000(args = (ITEMS, 1), setup = items)]
fn build_sorted(items: Vec<Item>) -> RangeTree {
    RangeTree::from_sorted(items).expect("sorted")
}

#[library_benchmark]
#[bench::items_20000(args = (ITEMS), setup = unsorted)]
fn build_unsorted(items: Vec<Item>) -> RangeTree {
    RangeTree::from_unsorted(items)
}

#[library_benchmark]
#[bench::at_random(setup = tree_and_new)]
#[bench::at_the_end(setup = tree_and_newest)]
fn insert((mut tree, new): (RangeTree, Vec<Item>)) -> RangeTree {
    tree.extend(new);
    tree
}

#[library_benchmark]
#[bench::at_random(setup = tree_and_new)]
fn insert_after_snapshot((mut tree, new): (RangeTree, Vec<Item>)) -> (RangeTree, RangeTree) {
    let snapshot = tree.snapshot();
    tree.extend(new);
    (tree, snapshot)
}

#[library_benchmark]
#[bench::spread(setup = tree_and_old)]
fn remove((mut tree, old): (RangeTree, Vec<Item>)) -> RangeTree {
    for item in &old {
        black_box(tree.remove(item));
    }
    tree
}

#[library_benchmark]
#[bench::oldest_half(setup = tree)]
fn prune(mut tree: RangeTree) -> RangeTree {
    tree.prune_before(&Bound::at_time(START + SPAN / 2));
    tree
}

#[library_benchmark]
#[bench::by_key(setup = tree_and_ranges)]
fn fingerprint((tree, ranges): (RangeTree, Vec<Range>)) -> RangeTree {
    for range in &ranges {
        black_box(tree.summary_of(range).negentropy_fingerprint());
    }
    tree
}

#[library_benchmark]
#[bench::by_rank(setup = tree_and_ranges)]
fn summary((tree, ranges): (RangeTree, Vec<Range>)) -> RangeTree {
    for index in 0..ranges.len() {
        black_box(tree.summary(index..ITEMS - 7 * index));
    }
    tree
}

#[library_benchmark]
#[bench::spread(setup = tree)]
fn select(tree: RangeTree) -> RangeTree {
    for rank in (0..ITEMS).step_by(ITEMS / TIMES) {
        black_box(tree.select(rank));
    }
    tree
}

#[library_benchmark]
#[bench::by_key(setup = tree_and_ranges)]
fn rank((tree, ranges): (RangeTree, Vec<Range>)) -> RangeTree {
    for range in &ranges {
        black_box(tree.rank(&range.lower));
    }
    tree
}

type Trees = (RangeTree, RangeTree);

fn trees(differences: usize) -> Trees {
    let Pair { left, right, .. } = pair(ITEMS, differences, Placement::Spread, 3);
    let [left, right] = [left, right].map(|items| RangeTree::from_sorted(items).expect("sorted"));
    (left, right)
}

#[library_benchmark]
#[bench::differences_0(args = (0), setup = trees)]
#[bench::differences_10(args = (10), setup = trees)]
#[bench::differences_1000(args = (1_000), setup = trees)]
fn negentropy((left, right): Trees) -> (Trees, usize) {
    let found = exchange::negentropy(&left, &right, 0, |_| ());
    ((left, right), found)
}

#[library_benchmark]
#[bench::differences_1000(args = (1_000), setup = trees)]
fn negentropy_in_frames_of_10000((left, right): Trees) -> (Trees, usize) {
    let found = exchange::negentropy(&left, &right, 10_000, |_| ());
    ((left, right), found)
}

type Shards = View<RangeTree>;

fn shards(differences: usize) -> (Shards, Shards) {
    let Pair { left, right, .. } = pair(ITEMS, differences, Placement::Spread, 3);
    let [left, right] = [left, right].map(|items| {
        let mut shards = vec![RangeTree::new(); 8];
        for item in items {
            shards[usize::from(item.id.0[0] % 8)].insert(item);
        }
        View::new(shards)
    });
    (left, right)
}

#[library_benchmark]
#[bench::differences_1000(args = (1_000), setup = shards)]
fn negentropy_of_8_shards((left, right): (Shards, Shards)) -> ((Shards, Shards), usize) {
    let found = exchange::negentropy(&left, &right, 0, |_| ());
    ((left, right), found)
}

#[library_benchmark]
#[bench::differences_0(args = (0), setup = trees)]
#[bench::differences_10(args = (10), setup = trees)]
#[bench::differences_1000(args = (1_000), setup = trees)]
fn waku((left, right): Trees) -> (Trees, usize) {
    let found = exchange::waku(&left, &right, |_| ());
    ((left, right), found)
}

type NegentropyRanges = Vec<(PrefixBound, Described)>;

#[library_benchmark]
#[bench::fingerprints(Frames::negentropy(ITEMS).split)]
#[bench::ids(Frames::negentropy(ITEMS).listed)]
fn negentropy_decode(frame: Vec<u8>) -> (Vec<u8>, NegentropyRanges) {
    let ranges = decode_negentropy(&frame);
    (frame, ranges)
}

#[library_benchmark]
#[bench::fingerprints(decode_negentropy(&Frames::negentropy(ITEMS).split))]
#[bench::ids(decode_negentropy(&Frames::negentropy(ITEMS).listed))]
fn negentropy_encode(ranges: NegentropyRanges) -> (Vec<u8>, NegentropyRanges) {
    (encode_negentropy(&ranges), ranges)
}

#[library_benchmark]
#[bench::fingerprints(Frames::waku(ITEMS).split)]
#[bench::items(Frames::waku(ITEMS).listed)]
fn waku_decode(frame: Vec<u8>) -> (Vec<u8>, Payload) {
    let payload = decode_waku(&frame);
    (frame, payload)
}

#[library_benchmark]
#[bench::fingerprints(decode_waku(&Frames::waku(ITEMS).split))]
#[bench::items(decode_waku(&Frames::waku(ITEMS).listed))]
fn waku_encode(payload: Payload) -> (Vec<u8>, Payload) {
    (payload.encode(), payload)
}

#[library_benchmark]
#[bench::payload_1024(args = (1_024), setup = message::message)]
fn hash(message: WakuMessage) -> WakuMessage {
    for _ in 0..100 {
        black_box(message_hash(black_box(message::PUBSUB_TOPIC), &message));
    }
    message
}

library_benchmark_group!(
    name = tree_alone,
    benchmarks = [
        build_sorted,
        build_unsorted,
        insert,
        insert_after_snapshot,
        remove,
        prune,
        fingerprint,
        summary,
        select,
        rank
    ]
);
library_benchmark_group!(
    name = sessions,
    benchmarks = [
        negentropy,
        negentropy_in_frames_of_10000,
        negentropy_of_8_shards,
        waku
    ]
);
library_benchmark_group!(
    name = codecs,
    benchmarks = [
        negentropy_decode,
        negentropy_encode,
        waku_decode,
        waku_encode,
        hash
    ]
);
main!(
    config = LibraryBenchmarkConfig::default()
        .env(PLAIN_PROCESSOR.0, PLAIN_PROCESSOR.1)
        .tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = [tree_alone, sessions, codecs]
);
