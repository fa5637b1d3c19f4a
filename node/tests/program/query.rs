//! `wakustore query`: what is shown is what a filter of the archive gives, whoever fails on the way.

use std::io::{BufRead, BufReader, Read};
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::{Node, Place, assert_fails, code_and_errors, messages, program, run};

/// A peer that isn't there.
const GONE: &str = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

const CLUSTER: &str = "--cluster-id=99";

/// A node that holds these messages, and whom nobody syncs with.
fn serving(place: &Place, name: &str, lines: &[String]) -> Node {
    let file = place.write(&format!("{name}.json"), lines);
    place.succeed(name, &["import", &file]);
    place.node(name, &[CLUSTER, "--store-sync=false", "--relay=false"])
}

fn query(peers: &[&str], arguments: &[&str]) -> Output {
    let line = ["query"].iter().chain(peers).chain(arguments);
    run(&line.collect::<Vec<_>>())
}

/// The lines of a query that succeeds.
fn lines(peers: &[&str], arguments: &[&str]) -> Vec<String> {
    let output = query(peers, arguments);
    let (code, errors) = code_and_errors(&output);
    assert_eq!(code, Some(0), "{arguments:?}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn hash_of(line: &str) -> String {
    parsed(line)["messageHash"].as_str().unwrap().to_owned()
}

fn time_of(line: &str) -> u64 {
    parsed(line)["message"]["timestamp"].as_u64().unwrap()
}

/// Nanoseconds since 1970 as RFC 3339 has them.
fn rfc3339(nanoseconds: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(nanoseconds.into()).unwrap();
    time.to_string()
}

/// Arguments, and which messages they ask for.
type Case<'a> = (Vec<&'a str>, Box<dyn Fn(&str) -> bool + 'a>);

#[test]
fn every_criterion_gives_what_a_filter_of_the_archive_gives() {
    let (place, all) = (Place::new(), messages(500, 71));
    let node = serving(&place, "a", &all);
    let of = |line: &str, key: &str, value: &str| match key {
        "pubsubTopic" => parsed(line)[key] == value,
        _ => parsed(line)["message"][key] == value,
    };
    let shard = "/waku/2/rs/99/3";
    let (chat, forum) = ("/toychat/2/huilong/proto", "/forum/1/posts/proto");
    let (since, until) = (time_of(&all[100]), time_of(&all[300]));
    let (since_text, until_text) = (since.to_string(), rfc3339(until));
    let within = |line: &str| (since..=until).contains(&time_of(line));
    let cases: Vec<Case<'_>> = vec![
        (vec![], Box::new(|_| true)),
        (vec!["--page-size=7"], Box::new(|_| true)),
        (
            vec!["--pubsub-topic", shard],
            Box::new(|line| of(line, "pubsubTopic", shard)),
        ),
        (
            vec!["--content-topic", chat, "--content-topic", forum],
            Box::new(|line| of(line, "contentTopic", chat) || of(line, "contentTopic", forum)),
        ),
        (
            vec![
                "--since",
                &since_text,
                "--until",
                &until_text,
                "--page-size=13",
            ],
            Box::new(within),
        ),
        // All are between a minute and an hour old.
        (vec!["--since=-2h", "--until", "now"], Box::new(|_| true)),
        (vec!["--range=2h"], Box::new(|_| true)),
        (vec!["--since=-30s"], Box::new(|_| false)),
        (vec!["--until=-2h"], Box::new(|_| false)),
        (
            vec![
                "--pubsub-topic",
                shard,
                "--content-topic",
                chat,
                "--since",
                &since_text,
                "--until",
                &until_text,
            ],
            Box::new(|line| {
                of(line, "pubsubTopic", shard) && of(line, "contentTopic", chat) && within(line)
            }),
        ),
        (vec!["--pubsub-topic=/none"], Box::new(|_| false)),
    ];
    for (arguments, matches) in cases {
        let expected: Vec<String> = all.iter().filter(|line| matches(line)).cloned().collect();
        let asked = |more: &[&str]| lines(&[&node.address], &[arguments.as_slice(), more].concat());
        assert_eq!(asked(&["--json"]), expected, "{arguments:?}");
        let mut backward = asked(&["--json", "--backward"]);
        backward.reverse();
        assert_eq!(backward, expected, "{arguments:?} --backward");
        let hashes: Vec<String> = expected.iter().map(|line| hash_of(line)).collect();
        let bare = asked(&["--json", "--no-data"]);
        let bare: Vec<String> = bare.iter().map(|line| hash_of(line)).collect();
        assert_eq!(bare, hashes, "{arguments:?} --no-data");
        // The names of the columns, the line below them, and a row for each.
        let table = asked(&[]);
        let rows = if expected.is_empty() {
            0
        } else {
            expected.len() + 2
        };
        assert_eq!(table.len(), rows, "{arguments:?}: {table:?}");
        for (row, hash) in table.iter().skip(2).zip(&hashes) {
            assert!(row.contains(hash), "{hash}: {row}");
        }
    }
}

