use libp2p::StreamProtocol;
use sync_net::{Flow, Gate};
use tokio::time::{Instant, advance};

use super::*;
use crate::net::protocols;
use crate::rates::RateSetting;

fn limiter(settings: &[&str], bandwidth: Option<u64>) -> Arc<Limiter> {
    let settings: Vec<RateSetting> = settings.iter().map(|text| text.parse().unwrap()).collect();
    let limits = RateLimits::with(&settings);
    Limiter::new(&RateConfig { limits, bandwidth }).unwrap()
}

fn flow(peer: PeerId, protocol: &'static str) -> Flow {
    Flow {
        peer,
        protocol: StreamProtocol::new(protocol),
        opened_by_peer: true,
        bulk: false,
    }
}

fn reason(admitted: Result<(), Refused>) -> Option<Reason> {
    admitted.err().map(|refused| refused.reason)
}

#[tokio::test(start_paused = true)]
async fn each_peer_has_its_requests_and_all_have_theirs_at_the_bound_and_one_past_it() {
    for service in Service::ALL {
        let name = service.name();
        let (overall, peer) = (format!("{name}:5/1h"), format!("{name}/peer:3/1h"));
        let limiter = limiter(&[&overall, &peer], None);
        let (one, other) = (PeerId::random(), PeerId::random());
        for _ in 0..3 {
            assert_eq!(reason(limiter.admit(service, &one)), None, "{service}");
        }
        let refused = limiter.admit(service, &one).unwrap_err();
        assert_eq!(refused.reason, Reason::PeerRequests, "{service}");
        assert_eq!(refused.after, Duration::from_secs(1_200));
        for _ in 0..2 {
            assert_eq!(reason(limiter.admit(service, &other)), None, "{service}");
        }
        let refused = limiter.admit(service, &other);
        assert_eq!(reason(refused), Some(Reason::AllRequests), "{service}");
        let counters = limiter.counters(service);
        assert_eq!((counters.served.get(), counters.refused()), (5, 2));
        assert_eq!(counters.refused_for(Reason::AllRequests), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_peer_leaves_the_others_theirs() {
    let limiter = limiter(&["store:100/1m"], None);
    let flood = PeerId::random();
    let admitted = |peer: &PeerId| limiter.admit(Service::Store, peer).is_ok();
    let others: Vec<PeerId> = (0..5).map(|_| PeerId::random()).collect();
    let mut served = 0;
    for second in 0..600 {
        served += (0..50).filter(|_| admitted(&flood)).count();
        if second % 20 == 19 {
            assert!(others.iter().all(admitted), "after {second} s");
        }
        advance(Duration::from_secs(1)).await;
    }
    assert!((750..=825).contains(&served), "three quarters: {served}");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_have_gone_are_made_up_for_before_the_next_request() {
    let limiter = limiter(&["store/peer:64kB/1s", "store:96kB/1s"], None);
    let (one, other, third) = (PeerId::random(), PeerId::random(), PeerId::random());
    let sent = |peer, bytes| {
        let wait = limiter.passes(&flow(peer, protocols::STORE), Direction::Sent, bytes);
        assert!(wait.is_none(), "an answer isn't held up halfway");
    };
    sent(one, 63_936);
    assert_eq!(
        reason(limiter.admit(Service::Store, &one)),
        None,
        "a bit is left"
    );
    sent(one, 64);
    assert_eq!(
        reason(limiter.admit(Service::Store, &one)),
        Some(Reason::PeerBytes)
    );
    assert_eq!(reason(limiter.admit(Service::Store, &other)), None);
    sent(other, 32_000);
    assert_eq!(
        reason(limiter.admit(Service::Store, &third)),
        Some(Reason::AllBytes)
    );
    advance(Duration::from_millis(2)).await;
    assert_eq!(reason(limiter.admit(Service::Store, &third)), None);
    assert_eq!(limiter.counters(Service::Store).sent.get(), 96_000);
}

#[tokio::test(start_paused = true)]
async fn sessions_and_pushes_are_slowed_down_to_their_bytes() {
    for (service, protocol) in [
        (Service::Sync, protocols::RECONCILE),
        (Service::Sync, protocols::RECONCILIATION),
        (Service::Transfer, protocols::TRANSFER),
    ] {
        let setting = format!("{service}/peer:100kB/1s");
        let limiter = limiter(&[&setting], None);
        let flow = flow(PeerId::random(), protocol);
        let begun = Instant::now();
        for _ in 0..100 {
            if let Some(wait) = limiter.passes(&flow, Direction::Received, 10_000) {
                wait.await;
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        assert!((8.9..9.1).contains(&seconds), "{protocol}: {seconds}");
        let counters = limiter.counters(service);
        assert_eq!(counters.received.get(), 1_000_000);
        assert!(counters.paced.get() >= 89);
        // What this node wants of a peer isn't held against the peer.
        let own = Flow {
            opened_by_peer: false,
            ..flow
        };
        let pass = limiter.passes(&own, Direction::Received, 1 << 20);
        assert!(pass.is_none());
        assert_eq!(counters.own_received.get(), 1 << 20);
    }
}

#[tokio::test(start_paused = true)]
async fn pushed_messages_wait_for_their_turn_and_none_is_lost() {
    let limiter = limiter(&["transfer/peer:10/1s"], None);
    let (peer, other) = (PeerId::random(), PeerId::random());
    let begun = Instant::now();
    for _ in 0..30 {
        limiter.turn(Service::Transfer, &peer).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert!((1.9..2.2).contains(&seconds), "{seconds}");
    let waited = Instant::now();
    limiter.turn(Service::Transfer, &other).await;
    assert_eq!(waited.elapsed(), Duration::ZERO);
    assert_eq!(limiter.counters(Service::Transfer).served.get(), 31);
}

#[tokio::test(start_paused = true)]
async fn streams_are_admitted_as_they_come_and_sessions_as_requests() {
    let settings = ["streams/peer:4/1h", "sync/peer:2/1h"];
    let limiter = limiter(&settings, None);
    let peer = PeerId::random();
    let admits = |protocol| limiter.admits(&peer, &StreamProtocol::new(protocol));
    assert!(admits(protocols::RECONCILE) && admits(protocols::RECONCILIATION));
    assert!(!admits(protocols::RECONCILE), "two sessions are all");
    assert!(admits(protocols::STORE));
    assert!(!admits(protocols::STORE) && !admits(protocols::METADATA));
    let count = |service| limiter.counters(service).served.get();
    assert_eq!(count(Service::Streams), 4);
    assert_eq!((count(Service::Sync), count(Service::Store)), (2, 0));
    limiter.no_place(Service::Sync);
    assert_eq!(
        limiter.counters(Service::Sync).refused_for(Reason::NoPlace),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn history_is_held_to_its_bandwidth_both_ways_and_live_traffic_is_not() {
    let limiter = limiter(&[], Some(1_000_000));
    let bulk_of = |protocol, bulk, opened_by_peer| Flow {
        bulk,
        opened_by_peer,
        ..flow(PeerId::random(), protocol)
    };
    let history = [
        bulk_of(protocols::RECONCILE, false, true),
        bulk_of(protocols::TRANSFER, false, false),
        bulk_of(protocols::STORE, true, true),
        bulk_of(protocols::STORE, true, false),
    ];
    let client = bulk_of(protocols::STORE, false, true);
    for direction in [Direction::Sent, Direction::Received] {
        let begun = Instant::now();
        let streams = history.iter().map(|flow| async {
            for _ in 0..50 {
                if let Some(wait) = limiter.passes(flow, direction, 10_000) {
                    wait.await;
                }
            }
        });
        let clients = async {
            for _ in 0..50 {
                assert!(limiter.passes(&client, direction, 10_000).is_none());
            }
        };
        tokio::join!(futures::future::join_all(streams), clients);
        let seconds = begun.elapsed().as_secs_f64();
        assert!((1.8..2.1).contains(&seconds), "{direction:?}: {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_over_http_are_counted_for_each_host_and_this_machine_for_all() {
    let limiter = limiter(&["rest:6/1h", "rest/peer:2/1h"], None);
    let call = |from: &str| reason(limiter.rest(from.parse().unwrap()));
    assert_eq!(call("2001:db8::1"), None);
    assert_eq!(call("2001:db8::ffff:2"), None);
    assert_eq!(
        call("2001:db8::3"),
        Some(Reason::PeerRequests),
        "one network"
    );
    for _ in 0..2 {
        assert_eq!(call("127.0.0.1"), None);
        assert_eq!(call("::1"), None);
    }
    assert_eq!(call("127.0.0.1"), Some(Reason::AllRequests));
    limiter.rest_bytes("192.0.2.1".parse().unwrap(), 10, 1_000_000_000);
    let counters = limiter.counters(Service::Rest);
    assert_eq!(
        (counters.received.get(), counters.sent.get()),
        (10, 1_000_000_000)
    );
    assert_eq!(call("192.0.2.1"), Some(Reason::PeerBytes));
}

#[test]
fn the_limits_that_are_shown_are_those_of_all() {
    let limiter = limiter(&["store:1000/10s", "sync:0/1s"], None);
    let shown = |service| limiter.requests(service).map(|rate| rate.a_second());
    assert_eq!(shown(Service::Store), Some(100.0));
    assert_eq!(shown(Service::Sync), None);
    assert!(
        Service::ALL
            .iter()
            .filter_map(|service| shown(*service))
            .count()
            == 5
    );
}
