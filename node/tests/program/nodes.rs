//! Nodes that keep each other's archives in step.

use crate::support::{
    Place, assert_both_export, json, messages, messages_of_one_nanosecond, recent_messages,
    two_archives, two_thirds,
};

const SYNC: [&str; 4] = [
    "--cluster-id=99",
    "--store-sync-interval=1s",
    "--store-sync-range=2h",
    "--store-sync-relay-jitter=20",
];

/// Nodes that find what they missed by resuming, for the next sync is an hour off.
const RESUMING: [&str; 2] = ["--cluster-id=99", "--store-sync-interval=1h"];

#[test]
fn two_nodes_on_different_archives_end_with_the_same() {
    let (place, all) = (Place::new(), messages(3_000, 1));
    two_archives(&place, &all);
    let mut a = place.node("a", &["--cluster-id=99", "--store-sync-interval=1h"]);
    let mut arguments = SYNC.to_vec();
    let static_node = format!("--staticnode={}", a.address);
    arguments.push(&static_node);
    let mut b = place.node("b", &arguments);
    b.wait_for(&["synced", "owed=0"]);
    a.wait_for(&["filled", "owed=0"]);
    assert_eq!(b.terminate(), Some(0));
    assert_eq!(a.terminate(), Some(0));
    assert_both_export(&place, &all);
}

#[test]
fn a_node_killed_in_mid_sync_completes_after_a_restart() {
    let (place, all) = (Place::new(), messages(3_000, 2));
    two_archives(&place, &all);
    let a = place.node("a", &["--cluster-id=99", "--store-sync-interval=1h"]);
    let mut arguments = SYNC.to_vec();
    let static_node = format!("--staticnode={}", a.address);
    arguments.push(&static_node);
    let mut b = place.node("b", &arguments);
    // The session has named what is missing; fetching it has just begun.
    b.wait_for(&["reconciled"]);
    b.kill();
    place.succeed("b", &["check"]);
    let held = place.succeed("b", &["export"]);
    let before = two_thirds(&all, 1);
    let held: std::collections::BTreeSet<&str> = held.lines().collect();
    assert!(
        before.iter().all(|line| held.contains(line.as_str())),
        "nothing stored is lost"
    );

    let mut b = place.node("b", &arguments);
    b.wait_for(&["synced", "owed=0"]);
    // What a lacked is pulled by a itself; the next sync finds no difference.
    b.wait_for(&["synced", "missing=0", "delivered=0"]);
    assert_eq!(b.terminate(), Some(0));
    assert_eq!(a.terminate(), Some(0));
    assert_both_export(&place, &all);
}

#[test]
fn what_a_peer_gets_from_somebody_else_meanwhile_is_not_owed_to_it() {
    let (place, all) = (Place::new(), messages(6_000, 6));
    let file = place.write("all.json", &all);
    let middle = place.node("middle", &["--cluster-id=99", "--store-sync-interval=1h"]);
    let arguments = ["sync", &middle.address, "--range=2h", "--json"];
    let reports = std::thread::scope(|scope| {
        let syncs = ["a", "b"].map(|archive| {
            place.succeed(archive, &["import", &file]);
            scope.spawn(|| json(&place.succeed(archive, &arguments)))
        });
        syncs.map(|sync| sync.join().unwrap())
    });
    for report in reports {
        assert_eq!(report["nodes"][1]["owed"], 0, "{report}");
        assert!(report["seconds"].as_f64() < Some(15.0), "{report}");
    }
}

