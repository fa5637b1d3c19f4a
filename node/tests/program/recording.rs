//! `run --record` and `wire replay`: sessions between real nodes, recorded and run again.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use store_adapter::ArchiveUrl;
use sync_core::Range;
use wakustore::cli::DialectArg;
use wakustore::node::{Node, NodeConfig};
use wakustore::recording::Recording;
use wakustore::store::Store;

use crate::support::{Place, assert_fails, json, messages, run, two_thirds};

const HOUR: u64 = 3_600_000_000_000;

/// Archives `a` and `b` with different two thirds of the messages, each as a file of lines too, and
/// `a` once more as it is now.
fn archives(place: &Place, all: &[String]) -> [String; 2] {
    let files = [("a", 0), ("b", 1)].map(|(archive, rest)| {
        let file = place.write(&format!("{archive}.json"), &two_thirds(all, rest));
        place.succeed(archive, &["import", &file]);
        file
    });
    place.copy("a", "a-before");
    files
}

fn replay(place: &Place, arguments: &[&str]) -> std::process::Output {
    let record = place.path("record");
    let mut line = vec!["wire", "replay", record.to_str().unwrap()];
    line.extend(arguments);
    run(&line)
}

/// A node over the archive `name`, recorded to `record` if there is one.
async fn node(place: &Place, name: &str, record: Option<&Path>) -> (Node, Option<Recording>) {
    let store = Store::open(&ArchiveUrl::Redb(place.path(name)))
        .await
        .unwrap();
    let mut config = NodeConfig::new(sync_net::identity::generate(), Some(99))
        .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let recording = record.map(|file| Recording::start(file, 1 << 30).unwrap());
    if let Some(recording) = &recording {
        config.reconcile.observer = Some(recording.recorder());
    }
    let node = Node::start(config, Arc::clone(&store)).await.unwrap();
    (node, recording)
}

/// Records `a` in a session with `b`, which one of the two starts.
async fn record(place: &Place, dialect: DialectArg, a_starts: bool) {
    let record = place.path("record");
    let (a, recording) = node(place, "a", Some(&record)).await;
    let (b, _) = node(place, "b", None).await;
    let (starting, answering) = if a_starts { (&a, &b) } else { (&b, &a) };
    let peer = starting.connect(&answering.addresses()[0]).await.unwrap();
    let now = wakustore::cli::time::now();
    let window = Range::of_times(now - 2 * HOUR, now);
    let synced = starting.syncer().sync(peer, window, dialect).await.unwrap();
    assert_eq!(synced.job.fetch.owed(), 0);
    b.stop().await;
    a.stop().await;
    recording.unwrap().finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_session_gives_the_same_frames_again_in_each_protocol_and_role() {
    for (dialect, protocol) in [
        (DialectArg::Auto, "own"),
        (DialectArg::Waku, "reconciliation"),
    ] {
        for (a_starts, role) in [(true, "initiator"), (false, "responder")] {
            let (place, all) = (Place::new(), messages(3_000, 41));
            let [of_a, of_b] = archives(&place, &all);
            record(&place, dialect, a_starts).await;
            let before = place.path("a-before");
            let url = format!("--store-message-db-url=redb://{}", before.display());
            let items = format!("--items={of_a}");
            for set in [&url, &items] {
                let output = replay(&place, &[set, "--json"]);
                let report = json(&String::from_utf8(output.stdout).unwrap());
                let case = format!("{protocol} {role} {set}: {report}");
                assert_eq!(output.status.code(), Some(0), "{case}");
                assert_eq!(
                    (&report["same"], &report["complete"]),
                    (&true.into(), &true.into())
                );
                assert_eq!(report["protocol"], protocol);
                assert_eq!(report["role"], role);
                assert_eq!(report["need"], 1_000, "{case}");
                let have = if protocol == "own" && !a_starts {
                    0
                } else {
                    1_000
                };
                assert_eq!(report["have"], have, "{case}");
                assert!(report["frames"].as_array().unwrap().len() >= 4, "{case}");
            }
            let output = replay(&place, &[&format!("--items={of_b}")]);
            let table = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(3), "{table}");
            assert!(table.contains("differs at byte"), "{table}");
            // What a holds since is more than what it held.
            let now = format!(
                "--store-message-db-url=redb://{}",
                place.path("a").display()
            );
            assert_eq!(replay(&place, &[&now]).status.code(), Some(3));
        }
    }
}

/// Runs node `a` with these arguments while `b` syncs with it so many times; gives the last words of
/// its log that were waited for.
fn run_recorded(place: &Place, arguments: &[&str], syncs: usize, words: &[&str]) -> String {
    let mut line = vec!["--cluster-id=99", "--store-sync-interval=1h"];
    line.extend(arguments);
    let mut a = place.node("a", &line);
    for _ in 0..syncs {
        place.succeed("b", &["sync", &a.address, "--range=2h"]);
    }
    let said = if words.is_empty() {
        String::new()
    } else {
        a.wait_for(words)
    };
    assert_eq!(a.terminate(), Some(0));
    said
}

