//! A foreign rust-libp2p program that embeds `sync-net` reconciles with a node.

use std::process::Command;

use crate::support::{Place, json, messages};

#[test]
fn the_embedding_example_learns_what_a_node_holds() {
    let place = Place::new();
    let file = place.write("lines", &messages(500, 4));
    place.succeed("a", &["import", &file]);
    let node = place.node("a", &[]);
    let output = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "sync-net",
            "--example",
            "embed",
            "--",
        ])
        .arg(&node.address)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let counts = json(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(counts, serde_json::json!({"have": 0, "need": 500}));
}