#[test]
fn what_is_queried_can_be_imported() {
    let (place, all) = (Place::new(), messages(150, 72));
    let node = serving(&place, "a", &all);
    let copied = place.write(
        "copied",
        &lines(&[&node.address], &["--json", "--backward"]),
    );
    place.succeed("b", &["import", &copied]);
    assert_eq!(place.succeed("b", &["export"]), all.join("\n") + "\n");
}

#[test]
fn a_query_that_ends_at_its_limit_tells_how_to_go_on() {
    let (place, all) = (Place::new(), messages(50, 73));
    let node = serving(&place, "a", &all);
    for direction in [&[][..], &["--backward"]] {
        let (mut read, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut arguments = vec!["--json", "--limit=20", "--page-size=8"];
            arguments.extend(direction);
            arguments.extend(cursor.iter().flat_map(|hash| ["--cursor", hash]));
            let output = query(&[&node.address], &arguments);
            let (code, errors) = code_and_errors(&output);
            assert_eq!(code, Some(0), "{errors}");
            let text = String::from_utf8(output.stdout).unwrap();
            read.extend(text.lines().map(str::to_owned));
            let Some((_, hash)) = errors.split_once("--cursor ") else {
                assert!(errors.contains("no more match"), "{errors}");
                break;
            };
            assert_eq!(text.lines().count(), 20);
            cursor = Some(hash.trim().to_owned());
        }
        if !direction.is_empty() {
            read.reverse();
        }
        assert_eq!(read, all, "{direction:?}");
    }
}

