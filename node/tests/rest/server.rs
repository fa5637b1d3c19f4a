//! The server itself: its bounds, and what is the same for all calls.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wakustore::rates::RateLimits;
use wakustore::rest::limits::{BODY_BYTES, HEAD_BYTES};
use wakustore::rest::{RestConfig, RestServer};

use crate::client::Client;
use crate::{PATIENCE, Place};

#[tokio::test]
async fn health_is_told_from_before_the_start_to_the_end() {
    let config = RestConfig {
        port: 0,
        ..RestConfig::default()
    };
    let server = RestServer::listen(config).await.unwrap();
    let client = Client(server.address());
    let health = client.get("/health").await.json();
    assert_eq!(health["nodeHealth"], "INITIALIZING");
    assert_eq!(health["connectionStatus"], "Disconnected");
    for path in ["/info", "/store/v3/messages", "/relay/v1/messages/x"] {
        client.get(path).await.refuses(503, "starting");
    }
    let place = Place::start(Vec::new(), RestConfig::default(), move |config| {
        config.rest = Some(server);
    })
    .await;
    let health = client.get("/health").await.json();
    assert_eq!(health["nodeHealth"], "READY");
    let store = serde_json::json!({"Store": "READY"});
    assert!(
        health["protocolsHealth"]
            .as_array()
            .unwrap()
            .contains(&store),
        "{health}"
    );
    let kept = Arc::clone(place.node.health());
    place.node.stop().await;
    assert_eq!(kept.report().await.node.name(), "SHUTTING_DOWN");
    assert!(
        TcpStream::connect(client.0).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn the_node_says_who_it_is_and_which_program() {
    let place = Place::holding(0).await;
    for path in ["/info", "/debug/v1/info"] {
        let info = place.client.get(path).await.json();
        assert_eq!(
            info["listenAddresses"],
            serde_json::json!([place.address()])
        );
        assert!(
            info["enrUri"].as_str().unwrap().starts_with("enr:"),
            "{info}"
        );
    }
    for path in ["/version", "/debug/v1/version"] {
        let version = place.client.get(path).await;
        assert!(version.text().contains(env!("CARGO_PKG_VERSION")));
        assert!(version.header("content-type").starts_with("text/plain"));
    }
    place.node.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let place = Place::holding(0).await;
    place
        .client
        .get("/nothing")
        .await
        .refuses(404, "/openapi.json");
    place
        .client
        .get("/filter/v2/messages/x")
        .await
        .refuses(404, "/filter endpoints are not available.");
    let wrong = place
        .client
        .send("PUT", "/store/v3/messages", &[], b"x")
        .await;
    wrong.refuses(405, "method");
    assert!(wrong.header("allow").contains("GET"), "{wrong:?}");
    assert_eq!(
        place.client.send("BREW", "/health", &[], b"").await.status,
        405
    );
    place.node.stop().await;
}

#[tokio::test]
async fn admin_calls_need_their_setting() {
    let place = Place::holding(0).await;
    for path in [
        "/admin/v1/peers",
        "/admin/v1/peers/stats",
        "/admin/v1/anything",
    ] {
        let refused = place.client.get(path).await;
        refused.refuses(404, "Please check your configuration: --rest-admin=true");
    }
    let level = place
        .client
        .send("POST", "/admin/v1/log-level/TRACE", &[], b"")
        .await;
    level.refuses(404, "--rest-admin=true");
    place.node.stop().await;
}

/// A request whose head has `bytes` bytes, by a long URL or by many headers.
fn request_of(bytes: usize, by_url: bool) -> Vec<u8> {
    let (mut path, mut headers) = ("/health?".to_owned(), String::new());
    let end = "Host: a\r\nConnection: close\r\n\r\n";
    let rest = bytes - "GET  HTTP/1.1\r\n".len() - path.len() - end.len();
    if by_url {
        path += &"a".repeat(rest);
    } else {
        // Of each header some bytes go to its name.
        let value = "b".repeat(rest / 8 - "x-0: \r\n".len());
        for index in 0..8 {
            headers += &format!("x-{index}: {value}\r\n");
        }
        headers.insert_str("x-0: ".len(), &"b".repeat(rest - headers.len()));
    }
    let request = format!("GET {path} HTTP/1.1\r\n{headers}{end}").into_bytes();
    assert_eq!(request.len(), bytes);
    request
}

#[tokio::test]
async fn heads_of_64_kib_are_taken_and_longer_ones_answered_431() {
    let place = Place::holding(0).await;
    for by_url in [true, false] {
        let longest = place.client.raw(&request_of(HEAD_BYTES, by_url)).await;
        assert_eq!(longest.status, 200, "by_url: {by_url}");
        for more in [1, 1_000, 300_000] {
            let refused = place
                .client
                .raw(&request_of(HEAD_BYTES + more, by_url))
                .await;
            assert_eq!(refused.status, 431, "by_url: {by_url}, {more} more");
        }
    }
    assert_eq!(place.client.get("/health").await.status, 200);
    place.node.stop().await;
}

#[tokio::test]
async fn bodies_of_a_mebibyte_are_read_and_longer_ones_answered_413() {
    let place = Place::start(Vec::new(), admin(), |_| {}).await;
    let json = [("Content-Type", "application/json")];
    let body = |bytes: usize| format!("[\"{}\"]", "a".repeat(bytes - 4)).into_bytes();
    let path = "/admin/v1/peers";
    let longest = place
        .client
        .send("POST", path, &json, &body(BODY_BYTES))
        .await;
    longest.refuses(400, "Couldn't parse remote peer info");
    for more in [1, 1 << 20, 10 << 20] {
        let refused = place
            .client
            .send("POST", path, &json, &body(BODY_BYTES + more))
            .await;
        refused.refuses(413, "expected at most 1048576 bytes");
    }
    // Without a length, in chunks.
    let mut chunked = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        BODY_BYTES + 1
    )
    .into_bytes();
    chunked.extend(body(BODY_BYTES + 1));
    chunked.extend(b"\r\n0\r\n\r\n");
    place
        .client
        .raw(&chunked)
        .await
        .refuses(413, "expected at most");
    place.node.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_json_of_the_call_are_refused_with_the_reason() {
    let place = Place::start(Vec::new(), admin(), |_| {}).await;
    let send = |content_type: &'static str, body: &'static [u8]| async move {
        let headers: Vec<(&str, &str)> = match content_type {
            "" => Vec::new(),
            content_type => vec![("Content-Type", content_type)],
        };
        place
            .client
            .send("POST", "/admin/v1/peers", &headers, body)
            .await
    };
    send("application/json", b"")
        .await
        .refuses(400, "Missing content body");
    send("", b"[]").await.refuses(
        400,
        "Wrong Content-Type, expected application/json or text/plain",
    );
    send("image/png", b"[]")
        .await
        .refuses(400, "Wrong Content-Type");
    for body in [&b"["[..], b"{}", b"[1]", b"\xff", b"null", b"[] []"] {
        send("application/json", body)
            .await
            .refuses(400, "Invalid content body, could not decode.");
    }
    send("text/plain", b"[]").await.is_ok();
    send("Application/JSON; charset=utf-8", b"[]").await.is_ok();
    place.node.stop().await;
}

#[tokio::test]
async fn calls_beyond_the_rate_are_answered_429_and_health_is_told_all_the_same() {
    let paths = [
        "/info",
        "/store/v3/messages",
        "/store/v1/counts",
        "/relay/v1/messages/x",
        "/admin/v1/peers",
    ];
    let place = Place::start(Vec::new(), admin(), |config| {
        let setting = format!("rest:{}/1h", paths.len()).parse().unwrap();
        config.rates.limits = RateLimits::with(&[setting]);
    })
    .await;
    for path in paths {
        assert_ne!(place.client.get(path).await.status, 429, "{path}");
    }
    for path in paths {
        place
            .client
            .get(path)
            .await
            .refuses(429, "Request rate limit reached");
    }
    assert_eq!(place.client.get("/health").await.status, 200);
    place.node.stop().await;
}

#[tokio::test]
async fn web_pages_of_other_origins_need_to_be_allowed() {
    let rest = RestConfig {
        allow_origin: vec!["https://*.example.org".into()],
        ..admin()
    };
    let place = Place::start(Vec::new(), rest, |_| {}).await;
    let send = |method: &'static str, origin: String| async move {
        let headers = [
            ("Origin", origin.as_str()),
            ("Content-Type", "text/plain"),
            ("Access-Control-Request-Method", "POST"),
        ];
        place
            .client
            .send(method, "/admin/v1/peers", &headers, b"[]")
            .await
    };
    let allowed = "https://a.example.org".to_owned();
    for (method, status) in [("OPTIONS", 204), ("POST", 200)] {
        let answer = send(method, allowed.clone()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
        assert_eq!(answer.header("vary"), "Origin");
    }
    let foreign = send("POST", "https://evil.example".into()).await;
    foreign.refuses(403, "Origin not allowed");
    let read = send("GET", "https://evil.example".into()).await;
    assert_eq!(
        (read.status, read.header("access-control-allow-origin")),
        (200, "")
    );
    send("POST", format!("http://{}", place.client.0))
        .await
        .is_ok();
    place.node.stop().await;
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let place = Place::holding(0).await;
    let mut stream = TcpStream::connect(place.client.0).await.unwrap();
    for _ in 0..3 {
        stream
            .write_all(b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 1_024];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert!(
            answer[..read].starts_with(b"HTTP/1.1 200"),
            "{:?}",
            &answer[..read]
        );
    }
    // An idle connection doesn't keep the node from ending.
    tokio::time::timeout(PATIENCE, place.node.stop())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let place = Place::holding(0).await;
    for request in [
        &b"\x16\x03\x01\x02\x00\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        assert_eq!(place.client.raw(request).await.status, 400);
    }
    assert_eq!(place.client.get("/health").await.status, 200);
    place.node.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = Place::holding(0).await;
    let config = RestConfig {
        port: taken.client.0.port(),
        ..RestConfig::default()
    };
    let error = RestServer::listen(config).await.unwrap_err();
    let words = format!("is port {} in use?", taken.client.0.port());
    assert!(format!("{error:#}").contains(&words), "{error:#}");
    taken.node.stop().await;
}

#[tokio::test]
async fn every_call_is_described() {
    let place = Place::start(Vec::new(), admin(), |_| {}).await;
    let document = place.client.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    let expected = [
        "/health",
        "/info",
        "/debug/v1/info",
        "/version",
        "/debug/v1/version",
        "/store/v3/messages",
        "/relay/v1/subscriptions",
        "/relay/v1/auto/subscriptions",
        "/relay/v1/messages/{topic}",
        "/relay/v1/auto/messages",
        "/relay/v1/auto/messages/{contentTopic}",
        "/admin/v1/peers",
        "/admin/v1/peers/connected",
        "/admin/v1/peers/relay",
        "/admin/v1/peers/mesh",
        "/admin/v1/peers/service",
        "/admin/v1/peers/stats",
        "/admin/v1/peer/{id}",
        "/admin/v1/log-level/{level}",
    ];
    for path in expected {
        assert!(paths.contains_key(path), "{path} isn't described");
    }
    for (path, calls) in paths {
        for (method, call) in calls.as_object().unwrap() {
            assert!(call["responses"]["200"].is_object(), "{method} {path}");
        }
    }
    let without = Place::holding(0).await;
    let document = without.client.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert!(
        !paths.keys().any(|path| path.starts_with("/admin")),
        "only where it is answered"
    );
    without.node.stop().await;
    place.node.stop().await;
}

/// A server that answers admin calls.
fn admin() -> RestConfig {
    RestConfig {
        admin: true,
        ..RestConfig::default()
    }
}
