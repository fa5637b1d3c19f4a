//! `wakustore count`: what it calls missing is what is missing, by whichever way it counts, whoever is down.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{
    Node, Place, assert_fails, code_and_errors, json, messages, messages_of_one_nanosecond,
    program, run,
};

/// A node that isn't there.
const GONE: &str = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

/// Messages are between a minute and an hour old.
const TIMES: [&str; 3] = ["--range=2h", "--delay=30s", "--bucket=10m"];

const BUCKET: u64 = 600_000_000_000;

/// How a node can be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Reconciliation,
    StoreQueries,
}

/// Nodes with what each of them holds.
struct Nodes<'a> {
    nodes: Vec<Node>,
    held: Vec<Vec<&'a str>>,
    all: &'a [String],
}

impl<'a> Nodes<'a> {
    /// Node `n` holds the messages whose number `holds` says.
    fn start(
        place: &Place,
        all: &'a [String],
        by: &[By],
        holds: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let (mut nodes, mut held) = (Vec::new(), Vec::new());
        for (node, by) in by.iter().enumerate() {
            let numbered = all.iter().enumerate();
            let lines = numbered.filter(|(number, _)| holds(node, *number));
            let lines: Vec<&str> = lines.map(|(_, line)| line.as_str()).collect();
            nodes.push(serving(place, &format!("n{node}"), &lines, *by));
            held.push(lines);
        }
        Self { nodes, held, all }
    }

    fn peers(&self) -> Vec<String> {
        let addresses = self.nodes.iter().map(|node| &node.address);
        addresses
            .map(|address| format!("--peer={address}"))
            .collect()
    }

    fn count(&self, arguments: &[&str]) -> Output {
        let peers = self.peers();
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        count(&[&peers[..], &TIMES, arguments].concat())
    }

    /// That a report says of these nodes exactly what is so.
    fn assert_told(&self, report: &Value) {
        let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in self.all {
            let lacking = (0..self.nodes.len()).filter(|node| !self.held[*node].contains(&&**line));
            let lacking: BTreeSet<String> = lacking.map(|node| name(&self.nodes[node])).collect();
            if !lacking.is_empty() && lacking.len() < self.nodes.len() {
                missing.insert(hash_of(line), lacking);
            }
        }
        assert_eq!(told_missing(report), missing);
        assert_eq!(report["missingMessages"], missing.len());
        for (number, node) in self.nodes.iter().enumerate() {
            let told = of_node(report, node);
            let lacks = missing.values().filter(|at| at.contains(&name(node)));
            assert_eq!(told["messages"], self.held[number].len(), "{told}");
            assert_eq!(told["missing"], lacks.count(), "{told}");
            assert_eq!(told["unsure"], 0, "{told}");
            let mut buckets: BTreeMap<u64, u64> = BTreeMap::new();
            for line in &self.held[number] {
                *buckets.entry(time_of(line) / BUCKET * BUCKET).or_default() += 1;
            }
            assert_eq!(told_buckets(report, node), buckets);
        }
    }
}

fn serving(place: &Place, name: &str, lines: &[&str], by: By) -> Node {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let file = place.write(&format!("{name}.json"), &lines);
    place.succeed(name, &["import", &file]);
    let sync = match by {
        By::Reconciliation => "--store-sync=true",
        By::StoreQueries => "--store-sync=false",
    };
    place.node(name, &["--cluster-id=99", "--relay=false", sync])
}

fn count(arguments: &[&str]) -> Output {
    run(&[&["count"], arguments].concat())
}

/// The report of a count that ends with this code.
fn report(output: &Output, code: i32) -> Value {
    let (actual, errors) = code_and_errors(output);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(actual, Some(code), "{errors}{text}");
    json(&text)
}

fn hash_of(line: &str) -> String {
    let message: Value = serde_json::from_str(line).unwrap();
    message["messageHash"].as_str().unwrap().to_owned()
}

fn time_of(line: &str) -> u64 {
    let message: Value = serde_json::from_str(line).unwrap();
    message["message"]["timestamp"].as_u64().unwrap()
}

