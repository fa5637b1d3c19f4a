//! The page says what has happened.

use std::sync::Arc;
use std::time::Duration;

use libp2p::StreamProtocol;
use prost::Message;
use store_adapter::archive::MemoryArchive;
use store_adapter::store::{StoreQueryRequest, StoreQueryResponse, status};
use sync_core::Range;
use sync_net::{Behaviour, ConnectionLimits, Control, NetLimits, build_swarm, identity};
use wakustore::cli::DialectArg;
use wakustore::metrics::{FAMILIES, Kind, Prefix};
use wakustore::net::protocols;
use wakustore::rates::{RateConfig, RateLimits, RateSetting};

use crate::page::{Page, get, page_with};
use crate::support::{Measured, messages};

/// Every metric of nwaku's that operators have on dashboards.
const EXPECTED: [&str; 23] = [
    "logos_delivery_archive_messages",
    "logos_delivery_archive_messages_per_shard",
    "logos_delivery_archive_errors_total",
    "logos_delivery_archive_insert_duration_seconds",
    "logos_delivery_archive_query_duration_seconds",
    "logos_delivery_store_errors_total",
    "logos_delivery_store_queries_total",
    "logos_delivery_store_time_seconds",
    "logos_delivery_store_fleet_msg_size_bytes",
    "logos_delivery_store_fleet_msg_count",
    "logos_delivery_reconciliation_roundtrips",
    "logos_delivery_reconciliation_differences",
    "logos_delivery_total_bytes_exchanged_total",
    "logos_delivery_total_transfer_messages_exchanged_total",
    "logos_delivery_total_messages_cached",
    "logos_delivery_service_requests_total",
    "logos_delivery_service_requests_limit",
    "logos_delivery_service_network_bytes_total",
    "logos_delivery_service_request_handling_duration_seconds",
    "logos_delivery_store_peers",
    "logos_delivery_service_peers",
    "libp2p_peers",
    "libp2p_gossipsub_topic_subscription_status",
];

/// A peer that asks for Store pages.
async fn asking(node: &Measured) -> Control {
    let behaviour = Behaviour::new(NetLimits::default());
    let control = behaviour.control();
    let limits = ConnectionLimits::default();
    let mut swarm = build_swarm(&identity::generate(), behaviour, &limits).unwrap();
    swarm.dial(node.node.addresses()[0].clone()).unwrap();
    while control.connected_peers().is_empty() {
        futures::StreamExt::next(&mut swarm).await;
    }
    tokio::spawn(async move { while futures::StreamExt::next(&mut swarm).await.is_some() {} });
    control
}

async fn ask(control: &Control, node: &Measured, request: &[u8]) -> u32 {
    let protocol = StreamProtocol::new(protocols::STORE);
    let answer = control.request(node.node.peer_id(), protocol, request, 16 << 20);
    let answer = answer.await.unwrap();
    StoreQueryResponse::decode(&*answer).unwrap().status_code
}

#[tokio::test]
async fn the_page_has_every_metric_with_its_kind_and_meaning() {
    let node = Measured::start().await;
    node.store.put(messages(1, 1)).await.unwrap();
    let page = page_with(node.page, |page| {
        page.has("logos_delivery_archive_disk_bytes")
    })
    .await;
    for name in EXPECTED {
        assert!(page.has(name), "no {name} in {:#?}", page.families);
    }
    for family in FAMILIES {
        let [name] = &family.names(Prefix::LogosDelivery)[..] else {
            panic!("{family:?} has one name");
        };
        let suffix = if family.kind == Kind::Counter {
            "_total"
        } else {
            ""
        };
        let (kind, help) = &page.families[&format!("{name}{suffix}")];
        assert_eq!(
            (kind.as_str(), help.as_str()),
            (family.kind.name(), family.help)
        );
    }
    node.node.stop().await;
}

