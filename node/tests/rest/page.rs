//! The page at `/`, and what it is made of.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use sync_core::Range;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wakustore::cli::DialectArg;
use wakustore::page::limits::LISTENERS_OF_HOST;
use wakustore::rest::{RestConfig, RestServer};
use wakustore::store::Store;

use crate::client::Client;
use crate::faulty::Faulty;
use crate::{PATIENCE, Place, messages};

/// Waits until what is asked of `/page/state` holds, and gives the state.
async fn state(client: Client, holds: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let state = client.get("/page/state").await.json();
            if holds(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

/// Two nodes of which each holds what the other lacks, after a session that the first one began.
async fn synced(dialect: DialectArg) -> (Place, Place) {
    let mut all = messages(400, 1);
    let others = all.split_off(200);
    let here = Place::start(all, RestConfig::default(), |_| {}).await;
    let there = Place::start(others, RestConfig::default(), |_| {}).await;
    let address = there.address().parse().unwrap();
    let peer = here.node.connect(&address).await.unwrap();
    let syncer = here.node.syncer();
    syncer.sync(peer, Range::ALL, dialect).await.unwrap();
    (here, there)
}

/// Events as they come, read from a connection.
struct Events(TcpStream, String);

impl Events {
    async fn of(client: Client) -> Self {
        let mut stream = TcpStream::connect(client.0).await.unwrap();
        let request = format!("GET /page/events HTTP/1.1\r\nHost: {}\r\n\r\n", client.0);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut events = Self(stream, String::new());
        let head = events.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("text/event-stream"), "{head}");
        events
    }

    /// What comes up to and with `mark`.
    async fn until(&mut self, mark: &str) -> String {
        let reading = async {
            loop {
                if let Some(at) = self.1.find(mark) {
                    let rest = self.1.split_off(at + mark.len());
                    return std::mem::replace(&mut self.1, rest);
                }
                let mut bytes = [0; 4_096];
                let read = self.0.read(&mut bytes).await.unwrap();
                assert!(read > 0, "ended without {mark}: {}", self.1);
                self.1 += &String::from_utf8_lossy(&bytes[..read]);
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect(mark)
    }

    /// Whether nothing more comes.
    async fn end(mut self) -> bool {
        let mut rest = Vec::new();
        let reading = self.0.read_to_end(&mut rest);
        tokio::time::timeout(PATIENCE, reading).await.is_ok()
    }
}

#[tokio::test]
async fn the_page_comes_before_the_node_runs_and_loads_nothing_from_elsewhere() {
    let rest = RestConfig {
        port: 0,
        ..RestConfig::default()
    };
    let server = RestServer::listen(rest).await.unwrap();
    let client = Client(server.address());
    let page = client.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().starts_with("<!doctype html>"));
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    for asset in ["/page/main.js", "/page/base.css", "/page/icon.svg"] {
        assert_eq!(client.get(asset).await.status, 200, "{asset}");
    }
    for path in ["/page/state", "/page/events"] {
        client.get(path).await.refuses(503, "starting");
    }
    server.stop().await;
}

#[tokio::test]
async fn files_that_a_browser_has_are_not_sent_again() {
    let place = Place::holding(0).await;
    let whole = place.client.get("/page/main.js").await;
    let tag = whole.header("etag");
    assert!(tag.len() > 10, "{tag}");
    for (told, status) in [
        (format!("\"other\", W/{tag}"), 304),
        (tag.to_owned(), 304),
        (String::from("\"other\""), 200),
    ] {
        let answer = place
            .client
            .send(
                "GET",
                "/page/main.js",
                &[("If-None-Match", told.as_str())],
                b"",
            )
            .await;
        assert_eq!(answer.status, status, "{told}");
        assert_eq!(answer.header("etag"), tag);
        assert_eq!(answer.text().is_empty(), status == 304);
    }
    assert_ne!(place.client.get("/page/dom.js").await.header("etag"), tag);
    place.node.stop().await;
}

#[tokio::test]
async fn state_comes_within_a_second_while_the_archive_answers_nothing() {
    let archive = Arc::new(Faulty::default());
    let store = Store::over(Arc::<Faulty>::clone(&archive)).await.unwrap();
    let place = Place::over(store, messages(50, 1), RestConfig::default(), |_| {}).await;
    let known = |state: &Value| {
        state["health"]["node"] == "READY" && !state["archive"]["diskBytes"].is_null()
    };
    state(place.client, known).await;
    archive.busy.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let answered = place.client.get("/page/state").await.json();
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(answered["archive"]["messages"], 50);
    let age = |state: &Value| state["archive"]["diskAge"].as_f64().unwrap();
    let older = age(&answered);
    state(place.client, |state| age(state) > older).await;
    state(place.client, |state| state["health"]["node"] == "NOT_READY").await;
    archive.busy.store(false, Ordering::SeqCst);
    place.node.stop().await;
}

#[tokio::test]
async fn rounds_are_drawn_over_the_whole_time_compared_in_both_dialects() {
    for dialect in [DialectArg::Auto, DialectArg::Waku] {
        let (here, there) = synced(dialect).await;
        for (place, role) in [(&here, "initiator"), (&there, "responder")] {
            let done = |state: &Value| state["sessions"][0]["phase"] == "done";
            let session = state(place.client, done).await["sessions"][0].clone();
            assert_eq!(session["role"], role, "{session}");
            // Whose peer fetches by itself isn't told what it lacks.
            let told = role == "initiator" || session["dialect"] == "waku";
            let have = told.then_some(200);
            assert_eq!(
                (&session["need"], session["have"].as_u64()),
                (&200.into(), have)
            );
            assert_eq!(
                (&session["fetched"], &session["owed"]),
                (&200.into(), &0.into()),
                "{session}"
            );
            let path = format!("/page/sessions/{}", session["id"]);
            let rounds = place.client.get(&path).await.json();
            let (since, until) = (&rounds["since"], &rounds["until"]);
            assert!(
                since.as_f64() < until.as_f64() && since.as_f64() > Some(0.0),
                "{rounds}"
            );
            let frames = rounds["frames"].as_array().unwrap();
            let with_ranges = || frames.iter().filter(|frame| frame["kind"] == "ranges");
            assert!(with_ranges().count() >= 2, "{rounds}");
            for frame in with_ranges() {
                let ends: Vec<f64> = frame["ranges"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|range| range["until"].as_f64().unwrap())
                    .collect();
                assert!(ends.is_sorted(), "{frame}");
                assert_eq!(ends.last(), until.as_f64().as_ref(), "{frame}");
            }
            let ids: u64 = with_ranges()
                .map(|frame| frame["tally"]["ids"].as_u64().unwrap())
                .sum();
            assert!(ids >= 200, "{rounds}");
        }
        here.node.stop().await;
        there.node.stop().await;
    }
}

#[tokio::test]
async fn sessions_that_are_not_kept_are_told_as_such() {
    let place = Place::holding(0).await;
    let client = place.client;
    client
        .get("/page/sessions/7")
        .await
        .refuses(404, "isn't kept");
    client
        .get("/page/sessions/x")
        .await
        .refuses(400, "expected a number");
    place.node.stop().await;
}

#[tokio::test]
async fn a_session_is_told_as_it_happens_and_the_end_of_the_node_ends_what_is_told() {
    let mut all = messages(300, 1);
    let others = all.split_off(150);
    let here = Place::start(all, RestConfig::default(), |_| {}).await;
    let there = Place::start(others, RestConfig::default(), |_| {}).await;
    let mut events = Events::of(here.client).await;
    events.until("event: state\n").await;
    let address = there.address().parse().unwrap();
    let peer = here.node.connect(&address).await.unwrap();
    here.node
        .syncer()
        .sync(peer, Range::ALL, DialectArg::Auto)
        .await
        .unwrap();
    let done = loop {
        events.until("event: sessions\ndata: ").await;
        let sessions: Value = serde_json::from_str(events.until("\n").await.trim()).unwrap();
        let done = sessions
            .as_array()
            .unwrap()
            .iter()
            .find(|session| session["phase"] == "done");
        if let Some(done) = done {
            break done.clone();
        }
    };
    assert_eq!(
        (&done["fetched"], &done["peer"]),
        (&150.into(), &peer.to_string().into())
    );
    let begun = Instant::now();
    here.node.stop().await;
    assert!(events.end().await);
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "the stream held up the end"
    );
    there.node.stop().await;
}

#[tokio::test]
async fn one_page_more_of_a_host_than_may_listen_is_told_so() {
    let place = Place::holding(0).await;
    let mut listening = Vec::new();
    for _ in 0..LISTENERS_OF_HOST {
        listening.push(Events::of(place.client).await);
    }
    place
        .client
        .get("/page/events")
        .await
        .refuses(503, "at your host already; close one");
    listening.pop();
    let again = async {
        while place.client.get("/health").await.status == 200 {
            let mut stream = TcpStream::connect(place.client.0).await.unwrap();
            stream
                .write_all(b"GET /page/events HTTP/1.1\r\nHost: a\r\n\r\n")
                .await
                .unwrap();
            let mut head = [0; 12];
            stream.read_exact(&mut head).await.unwrap();
            if &head == b"HTTP/1.1 200" {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
    drop(listening);
    place.node.stop().await;
}

#[tokio::test]
async fn addresses_of_peers_are_told_only_where_admin_calls_are_answered() {
    for admin in [false, true] {
        let rest = RestConfig {
            admin,
            ..RestConfig::default()
        };
        let here = Place::start(Vec::new(), rest, |_| {}).await;
        let there = Place::holding(0).await;
        let address = there.address();
        here.node.connect(&address.parse().unwrap()).await.unwrap();
        let id = there.node.peer_id().to_string();
        let listed = |state: &Value| state["peers"]["listed"][0]["peerId"] == id.as_str();
        let peer = state(here.client, listed).await["peers"]["listed"][0].clone();
        assert_eq!(
            peer["address"].as_str(),
            admin.then_some(address.as_str()),
            "{peer}"
        );
        let spoken = peer["speaks"].as_array().unwrap();
        assert!(spoken.contains(&"own sync".into()), "{peer}");
        here.node.stop().await;
        there.node.stop().await;
    }
}

#[tokio::test]
async fn events_are_counted_among_the_bytes_of_rest_as_they_go() {
    let place = Place::holding(0).await;
    let sent = async || {
        let state = place.client.get("/page/state").await;
        let services = state.json()["limits"]["services"]
            .as_array()
            .unwrap()
            .clone();
        let rest = services.iter().find(|service| service["name"] == "rest");
        let sent = rest.unwrap()["sent"].as_u64().unwrap();
        // What was sent by now, and by this answer.
        (sent, sent + state.text().len() as u64)
    };
    let (_, before) = sent().await;
    let mut events = Events::of(place.client).await;
    events.until("event: state\n").await;
    let event = events.until("\n").await;
    let (after, _) = sent().await;
    assert!(event.len() > 1_000, "{event}");
    assert!(after >= before + event.len() as u64, "{before} {after}");
    place.node.stop().await;
}
