//! Archives in PostgreSQL, in every command that takes one.

use crate::support::{Place, exists, json, large_messages, messages, run, two_thirds};

fn on(url: &str, arguments: &[&str]) -> Vec<String> {
    let mut line: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    line.extend(["--store-message-db-url".into(), url.into()]);
    line
}

fn succeed(url: &str, arguments: &[&str]) -> String {
    let output = run(&on(url, arguments));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    assert!(!errors.contains(postgres_server::PASSWORD), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_imported_into_a_database_is_exported_byte_for_byte() {
    let (place, all) = (Place::new(), messages(1_200, 61));
    let url = postgres_server::shared().database();
    let file = place.write("lines", &all);
    succeed(&url, &["import", &file]);
    assert_eq!(succeed(&url, &["export"]), all.join("\n") + "\n");
    let report = json(&succeed(&url, &["check", "--json"]));
    assert_eq!(report["sound"], true);
    assert_eq!(report["messages"], 1_200);
    assert!(!succeed(&url, &["check"]).contains(postgres_server::PASSWORD));
}

#[test]
fn an_import_into_a_database_keeps_to_the_policy_that_it_is_given() {
    let (place, all) = (Place::new(), large_messages(700, 63));
    let file = place.write("lines", &all);
    let policy = "--store-message-retention-policy=size:32MB";
    let url = postgres_server::shared().database();
    succeed(&url, &["import", &file, policy]);
    let stats = json(&succeed(&url, &["db", "stats", "--json"]));
    let disk = stats["disk_bytes"].as_u64().unwrap();
    assert!(disk <= (32 << 20) / 20 * 21, "{disk}");
    let exported = succeed(&url, &["export"]);
    let left = exported.lines().count();
    assert!((60..330).contains(&left), "{left}");
    assert!(exported == all[700 - left..].join("\n") + "\n");
    succeed(&url, &["check"]);
}

#[test]
fn databases_that_cannot_be_used_are_told_without_the_password() {
    let server = postgres_server::shared();
    let place = Place::new();
    let file = place.write("lines", &messages(1, 62));
    let empty = server.database();
    let cases = [
        (server.url_with("secret", "postgres"), 1, "password"),
        (
            server.url_with("secret", "postgres") + "?sslmode=require",
            1,
            "does not support TLS",
        ),
        (
            server.url_with("secret", "postgres") + "?sslmode=maybe",
            2,
            "sslmode=disable, prefer",
        ),
        (
            "postgres://me:secret@127.0.0.1:1/db".into(),
            1,
            "127.0.0.1:1",
        ),
        (
            "postgres://me:secret@host:x/db".into(),
            2,
            "postgres://USER",
        ),
        (server.url("nowhere"), 1, "nowhere"),
        (empty, 1, "no archive"),
    ];
    for (url, code, word) in cases {
        for command in [&["check"][..], &["export"], &["import", &file]] {
            if word == "no archive" && command[0] == "import" {
                continue;
            }
            let output = run(&on(&url, command));
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{command:?} {errors}");
            assert!(errors.contains(word), "{errors}");
            assert!(!errors.contains("secret"), "{errors}");
            assert!(!errors.contains(postgres_server::PASSWORD), "{errors}");
        }
    }
}

#[test]
fn a_node_offers_what_others_store_in_its_database_and_stores_what_it_syncs() {
    let (place, all) = (Place::new(), messages(1_500, 63));
    let url = postgres_server::shared().database();
    let shared = ["--cluster-id=99", "--store-sync-interval=1h"];
    let mut nodes: Vec<_> = ["x", "y", "z"]
        .map(|name| place.node_on(&url, name, &shared))
        .into();
    // Stored by another process, while three nodes run on the database; one of them is killed.
    let file = place.write("two-thirds", &two_thirds(&all, 0));
    let import = std::thread::spawn({
        let url = url.clone();
        move || succeed(&url, &["import", &file])
    });
    nodes.remove(1).kill();
    import.join().unwrap();
    let static_node = format!("--staticnode={}", nodes[1].address);
    let own = place.write("other-two-thirds", &two_thirds(&all, 1));
    place.succeed("b", &["import", &own]);
    let arguments = [
        "--cluster-id=99",
        "--store-sync-interval=1s",
        "--store-sync-range=2h",
        &static_node,
    ];
    let mut b = place.node("b", &arguments);
    b.wait_for(&["synced", "missing=0", "delivered=0"]);
    assert_eq!(b.terminate(), Some(0));
    for node in nodes {
        assert_eq!(node.terminate(), Some(0));
    }
    let expected = all.join("\n") + "\n";
    assert!(place.succeed("b", &["export"]) == expected);
    assert!(succeed(&url, &["export"]) == expected);
    assert!(exists(&place.path("x-data")));
}
