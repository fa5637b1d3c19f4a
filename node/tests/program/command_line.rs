//! What wrong input gets.

use std::net::TcpListener;
use std::process::Stdio;

use crate::support::{Place, assert_fails, code_and_errors, program, run};

#[test]
fn wrong_usage_exits_with_2_and_says_what_was_expected() {
    let place = Place::new();
    assert_fails(&run(&["frobnicate"]), 2, &["frobnicate"]);
    assert_fails(&run(&["demo", "--mesages=5"]), 2, &["--messages"]);
    assert_fails(&run(&["demo", "--missing=51"]), 2, &["0..=50"]);
    assert_fails(&place.run("a", &["sync", "not-an-address"]), 2, &["/ip4/"]);
    assert_fails(
        &place.run("a", &["sync", "/ip4/127.0.0.1/tcp/1"]),
        2,
        &["/p2p/"],
    );
    assert_fails(
        &place.run("a", &["sync", "/ip4/127.0.0.1/tcp/1", "--range=2w"]),
        2,
        &["2w", "90s"],
    );
    assert_fails(
        &place.run("a", &["run", "--nodekey=12"]),
        2,
        &["--nodekey", "`12`", "64", "openssl"],
    );
    let near = format!("--nodekey=5ec8e7{}", "0".repeat(59));
    let output = place.run("a", &["run", &near]);
    assert_fails(&output, 2, &["--nodekey", "`5ec8...`", "65"]);
    assert!(!code_and_errors(&output).1.contains("5ec8e7"));
    assert_fails(
        &place.run("a", &["run", "--staticnode=nowhere"]),
        2,
        &["nowhere", "/ip4/"],
    );
    assert_fails(&place.run("a", &["run", "--shard=1024"]), 2, &["1024"]);
    let url = "--store-message-db-url=mysql://x";
    assert_fails(&run(&["check", url]), 2, &["mysql://x", "redb://PATH"]);
    let url = "--store-message-db-url=sqlite://x.db";
    assert_fails(
        &run(&["run", url]),
        2,
        &["import --from sqlite://x.db", "redb://"],
    );
    assert_fails(
        &run(&["run", "--tcpPort:5"]),
        2,
        &["--tcpPort", "'--tcp-port'"],
    );
    assert_fails(
        &run(&["run", "--listen-address=here"]),
        2,
        &["here", "127.0.0.1"],
    );
}

#[test]
fn a_peer_that_cannot_be_reached_exits_with_4() {
    let place = Place::new();
    let peer = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";
    assert_fails(&place.run("a", &["sync", peer]), 4, &["/tcp/1"]);
}

#[test]
fn an_archive_that_a_running_node_holds_is_said_to_be_in_use() {
    let place = Place::new();
    let node = place.node("a", &[]);
    for command in ["export", "check"] {
        assert_fails(&place.run("a", &[command]), 1, &["in use", "running node"]);
    }
    let file = place.write("lines", &[]);
    assert_fails(&place.run("a", &["import", &file]), 1, &["in use"]);
    drop(node);
}

#[test]
fn two_nodes_on_one_port_are_told_apart() {
    let place = Place::new();
    let a = place.node("a", &[]);
    let port = a.address.split('/').nth(4).unwrap().to_owned();
    let port = format!("--tcp-port={port}");
    let second = place.run("b", &["run", "--listen-address=127.0.0.1", &port]);
    assert_fails(&second, 1, &["in use", &port["--tcp-port=".len()..]]);
}

#[test]
fn a_port_that_another_program_has_is_named_with_its_flag() {
    let place = Place::new();
    let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let arguments = [
        "run",
        "--listen-address=127.0.0.1",
        "--tcp-port=0",
        "--websocket-support",
        "--websocket-port",
        &port,
    ];
    let output = place.run("a", &arguments);
    assert_fails(
        &output,
        1,
        &["--websocket-port", &format!("port {port} is in use")],
    );
    let rest = format!("--rest-port={port}");
    let output = place.run(
        "a",
        &[
            "run",
            "--listen-address=127.0.0.1",
            "--tcp-port=0",
            "--rest",
            &rest,
        ],
    );
    assert_fails(&output, 1, &["--rest-port", "in use", &port]);
}

#[test]
fn a_configuration_that_no_node_could_have_is_not_printed() {
    let place = Place::new();
    for (argument, words) in [
        (
            "--staticnode=foo",
            ["--staticnode", "`foo` is no peer's address"],
        ),
        (
            "--storenode=/ip4/127.0.0.1/tcp/1",
            ["--storenode", "no /p2p/ part"],
        ),
        ("--content-topic=chat", ["chat", "expected"]),
    ] {
        let output = place.run("a", &["run", "--print-config", "--relay", argument]);
        assert!(output.stdout.is_empty());
        assert_fails(&output, 2, &words);
    }
}

