//! Retention: what `run` prunes, and what `db` tells of an archive and does to it.

use crate::support::{Place, assert_fails, exists, json, large_messages, messages, run};

const POLICY: &str = "--store-message-retention-policy";

fn filled(count: usize, seed: u64) -> (Place, Vec<String>) {
    let (place, all) = (Place::new(), messages(count, seed));
    let file = place.write("all.json", &all);
    place.succeed("a", &["import", &file]);
    (place, all)
}

#[test]
fn a_node_keeps_to_its_capacity_and_the_newest_messages() {
    let (place, all) = filled(500, 21);
    let mut node = place.node("a", &["--cluster-id=99", &format!("{POLICY}=capacity:100")]);
    node.wait_for(&["pruned", "capacity", "messages=400"]);
    node.wait_for(&["running", "capacity:100"]);
    assert_eq!(node.terminate(), Some(0));
    let left = place.succeed("a", &["export"]);
    assert_eq!(left, all[400..].join("\n") + "\n");
    place.succeed("a", &["check"]);
    // What went doesn't come back, neither from a peer nor from a file.
    let file = place.path("all.json");
    let again = place.run("a", &["import", file.to_str().unwrap()]);
    assert_fails(
        &again,
        1,
        &["before the oldest that is kept", "400 lines refused"],
    );
    place.succeed("b", &["import", file.to_str().unwrap()]);
    let other = place.node("b", &["--cluster-id=99", &format!("{POLICY}=none")]);
    for dialect in ["--dialect=auto", "--dialect=waku"] {
        let arguments = ["sync", &other.address, "--range=2h", "--json", dialect];
        let report = json(&place.succeed("a", &arguments));
        assert_eq!(report["nodes"][0]["missing"], 0, "{report}");
    }
    assert_eq!(place.succeed("a", &["export"]), left);
}

#[test]
fn an_import_keeps_to_the_policy_that_it_is_given() {
    let (place, all) = (Place::new(), large_messages(700, 23));
    let file = place.write("all.json", &all);
    let policy = format!("{POLICY}=size:32MB");
    place.succeed("a", &["import", &file, &policy]);
    let stats = json(&place.succeed("a", &["db", "stats", "--json"]));
    let disk = stats["disk_bytes"].as_u64().unwrap();
    assert!(disk <= (32 << 20) / 20 * 21, "{disk}");
    let left = place.succeed("a", &["export"]);
    let left = left.lines().count();
    assert!((60..330).contains(&left), "{left}");
    // The newest, and nothing but the newest.
    let expected = all[700 - left..].join("\n") + "\n";
    assert!(place.succeed("a", &["export"]) == expected);
    place.succeed("a", &["check"]);
    // What the policy leaves out isn't a failure.
    let policy = format!("{POLICY}=time:1");
    let output = place.run("b", &["import", &file, &policy]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("0 lines refused, 700 older than what is kept"),
        "{told}"
    );
    let wrong = place.run("b", &["import", &file, &format!("{POLICY}=size:1MB")]);
    assert_fails(&wrong, 2, &[POLICY, "size:32MB"]);
}

#[test]
fn a_policy_that_is_none_is_told_what_is() {
    let place = Place::new();
    for (policy, words) in [
        ("time:-5", &["time:172800", "-5"][..]),
        ("days:5", &["days:5", "time:172800;size:30GB"]),
        ("size:1TB", &["GB or MB", "size:30GB"]),
        ("time:5;time:6", &["twice"]),
    ] {
        let policy = format!("{POLICY}={policy}");
        assert_fails(&place.run("a", &["run", "--tcp-port=0", &policy]), 2, words);
    }
    let policy = format!("{POLICY}=size:1MB");
    let refused = place.run("a", &["run", "--tcp-port=0", &policy]);
    assert_fails(&refused, 2, &[POLICY, "least that works", "size:32MB"]);
}