#[test]
fn a_node_records_its_sessions_and_faults_of_the_file_are_told_apart() {
    let (place, all) = (Place::new(), messages(900, 42));
    let [of_a, _] = archives(&place, &all);
    let record = place.path("record");
    run_recorded(&place, &["--record", record.to_str().unwrap()], 2, &[]);
    let items = format!("--items={of_a}");
    let several = replay(&place, &[&items]);
    assert_fails(&several, 2, &["--session", "it has 1, 2"]);
    let unknown = replay(&place, &[&items, "--session=77"]);
    assert_fails(&unknown, 2, &["no session 77", "it has 1, 2"]);
    let first = replay(&place, &[&items, "--session=1"]);
    let table = String::from_utf8_lossy(&first.stdout).into_owned();
    assert_eq!(first.status.code(), Some(0), "{table}");
    for words in [
        "received",
        "sent",
        "same",
        "Session 1 run again: every frame is as it was",
    ] {
        assert!(table.contains(words), "{table}");
    }
    // By the second session the set was another.
    let second = replay(&place, &[&items, "--session=2"]);
    assert_eq!(second.status.code(), Some(3));

    let whole = std::fs::read_to_string(&record).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    for line in &lines[1..] {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["event", "time", "session", "peer", "protocol", "role"] {
            assert!(!line[key].is_null(), "no {key}: {line}");
        }
    }
    let rewritten = |text: &str| {
        std::fs::write(&record, text).unwrap();
        replay(&place, &[&items, "--session=1"])
    };
    let damaged = whole.replacen("\"frame\":\"", "\"frame\":\"x", 1);
    assert_fails(&rewritten(&damaged), 1, &["record: line 3", "hex"]);
    let cut = &whole[..whole.find("\"event\":\"frame\"").unwrap() + 100];
    assert_fails(&rewritten(cut), 1, &["line 3", "cut off"]);
    let without_a_frame = [&lines[..3], &lines[4..]].concat().join("\n");
    assert_fails(
        &rewritten(&without_a_frame),
        1,
        &["line 4", "frame 1", "missing"],
    );
    assert_fails(&rewritten(&all.join("\n")), 1, &["line 1", "run --record"]);
    assert_fails(&rewritten(""), 1, &["no session"]);
    // Cut between two lines, it is right as far as it goes.
    let short = rewritten(&(lines[..4].join("\n") + "\n"));
    assert_eq!(short.status.code(), Some(1));
    let words = String::from_utf8_lossy(&short.stdout).into_owned();
    assert!(words.contains("ends before the session does"), "{words}");
}

#[test]
fn a_set_that_is_not_there_or_not_whole_is_an_error() {
    let (place, all) = (Place::new(), messages(90, 43));
    archives(&place, &all);
    let record = place.path("record");
    run_recorded(&place, &["--record", record.to_str().unwrap()], 1, &[]);
    let bad = place.write("bad", &["no message".to_owned()]);
    let refused = replay(&place, &[&format!("--items={bad}")]);
    assert_fails(&refused, 1, &["line 1", "1 lines of", "refused"]);
    let none = format!(
        "--store-message-db-url=redb://{}",
        place.path("none").display()
    );
    assert_fails(&replay(&place, &[&none]), 1, &["none"]);
    assert_fails(&replay(&place, &[&none, "--items=x"]), 2, &["--items"]);
    assert_fails(
        &run(&["wire", "replay", "-", "--items=-"]),
        2,
        &["standard input"],
    );
    let missing = place.path("missing");
    let missing = run(&["wire", "replay", missing.to_str().unwrap()]);
    assert_fails(&missing, 1, &["missing", "can't be read"]);
}

#[test]
fn a_recording_goes_to_a_new_file_only() {
    let (place, all) = (Place::new(), messages(90, 44));
    let [of_a, _] = archives(&place, &all);
    let data = format!("--data-dir={}", place.path("data").display());
    let refused = |file: &str| {
        let output = place.run("a", &["run", "--tcp-port=0", &data, "--record", file]);
        assert_fails(&output, 2, &[file, "name another"]);
    };
    let lines = std::fs::read(&of_a).unwrap();
    refused(&of_a);
    assert!(std::fs::read(&of_a).unwrap() == lines, "{of_a} was changed");
    refused(place.path("a/catalogue.redb").to_str().unwrap());
    place.succeed("a", &["check"]);
    let nowhere = place.path("no/such/directory");
    let line = [
        "run",
        "--tcp-port=0",
        &data,
        "--record",
        nowhere.to_str().unwrap(),
    ];
    assert_fails(&place.run("a", &line), 1, &["no/such/directory"]);
    let small = place.run("a", &["run", "--record=x", "--record-limit=4095"]);
    assert_fails(&small, 2, &["4096"]);
}

#[test]
fn a_recording_that_is_full_stops_and_the_node_goes_on() {
    let (place, all) = (Place::new(), messages(900, 45));
    archives(&place, &all);
    let record = place.path("record");
    let arguments = ["--record-limit=6kB", "--record", record.to_str().unwrap()];
    run_recorded(
        &place,
        &arguments,
        2,
        &["recording of sessions has stopped", "6000 bytes"],
    );
    let text = std::fs::read_to_string(&record).unwrap();
    assert!(text.len() <= 6_000, "{}", text.len());
    let last = text.lines().last().unwrap();
    assert!(last.contains(r#""event":"full""#), "{last}");
}

#[test]
fn a_disk_that_is_full_stops_the_recording_and_not_the_node() {
    let (place, all) = (Place::new(), messages(90, 46));
    archives(&place, &all);
    run_recorded(
        &place,
        &["--record=/dev/full"],
        2,
        &["recording of sessions has stopped"],
    );
}