#[test]
fn the_configuration_is_put_together_printed_and_loaded_again() {
    let place = Place::new();
    let file = place.write(
        "a.toml",
        &["tcp-port = 1\nwebsocket-port = 2\nshard = [3]".into()],
    );
    let printing = |file: &str, arguments: &[&str]| {
        let output = program()
            .args(["run", "--print-config", "--config-file", file])
            .args(arguments)
            .env("WAKUSTORE_TCP_PORT", "4")
            .env("WAKUSTORE_MAX_CONNECTIONS", "5")
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        let (code, errors) = code_and_errors(&output);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        String::from_utf8(output.stdout).unwrap()
    };
    let data = place.path("data");
    let data_dir = format!("--data-dir={}", data.display());
    let printed = printing(&file, &["--max-connections=6", &data_dir]);
    for line in [
        "tcp-port = 4 # environment, WAKUSTORE_TCP_PORT".to_owned(),
        "max-connections = 6 # command line".to_owned(),
        format!("websocket-port = 2 # file, {file:?}"),
        format!("shard = [3] # file, {file:?}"),
        "websocket-support = false # default".to_owned(),
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "no {line} in {printed}"
        );
    }
    assert!(!crate::support::exists(&data), "nothing is started");
    let again = place.write("b.toml", std::slice::from_ref(&printed));
    let again = printing(&again, &["--max-connections=6"]);
    let settings = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.split(" # ").next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(settings(&printed), settings(&again));
}

#[test]
fn the_version_names_the_commit() {
    let output = run(&["--version"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, format!("wakustore {}\n", wakustore::VERSION));
    let (version, commit) = wakustore::VERSION.split_once(" (").unwrap();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let commit = commit.strip_suffix(')').unwrap();
    let is_hash = commit.len() == 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_hash || commit == "unknown", "{commit}");
}

#[test]
fn reading_an_archive_that_is_not_there_creates_nothing() {
    let place = Place::new();
    assert_fails(&place.run("none", &["export"]), 1, &["none"]);
    assert_fails(&place.run("none", &["check"]), 1, &["none"]);
    assert!(!crate::support::exists(&place.path("none")));
}

#[test]
fn an_export_into_a_closed_pipe_ends_without_a_panic() {
    let place = Place::new();
    let file = place.write("lines", &crate::support::messages(2_000, 5));
    place.succeed("a", &["import", &file]);
    let mut export = program()
        .args(["export"])
        .args(place.archive("a"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(export.stdout.take());
    let output = export.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

#[test]
fn standard_output_that_cannot_be_written_is_an_error_and_no_panic() {
    let place = Place::new();
    let file = place.write("lines", &crate::support::messages(10, 5));
    place.succeed("a", &["import", &file]);
    let demo: Vec<String> = ["demo", "--messages=10"].map(String::from).to_vec();
    let check = [vec!["check".into()], place.archive("a")].concat();
    for arguments in [demo, check] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let output = program()
            .args(&arguments)
            .stdout(full.unwrap())
            .output()
            .unwrap();
        assert_fails(&output, 1, &["standard output"]);
    }
}

#[test]
fn an_import_goes_on_when_nobody_reads_its_complaints() {
    let place = Place::new();
    let mut lines = vec!["no message".to_owned(); 10];
    lines.extend(crate::support::messages(10, 5));
    let file = place.write("lines", &lines);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let status = program()
        .args(["import", &file])
        .args(place.archive("a"))
        .stderr(full.unwrap())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(place.succeed("a", &["export"]).lines().count(), 10);
}

#[test]
fn an_archive_is_not_overwritten_by_its_own_export() {
    let place = Place::new();
    let file = place.write("lines", &crate::support::messages(10, 5));
    place.succeed("a", &["import", &file]);
    std::os::unix::fs::symlink(place.path("a"), place.path("link")).unwrap();
    for name in ["a", "link", "a/catalogue.redb", "link/unit-00000001.redb"] {
        let path = place.path(name);
        let output = place.run("a", &["export", path.to_str().unwrap()]);
        assert_fails(&output, 2, &["the archive itself"]);
    }
    assert_eq!(place.succeed("a", &["export"]).lines().count(), 10);
}

#[test]
fn an_import_makes_the_data_directory_and_a_check_does_not() {
    let place = Place::new();
    let file = place.write("lines", &crate::support::messages(10, 5));
    let (new, none) = (place.path("deep/data"), place.path("none"));
    let check = run(&["check", "--data-dir", none.to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(1));
    assert!(!crate::support::exists(&none));
    let import = run(&["import", &file, "--data-dir", new.to_str().unwrap()]);
    let (code, errors) = code_and_errors(&import);
    assert_eq!(code, Some(0), "{errors}");
    assert!(crate::support::exists(&new.join("wakustore.redb")));
}