#[tokio::test]
async fn messages_are_counted_as_they_come_by_shard_and_by_outcome() {
    let node = Measured::start().await;
    let mut brought = messages(40, 1);
    node.store.put(brought.clone()).await.unwrap();
    let mut ephemeral = brought[0].clone();
    ephemeral.1.ephemeral = Some(true);
    brought.truncate(3);
    brought.push(ephemeral);
    node.store.put(brought).await.unwrap();
    let page = Page::of(node.page).await;
    assert_eq!(
        page.value("logos_delivery_archive_messages{type=\"stored\"}"),
        40.0
    );
    assert_eq!(page.value("logos_delivery_total_messages_cached"), 40.0);
    assert_eq!(page.sum("logos_delivery_archive_messages_per_shard"), 40.0);
    assert_eq!(page.sum("logos_delivery_store_fleet_msg_count"), 40.0);
    let held = page
        .of_name("logos_delivery_archive_messages_per_shard")
        .count();
    assert!(held > 4 && held <= 8, "{held} shards");
    let outcome =
        |outcome| format!("logos_delivery_archive_ingested_total{{outcome=\"{outcome}\"}}");
    assert_eq!(page.value(&outcome("new")), 40.0);
    assert_eq!(page.value(&outcome("duplicate")), 3.0);
    assert_eq!(page.value(&outcome("refused")), 1.0);
    assert_eq!(page.sum("logos_delivery_archive_errors_total"), 1.0);
    assert_eq!(
        page.value("logos_delivery_archive_insert_duration_seconds_count"),
        2.0
    );
    node.node.stop().await;
}

#[tokio::test]
async fn what_the_archive_holds_is_counted_by_shard_time_and_content_topic() {
    let node = Measured::start().await;
    let bytes_per_shard = "logos_delivery_archive_message_bytes_per_shard";
    let recent = |span: &str| format!("logos_delivery_archive_recent_messages_per_shard/{span}");
    let sum = |page: &Page, span: &str| -> f64 {
        let (name, label) = ("logos_delivery_archive_recent_messages_per_shard", "span");
        let of_span = page.of_name(name);
        let of_span = of_span.filter(|(sample, _)| sample.contains(&format!("{label}=\"{span}\"")));
        of_span.map(|(_, messages)| messages).sum()
    };
    let mut brought = messages(40, 1);
    let hours = |hours: i64| Some(brought[0].1.timestamp.unwrap() - hours * 3_600_000_000_000);
    let (earlier, yesterday) = (hours(3), hours(30));
    brought[1].1.timestamp = earlier;
    brought[2].1.timestamp = yesterday;
    let bytes: usize = brought.iter().map(|(_, m)| m.encoded_len()).sum();
    node.store.put(brought).await.unwrap();
    // The figures are taken over every second.
    let page = page_with(node.page, |page| page.sum(bytes_per_shard) == bytes as f64).await;
    assert_eq!(sum(&page, "hour"), 38.0, "{}", recent("hour"));
    assert_eq!(sum(&page, "day"), 39.0, "{}", recent("day"));
    let by_topic = "logos_delivery_archive_recent_messages_per_content_topic";
    assert_eq!(page.sum(by_topic), 39.0);
    assert!(page.of_name(by_topic).count() <= 21);
    assert!(page.value("logos_delivery_archive_counts_age_seconds") < 30.0);
    node.node.stop().await;
}

#[tokio::test]
async fn queries_are_timed_and_the_refused_are_counted_by_reason() {
    let twice: RateSetting = "store/peer:2/1h".parse().unwrap();
    let node = Measured::start_with(
        Arc::new(MemoryArchive::new()),
        Prefix::default(),
        |config| {
            config.rates = RateConfig {
                limits: RateLimits::with(&[twice]),
                bandwidth: None,
            };
        },
    )
    .await;
    let control = asking(&node).await;
    let query = StoreQueryRequest::by_hashes("r", &[sync_core::Id([1; 32])], true).encode_to_vec();
    assert_eq!(ask(&control, &node, &query).await, status::OK);
    assert_eq!(ask(&control, &node, &[0xff]).await, status::BAD_REQUEST);
    assert_eq!(
        ask(&control, &node, &query).await,
        status::TOO_MANY_REQUESTS
    );
    let service = protocols::STORE;
    let handled = format!(
        "logos_delivery_service_request_handling_duration_seconds_count{{service=\"{service}\"}}"
    );
    // Counted once the answer is sent.
    let page = page_with(node.page, |page| page.value(&handled) == 2.0).await;
    assert_eq!(page.value("logos_delivery_store_queries_total"), 2.0);
    assert_eq!(
        page.value("logos_delivery_store_errors_total{type=\"decode_rpc_failure\"}"),
        1.0
    );
    assert_eq!(page.sum("logos_delivery_store_errors_total"), 1.0);
    let state = |state| {
        format!("logos_delivery_service_requests_total{{service=\"{service}\",state=\"{state}\"}}")
    };
    assert_eq!(page.value(&state("served")), 2.0);
    assert_eq!(page.value(&state("rejected")), 1.0);
    let refused = format!(
        "logos_delivery_service_refused_requests_total{{service=\"{service}\",reason=\"peer_requests\"}}"
    );
    assert_eq!(page.value(&refused), 1.0);
    let limit = format!(
        "logos_delivery_service_rate_limit{{service=\"{service}\",scope=\"peer\",unit=\"requests\"}}"
    );
    assert!((page.value(&limit) - 2.0 / 3_600.0).abs() < 1e-9);
    assert_eq!(page.value("libp2p_peers"), 1.0);
    node.node.stop().await;
}

