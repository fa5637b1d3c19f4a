//! `wakustore demo`, the newcomer's first look.

use std::time::{Duration, Instant};

use crate::support::{Node, PATIENCE, get, json, program, run};

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

#[test]
fn served_nodes_stay_and_their_pages_show_what_is_filled_until_they_are_told_to_end() {
    let arguments = [
        "demo",
        "--serve",
        "--messages=300",
        "--sync-interval=500ms",
        "--rate=20",
        "--loss=30",
    ];
    let demo = Node::start(program(), &arguments.map(String::from));
    let mut pages = Vec::new();
    while pages.len() < 2 {
        if let Some((_, page)) = demo.next_address().split_once("http://") {
            pages.push(page.trim_end_matches('/').to_owned());
        }
    }
    let until = Instant::now() + PATIENCE;
    for page in &pages {
        loop {
            let state: serde_json::Value =
                serde_json::from_str(&get(page, "/page/state").1).unwrap();
            let mut sessions = state["sessions"].as_array().unwrap().iter();
            let filled = sessions.any(|session| session["fetched"].as_u64() > Some(0));
            if filled && state["archive"]["messages"].as_u64() > Some(300) {
                break;
            }
            assert!(Instant::now() < until, "{state}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    assert_eq!(demo.terminate(), Some(0));
}
