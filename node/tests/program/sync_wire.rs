//! `--sync-wire`: nodes that write topics in either form of Waku's reconciliation.

use crate::support::{
    Node, Place, assert_both_export, assert_fails, json, messages, run, two_archives,
};

/// Node `a` on all eight shards of the messages, with headers of this form.
fn node(place: &Place, form: &str) -> Node {
    let shards = (0..8).map(|shard| format!("--shard={shard}"));
    let arguments: Vec<String> = ["--cluster-id=99", "--store-sync-interval=1h", form]
        .map(String::from)
        .into_iter()
        .chain(shards)
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    place.node("a", &arguments)
}

#[test]
fn two_nodes_of_the_cluster_form_end_with_the_same() {
    let (place, all) = (Place::new(), messages(900, 31));
    two_archives(&place, &all);
    let mut a = node(&place, "--sync-wire=cluster");
    let form = ["--cluster-id=99", "--sync-wire=cluster", "--dialect=waku"];
    let mut line = vec!["sync", &a.address, "--range=2h", "--json"];
    line.extend(form);
    let report = json(&place.succeed("b", &line));
    assert_eq!(report["dialect"], "waku");
    for side in 0..2 {
        assert_eq!(report["nodes"][side]["missing"], 300, "{report}");
        assert_eq!(report["nodes"][side]["owed"], 0, "{report}");
    }
    a.wait_for(&["filled", "owed=0"]);
    assert_eq!(a.terminate(), Some(0));
    assert_both_export(&place, &all);
}

#[test]
fn nodes_of_different_forms_say_so_and_change_nothing() {
    let (place, all) = (Place::new(), messages(300, 32));
    two_archives(&place, &all);
    for (ours, theirs) in [("topics", "cluster"), ("cluster", "topics")] {
        let mut a = node(&place, &format!("--sync-wire={theirs}"));
        let form = format!("--sync-wire={ours}");
        let line = [
            "sync",
            &a.address,
            "--range=2h",
            "--dialect=waku",
            "--cluster-id=99",
            &form,
        ];
        assert_fails(&place.run("b", &line), 1, &["topics or cluster"]);
        a.wait_for(&["session failed", "set both to the same"]);
        assert_eq!(a.terminate(), Some(0));
        for archive in ["a", "b"] {
            assert_eq!(place.succeed(archive, &["export"]).lines().count(), 200);
        }
    }
}

#[test]
fn the_cluster_form_wants_to_know_the_cluster() {
    let place = Place::new();
    let peer = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";
    let line = ["sync", peer, "--sync-wire=cluster"];
    assert_fails(&place.run("b", &line), 2, &["--cluster-id"]);
    assert_fails(
        &run(&["run", "--sync-wire=shards"]),
        2,
        &["topics", "cluster"],
    );
}

#[test]
fn a_demo_goes_by_the_cluster_form_too() {
    let line = [
        "demo",
        "--messages=300",
        "--dialect=waku",
        "--sync-wire=cluster",
        "--json",
    ];
    let output = run(&line);
    assert_eq!(output.status.code(), Some(0));
    let report = json(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(
        (&report["equal"], &report["dialect"]),
        (&true.into(), &"waku".into())
    );
}
