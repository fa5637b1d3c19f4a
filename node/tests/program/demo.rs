//! `wakustore demo`, the newcomer's first look.

use crate::support::{json, run};

fn demo(arguments: &[&str]) -> serde_json::Value {
    let mut line = vec!["demo", "--messages=1500", "--seed=7", "--json"];
    line.extend(arguments);
    let output = run(&line);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    json(&String::from_utf8(output.stdout).unwrap())
}

fn assert_filled(report: &serde_json::Value) {
    assert_eq!(report["equal"], true);
    assert_eq!(report["messages"], 1_500);
    assert_eq!(report["digest"].as_str().unwrap().len(), 64);
    for node in report["nodes"].as_array().unwrap() {
        assert_eq!(node["before"], 1_350);
        assert_eq!(node["missing"], 150);
        assert_eq!(node["fetched"], 150);
        assert_eq!((&node["refused"], &node["owed"]), (&0.into(), &0.into()));
        assert_eq!(node["after"], 1_500);
    }
    assert!(report["rounds"].as_u64().unwrap() > 1);
    let bytes = &report["bytes"];
    for name in [
        "reconcile_sent",
        "reconcile_received",
        "fetch_sent",
        "fetch_received",
    ] {
        assert!(bytes[name].as_u64().unwrap() > 1_000, "{name}: {bytes}");
    }
}

#[test]
fn both_archives_end_equal_by_the_own_protocol() {
    let report = demo(&[]);
    assert_filled(&report);
    assert_eq!(report["dialect"], "negentropy");
}

#[test]
fn both_archives_end_equal_by_wakus_reconciliation() {
    let report = demo(&["--dialect=waku"]);
    assert_filled(&report);
    assert_eq!(report["dialect"], "waku");
}

#[test]
fn equal_archives_and_halves_are_fine_too() {
    let report = demo(&["--missing=0"]);
    assert_eq!(
        (&report["equal"], &report["nodes"][0]["missing"]),
        (&true.into(), &0.into())
    );
    let report = demo(&["--missing=50"]);
    assert_eq!(
        (&report["equal"], &report["nodes"][1]["fetched"]),
        (&true.into(), &750.into())
    );
}

#[test]
fn people_get_a_table_and_a_verdict() {
    let output = run(&["demo", "--messages=200"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("missing") && text.contains("Both archives hold the same 200 messages"));
}
