//! The report as a page for people.

mod reconciling;
mod trees;

use crate::plots::Plot;
use crate::report::Report;
use crate::targets::{self, Met, Target};
use crate::text::{Table, bytes, count, digits, seconds};
use crate::versions;

/// The whole page in Markdown.
pub(crate) fn text(report: &Report, targets: &[Target]) -> String {
    [
        introduction(report),
        machine(report),
        reconciling::by_differences(report),
        reconciling::recent(report),
        reconciling::framed(report),
        reconciling::by_items(report),
        trees::figures(report),
        others(report),
        method(),
        reached(report, targets),
    ]
    .join("\n")
}

fn introduction(report: &Report) -> String {
    let small = if report.full {
        ""
    } else {
        "\n**A quick run in small sizes, to see that everything works: its figures say nothing.**\n"
    };
    format!(
        "# How fast it is\n{small}\n\
         Measured on {} by `make bench-report`, which measures it anew on any machine and rewrites \
         this page, its plots, [results.json](results.json) with every figure, and the headline of \
         the project's README. It takes some ten minutes; compare ratios, since times are those of \
         the machine.\n",
        report.date
    )
}

fn machine(report: &Report) -> String {
    let machine = &report.machine;
    let mut table = Table::new(&["machine", ""]);
    for (name, value) in [
        ("processor", &machine.cpu),
        ("instructions", &machine.instructions),
        ("cores", &machine.cores.to_string()),
        ("caches", &machine.caches),
        ("memory", &machine.memory),
        ("kernel", &machine.kernel),
        ("compiler", &machine.rustc),
        ("commit", &machine.commit),
    ] {
        table.row([name.into(), value.clone()]);
    }
    table.text()
}

fn others(report: &Report) -> String {
    let hashing = &report.hashing;
    let mut hashes = Table::new(&["hash", ">bytes hashed", ">time", ">throughput"]);
    for (name, time) in [
        ("deterministic message hash", hashing.message_hash_s),
        ("SHA-256 of the same bytes in one piece", hashing.sha256_s),
    ] {
        let throughput = format!("{}/s", bytes(hashing.bytes as f64 / time));
        hashes.row([name.into(), count(hashing.bytes), seconds(time), throughput]);
    }
    let mut exchanges = Table::new(&[
        "two nodes reconcile by",
        ">messages",
        ">missing on each side",
        ">time by the clock",
        ">reconciliation",
        ">messages and requests",
    ]);
    for exchange in &report.exchanges {
        exchanges.row([
            exchange.dialect.clone(),
            count(exchange.messages),
            count(exchange.missing),
            seconds(exchange.seconds),
            bytes(exchange.reconcile_bytes as f64),
            bytes(exchange.fetch_bytes as f64),
        ]);
    }
    format!(
        "## The message hash\n\nA payload of {} bytes, with topics, meta and timestamp.\n\n{}\n\
         ## The whole exchange\n\nTwo nodes in one process, redb archives on disk, libp2p over \
         loopback with noise and yamux: from the start of the reconciliation until both have fetched, \
         verified and stored all that they lacked. Messages are of 2 KiB in the mean and spread over \
         an hour (`wakustore demo --messages 54000` in a full run). Medians; by the clock, on all \
         cores.\n\n{}",
        count(hashing.payload),
        hashes.text(),
        exchanges.text()
    )
}

fn method() -> String {
    format!(
        "## How it is measured\n\n\
         Release build with fat LTO, one thread, thread CPU time (`CLOCK_THREAD_CPUTIME_ID`) of both \
         sides together; sets are in memory and frames are handed over in memory. All contestants \
         get the same random items in the same process. Each is warmed up, then run several times in \
         a row, and the median counts; *cold* is a first run after the peer's, the median of up to \
         three such. What targets are stated for up to a million items, and their reconciliations at \
         ten million, goes through three passes some minutes apart, and the middle of their medians \
         counts, so that a busy minute of the machine shows in one of them only. Every result is held \
         against the true difference, and a wrong one ends the program. What a competitor prepares of its set beforehand doesn't count, trees are ready \
         before the clock starts, and results are dropped after it stopped. Only the exchange of two \
         nodes is timed by the clock, with `wakustore` as `cargo build --release` makes it.\n\n\
         - **{}**: over its sorted vector, the storage it comes with. It speaks negentropy V1 as this \
         engine does, so bytes and rounds are the same, and plots of those have one line for both.\n\
         - **nwaku's splitting**: a port that the tests hold against recorded sessions of nwaku. It \
         is here for bytes and rounds; it sums plain vectors, and its time would say nothing of \
         nwaku's. Up to a million items and 1,000 differences.\n\
         - **rateless IBLT** ({}): cells of 32 bytes of xor, 8 of checksum and a varint, counted until \
         the last difference is out, as if the word to stop took no time. The crate is slow: it \
         allocates for every cell that an item is in, and makes 1,024 cells at least. Its own way to \
         take items out goes through all cells for each, so that is done by a work list here. Up to a \
         million items and 1,000 differences.\n\
         - **every hash**: 32 bytes an item one way, in order of the hashes, compared in one pass; the \
         difference comes back. The order of the hashes, as an archive's index has it, is there \
         before the clock starts.\n\
         - **C++ BTreeMem** (hoytech's, commit 6edb041, marked `*`): measured apart on a machine of \
         this kind, g++ 12 -O2; it isn't run here.\n\n\
         `cargo run --profile bench --package compare -- sessions NAME` runs single cases \
         (`--alone=ours` one contestant only, for a profiler); `--help` says more.\n",
        versions::named("negentropy"),
        versions::named("riblt"),
    )
}

fn reached(report: &Report, targets: &[Target]) -> String {
    format!(
        "## What was to be reached\n\n{}\n\
         *must*: as it has to be; *aim*: as it would be best. Ratios are measured / peer, for hashes \
         throughput.\n\n{}",
        verdict(report, targets),
        targets::table(targets, report.full).text()
    )
}

/// How many targets are met, in a sentence.
pub(crate) fn verdict(report: &Report, targets: &[Target]) -> String {
    if !report.full {
        return "The sizes are small: targets are stated for greater ones.".to_owned();
    }
    let of = |wanted: Met| {
        targets
            .iter()
            .filter(|target| target.met() == wanted)
            .count()
    };
    let (aim, must, no) = (of(Met::Aim), of(Met::Must), of(Met::No));
    format!(
        "Of {} targets, {aim} are met as aimed at, {must} as they must be, {no} not.",
        targets.len()
    )
}

/// A plot in the page, or in one that reaches it by `directory`.
pub(crate) fn picture(plot: Plot, directory: &str) -> String {
    format!("![{}]({directory}{})\n", plot.alt(), plot.file())
}

/// A cell without a figure.
fn nothing() -> String {
    "–".to_owned()
}

/// How often one is in another, which may be less than once.
fn times(factor: f64) -> String {
    format!("{}×", digits(factor))
}