/// Host and port.
fn name(node: &Node) -> String {
    let parts: Vec<&str> = node.address.split('/').collect();
    format!("{}:{}", parts[2], parts[4])
}

fn of_node<'a>(report: &'a Value, node: &Node) -> &'a Value {
    let nodes = report["nodes"].as_array().unwrap();
    nodes
        .iter()
        .find(|told| told["name"] == name(node))
        .unwrap()
}

fn told_missing(report: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let texts = |value: &Value| -> BTreeSet<String> {
        let texts = value.as_array().unwrap().iter();
        texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let missing = report["missing"].as_array().unwrap().iter();
    missing
        .map(|told| {
            (
                told["hash"].as_str().unwrap().to_owned(),
                texts(&told["missingAt"]),
            )
        })
        .collect()
}

/// Messages of a node by the start of their bucket.
fn told_buckets(report: &Value, node: &Node) -> BTreeMap<u64, u64> {
    let nodes = report["nodes"].as_array().unwrap();
    let place = nodes
        .iter()
        .position(|told| told["name"] == name(node))
        .unwrap();
    let buckets = report["buckets"].as_array().unwrap().iter();
    let told = buckets.map(|bucket| {
        let start = bucket["start"].as_u64().unwrap() / BUCKET * BUCKET;
        (start, bucket["nodes"][place]["messages"].as_u64().unwrap())
    });
    told.filter(|(_, count)| *count > 0).collect()
}

/// Every message is at one node at least, and each node lacks some.
fn with_holes(node: usize, number: usize) -> bool {
    number % [7, 11, 13][node] != node || number.is_multiple_of(77)
}

#[test]
fn known_holes_are_found_by_either_way_and_by_both() {
    use By::{Reconciliation, StoreQueries};
    for (seed, by) in [
        (81, [Reconciliation; 3]),
        (82, [StoreQueries; 3]),
        (83, [StoreQueries, Reconciliation, Reconciliation]),
        (84, [Reconciliation, StoreQueries, StoreQueries]),
    ] {
        let (place, all) = (Place::new(), messages(600, seed));
        let nodes = Nodes::start(&place, &all, &by, with_holes);
        let told = report(&nodes.count(&["--json"]), 3);
        nodes.assert_told(&told);
        for (node, by) in nodes.nodes.iter().zip(by) {
            let way = match by {
                Reconciliation => "reconciliation",
                StoreQueries => "Store queries",
            };
            let told = of_node(&told, node);
            assert_eq!(
                (&told["by"], &told["state"]),
                (&way.into(), &"counted".into())
            );
        }
    }
}

#[test]
fn a_node_that_lacks_nearly_all_is_compared_as_well_in_either_place() {
    let (place, all) = (Place::new(), messages(1_500, 85));
    // More than are asked for their times one by one.
    let nodes = Nodes::start(&place, &all, &[By::Reconciliation; 3], |node, number| {
        [number < 10, true, number >= 1_490][node]
    });
    nodes.assert_told(&report(&nodes.count(&["--json"]), 3));
}

#[test]
fn a_node_lacks_what_its_retention_has_given_up() {
    let (place, all) = (Place::new(), messages(600, 93));
    let mut nodes = Nodes::start(&place, &all, &[By::Reconciliation; 2], |_, _| true);
    nodes.nodes.pop().unwrap().kill();
    let policy = "--store-message-retention-policy=capacity:200";
    place.succeed("n1", &["db", "prune", policy]);
    let kept = place.succeed("n1", &["export"]).lines().count();
    assert!((1..=200).contains(&kept), "{kept}");
    // It doesn't take part in a session about what lies before its floor.
    nodes
        .nodes
        .push(place.node("n1", &["--cluster-id=99", "--relay=false", policy]));
    nodes.held[1] = all[600 - kept..].iter().map(String::as_str).collect();
    let told = report(&nodes.count(&["--json"]), 3);
    nodes.assert_told(&told);
    assert!(told["nodes"][1]["floor"].as_u64().unwrap() > time_of(&all[0]));
    let text = String::from_utf8(nodes.count(&[]).stdout).unwrap();
    assert!(text.contains("#2 keeps nothing before"), "{text}");
}

#[test]
fn messages_of_one_nanosecond_are_told_apart() {
    let (place, all) = (Place::new(), messages_of_one_nanosecond(300, 86));
    for by in [By::Reconciliation, By::StoreQueries] {
        let place_of_own = Place::new();
        let nodes = Nodes::start(&place_of_own, &all, &[by; 2], |node, number| {
            number != 100 + node
        });
        nodes.assert_told(&report(&nodes.count(&["--json"]), 3));
    }
    drop(place);
}

#[test]
fn a_node_that_is_down_is_told_apart_from_one_that_lacks_messages() {
    let (place, all) = (Place::new(), messages(300, 87));
    let by = [By::Reconciliation, By::StoreQueries];
    let nodes = Nodes::start(&place, &all, &by, with_holes);
    let neither = place.node(
        "neither",
        &["--cluster-id=99", "--relay=false", "--store=false"],
    );
    let down = format!("--peer={GONE}");
    let other = format!("--peer={}", neither.address);
    let told = report(&nodes.count(&[&down, &other, "--json"]), 4);
    nodes.assert_told(&told);
    let of = |name: &str| {
        let mut nodes = told["nodes"].as_array().unwrap().iter();
        nodes.find(|node| node["name"] == name).unwrap().clone()
    };
    let gone = of("127.0.0.1:1");
    assert_eq!(
        (&gone["state"], &gone["missing"]),
        (&"unreachable".into(), &0.into())
    );
    let neither = of_node(&told, &neither);
    assert_eq!(neither["state"], "no-protocol");
    let reason = neither["reason"].as_str().unwrap();
    assert!(reason.contains("store-query/3.0.0") && reason.contains("reconcile/1.0.0"));

    let text = String::from_utf8(nodes.count(&[&down, &other]).stdout).unwrap();
    for words in [
        "unreachable",
        "#3 127.0.0.1:1",
        "refused",
        "speaks neither protocol",
        "2 nodes aren't counted",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(
        !text.contains('\u{1b}'),
        "colours without a terminal: {text}"
    );
}

#[test]
fn nodes_are_given_nothing_and_asked_to_fetch_nothing() {
    let (place, all) = (Place::new(), messages(200, 88));
    let mut nodes = Nodes::start(&place, &all, &[By::Reconciliation; 2], with_holes);
    report(&nodes.count(&["--json"]), 3);
    let held: Vec<String> = nodes
        .held
        .iter()
        .map(|lines| lines.join("\n") + "\n")
        .collect();
    for node in &mut nodes.nodes {
        node.wait_for(&["reconciled", "have=0", "need=0"]);
    }
    for node in nodes.nodes.drain(..) {
        assert!(
            !node
                .seen()
                .iter()
                .any(|line| line.contains("session failed"))
        );
        assert_eq!(node.terminate(), Some(0));
    }
    for (number, held) in held.iter().enumerate() {
        assert_eq!(&place.succeed(&format!("n{number}"), &["export"]), held);
    }
}

#[test]
fn topics_and_times_narrow_a_count_by_either_way() {
    let (place, all) = (Place::new(), messages(400, 89));
    let chat = "/toychat/2/huilong/proto";
    let of_chat: Vec<String> = all
        .iter()
        .filter(|line| line.contains(chat))
        .cloned()
        .collect();
    assert!(of_chat.len() > 10);
    for by in [By::Reconciliation, By::StoreQueries] {
        let place_of_own = Place::new();
        let nodes = Nodes::start(&place_of_own, &all, &[by; 2], |node, number| {
            node == 0 || number % 3 > 0
        });
        let topic = format!("--content-topic={chat}");
        let told = report(&nodes.count(&[&topic, "--json"]), 3);
        let narrowed = Nodes {
            held: nodes
                .held
                .iter()
                .map(|held| {
                    held.iter()
                        .filter(|line| line.contains(chat))
                        .copied()
                        .collect()
                })
                .collect(),
            all: &of_chat,
            nodes: nodes.nodes,
        };
        narrowed.assert_told(&told);

        let (since, until) = (time_of(&all[100]), time_of(&all[200]));
        let times = [format!("--since={since}"), format!("--until={until}")];
        let peers = narrowed.peers();
        let told = report(
            &count(&[&peers[0], &peers[1], &times[0], &times[1], "--json"]),
            3,
        );
        let within = all
            .iter()
            .filter(|line| (since..until).contains(&time_of(line)));
        assert_eq!(told["messages"], within.count());
    }
    drop(place);
}

#[test]
fn equal_nodes_are_called_equal_and_shown_in_every_form() {
    let (place, all) = (Place::new(), messages(100, 90));
    let nodes = Nodes::start(&place, &all, &[By::Reconciliation; 2], |_, _| true);
    let page = place.path("page.html");
    let page_argument = format!("--html={}", page.display());
    let output = nodes.count(&["--csv", &page_argument]);
    let (code, errors) = code_and_errors(&output);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut rows = lines
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>());
    let sum: u64 = rows
        .by_ref()
        .map(|row| row[7].parse::<u64>().unwrap())
        .sum();
    assert_eq!(sum, 200, "{lines}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("2 nodes hold the same messages.") && page.ends_with("</html>\n"));
    let text = String::from_utf8(nodes.count(&[]).stdout).unwrap();
    assert!(text.contains("2 nodes hold the same messages."), "{text}");
    assert!(text.contains("100 messages"), "{text}");
}

#[test]
fn what_can_not_be_counted_is_told_why() {
    let peer = format!("--peer={GONE}");
    let forms = ["RFC 3339", "2026-01-31T12:00:00Z", "-2h"];
    assert_fails(&count(&[&peer, "--since=yesterday"]), 2, &forms);
    assert_fails(&count(&[&peer, "--bucket=1w"]), 2, &["1w", "90s"]);
    assert_fails(
        &count(&[&peer, "--bucket=1s", "--range=30d"]),
        2,
        &["--bucket", "5,000"],
    );
    assert_fails(&count(&[&peer, &peer]), 2, &["twice"]);
    assert_fails(&count(&["--peer=nowhere"]), 2, &["nowhere", "/ip4/"]);
    assert_fails(&count(&[]), 2, &["--peer"]);
    for empty in [&["--since=-1h", "--until=-2h"][..], &["--range=1m"]] {
        let output = count(&[&[peer.as_str()], empty].concat());
        let (code, errors) = code_and_errors(&output);
        assert_eq!(code, Some(0), "{errors}");
        assert!(errors.contains("range is empty"), "{errors}");
    }
    let output = count(&[&peer]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("unreachable"));
}

/// A running `count --watch`; killed when dropped.
struct Watch {
    child: std::process::Child,
    address: String,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watch {
    fn start(peers: &[String], arguments: &[&str]) -> Self {
        let mut child = program()
            .args([
                "count",
                "--watch=1s",
                "--metrics-port=0",
                "--bucket=10m",
                "--delay=30s",
            ])
            .args(peers)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = errors.next().unwrap().unwrap();
        let address = line.strip_prefix("Figures: http://").unwrap();
        let address = address.strip_suffix("/metrics").unwrap().to_owned();
        Self {
            child,
            address,
            lines,
        }
    }

    /// The next count as JSON.
    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    fn figures(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    /// The value of a figure of a node.
    fn figure(&self, name: &str, node: &str, window: &str) -> Option<f64> {
        let page = self.figures();
        let of_node = format!("node=\"{node}\"");
        let of_window = format!("window=\"{window}\"");
        let line = page.lines().find(|line| {
            line.starts_with(&format!("wakustore_count_{name}{{"))
                && line.contains(&of_node)
                && (window.is_empty() || line.contains(&of_window))
        })?;
        line.rsplit(' ').next().unwrap().parse().ok()
    }

    fn terminate(mut self) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Ended already, or it ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_watch_serves_what_it_counts_and_goes_on_after_a_restart() {
    let (place, all) = (Place::new(), messages(200, 91));
    let mut nodes = Nodes::start(&place, &all, &[By::Reconciliation; 2], with_holes);
    let state = format!("--state={}", place.path("state").display());
    let names: Vec<String> = nodes.nodes.iter().map(name).collect();
    let peers = nodes.peers();

    let mut watch = Watch::start(&peers, &["--json", &state]);
    let first = watch.next();
    nodes.assert_told(&first);
    let lacks = |node: usize| first["nodes"][node]["missing"].as_f64();
    let week = first["until"].as_u64().unwrap() - first["since"].as_u64().unwrap();
    assert!(
        week > 6 * 86_400_000_000_000,
        "the first count is of a week"
    );
    let second = watch.next();
    let day = second["until"].as_u64().unwrap() - second["since"].as_u64().unwrap();
    assert!(day < 25 * 3_600_000_000_000, "the next one isn't: {day}");
    for (node, name) in names.iter().enumerate() {
        for window in ["1d", "7d"] {
            assert_eq!(watch.figure("missing_messages", name, window), lacks(node));
            assert_eq!(
                watch.figure("node_availability_ratio", name, window),
                Some(1.0)
            );
        }
        assert_eq!(watch.figure("node_available", name, ""), Some(1.0));
    }
    assert!(
        watch
            .figures()
            .contains("\nwakustore_count_last_full_comparison_timestamp_seconds 1")
    );

    nodes.nodes.pop().unwrap().kill();
    // It may go in the midst of a count.
    let told = loop {
        let told = watch.next();
        if told["nodes"][1]["state"] == "unreachable" {
            break told;
        }
    };
    assert_eq!(told["complete"], false);
    assert_eq!(watch.figure("node_available", &names[1], ""), Some(0.0));
    for (node, name) in names.iter().enumerate() {
        let figure = watch.figure("missing_messages", name, "7d");
        assert_eq!(figure, lacks(node), "as it was last known");
    }
    watch.terminate();

    // Nobody is there any more, so that all there is to tell is of before.
    nodes.nodes.pop().unwrap().kill();
    let mut watch = Watch::start(&peers, &["--json", &state]);
    let since = watch.next()["since"].as_u64().unwrap();
    assert!(
        since > first["since"].as_u64().unwrap() + 86_400_000_000_000,
        "no week is due"
    );
    assert_eq!(watch.figure("missing_messages", &names[0], "7d"), lacks(0));
    let share = watch
        .figure("node_availability_ratio", &names[0], "7d")
        .unwrap();
    assert!(share > 0.0 && share < 1.0, "{share}");
    drop(watch);

    let other = [&[
        "count",
        "--watch=1s",
        "--bucket=1h",
        "--metrics-port=0",
        &state,
    ][..]]
    .concat();
    let line: Vec<&str> = other
        .into_iter()
        .chain(peers.iter().map(String::as_str))
        .collect();
    assert_fails(&run(&line), 2, &["--bucket 600 s", "--bucket 3600 s"]);
}

/// `make count-check`: a million messages at each of two nodes, ten of them at one alone.
#[test]
#[ignore = "it takes minutes, and tells something in a release build only"]
fn a_million_messages_are_compared_in_ten_seconds() {
    let place = Place::new();
    place.succeed("n0", &["bench", "archive", "--rows=1000000"]);
    place.copy("n0", "n1");
    let more = place.write("more.json", &messages(10, 92));
    place.succeed("n1", &["import", &more]);
    let by = [
        "--cluster-id=99",
        "--relay=false",
        "--store-message-retention-policy=none",
    ];
    let nodes = ["n0", "n1"].map(|name| place.node(name, &by));
    let peers = nodes
        .each_ref()
        .map(|node| format!("--peer={}", node.address));
    let times = [
        "--since=1970-01-01T00:00:00Z",
        "--bucket=100d",
        "--delay=0s",
        "--json",
    ];
    let output = count(&[&[peers[0].as_str(), &peers[1]][..], &times].concat());
    let told = report(&output, 3);
    assert_eq!(told["nodes"][0]["missing"], 10);
    assert_eq!(told["messages"], told["nodes"][1]["messages"]);
    assert!(told["messages"].as_u64().unwrap() >= 1_000_000);
    let seconds = told["seconds"].as_f64().unwrap();
    eprintln!("a million messages at each of two nodes: {seconds:.2} s");
    assert!(seconds < 10.0, "{seconds} s");
}
