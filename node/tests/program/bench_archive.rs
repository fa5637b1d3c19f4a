//! `wakustore bench archive`: what it tells, what it leaves, and how it fails.

use std::process::Stdio;

use serde_json::Value;

use crate::support::{Place, assert_fails, exists, json, messages, program, run};

/// Seconds of a percentile.
fn seconds(figures: &Value, key: &str) -> f64 {
    figures[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {figures}"))
}

fn assert_plausible(reads: &Value) {
    for kind in ["lookup", "page", "presence"] {
        let times = &reads[kind];
        let keys = ["p50_s", "p90_s", "p95_s", "p99_s", "max_s"];
        let percentiles = keys.map(|key| seconds(times, key));
        assert!(
            percentiles[0] > 0.0 && percentiles.is_sorted(),
            "{kind}: {times}"
        );
    }
    assert!(reads["lookup"]["count"].as_u64() >= Some(1_000), "{reads}");
    assert!(seconds(reads, "index_rebuild_s") > 0.0);
}

#[test]
fn an_archive_is_filled_asked_and_left_where_it_was_named() {
    let place = Place::new();
    let report = json(&place.succeed("a", &["bench", "archive", "--rows=3000", "--json"]));
    assert_eq!(
        (&report["backend"], &report["rows"]),
        (&"redb".into(), &3_000.into())
    );
    assert_eq!(report["messages"], 3_000);
    assert!(report.get("ingest_under_retention").is_none(), "{report}");
    assert!(seconds(&report["ingest"], "rows_per_s") > 0.0);
    assert_plausible(&report["cold"]);
    assert_plausible(&report["warm"]);
    let per_row = seconds(&report, "disk_bytes_per_row");
    assert!(per_row > 1_024.0, "{report}");
    assert!(report["kept"].as_str().unwrap().ends_with("/a"), "{report}");
    // They are messages like others.
    let checked = json(&place.succeed("a", &["check", "--json"]));
    assert_eq!(
        (&checked["sound"], &checked["messages"]),
        (&true.into(), &3_000.into())
    );
}

#[test]
fn retention_keeps_the_archive_from_growing() {
    let place = Place::new();
    let arguments = ["bench", "archive", "--rows=2500", "--retention", "--json"];
    let report = json(&place.succeed("a", &arguments));
    let figures = &report["ingest_under_retention"];
    assert_eq!(
        figures["rows"], 2_500,
        "at least as much as a batch: {report}"
    );
    let removed = figures["removed"].as_u64().unwrap();
    assert_eq!(report["messages"], 5_000 - removed, "{report}");
}

#[test]
fn people_get_a_table_with_units_and_targets() {
    let output = run(&["bench", "archive", "--rows=1000"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "nothing but results"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("redb: 1,000 messages"), "{text}");
    for words in [
        "rows/s",
        "20,000/s",
        "p95 1.00 ms",
        "p90 5.00 ms",
        " kB",
        "Cold: ",
        "is gone",
    ] {
        assert!(text.contains(words), "no `{words}` in: {text}");
    }
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 100, "{text}");
}

#[test]
fn an_archive_in_memory_has_no_cold_state() {
    let arguments = [
        "bench",
        "archive",
        "--store-message-db-url=memory:",
        "--rows=500",
        "--json",
    ];
    let output = run(&arguments);
    let report = json(&String::from_utf8(output.stdout).unwrap());
    assert!(
        report.get("cold").is_none() && report.get("kept").is_none(),
        "{report}"
    );
    assert_plausible(&report["warm"]);
}

#[test]
fn an_archive_that_holds_messages_is_left_alone() {
    let place = Place::new();
    let file = place.write("lines", &messages(20, 42));
    place.succeed("a", &["import", &file]);
    let output = place.run("a", &["bench", "archive", "--rows=10"]);
    assert_fails(&output, 2, &["holds 20 messages", "name another", "/a"]);
    assert_eq!(place.succeed("a", &["export"]).lines().count(), 20);
}

#[test]
fn a_bench_of_something_impossible_says_what_was_expected() {
    let fails = |arguments: &[&str], words: &[&str]| {
        assert_fails(&run(&[&["bench", "archive"], arguments].concat()), 2, words);
    };
    fails(&["--rows=0"], &["--rows", "1..=1000000000"]);
    fails(&["--rows=1e6"], &["--rows", "1e6"]);
    fails(
        &["--store-message-db-url=sqlite://x"],
        &["redb://PATH", "sqlite://x"],
    );
    fails(&["--csv"], &["--csv"]);
    assert_fails(
        &run(&["bench", "--items=5", "archive"]),
        2,
        &["archive", "--items"],
    );
    assert_fails(&run(&["bench", "tree"]), 2, &["tree"]);
}

#[test]
fn a_bench_that_is_interrupted_ends_at_once_and_leaves_no_temporary_files() {
    let place = Place::new();
    let temporary = place.path("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let bench = program()
        .args(["bench", "archive", "--rows=100000000"])
        .env("TMPDIR", &temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let filled = || {
        let directory = std::fs::read_dir(&temporary)
            .unwrap()
            .next()?
            .unwrap()
            .path();
        let archive = directory.join("archive.redb");
        exists(&archive).then_some(())
    };
    while filled().is_none() {
        std::thread::yield_now();
    }
    let interrupt = format!("kill -INT {}", bench.id());
    let sent = std::process::Command::new("sh")
        .args(["-c", &interrupt])
        .status();
    assert!(sent.unwrap().success());
    let output = bench.wait_with_output().unwrap();
    assert_fails(&output, 1, &["interrupted", "temporary archive is removed"]);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}
