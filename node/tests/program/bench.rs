//! `wakustore bench`: what its rows hold, and how it fails.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{assert_fails, program, run};

/// What every row has, in the order of the columns.
const KEYS: [&str; 13] = [
    "items",
    "diffs",
    "placement",
    "dialect",
    "frame_limit",
    "cpu_initiator_s",
    "cpu_responder_s",
    "bytes_up",
    "bytes_down",
    "round_trips",
    "largest_frame",
    "peak_bytes",
    "correct",
];

/// What rows have with a peer.
const PEER_KEYS: [&str; 3] = ["peer_cpu_s", "peer_bytes", "cpu_ratio"];

/// What `bench` prints with these arguments.
fn bench(arguments: &[&str]) -> String {
    let output = run(&[&["bench", "--items=2000"], arguments].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    assert_eq!(errors, "", "nothing but results, where nobody watches");
    String::from_utf8(output.stdout).unwrap()
}

fn rows(arguments: &[&str]) -> Vec<Value> {
    let text = bench(&[arguments, &["--json"]].concat());
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for row in &rows {
        assert_plausible(row);
    }
    rows
}

fn number(row: &Value, key: &str) -> u64 {
    row[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key} in {row}"))
}

fn seconds(row: &Value, key: &str) -> f64 {
    row[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {row}"))
}

fn assert_plausible(row: &Value) {
    assert_eq!(row["correct"], true, "{row}");
    assert!(seconds(row, "cpu_initiator_s") > 0.0, "{row}");
    assert!(seconds(row, "cpu_responder_s") > 0.0, "{row}");
    let [up, down, trips, largest, peak] = [
        "bytes_up",
        "bytes_down",
        "round_trips",
        "largest_frame",
        "peak_bytes",
    ]
    .map(|key| number(row, key));
    assert!(largest <= up.max(down), "{row}");
    assert!(trips * largest >= up.max(down), "{row}");
    assert!(peak >= largest, "{row}");
}

fn keys(row: &Value) -> BTreeSet<&str> {
    row.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn each_number_of_differences_gives_a_row_with_every_key() {
    let rows = rows(&["--diffs=0,10,101"]);
    let diffs: Vec<u64> = rows.iter().map(|row| number(row, "diffs")).collect();
    assert_eq!(diffs, [0, 10, 101]);
    for row in &rows {
        assert_eq!(keys(row), KEYS.into());
        assert_eq!(row["items"], 2_000);
        assert_eq!(row["placement"], "spread");
        assert_eq!(row["dialect"], "negentropy");
        assert_eq!(row["frame_limit"], 0);
    }
    let [equal, few, more] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!(equal["round_trips"], 1);
    assert_eq!(equal["bytes_down"], 1, "the version and nothing else");
    for key in ["bytes_up", "bytes_down", "peak_bytes"] {
        let of = [equal, few, more].map(|row| number(row, key));
        assert!(of[0] < of[1] && of[1] < of[2], "{key}: {of:?}");
    }
    // Each id that differs goes over the wire, and is held when it is found.
    assert!(number(more, "bytes_up") + number(more, "bytes_down") > 101 * 32);
    assert!(number(more, "peak_bytes") > 101 * 32);
}

#[test]
fn the_sets_are_no_part_of_the_peak() {
    let row = &rows(&["--diffs=0"])[0];
    let set = 2_000 * 40;
    assert!(number(row, "peak_bytes") < set / 4, "{row}");
}

#[test]
fn the_peer_reconciles_the_same_sets_and_the_ratio_is_of_the_times() {
    let rows = rows(&["--diffs=0,100", "--against=negentropy"]);
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(keys(row), KEYS.into_iter().chain(PEER_KEYS).collect());
        // Sixteen fingerprints and their bounds at least.
        assert!(number(row, "peer_bytes") >= 16 * 18, "{row}");
        let ours = seconds(row, "cpu_initiator_s") + seconds(row, "cpu_responder_s");
        let ratio = ours / seconds(row, "peer_cpu_s");
        assert!(
            (seconds(row, "cpu_ratio") - ratio).abs() < 1e-9 * ratio,
            "{row}"
        );
    }
}

#[test]
fn comma_separated_values_have_the_keys_of_json_as_header() {
    for against in [&[][..], &["--against=negentropy"]] {
        let arguments = [against, &["--diffs=0,10"]].concat();
        let text = bench(&[&arguments[..], &["--csv"]].concat());
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let rows = rows(&arguments);
        assert_eq!(lines.len(), 1 + rows.len(), "{text}");
        let header = &lines[0];
        assert_eq!(header[..KEYS.len()], KEYS);
        assert_eq!(
            header.iter().copied().collect::<BTreeSet<_>>(),
            keys(&rows[0])
        );
        for (values, row) in lines[1..].iter().zip(&rows) {
            assert_eq!(values.len(), header.len());
            for (key, value) in header.iter().zip(values) {
                if !key.contains("cpu") {
                    assert_eq!(*value, row[key].to_string().trim_matches('"'), "{key}");
                }
            }
        }
    }
}

#[test]
fn frames_keep_to_their_limit_in_both_dialects() {
    for dialect in ["--dialect=negentropy", "--dialect=waku"] {
        let free = &rows(&["--diffs=1000", dialect])[0];
        let framed = &rows(&["--diffs=1000", dialect, "--frame-limit=4096"])[0];
        assert!(number(free, "largest_frame") > 4_096, "{free}");
        assert!(number(framed, "largest_frame") <= 4_096, "{framed}");
        assert!(number(framed, "round_trips") > number(free, "round_trips"));
        assert_eq!(framed["frame_limit"], 4_096);
    }
}

#[test]
fn differences_of_the_newest_hour_take_fewer_bytes() {
    let bytes = |placement: &str, dialect: &str| {
        let row = &rows(&["--diffs=40", placement, dialect])[0];
        assert_eq!(row["placement"], placement["--placement=".len()..]);
        assert_eq!(row["dialect"], dialect["--dialect=".len()..]);
        number(row, "bytes_up") + number(row, "bytes_down")
    };
    for dialect in ["--dialect=negentropy", "--dialect=waku"] {
        let [spread, recent] =
            ["--placement=spread", "--placement=recent"].map(|at| bytes(at, dialect));
        assert!(recent < spread, "{dialect}: {recent}, {spread}");
    }
}

#[test]
fn people_get_a_table_with_units_and_a_verdict() {
    let text = bench(&["--against=negentropy"]);
    assert!(text.starts_with("2,000 items a side; "), "{text}");
    for words in ["1,000 ", " B", " µs", "peer", "exactly the differences"] {
        assert!(text.contains(words), "no `{words}` in: {text}");
    }
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 100, "{text}");
}

#[test]
fn a_bench_of_something_impossible_says_what_was_expected() {
    let fails = |arguments: &[&str], words: &[&str]| {
        assert_fails(&run(&[&["bench"], arguments].concat()), 2, words);
    };
    fails(&["--items=0"], &["--items", "at least 1"]);
    fails(&["--items=1e6"], &["1e6", "whole number"]);
    fails(&["--items=1000000000000"], &["1,000,000,000,000", "free"]);
    fails(
        &["--items=9", "--diffs=1,10"],
        &["--diffs has 10", "9 items"],
    );
    fails(&["--diffs=1;2"], &["1;2", "0,10,1000"]);
    fails(&["--diffs="], &["0,10,1000"]);
    fails(
        &["--frame-limit=4095"],
        &["4095", "at least 4096", "0 for no"],
    );
    fails(
        &["--items=100", "--dialect=waku", "--frame-limit=50"],
        &["50 is too short", "200 bytes or more"],
    );
    fails(
        &["--dialect=waku", "--against=negentropy"],
        &["--dialect negentropy"],
    );
    fails(&["--against=minisketch"], &["negentropy"]);
    fails(&["--placement=old"], &["spread", "recent"]);
    fails(&["--json", "--csv"], &["--json", "--csv"]);
}

#[test]
fn a_reader_that_has_enough_ends_the_bench_in_silence() {
    for form in ["--json", "--csv", "--placement=spread"] {
        let mut bench = program()
            .args(["bench", "--items=1000", form])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(bench.stdout.take());
        let output = bench.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let output = program()
        .args(["bench", "--items=100", "--csv"])
        .stdout(full.unwrap())
        .output()
        .unwrap();
    assert_fails(&output, 1, &["standard output"]);
}