#[test]
fn hashes_are_looked_up_at_one_peer_after_the_other() {
    let (place, all) = (Place::new(), messages(300, 74));
    let a = serving(&place, "a", &all[..200]);
    let b = serving(&place, "b", &all[100..]);
    let hashes: Vec<String> = all.iter().map(|line| hash_of(line)).collect();
    let arguments: Vec<String> = hashes.iter().map(|hash| format!("--hash={hash}")).collect();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.push("--json");
    let mut read = lines(&[&a.address, &b.address], &arguments);
    let mut expected = all.clone();
    read.sort();
    expected.sort();
    assert_eq!(read, expected);

    let absent = "ab".repeat(32);
    let absent_hash = format!("--hash={absent}");
    let (known, unknown) = (
        format!("--hash={}", hashes[0]),
        format!("--hash={}", hashes[299]),
    );
    let output = query(
        &[&a.address],
        &["--json", "--no-data", &absent_hash, &known, &unknown],
    );
    assert_fails(&output, 1, &[&absent, &hashes[299][2..], "No peer"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, format!("{{\"messageHash\":\"{}\"}}\n", hashes[0]));
}

#[test]
fn one_message_is_shown_in_full() {
    let (place, all) = (Place::new(), messages(5, 75));
    let evil = all[2].replace(&format!("\"messageHash\":\"{}\",", hash_of(&all[2])), "");
    let topic = parsed(&all[2])["message"]["contentTopic"]
        .as_str()
        .unwrap()
        .to_owned();
    let evil = evil.replace(&topic, r"/\u001b[2J\n/proto");
    let payload = parsed(&all[2])["message"]["payload"]
        .as_str()
        .unwrap()
        .to_owned();
    let evil = evil.replace(&payload, "aGVsbG8bWzJKCgD/");
    let node = serving(&place, "a", &[all[0].clone(), evil]);
    let json = lines(&[&node.address], &["--json"]);
    let mut hashes = json.iter().map(|line| hash_of(line));
    let hash = hashes.find(|hash| *hash != hash_of(&all[0])).unwrap();
    let shown = lines(&[&node.address], &["--hash", &hash]);
    for line in [
        format!("hash          {hash}"),
        r"content topic /\u{1b}[2J\n/proto".to_owned(),
        "payload       12 bytes".to_owned(),
        "00000000  68 65 6c 6c 6f 1b 5b 32  4a 0a 00 ff             |hello.[2J...|".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line}: {shown:#?}");
    }
    let table = lines(&[&node.address], &[]);
    assert_eq!(table.len(), 4, "a line for each message: {table:?}");
    assert!(!table.concat().contains('\u{1b}'));
}

#[test]
fn a_peer_that_fails_is_told_and_the_next_one_goes_on() {
    let (place, all) = (Place::new(), messages(600, 76));
    let a = serving(&place, "a", &all);
    let b = serving(&place, "b", &all);
    let output = query(&[GONE, &a.address], &["--json"]);
    let (code, errors) = code_and_errors(&output);
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        errors.contains("/tcp/1/") && errors.contains("going on at"),
        "{errors}"
    );
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        all.join("\n") + "\n"
    );

    // The pipe is full long before the walk is at its end, so the peer goes while it is under way.
    let mut child = program()
        .args(["query", &a.address, &b.address, "--json", "--page-size=3"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut read = vec![output.next().unwrap().unwrap()];
    let gone = a.address.rsplit('/').next().unwrap().to_owned();
    a.kill();
    read.extend(output.map(Result::unwrap));
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{errors}");
    assert_eq!(read, all);
    assert!(errors.contains(&format!("instead of {gone}")), "{errors}");
}

#[test]
fn peers_that_can_not_be_asked_are_named() {
    let (place, all) = (Place::new(), messages(20, 77));
    assert_fails(
        &query(&[GONE], &[]),
        4,
        &["/tcp/1/", "no peer can be reached"],
    );
    let without = place.node("without", &[CLUSTER, "--store=false", "--relay=false"]);
    let id = without.address.rsplit('/').next().unwrap();
    let output = query(&[&without.address], &[]);
    assert_fails(
        &output,
        1,
        &[id, "doesn't speak Store", "store-query/3.0.0"],
    );

    let node = serving(&place, "a", &all);
    let output = query(&[&node.address], &["--cluster-id=98"]);
    assert_fails(&output, 1, &["cluster 99", "98"]);
    let shown = lines(&[&without.address, &node.address], &[CLUSTER, "--json"]);
    assert_eq!(shown, all);
}

#[test]
fn wrong_criteria_are_told_what_was_expected() {
    let forms = [
        "RFC 3339",
        "2026-01-31T12:00:00Z",
        "-2h",
        "1700000000000000000",
    ];
    assert_fails(&query(&[GONE], &["--since=yesterday"]), 2, &forms);
    assert_fails(&query(&[GONE], &["--until", "12:00"]), 2, &forms);
    assert_fails(&query(&[GONE], &["--range=2w"]), 2, &["2w", "90s"]);
    assert_fails(
        &query(&[GONE], &["--hash=0xabc"]),
        2,
        &["0xabc", "64 hex digits"],
    );
    assert_fails(&query(&["nowhere"], &[]), 2, &["nowhere", "/ip4/"]);
    assert_fails(&query(&["/ip4/127.0.0.1/tcp/1"], &[]), 2, &["/p2p/"]);
    assert_fails(&query(&[], &[]), 2, &["PEER"]);
    let empty = query(&[GONE], &["--since=-1h", "--until=-2h"]);
    let (code, errors) = code_and_errors(&empty);
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("range is empty"), "{errors}");
}

#[test]
fn nothing_is_said_when_nobody_reads_on() {
    // More than a pipe holds, whichever form it has.
    let (place, all) = (Place::new(), messages(600, 78));
    let node = serving(&place, "a", &all);
    for arguments in [&["--json"][..], &[]] {
        let mut child = program()
            .args(["query", &node.address, "--page-size=5"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();
        drop(output);
        let ended = child.wait_with_output().unwrap();
        let (code, errors) = code_and_errors(&ended);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
