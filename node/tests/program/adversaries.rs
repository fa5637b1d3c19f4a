//! Peers of many kinds that are out to harm a node, all at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::AsyncWriteExt;
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use store_adapter::transfer::WakuMessageAndTopic;
use sync_core::negentropy::{Encoder, FINGERPRINT_BYTES, PrefixBound};
use sync_core::own::{Frame, Hello};
use sync_core::waku::{Content, HeaderForm, Payload, PayloadRange};
use sync_core::{Id, Item, Range, Scope};
use sync_net::reconcile::{OWN_PROTOCOL_ID, WAKU_PROTOCOL_ID};
use sync_net::{DialectChoice, FramedStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use wakustore::net::protocols;

use crate::peers::{Peer, phantoms, record};
use crate::support::Node;

const HOUR: u64 = 3_600_000_000_000;

/// How often an adversary that waits for nothing does something.
const PAUSE: Duration = Duration::from_millis(10);

/// The node under attack, and what adversaries achieved.
#[derive(Clone)]
pub(crate) struct Target {
    address: Multiaddr,
    id: PeerId,
    now: u64,
    pub(crate) done: Arc<Done>,
}

/// How often adversaries got through to what they do.
#[derive(Default, Debug)]
pub(crate) struct Done {
    frames: AtomicU64,
    claims: AtomicU64,
    other_messages: AtomicU64,
    pushes: AtomicU64,
    slow_bytes: AtomicU64,
    idle_streams: AtomicU64,
    connections: AtomicU64,
}

impl Done {
    /// Whether every kind got through.
    pub(crate) fn everything(&self) -> bool {
        let done = [
            &self.frames,
            &self.claims,
            &self.other_messages,
            &self.pushes,
            &self.slow_bytes,
            &self.idle_streams,
            &self.connections,
        ];
        done.iter().all(|count| count.load(Ordering::Relaxed) > 0)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Target {
    pub(crate) fn of(node: &Node) -> Self {
        let address: Multiaddr = node.address.parse().unwrap();
        let Some(libp2p::multiaddr::Protocol::P2p(id)) = address.iter().last() else {
            panic!("no peer id in {address}");
        };
        Self {
            address,
            id,
            now: wakustore::cli::time::now(),
            done: Arc::default(),
        }
    }

    async fn open(&self, peer: &Peer, protocol: &'static str) -> Option<FramedStream> {
        let opened = peer.control.open(self.id, StreamProtocol::new(protocol));
        opened.await.ok()
    }

    /// Sends `frame` for ever, whatever is answered, in one session after the other.
    async fn repeat(self, protocol: &'static str, hello: Option<Vec<u8>>, frame: Vec<u8>) {
        let peer = Peer::connect(&self.address).await;
        loop {
            sleep(PAUSE).await;
            let Some(mut stream) = self.open(&peer, protocol).await else {
                continue;
            };
            if let Some(hello) = &hello {
                let greeted = stream.send(hello).await.is_ok();
                if !greeted || !matches!(stream.receive().await, Ok(Some(_))) {
                    continue;
                }
            }
            while stream.send(&frame).await.is_ok() {
                if !matches!(stream.receive().await, Ok(Some(_))) {
                    break;
                }
                count(&self.done.frames);
                sleep(PAUSE).await;
            }
        }
    }

    /// Claims to hold messages that there aren't, and lets queries for them hang.
    async fn claim(self, number: u64, choice: DialectChoice) {
        let mut peer = Peer::connect(&self.address).await;
        peer.answer_queries(|_| None);
        let window = Scope::of_window(Range::of_times(self.now - HOUR, self.now));
        for round in number * 1_000.. {
            let sessions = peer.claiming(phantoms(self.now - HOUR + round, 60_000));
            let outcome = sessions.reconcile(self.id, window.clone(), choice).await;
            if outcome.is_ok() {
                count(&self.done.claims);
            }
            sleep(10 * PAUSE).await;
        }
    }

    /// Delivers other messages than it claimed, the longest there are, and each twice.
    async fn deliver_others(self) {
        let mut peer = Peer::connect(&self.address).await;
        let (now, done) = (self.now, Arc::clone(&self.done));
        peer.answer_queries(move |_| {
            count(&done.other_messages);
            let other = |number| record(now - HOUR + number, 150_000);
            Some((0..98).map(|number| other(number / 2)).collect())
        });
        let window = Scope::of_window(Range::of_times(self.now - HOUR, self.now));
        for round in 1.. {
            let sessions = peer.claiming(phantoms(self.now - HOUR + round * 7, 300));
            // A failure is as good: the next session is another try.
            let _ = sessions
                .reconcile(self.id, window.clone(), DialectChoice::Own)
                .await;
            sleep(10 * PAUSE).await;
        }
    }

    /// Pushes long messages that nobody asked for, in the midst of sessions, so that they are held.
    async fn push(self) {
        let peer = Peer::connect(&self.address).await;
        let (topic, message) = record(self.now - HOUR / 2, 150_000).into_parts();
        let frame = WakuMessageAndTopic {
            pubsub_topic: topic.to_string(),
            message,
        };
        let frame = frame.encode_frame().unwrap();
        loop {
            let session = self.open(&peer, WAKU_PROTOCOL_ID).await;
            if let Some(mut session) = session {
                // Refused or not, it pushes.
                let _ = session.send(&one_fingerprint(self.now)).await;
                if let Some(mut stream) = self.open(&peer, protocols::TRANSFER).await {
                    for _ in 0..100 {
                        if stream.send(&frame).await.is_err() {
                            break;
                        }
                        count(&self.done.pushes);
                        sleep(PAUSE / 2).await;
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Announces long frames on every protocol and sends a byte a second of each.
    async fn trickle(self) {
        let peer = Peer::connect(&self.address).await;
        let mut streams = Vec::new();
        for protocol in PROTOCOLS.into_iter().cycle().take(40) {
            if let Some(stream) = self.open(&peer, protocol).await {
                let (_, mut stream) = stream.into_io();
                let _ = stream.write_all(&[0xe8, 0x07]).await;
                streams.push(stream);
            }
        }
        loop {
            for stream in &mut streams {
                if stream.write_all(&[7]).await.is_ok() && stream.flush().await.is_ok() {
                    count(&self.done.slow_bytes);
                }
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Opens as many streams as it can and never speaks.
    async fn idle(self) {
        let peer = Peer::connect(&self.address).await;
        let mut streams = std::collections::VecDeque::new();
        for protocol in PROTOCOLS.into_iter().cycle() {
            if let Some(stream) = self.open(&peer, protocol).await {
                count(&self.done.idle_streams);
                streams.push_back(stream);
                if streams.len() > 300 {
                    streams.pop_front();
                }
            }
            sleep(PAUSE / 5).await;
        }
    }

    /// Opens as many connections as it can, some of which never say who they are.
    async fn connect(self) {
        let mut held = std::collections::VecDeque::new();
        let mut silent = std::collections::VecDeque::new();
        let socket = {
            let mut parts = self.address.iter();
            let (ip, port) = (parts.next().unwrap(), parts.next().unwrap());
            format!("{ip}:{port}")
                .replace("/ip4/", "")
                .replace("/tcp/", "")
        };
        loop {
            if let Ok(stream) = tokio::net::TcpStream::connect(&socket).await {
                silent.push_back(stream);
            }
            if let Some(peer) = Peer::try_connect(&self.address).await {
                count(&self.done.connections);
                held.push_back(peer);
            }
            if held.len() > 40 {
                held.pop_front();
            }
            if silent.len() > 100 {
                silent.pop_front();
            }
            sleep(PAUSE).await;
        }
    }

    /// All kinds at once.
    pub(crate) fn attack(&self, adversaries: &mut JoinSet<()>) {
        let own = Some(Frame::Hello(hello()).encode());
        for frame in [one_difference(), bounds_that_split_nothing()] {
            adversaries.spawn(self.clone().repeat(OWN_PROTOCOL_ID, own.clone(), frame));
        }
        for frame in [one_fingerprint(self.now), empty_ranges(self.now)] {
            adversaries.spawn(self.clone().repeat(WAKU_PROTOCOL_ID, None, frame));
        }
        adversaries.spawn(self.clone().repeat(OWN_PROTOCOL_ID, None, vec![0xff; 99]));
        for (number, choice) in [DialectChoice::Own, DialectChoice::Waku]
            .into_iter()
            .cycle()
            .take(4)
            .enumerate()
        {
            adversaries.spawn(self.clone().claim(number as u64, choice));
        }
        for _ in 0..2 {
            adversaries.spawn(self.clone().deliver_others());
            adversaries.spawn(self.clone().push());
            adversaries.spawn(self.clone().trickle());
            adversaries.spawn(self.clone().idle());
        }
        adversaries.spawn(self.clone().connect());
    }
}

const PROTOCOLS: [&str; 5] = [
    protocols::STORE,
    protocols::METADATA,
    protocols::TRANSFER,
    OWN_PROTOCOL_ID,
    WAKU_PROTOCOL_ID,
];

const WRONG: [u8; FINGERPRINT_BYTES] = [9; FINGERPRINT_BYTES];

fn hello() -> Hello {
    Hello {
        frame_bytes: 4 << 20,
        ..Hello::default()
    }
}

/// Everything differs.
fn one_difference() -> Vec<u8> {
    let mut out = Encoder::new();
    out.fingerprint(&PrefixBound::INFINITY, &WRONG);
    out.finish()
}

fn bounds_that_split_nothing() -> Vec<u8> {
    let mut out = Encoder::new();
    for _ in 0..20_000 {
        out.fingerprint(&PrefixBound::before(&Item::new(9, Id::ZERO)), &WRONG);
    }
    out.finish()
}

fn waku(now: u64, ranges: Vec<PayloadRange>) -> Vec<u8> {
    Payload {
        start: Item::new(now - HOUR, Id::ZERO),
        ranges,
        ..Payload::empty(HeaderForm::Topics)
    }
    .encode()
}

fn one_fingerprint(now: u64) -> Vec<u8> {
    let upper = Item::new(now, Id::ZERO);
    let content = Content::Fingerprint([9; 32]);
    waku(now, vec![PayloadRange { upper, content }])
}

/// Ranges without a nanosecond in them, the whole hour, and the same again.
fn empty_ranges(now: u64) -> Vec<u8> {
    let range = |time| PayloadRange {
        upper: Item::new(time, Id::ZERO),
        content: Content::Fingerprint([9; 32]),
    };
    let before = std::iter::repeat_n(range(now - HOUR), 10_000);
    let behind = std::iter::repeat_n(range(now), 10_000);
    waku(now, before.chain(behind).collect())
}