#[test]
fn prune_tells_what_would_go_and_then_does_it() {
    let (place, all) = filled(300, 22);
    let policy = format!("{POLICY}=capacity:120");
    let dry = json(&place.succeed("a", &["db", "prune", "--dry-run", "--json", &policy]));
    assert_eq!(
        (&dry["messages"], &dry["dry_run"]),
        (&180.into(), &true.into())
    );
    assert_eq!(dry["bounds"][0]["bound"], "capacity");
    let words = place.succeed("a", &["db", "prune", "--dry-run", &policy]);
    assert!(
        words.contains("180 messages") && words.contains("would go"),
        "{words}"
    );
    assert_eq!(place.succeed("a", &["export"]).lines().count(), 300);
    let done = json(&place.succeed("a", &["db", "prune", "--json", &policy]));
    for same in ["messages", "message_bytes", "oldest", "bounds"] {
        assert_eq!(dry[same], done[same], "{same}");
    }
    assert_eq!(
        place.succeed("a", &["export"]),
        all[180..].join("\n") + "\n"
    );
    let again = place.succeed("a", &["db", "prune", &policy]);
    assert!(again.contains("keeps everything that is there"), "{again}");
    assert_fails(&place.run("a", &["db", "prune"]), 2, &[POLICY]);
}

#[test]
fn stats_tell_messages_and_bytes_by_hour_and_shard() {
    let (place, all) = filled(400, 23);
    let stats = json(&place.succeed("a", &["db", "stats", "--json"]));
    assert_eq!(stats["messages"], 400);
    let hours = stats["hours"].as_array().unwrap();
    let sum = |field: &str| {
        hours
            .iter()
            .map(|hour| hour[field].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(sum("messages"), 400);
    assert_eq!(Some(sum("bytes")), stats["message_bytes"].as_u64());
    let topic = hours[0]["pubsub_topic"].as_str().unwrap();
    let of_topic = hours.iter().filter(|hour| hour["pubsub_topic"] == topic);
    let counted: u64 = of_topic
        .map(|hour| hour["messages"].as_u64().unwrap())
        .sum();
    let quoted = format!("\"{topic}\"");
    assert_eq!(
        counted,
        all.iter().filter(|line| line.contains(&quoted)).count() as u64
    );
    let shard = topic.rsplit('/').next().unwrap().parse::<u64>().ok();
    assert_eq!(hours[0]["shard"].as_u64(), shard);
    assert!(hours[0]["hour"].as_str().unwrap().ends_with(":00:00Z"));
    assert!(stats["disk_bytes"].as_u64() > stats["message_bytes"].as_u64());
    let text = place.succeed("a", &["db", "stats"]);
    assert!(
        text.contains("400 messages") && text.contains("shard"),
        "{text}"
    );
    let widest = text.lines().skip(1).map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{text}");
}

#[test]
fn predict_tells_growth_and_when_bounds_are_met() {
    let (place, _) = filled(1_000, 24);
    let policy = format!("{POLICY}=time:172800;capacity:2000000;size:10GB");
    let report = json(&place.succeed("a", &["db", "predict", "--json", &policy]));
    // The last hour's messages lie in two hours by the clock, or in one when it begins.
    if report["growth"].is_null() {
        assert_eq!(
            report["bounds"].as_array().map(Vec::len),
            Some(0),
            "{report}"
        );
        return;
    }
    let per_day = report["growth"]["messages_per_day"].as_f64().unwrap();
    assert!(per_day > 0.0 && per_day <= 24_000.0, "{report}");
    let bounds = report["bounds"].as_array().unwrap();
    assert_eq!(bounds.len(), 3);
    let days = bounds[1]["history_days"].as_f64().unwrap();
    assert!((days - 2_000_000.0 / per_day).abs() < 0.001, "{report}");
    assert!(bounds[2]["met"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn an_empty_archive_is_called_empty_and_an_absent_one_is_an_error() {
    let place = Place::new();
    let nothing = place.write("nothing", &[]);
    place.succeed("a", &["import", &nothing]);
    for (command, word) in [
        (&["db", "stats"][..], "empty"),
        (&["db", "predict"], "empty"),
        (
            &["db", "prune", "--store-message-retention-policy=time:5"],
            "keeps everything",
        ),
    ] {
        let text = place.succeed("a", command);
        assert!(text.contains(word), "{text}");
        let mut command = command.to_vec();
        command.push("--json");
        assert_eq!(json(&place.succeed("a", &command))["messages"], 0);
        assert_fails(&place.run("absent", &command), 1, &["no archive at"]);
        assert!(!exists(&place.path("absent")));
    }
    assert_fails(&run(&["db"]), 2, &["stats", "prune", "predict"]);
}