#[test]
fn a_peer_that_hangs_does_not_keep_a_node_from_syncing_with_others() {
    let place = Place::new();
    let [hanging, other] = ["b", "c"].map(|name| {
        let node = place.node(name, &["--cluster-id=99", "--store-sync-interval=1h"]);
        (format!("--staticnode={}", node.address), node)
    });
    let mut node = place.node(
        "a",
        &[
            "--cluster-id=99",
            "--store-sync-interval=500ms",
            &hanging.0,
            &other.0,
        ],
    );
    let peer = |node: &str| node.rsplit('/').next().unwrap().to_owned();
    node.wait_for(&["synced", &peer(&hanging.0)]);
    node.wait_for(&["synced", &peer(&other.0)]);
    hanging.1.stop();
    let start = std::time::Instant::now();
    for _ in 0..12 {
        node.wait_for(&["synced", &peer(&other.0)]);
    }
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn nodes_of_different_clusters_part_and_both_say_why() {
    let place = Place::new();
    let mut a = place.node("a", &["--cluster-id=98"]);
    let static_node = format!("--staticnode={}", a.address);
    let mut b = place.node("b", &["--cluster-id=99", &static_node]);
    // Whichever asked first.
    a.wait_for(&["the peer is of another cluster"]);
    b.wait_for(&["the peer is of another cluster"]);
}

#[test]
fn nodes_meet_by_websocket_too() {
    let (place, all) = (Place::new(), messages(200, 3));
    two_archives(&place, &all);
    let a = place.node(
        "a",
        &[
            "--cluster-id=99",
            "--websocket-support",
            "--websocket-port=0",
        ],
    );
    let mut address = a.address.clone();
    while !address.contains("/ws") {
        address = a.next_address();
    }
    let arguments = ["sync", &address, "--range=2h", "--json"];
    let report = json(&place.succeed("b", &arguments));
    assert_eq!(report["messages"], 200);
}

#[test]
fn seven_of_ten_thousand_messages_of_one_nanosecond_are_named_and_fetched() {
    let (place, all) = (Place::new(), messages_of_one_nanosecond(10_000, 4));
    let lacking: Vec<String> = all
        .iter()
        .enumerate()
        .filter(|(n, _)| n % 1_429 != 5)
        .map(|(_, l)| l.clone())
        .collect();
    assert_eq!(all.len() - lacking.len(), 7);
    let (full, lacking) = (place.write("full", &all), place.write("lacking", &lacking));
    place.succeed("a", &["import", &full]);
    for dialect in ["auto", "waku"] {
        // Once it lacks them as the side that starts, once as the side that answers.
        place.succeed(&format!("{dialect}-starts"), &["import", &lacking]);
        place.succeed(&format!("{dialect}-answers"), &["import", &lacking]);
    }
    let a = place.node("a", &["--cluster-id=99"]);
    for dialect in ["auto", "waku"] {
        let by = format!("--dialect={dialect}");
        let options = ["--json", &by];
        let starts = format!("{dialect}-starts");
        let mut line = vec!["sync", &a.address];
        line.extend(options);
        let report = json(&place.succeed(&starts, &line));
        assert_eq!(
            (
                &report["nodes"][0]["missing"],
                &report["nodes"][0]["fetched"]
            ),
            (&7.into(), &7.into())
        );
        let answers = place.node(&format!("{dialect}-answers"), &["--cluster-id=99"]);
        line[1] = &answers.address;
        let report = json(&place.succeed(&starts, &line));
        assert_eq!(
            (
                &report["nodes"][1]["missing"],
                &report["nodes"][1]["fetched"]
            ),
            (&7.into(), &7.into())
        );
        assert_eq!(answers.terminate(), Some(0));
        let exported = place.succeed(&format!("{dialect}-answers"), &["export"]);
        let differing: Vec<_> = exported.lines().zip(&all).filter(|(l, r)| l != r).collect();
        assert_eq!((exported.lines().count(), differing), (all.len(), vec![]));
    }
}

#[test]
fn a_node_killed_in_mid_resume_goes_on_after_a_restart() {
    let (place, old) = (Place::new(), messages(200, 8));
    for archive in ["a", "b"] {
        let file = place.write(&format!("{archive}.json"), &old);
        place.succeed(archive, &["import", &file]);
    }
    let a = place.node("a", &RESUMING);
    let static_node = format!("--staticnode={}", a.address);
    let mut arguments = RESUMING.to_vec();
    arguments.push(&static_node);
    let mut b = place.node("b", &arguments);
    b.wait_for(&["online"]);
    assert_eq!(b.terminate(), Some(0));
    assert_eq!(a.terminate(), Some(0));

    let missed = recent_messages(4_000, 9);
    place.succeed("a", &["import", &place.write("missed", &missed)]);
    // Under another key it is a node that was never away, and vouches for what it holds.
    let key = format!("--nodekey={}", "5a".repeat(32));
    let a = place.node("a", &[RESUMING[0], RESUMING[1], &key]);
    let static_node = format!("--staticnode={}", a.address);
    let mut arguments = RESUMING.to_vec();
    arguments.push(&static_node);
    let mut b = place.node("b", &arguments);
    b.wait_for(&["the node was away"]);
    b.wait_for(&["reconciled", "need=4000"]);
    b.kill();
    place.succeed("b", &["check"]);
    let mut b = place.node("b", &arguments);
    b.wait_for(&["resumed"]);
    assert_eq!(b.terminate(), Some(0));
    assert_eq!(a.terminate(), Some(0));
    assert_both_export(&place, &[old, missed].concat());
}
