//! The behaviour between real swarms on loopback.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::node::{Node, eventually};
use libp2p::identity::Keypair;
use libp2p::{PeerId, StreamProtocol};
use sync_net::{
    Behaviour, ConnectionLimits, Deadlines, FrameError, FrameLimits, Gate, Inbound, Muxers,
    NetLimits, OpenFailure, ProtocolConfig, RequestError,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const ECHO: StreamProtocol = StreamProtocol::new("/test/echo/1");
const OTHER: StreamProtocol = StreamProtocol::new("/test/other/1");
const REFUSAL: &[u8] = b"refused";
const MAX: usize = 1 << 20;

fn echo() -> ProtocolConfig {
    ProtocolConfig {
        refusal: Some(REFUSAL.to_vec()),
        frame: FrameLimits::of_bytes(MAX),
        ..ProtocolConfig::new(ECHO)
    }
}

async fn start(behaviour: Behaviour, muxers: Muxers, kind: &str) -> Node {
    Node::start(&Keypair::generate_secp256k1(), behaviour, muxers, kind).await
}

/// A node that serves `config`, and one that speaks to it; connected.
async fn serving(
    config: ProtocolConfig,
    muxers: Muxers,
    kind: &str,
) -> (Node, mpsc::Receiver<Inbound>, Node) {
    let mut behaviour = Behaviour::new(NetLimits::default());
    let inbox = behaviour.serve(config);
    let server = start(behaviour, muxers, kind).await;
    let client = start(Behaviour::new(NetLimits::default()), muxers, kind).await;
    client.connect(&server).await;
    (server, inbox, client)
}

async fn answer(mut inbound: Inbound) {
    while let Ok(Some(frame)) = inbound.stream.receive().await {
        inbound.stream.send(&frame).await.unwrap();
    }
    let _ = inbound.stream.close().await;
}

fn answer_all(mut inbox: mpsc::Receiver<Inbound>) {
    tokio::spawn(async move {
        while let Some(inbound) = inbox.recv().await {
            tokio::spawn(answer(inbound));
        }
    });
}

#[tokio::test]
async fn frames_travel_over_every_transport_and_muxer() {
    for muxers in [Muxers::Both, Muxers::Yamux, Muxers::Mplex] {
        for kind in ["/tcp/0", "/tcp/0/ws"] {
            let (server, inbox, client) = serving(echo(), muxers, kind).await;
            answer_all(inbox);
            for length in [0, 1, 70_000, MAX] {
                let frame = vec![7; length];
                let request = client.control.request(server.peer, ECHO, &frame, MAX);
                assert_eq!(request.await.unwrap(), frame, "{muxers:?} {kind} {length}");
            }
            let mut stream = client.control.open(server.peer, ECHO).await.unwrap();
            for round in 0..50u8 {
                stream.send(&[round]).await.unwrap();
                assert_eq!(stream.receive().await.unwrap(), Some(vec![round]));
            }
            stream.close().await.unwrap();
            assert_eq!(stream.receive().await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn nodes_with_both_muxers_understand_those_with_one() {
    for muxers in [Muxers::Yamux, Muxers::Mplex] {
        let mut behaviour = Behaviour::new(NetLimits::default());
        answer_all(behaviour.serve(echo()));
        let both = start(behaviour, Muxers::Both, "/tcp/0").await;
        let one = start(Behaviour::new(NetLimits::default()), muxers, "/tcp/0").await;
        both.connect(&one).await;
        let request = one.control.request(both.peer, ECHO, b"hello", MAX);
        assert_eq!(request.await.unwrap(), b"hello");
    }
}

/// Opens 200 streams at once against an accepter that takes one each 2 ms and serves it for 20.
async fn flood(muxers: Muxers) -> (usize, usize, Node) {
    let config = ProtocolConfig {
        inbound_queue: 8,
        inbound_per_peer: 40,
        ..echo()
    };
    let (server, mut inbox, client) = serving(config, muxers, "/tcp/0").await;
    tokio::spawn(async move {
        while let Some(inbound) = inbox.recv().await {
            sleep(Duration::from_millis(2)).await;
            tokio::spawn(async move {
                sleep(Duration::from_millis(20)).await;
                answer(inbound).await;
            });
        }
    });
    let mut requests = JoinSet::new();
    for number in 0..200u32 {
        let (control, peer) = (client.control.clone(), server.peer);
        requests.spawn(async move {
            let question = number.to_be_bytes();
            let response = control.request(peer, ECHO, &question, MAX).await.unwrap();
            assert!(response == question || response == REFUSAL);
            response == question
        });
    }
    let outcomes = requests.join_all().await;
    let served = outcomes.iter().filter(|served| **served).count();
    (served, outcomes.len() - served, server)
}

#[tokio::test]
async fn of_200_streams_at_once_each_is_served_or_refused_by_word() {
    for muxers in [Muxers::Yamux, Muxers::Mplex] {
        let (served, refused, server) = flood(muxers).await;
        assert_eq!(served + refused, 200);
        assert!(
            served >= 8 && refused > 0,
            "{served} served, {refused} refused"
        );
        let counters = &server.counters;
        assert_eq!(counters.streams_accepted.get(), served as u64);
        assert_eq!(counters.streams_refused.get(), refused as u64);
        assert_eq!(counters.streams_reset.get(), 0);
    }
}

#[tokio::test]
async fn a_peer_that_holds_its_share_is_refused_and_others_are_not() {
    let config = ProtocolConfig {
        inbound_per_peer: 2,
        ..echo()
    };
    let (server, mut inbox, greedy) = serving(config, Muxers::Both, "/tcp/0").await;
    let modest = start(Behaviour::new(NetLimits::default()), Muxers::Both, "/tcp/0").await;
    modest.connect(&server).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = greedy.control.open(server.peer, ECHO).await.unwrap();
        stream.send(b"mine").await.unwrap();
        held.push((stream, inbox.recv().await.unwrap()));
    }
    let refused = greedy
        .control
        .request(server.peer, ECHO, b"more", MAX)
        .await;
    assert_eq!(refused.unwrap(), REFUSAL);
    answer_all(inbox);
    let served = modest
        .control
        .request(server.peer, ECHO, b"some", MAX)
        .await;
    assert_eq!(served.unwrap(), b"some");
    held.pop();
    let served = greedy
        .control
        .request(server.peer, ECHO, b"again", MAX)
        .await;
    assert_eq!(served.unwrap(), b"again");
}

/// Admits a number of streams of each peer.
#[derive(Debug)]
struct Admits(usize, Mutex<HashMap<PeerId, usize>>);

impl Gate for Admits {
    fn admits(&self, peer: &PeerId, protocol: &StreamProtocol) -> bool {
        assert_eq!(*protocol, ECHO);
        let mut streams = self.1.lock().unwrap();
        let of_peer = streams.entry(*peer).or_default();
        *of_peer += 1;
        *of_peer <= self.0
    }
}

#[tokio::test]
async fn streams_that_the_gate_does_not_admit_are_refused_by_word_and_unread() {
    let gate = Arc::new(Admits(2, Mutex::default()));
    let mut behaviour = Behaviour::gated(NetLimits::default(), gate);
    answer_all(behaviour.serve(echo()));
    let server = start(behaviour, Muxers::Both, "/tcp/0").await;
    let [flood, other] = [
        start(Behaviour::new(NetLimits::default()), Muxers::Both, "/tcp/0").await,
        start(Behaviour::new(NetLimits::default()), Muxers::Both, "/tcp/0").await,
    ];
    flood.connect(&server).await;
    other.connect(&server).await;
    let ask = |from: &Node| {
        let control = from.control.clone();
        async move {
            control
                .request(server.peer, ECHO, b"hello", MAX)
                .await
                .unwrap()
        }
    };
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(ask(&flood).await);
    }
    assert_eq!(
        answers.iter().filter(|answer| *answer == b"hello").count(),
        2
    );
    assert_eq!(
        answers.iter().filter(|answer| *answer == REFUSAL).count(),
        18
    );
    assert_eq!(ask(&other).await, b"hello");
    let counters = &server.counters;
    assert_eq!(counters.streams_gated.get(), 18);
    assert_eq!(counters.streams_refused.get(), 18);
    assert_eq!(counters.frames_received.get(), 3, "nothing else was read");
}

#[tokio::test]
async fn a_refusal_without_a_frame_is_an_error_that_says_so() {
    let config = ProtocolConfig {
        refusal: None,
        ..echo()
    };
    let (server, inbox, client) = serving(config, Muxers::Both, "/tcp/0").await;
    drop(inbox);
    let request = client.control.request(server.peer, ECHO, b"hello", MAX);
    let error = request.await.unwrap_err();
    assert!(matches!(error, RequestError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn refusals_beyond_the_bound_are_resets_and_counted() {
    let limits = NetLimits {
        refusals: 3,
        refusal_deadline: Duration::from_secs(2),
        ..NetLimits::default()
    };
    let mut behaviour = Behaviour::new(limits);
    drop(behaviour.serve(echo()));
    let server = start(behaviour, Muxers::Both, "/tcp/0").await;
    let client = start(Behaviour::new(NetLimits::default()), Muxers::Both, "/tcp/0").await;
    client.connect(&server).await;
    // Streams that stay open keep the refusals busy until their deadline.
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(client.control.open(server.peer, ECHO).await.unwrap());
    }
    let counters = &server.counters;
    eventually("two streams are reset", || {
        counters.streams_reset.get() == 2
    })
    .await;
    assert_eq!(counters.streams_refused.get(), 3);
    eventually("refusals give up", || counters.refusals_failed.get() == 3).await;
    let refused = client.control.request(server.peer, ECHO, b"hello", MAX);
    assert_eq!(refused.await.unwrap(), REFUSAL);
}

#[tokio::test]
async fn opening_fails_at_once_and_says_why() {
    let (server, _inbox, client) = serving(echo(), Muxers::Both, "/tcp/0").await;
    let stranger = Keypair::generate_secp256k1().public().to_peer_id();
    let error = client.control.open(stranger, ECHO).await.unwrap_err();
    assert!(
        matches!(error.failure, OpenFailure::NotConnected),
        "{error}"
    );
    let error = client.control.open(server.peer, OTHER).await.unwrap_err();
    assert!(matches!(error.failure, OpenFailure::Unsupported), "{error}");
    assert!(error.to_string().contains("/test/other/1"));
    let either = client
        .control
        .open_any(server.peer, vec![OTHER, ECHO])
        .await;
    assert_eq!(either.unwrap().0, ECHO);
}

#[tokio::test]
async fn a_response_beyond_the_bound_is_refused_by_its_claim() {
    let (server, inbox, client) = serving(echo(), Muxers::Both, "/tcp/0").await;
    answer_all(inbox);
    let fits = client
        .control
        .request(server.peer, ECHO, &[1; 100], 100)
        .await;
    assert_eq!(fits.unwrap().len(), 100);
    let request = client
        .control
        .request(server.peer, ECHO, &[1; 101], 100)
        .await;
    match request.unwrap_err() {
        RequestError::Frame(FrameError::TooLong { claimed, max }) => {
            assert_eq!((claimed, max), (101, 100));
        }
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_writer_notices_when_the_reader_refuses_a_long_stream_midway() {
    for muxers in [Muxers::Yamux, Muxers::Mplex] {
        let (server, mut inbox, client) = serving(echo(), muxers, "/tcp/0").await;
        tokio::spawn(async move {
            let mut inbound = inbox.recv().await.unwrap();
            for _ in 0..10 {
                inbound.stream.receive().await.unwrap().unwrap();
            }
            // Too much: the stream is dropped, and others are served on.
            drop(inbound);
            answer_all(inbox);
        });
        let mut stream = client.control.open(server.peer, ECHO).await.unwrap();
        let frame = vec![0; 150_000];
        let mut sent = 0;
        let error = loop {
            match stream.send(&frame).await {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
            if sent % 50 == 49 {
                // Mplex of rust-libp2p holds the reset back until anything else is written on the
                // connection; yamux doesn't wait.
                assert_eq!(muxers, Muxers::Mplex);
                let request = client.control.request(server.peer, ECHO, b"anything", MAX);
                assert_eq!(request.await.unwrap(), b"anything");
            }
            assert!(sent < 100, "{muxers:?}: the writer never noticed");
        };
        assert!(matches!(error, FrameError::Reset(_)), "{muxers:?}: {error}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_the_wait() {
    let (server, mut inbox, _) = serving(echo(), Muxers::Both, "/tcp/0").await;
    let mut behaviour = Behaviour::new(NetLimits::default());
    let deadlines = Deadlines {
        wait: Duration::from_millis(200),
        ..Deadlines::default()
    };
    let _own_inbox = behaviour.serve(ProtocolConfig {
        frame: FrameLimits {
            max_bytes: MAX,
            deadlines,
        },
        ..echo()
    });
    let client = start(behaviour, Muxers::Both, "/tcp/0").await;
    client.connect(&server).await;
    let held = tokio::spawn(async move { inbox.recv().await });
    let request = client.control.request(server.peer, ECHO, b"hello", MAX);
    let error = timeout(Duration::from_secs(5), request)
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(error, RequestError::Frame(FrameError::Deadline { .. })),
        "{error}"
    );
    assert_eq!(client.counters.deadlines_missed.get(), 1);
    drop(held);
}

#[tokio::test]
async fn an_idle_connection_lives_past_the_default_of_libp2p() {
    let (server, inbox, client) = serving(echo(), Muxers::Both, "/tcp/0").await;
    answer_all(inbox);
    sleep(Duration::from_secs(11)).await;
    let request = client
        .control
        .request(server.peer, ECHO, b"still there", MAX);
    assert_eq!(request.await.unwrap(), b"still there");
}

#[tokio::test]
async fn a_connection_idle_for_longer_than_its_limit_closes_and_is_forgotten() {
    let limits = ConnectionLimits {
        idle_timeout: Duration::from_millis(300),
        ..ConnectionLimits::default()
    };
    let mut behaviour = Behaviour::new(NetLimits::default());
    let _inbox = behaviour.serve(echo());
    let key = Keypair::generate_secp256k1();
    let server = Node::start_with(&key, behaviour, Muxers::Both, "/tcp/0", &limits).await;
    let client = start(Behaviour::new(NetLimits::default()), Muxers::Both, "/tcp/0").await;
    client.connect(&server).await;
    let gone = || !client.control.is_connected(&server.peer);
    eventually("the connection is gone", gone).await;
    let error = client.control.open(server.peer, ECHO).await.unwrap_err();
    assert!(
        matches!(error.failure, OpenFailure::NotConnected),
        "{error}"
    );
}

#[tokio::test]
async fn streams_die_with_their_connection() {
    let (server, mut inbox, client) = serving(echo(), Muxers::Both, "/tcp/0").await;
    let mut stream = client.control.open(server.peer, ECHO).await.unwrap();
    stream.send(b"hello").await.unwrap();
    let _held = inbox.recv().await.unwrap();
    drop(server);
    let received = timeout(Duration::from_secs(5), stream.receive())
        .await
        .unwrap();
    assert!(matches!(
        received,
        Ok(None) | Err(FrameError::Reset(_) | FrameError::Io(_))
    ));
}

#[tokio::test]
async fn a_connection_that_never_says_who_it_is_is_closed_after_the_deadline() {
    let limits = ConnectionLimits {
        upgrade_deadline: Duration::from_millis(500),
        ..ConnectionLimits::default()
    };
    let key = Keypair::generate_secp256k1();
    let behaviour = Behaviour::new(NetLimits::default());
    let server = Node::start_with(&key, behaviour, Muxers::Both, "/tcp/0", &limits).await;
    let port = server
        .address
        .to_string()
        .rsplit('/')
        .next()
        .map(String::from);
    let socket = format!("127.0.0.1:{}", port.unwrap());
    let mut silent = tokio::net::TcpStream::connect(socket).await.unwrap();
    let until_closed = async {
        let mut bytes = Vec::new();
        // Closed or reset.
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut silent, &mut bytes).await;
    };
    let mut until_closed = std::pin::pin!(until_closed);
    let early = timeout(Duration::from_millis(200), until_closed.as_mut()).await;
    assert!(early.is_err(), "closed before the deadline");
    timeout(Duration::from_secs(10), until_closed)
        .await
        .unwrap();
}

#[tokio::test]
async fn no_more_streams_are_open_on_a_connection_than_it_may_have() {
    for (most, fits) in [(6, true), (5, false)] {
        let mut behaviour = Behaviour::new(NetLimits::default());
        let mut inbox = behaviour.serve(echo());
        let server = start(behaviour, Muxers::Yamux, "/tcp/0").await;
        let limits = ConnectionLimits {
            streams: most,
            ..ConnectionLimits::default()
        };
        let key = Keypair::generate_secp256k1();
        let behaviour = Behaviour::new(NetLimits::default());
        let client = Node::start_with(&key, behaviour, Muxers::Yamux, "/tcp/0", &limits).await;
        client.connect(&server).await;
        let mut held = Vec::new();
        for _ in 0..6 {
            let opening = client.control.open(server.peer, ECHO);
            if let Ok(Ok(mut stream)) = timeout(Duration::from_secs(2), opening).await
                && stream.send(b"mine").await.is_ok()
                && let Ok(Some(inbound)) = timeout(Duration::from_secs(2), inbox.recv()).await
            {
                held.push((stream, inbound));
            }
        }
        assert_eq!(held.len() == 6, fits, "{} of {most}", held.len());
    }
}
