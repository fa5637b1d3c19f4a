//! What a node logs, for programs that read it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Node, Place, messages, program, two_archives};

/// What every payload of these tests has in it, as bytes and in the forms that it could be logged in.
const MARK: &str = "do-not-log-me";
const MARK_SHOWN: [&str; 5] = [
    MARK,
    "ZG8tbm90LWxvZy1tZ",
    "646f2d6e6f742d6c6f67",
    "646F2D6E6F742D6C6F67",
    "100, 111, 45, 110, 111, 116",
];

/// Lines of an export with payloads that can be recognised.
fn marked(lines: &[String]) -> Vec<String> {
    let mark = |(number, line): (usize, &String)| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        // Three bytes are four characters in base64.
        line["message"]["payload"] = format!("ZG8tbm90LWxvZy1tZS{number:06}").into();
        line.as_object_mut().unwrap().remove("messageHash");
        line.to_string()
    };
    lines.iter().enumerate().map(mark).collect()
}

fn peer(address: &str) -> &str {
    address.rsplit('/').next().unwrap()
}

fn event(line: &str) -> Value {
    let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    for key in ["timestamp", "level", "target"] {
        assert!(event[key].is_string(), "no {key} in {line}");
    }
    let is_library = event["target"].as_str().unwrap().starts_with("libp2p");
    assert!(
        is_library || event["message"].is_string(),
        "no message in {line}"
    );
    event
}

#[test]
fn a_sync_is_told_in_json_with_peer_and_session_and_never_with_a_payload() {
    let (place, all) = (Place::new(), marked(&messages(300, 21)));
    two_archives(&place, &all);
    let common = ["--cluster-id=99", "--log-format=JSON", "--log-level=TRACE"];
    let mut a = place.node("a", &[&common[..], &["--store-sync-interval=1h"]].concat());
    let static_node = format!("--staticnode={}", a.address);
    let syncing = [
        "--store-sync-interval=1s",
        "--store-sync-range=2h",
        &static_node,
    ];
    let mut b = place.node("b", &[&common[..], &syncing].concat());
    b.wait_for(&["\"synced\"", "\"owed\":0"]);
    a.wait_for(&["\"filled\"", "\"owed\":0"]);
    for (node, other) in [(&b, peer(&a.address)), (&a, peer(&b.address))] {
        let mut sessions = BTreeSet::new();
        for line in node.seen() {
            for mark in MARK_SHOWN {
                assert!(!line.contains(mark), "{line}");
            }
            let event = event(line);
            if ["reconciled", "filled", "synced"]
                .iter()
                .any(|word| event["message"] == *word)
            {
                assert_eq!(event["peer"], other, "{line}");
                assert_eq!(event["level"], "INFO");
                sessions.insert(event["session"].as_u64().unwrap());
            }
        }
        assert!(!sessions.is_empty());
        // The level on the command line goes before RUST_LOG, which these tests set to `info`.
        assert!(
            node.seen()
                .iter()
                .any(|line| event(line)["level"] == "DEBUG")
        );
    }
}

#[test]
fn a_flag_without_part_is_told_in_one_line_wherever_it_is_given() {
    let place = Place::new();
    let toml = "filter = true\nlightpush = false\nrln-relay-eth-client-address = [\"http://x\"]\n";
    let file = place.write("nwaku.toml", &[toml.to_owned()]);
    let file = format!("--config-file={file}");
    let arguments = place.node_arguments("a", &["--lightpush", "--lightpush:true", &file]);
    let mut command = program();
    command.env("WAKUSTORE_PEER_EXCHANGE", "true");
    let mut node = Node::start(command, &arguments);
    node.wait_for(&["running"]);
    for (flag, origin) in [
        ("lightpush", "command line"),
        ("peer-exchange", "WAKUSTORE_PEER_EXCHANGE"),
        ("filter", "nwaku.toml"),
        ("rln-relay-eth-client-address", "nwaku.toml"),
    ] {
        let named = format!("flag=\"{flag}\"");
        let lines: Vec<&String> = node
            .seen()
            .iter()
            .filter(|line| line.contains(&named))
            .collect();
        assert_eq!(lines.len(), 1, "{flag}: {lines:?}");
        assert!(
            lines[0].contains("WARN") && lines[0].contains(origin),
            "{lines:?}"
        );
    }
}