#[tokio::test]
async fn a_sync_shows_in_round_trips_differences_and_how_far_behind_the_peer_is() {
    let (node, other) = (Measured::start().await, Measured::start().await);
    let all = messages(120, 5);
    node.store.put(all[..100].to_vec()).await.unwrap();
    other.store.put(all.clone()).await.unwrap();
    let peer = node.node.connect(&other.node.addresses()[0]).await.unwrap();
    let syncing = node.node.syncer().sync(peer, Range::ALL, DialectArg::Auto);
    let synced = syncing.await.unwrap();
    assert_eq!(synced.session.need, 20);
    let page = Page::of(node.page).await;
    assert_eq!(
        page.value("logos_delivery_reconciliation_roundtrips_count"),
        1.0
    );
    assert_eq!(
        page.value("logos_delivery_reconciliation_roundtrips_sum"),
        synced.session.rounds as f64
    );
    let bucket = |le| format!("logos_delivery_reconciliation_differences_bucket{{le=\"{le}\"}}");
    assert_eq!(page.value(&bucket("10.0")), 0.0);
    assert_eq!(page.value(&bucket("50.0")), 1.0);
    let outcome = |outcome| format!("logos_delivery_sync_messages_total{{outcome=\"{outcome}\"}}");
    assert_eq!(page.value(&outcome("missing")), 20.0);
    assert_eq!(page.value(&outcome("fetched")), 20.0);
    assert_eq!(page.value("logos_delivery_sync_owed_hashes"), 0.0);
    let of_peer = |name| format!("logos_delivery_sync_peer_{name}{{peerId=\"{peer}\"}}");
    assert_eq!(page.value(&of_peer("behind_messages")), 0.0);
    assert!(page.value(&of_peer("lag_seconds")) < 30.0);
    assert_eq!(page.value("logos_delivery_store_peers"), 1.0);
    assert_eq!(page.value("libp2p_peers"), 1.0);
    assert!(page.has("libp2p_swarm_connections_established_total"));
    let exchanged = "logos_delivery_total_bytes_exchanged_total{protocol=\"reconciliation\",direction=\"sent\"}";
    assert!(page.value(exchanged) > 0.0);
    node.node.stop().await;
    other.node.stop().await;
}

#[tokio::test]
async fn old_names_are_served_instead_of_the_new_ones_or_beside_them() {
    let memory = || Arc::new(MemoryArchive::new());
    let old = Measured::start_with(memory(), Prefix::Waku, |_| {}).await;
    let page = Page::of(old.page).await;
    for name in [
        "waku_archive_messages",
        "reconciliation_roundtrips",
        "libp2p_peers",
    ] {
        assert!(page.has(name), "no {name}");
    }
    assert!(page.has("waku_service_requests_total"));
    let new = page.families.keys().find(|name| name.starts_with("logos_"));
    assert_eq!(new, None);
    old.node.stop().await;
    let both = Measured::start_with(memory(), Prefix::Both, |_| {}).await;
    let page = Page::of(both.page).await;
    assert!(page.has("waku_store_queries_total") && page.has("logos_delivery_store_queries_total"));
    assert!(page.has("libp2p_peers"));
    both.node.stop().await;
}

#[tokio::test]
async fn health_is_ready_while_the_node_runs_and_only_then() {
    let node = Measured::start().await;
    let ready = "logos_delivery_node_health{status=\"READY\"}";
    let page = page_with(node.page, |page| page.value(ready) == 1.0).await;
    assert_eq!(page.sum("logos_delivery_node_health"), 1.0);
    assert_eq!(get(node.page, "/health").await, (200, "READY".to_owned()));
    let page = node.page;
    tokio::time::timeout(Duration::from_secs(20), node.node.stop())
        .await
        .unwrap();
    assert!(tokio::net::TcpStream::connect(page).await.is_err());
}
