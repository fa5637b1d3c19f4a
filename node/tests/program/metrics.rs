//! Metrics by the command line.

use std::net::TcpListener;

use crate::support::{Place, assert_fails, get, messages, run};

fn page(address: &str) -> String {
    let (head, page) = get(address, "/metrics");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    page
}

#[test]
fn a_node_serves_metrics_by_the_names_that_are_asked_for() {
    let place = Place::new();
    let file = place.write("a.json", &messages(12, 1));
    place.succeed("a", &["import", &file]);
    let arguments = [
        "--metrics-server",
        "--metrics-server-port=0",
        "--metrics-prefix=waku",
        "--store-message-retention-policy=size:1GB",
    ];
    let mut node = place.node("a", &arguments);
    let line = node.wait_for(&["serving metrics"]);
    let address = line.split("address=").nth(1).unwrap().trim();
    let page = page(address);
    let line = "\nwaku_archive_messages{type=\"stored\"} 12.0\n";
    assert!(page.contains(line), "{page}");
    let limit = "\nwaku_archive_limit{bound=\"bytes\"} 1073741824.0\n";
    assert!(page.contains(limit), "{page}");
    assert!(!page.contains("logos_delivery"), "{page}");
    assert_eq!(node.terminate(), Some(0));
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let flag = format!("--metrics-server-port={port}");
    let arguments = place.node_arguments("a", &["--metrics-server", &flag]);
    let words = [&*format!("is port {port} in use"), "--metrics-server-port"];
    assert_fails(&run(&arguments), 1, &words);
}
