//! Reconciliation between real swarms on loopback.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use libp2p::identity::Keypair;
use libp2p::{PeerId, StreamProtocol};
use parking_lot::Mutex;
use sync_core::{
    Dialect, Id, Item, ItemSet, Range, RangeTree, Scope, SessionError, SessionLimits, Slice,
    Source, SourceError, own,
};
use sync_net::reconcile::{OWN_PROTOCOL_ID, WAKU_PROTOCOL_ID};
use sync_net::{
    Behaviour, Deadlines, DialectChoice, FrameLimits, Inbound, Muxers, NetLimits, Outcome,
    ProtocolConfig, ReconcileConfig, ReconcileError, ReconcileLimits, Reconciler, Role,
    SessionInfo, Storage,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::node::{Node, eventually};

const HOUR: u64 = 3_600_000_000_000;
pub(crate) const ALL: Scope = Scope::of_window(Range::of_times(0, HOUR));

/// A set of items that notes what it is told.
pub(crate) struct Store {
    items: Mutex<RangeTree>,
    told: Mutex<Told>,
    /// How long every call of `found` takes.
    delay: Duration,
}

#[derive(Default)]
struct Told {
    have: Vec<Id>,
    need: Vec<Id>,
    ended: Vec<(Role, String)>,
}

struct Snapshot(RangeTree);

impl Source for Snapshot {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.snapshot(), scope.window)))
    }
}

#[async_trait]
impl Storage for Store {
    fn source(&self) -> Box<dyn Source> {
        Box::new(Snapshot(self.items.lock().snapshot()))
    }

    async fn found(&self, _: &SessionInfo, have: Vec<Id>, need: Vec<Id>) {
        sleep(self.delay).await;
        let mut told = self.told.lock();
        told.have.extend(have);
        told.need.extend(need);
    }

    async fn ended(&self, session: &SessionInfo, outcome: &Result<Outcome, ReconcileError>) {
        let how = match outcome {
            Ok(_) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        self.told.lock().ended.push((session.role, how));
    }
}

impl Store {
    pub(crate) fn of(numbers: impl IntoIterator<Item = u64>) -> Arc<Self> {
        Arc::new(Self {
            items: Mutex::new(numbers.into_iter().map(item).collect()),
            told: Mutex::default(),
            delay: Duration::ZERO,
        })
    }

    /// One that takes its time, so that sessions which meet overlap for sure.
    fn slow(numbers: impl IntoIterator<Item = u64>) -> Arc<Self> {
        let mut store = Arc::into_inner(Self::of(numbers)).unwrap();
        store.delay = Duration::from_millis(100);
        Arc::new(store)
    }

    pub(crate) fn have(&self) -> BTreeSet<Id> {
        distinct(&self.told.lock().have)
    }

    pub(crate) fn need(&self) -> BTreeSet<Id> {
        distinct(&self.told.lock().need)
    }

    pub(crate) fn ended(&self) -> Vec<(Role, String)> {
        self.told.lock().ended.clone()
    }
}

/// The ids, each of which must have been told once.
fn distinct(ids: &[Id]) -> BTreeSet<Id> {
    let set: BTreeSet<Id> = ids.iter().copied().collect();
    assert_eq!(set.len(), ids.len());
    set
}

/// Spread over an hour, with ids spread by a multiplier.
fn item(number: u64) -> Item {
    let mut id = [0; 32];
    for (chunk, salt) in id.chunks_exact_mut(8).zip(1u64..) {
        let word = (number + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(salt as u32 * 7);
        chunk.copy_from_slice(&(word ^ salt).to_be_bytes());
    }
    Item::new(number * 1_000_003 % HOUR, Id(id))
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<Id> {
    numbers.into_iter().map(|number| item(number).id).collect()
}

pub(crate) struct Party {
    pub(crate) node: Node,
    pub(crate) store: Arc<Store>,
    pub(crate) reconciler: Reconciler,
    serving: JoinHandle<()>,
}

impl Party {
    async fn start(store: Arc<Store>) -> Self {
        Self::start_with(
            &Keypair::generate_secp256k1(),
            store,
            ReconcileConfig::default(),
        )
        .await
    }

    pub(crate) async fn start_with(
        key: &Keypair,
        store: Arc<Store>,
        config: ReconcileConfig,
    ) -> Self {
        let mut behaviour = Behaviour::new(NetLimits::default());
        let local = key.public().to_peer_id();
        let storage = Arc::clone(&store) as Arc<dyn Storage>;
        let (reconciler, serving) = Reconciler::mount(&mut behaviour, local, storage, config);
        Self {
            node: Node::start(key, behaviour, Muxers::Both, "/tcp/0").await,
            store,
            reconciler,
            serving: tokio::spawn(serving),
        }
    }

    pub(crate) async fn with(
        &self,
        peer: PeerId,
        choice: DialectChoice,
    ) -> Result<Outcome, ReconcileError> {
        let session = self.reconciler.reconcile(peer, ALL, choice);
        timeout(Duration::from_secs(30), session)
            .await
            .expect("the session ends")
    }
}

/// Two keys, the one of the lower peer id first.
fn ordered_keys() -> (Keypair, Keypair) {
    let keys = (Keypair::generate_secp256k1(), Keypair::generate_secp256k1());
    let bytes = |key: &Keypair| key.public().to_peer_id().to_bytes();
    if bytes(&keys.0) < bytes(&keys.1) {
        keys
    } else {
        (keys.1, keys.0)
    }
}

/// A node that serves one protocol by the test's own hand.
pub(crate) async fn serving_by_hand(protocol: &'static str) -> (Node, mpsc::Receiver<Inbound>) {
    serving_with(&Keypair::generate_secp256k1(), protocol).await
}

async fn serving_with(key: &Keypair, protocol: &'static str) -> (Node, mpsc::Receiver<Inbound>) {
    let mut behaviour = Behaviour::new(NetLimits::default());
    let inbox = behaviour.serve(ProtocolConfig {
        frame: FrameLimits::of_bytes(16 << 20),
        ..ProtocolConfig::new(StreamProtocol::new(protocol))
    });
    (
        Node::start(key, behaviour, Muxers::Both, "/tcp/0").await,
        inbox,
    )
}

#[tokio::test]
async fn both_sides_learn_exactly_what_they_lack_in_each_dialect() {
    for (choice, dialect) in [
        (DialectChoice::Auto, Dialect::Negentropy),
        (DialectChoice::Own, Dialect::Negentropy),
        (DialectChoice::Waku, Dialect::Waku),
    ] {
        let a = Party::start(Store::of((0..20_000).filter(|n| n % 97 != 0))).await;
        let b = Party::start(Store::of((0..20_000).filter(|n| n % 101 != 0))).await;
        a.node.connect(&b.node).await;
        let outcome = a.with(b.node.peer, choice).await.unwrap();
        let only_a = ids((0..20_000).filter(|n| n % 97 != 0 && n % 101 == 0));
        let only_b = ids((0..20_000).filter(|n| n % 97 == 0 && n % 101 != 0));
        assert_eq!(a.store.have(), only_a, "{choice:?}");
        assert_eq!(a.store.need(), only_b, "{choice:?}");
        eventually("b's session ends", || b.store.ended().len() == 1).await;
        assert_eq!(b.store.need(), only_a, "{choice:?}");
        assert_eq!(b.store.ended(), [(Role::Responder, "done".to_owned())]);
        assert_eq!(a.store.ended(), [(Role::Initiator, "done".to_owned())]);
        assert_eq!(outcome.session.dialect, dialect);
        assert_eq!(
            (outcome.have, outcome.need),
            (only_a.len() as u64, only_b.len() as u64)
        );
        assert!(outcome.rounds > 0 && outcome.bytes_sent > 0 && outcome.bytes_received > 0);
    }
}

#[tokio::test]
async fn a_peer_without_the_own_protocol_is_spoken_to_in_the_waku_dialect() {
    let (peer, mut inbox) = serving_by_hand(WAKU_PROTOCOL_ID).await;
    let party = Party::start(Store::of(0..10)).await;
    party.node.connect(&peer).await;
    let answering = tokio::spawn(async move {
        let mut inbound = inbox.recv().await.unwrap();
        inbound.stream.receive().await.unwrap().unwrap();
        // "Nothing in common", as the deployed peer says it.
        inbound.stream.send(&[]).await.unwrap();
        inbound.stream.close().await.unwrap();
        inbox
    });
    let outcome = party.with(peer.peer, DialectChoice::Auto).await.unwrap();
    assert_eq!(outcome.session.dialect, Dialect::Waku);
    assert_eq!((outcome.rounds, outcome.have, outcome.need), (1, 0, 0));
    let _inbox = answering.await.unwrap();
    let error = party.with(peer.peer, DialectChoice::Own).await.unwrap_err();
    assert!(matches!(error, ReconcileError::Open(_)), "{error}");
}

#[tokio::test]
async fn a_session_with_a_peer_that_is_not_connected_fails_at_once() {
    let party = Party::start(Store::of(0..10)).await;
    let stranger = Keypair::generate_secp256k1().public().to_peer_id();
    let error = party.with(stranger, DialectChoice::Auto).await.unwrap_err();
    assert!(matches!(error, ReconcileError::Open(_)), "{error}");
    assert!(party.store.ended().is_empty());
}

#[tokio::test]
async fn a_malformed_frame_ends_its_session_and_the_connection_goes_on() {
    for protocol in [OWN_PROTOCOL_ID, WAKU_PROTOCOL_ID] {
        let party = Party::start(Store::of(0..100)).await;
        let (peer, _inbox) = serving_by_hand("/test/nothing").await;
        peer.connect(&party.node).await;
        let protocol = StreamProtocol::new(protocol);
        let mut stream = peer.control.open(party.node.peer, protocol).await.unwrap();
        stream.send(&[0xff; 50]).await.unwrap();
        while stream.receive().await.unwrap().is_some() {}
        drop(stream);
        eventually("the session ends", || party.store.ended().len() == 1).await;
        assert_eq!(party.node.counters.sessions_malformed.get(), 1);
        let honest = Party::start(Store::of(0..90)).await;
        honest.node.connect(&party.node).await;
        let outcome = honest
            .with(party.node.peer, DialectChoice::Auto)
            .await
            .unwrap();
        assert_eq!(outcome.need, 10);
        assert!(peer.control.is_connected(&party.node.peer));
    }
}

#[tokio::test]
async fn sessions_beyond_the_bound_are_answered_busy_and_served_later() {
    let config = ReconcileConfig {
        limits: ReconcileLimits {
            served: 1,
            ..ReconcileLimits::default()
        },
        ..ReconcileConfig::default()
    };
    let key = Keypair::generate_secp256k1();
    let server = Party::start_with(&key, Store::of(0..10), config).await;
    let (hog, _inbox) = serving_by_hand("/test/nothing").await;
    hog.connect(&server.node).await;
    let own = StreamProtocol::new(OWN_PROTOCOL_ID);
    let held = hog.control.open(server.node.peer, own).await.unwrap();
    let started = &server.node.counters.sessions_started;
    eventually("the hog is served", || started.get() == 1).await;
    let client = Party::start(Store::of(0..5)).await;
    client.node.connect(&server.node).await;
    let peer = server.node.peer;
    let error = client.with(peer, DialectChoice::Own).await.unwrap_err();
    assert!(error.is_busy(), "{error}");
    let error = client.with(peer, DialectChoice::Waku).await.unwrap_err();
    assert!(
        matches!(error, ReconcileError::Closed { rounds: 0 }),
        "{error}"
    );
    assert_eq!(server.node.counters.sessions_busy.get(), 2);
    drop(held);
    eventually("the hog's session ends", || {
        !server.store.ended().is_empty()
    })
    .await;
    let outcome = client.with(peer, DialectChoice::Own).await.unwrap();
    assert_eq!(outcome.need, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_start_on_each_other_at_once_run_one_session() {
    for choice in [DialectChoice::Own, DialectChoice::Waku] {
        // Which side is first, and by how many milliseconds.
        for (low_waits, high_waits) in [(0, 0), (0, 0), (0, 0), (0, 1), (1, 0), (0, 3), (3, 0)] {
            let (lower, higher) = ordered_keys();
            let config = ReconcileConfig::default;
            let low = Party::start_with(&lower, Store::slow(0..3_000), config()).await;
            let high = Party::start_with(&higher, Store::slow(100..3_100), config()).await;
            low.node.connect(&high.node).await;
            let (of_low, of_high) = tokio::join!(
                async {
                    sleep(Duration::from_millis(low_waits)).await;
                    low.with(high.node.peer, choice).await
                },
                async {
                    sleep(Duration::from_millis(high_waits)).await;
                    high.with(low.node.peer, choice).await
                },
            );
            let done = [&of_low, &of_high]
                .into_iter()
                .filter(|result| result.is_ok())
                .count();
            let yielded = [&of_low, &of_high]
                .into_iter()
                .filter(|result| matches!(result, Err(ReconcileError::Yielded)))
                .count();
            assert_eq!(
                (done, yielded),
                (1, 1),
                "{choice:?}: {of_low:?} {of_high:?}"
            );
            eventually("both know their differences", || {
                low.store.need() == ids(3_000..3_100) && high.store.need() == ids(0..100)
            })
            .await;
        }
    }
}

/// A peer by hand, connected to `party`, and the first frame of a session that it might start.
async fn peer_by_hand(key: &Keypair, party: &Party) -> (Node, mpsc::Receiver<Inbound>, Vec<u8>) {
    let (node, inbox) = serving_with(key, OWN_PROTOCOL_ID).await;
    node.connect(&party.node).await;
    let source = Store::of(0..10).source();
    let (_, hello) = own::Initiator::start(source, ALL, SessionLimits::default()).unwrap();
    (node, inbox, hello)
}

#[tokio::test]
async fn the_lower_peer_refuses_while_its_own_session_runs() {
    let (lower, higher) = ordered_keys();
    let low = Party::start_with(&lower, Store::of(0..10), ReconcileConfig::default()).await;
    let (high, mut inbox, hello) = peer_by_hand(&higher, &low).await;
    let (reconciler, peer) = (low.reconciler.clone(), high.peer);
    tokio::spawn(async move { reconciler.reconcile(peer, ALL, DialectChoice::Own).await });
    let mut running = inbox.recv().await.unwrap().stream;
    running.receive().await.unwrap().unwrap();
    let own = StreamProtocol::new(OWN_PROTOCOL_ID);
    let answer = high
        .control
        .request(low.node.peer, own, &hello, 1_000)
        .await;
    let answer = answer.unwrap();
    let answer = own::Frame::decode(&answer, &SessionLimits::default()).unwrap();
    assert!(matches!(answer, own::Frame::Refusal(refusal) if refusal.code == own::BUSY));
    assert_eq!(low.store.ended(), []);
}

#[tokio::test]
async fn the_higher_peer_gives_up_its_own_session_with_the_first_frame_of_the_other() {
    let (lower, higher) = ordered_keys();
    let high = Party::start_with(&higher, Store::of(0..10), ReconcileConfig::default()).await;
    let (low, mut inbox, hello) = peer_by_hand(&lower, &high).await;
    let (reconciler, peer) = (high.reconciler.clone(), low.peer);
    let started =
        tokio::spawn(async move { reconciler.reconcile(peer, ALL, DialectChoice::Own).await });
    let _running = inbox.recv().await.unwrap();
    let own = StreamProtocol::new(OWN_PROTOCOL_ID);
    let mut stream = low.control.open(high.node.peer, own).await.unwrap();
    let sessions = &high.node.counters.sessions_started;
    eventually("both sessions run", || sessions.get() == 2).await;
    assert!(!started.is_finished());
    stream.send(&hello).await.unwrap();
    assert!(started.await.unwrap().unwrap_err().is_yielded());
    // While the peer is served nobody starts on it.
    let error = high.with(low.peer, DialectChoice::Own).await.unwrap_err();
    assert!(error.is_yielded(), "{error}");
    assert_eq!(high.node.counters.sessions_yielded.get(), 1);
}

#[tokio::test]
async fn a_busy_answer_counts_as_yielding_if_the_peers_session_arrives_soon() {
    let (lower, higher) = ordered_keys();
    let high = Party::start_with(&higher, Store::of(0..10), ReconcileConfig::default()).await;
    let (low, mut inbox, hello) = peer_by_hand(&lower, &high).await;
    let (reconciler, peer) = (high.reconciler.clone(), low.peer);
    let started =
        tokio::spawn(async move { reconciler.reconcile(peer, ALL, DialectChoice::Own).await });
    let mut refused = inbox.recv().await.unwrap().stream;
    let busy = own::refusal(own::BUSY, "mine goes on");
    refused.send(&busy).await.unwrap();
    refused.close().await.unwrap();
    let own = StreamProtocol::new(OWN_PROTOCOL_ID);
    let mut stream = low.control.open(high.node.peer, own).await.unwrap();
    stream.send(&hello).await.unwrap();
    assert!(started.await.unwrap().unwrap_err().is_yielded());
}

#[tokio::test]
async fn a_session_that_nobody_waits_for_is_cancelled_and_reported() {
    let (peer, mut inbox) = serving_by_hand(OWN_PROTOCOL_ID).await;
    let party = Party::start(Store::of(0..10)).await;
    party.node.connect(&peer).await;
    let (reconciler, id) = (party.reconciler.clone(), peer.peer);
    let waiting =
        tokio::spawn(async move { reconciler.reconcile(id, ALL, DialectChoice::Own).await });
    let mut inbound = inbox.recv().await.unwrap();
    inbound.stream.receive().await.unwrap().unwrap();
    let again = party.with(peer.peer, DialectChoice::Own).await.unwrap_err();
    assert!(matches!(again, ReconcileError::AlreadyRunning), "{again}");
    waiting.abort();
    assert_eq!(inbound.stream.receive().await.unwrap(), None);
    drop(inbound);
    eventually("the end is reported", || party.store.ended().len() == 1).await;
    assert!(party.store.ended()[0].1.contains("cancelled"));
    let next = party.with(peer.peer, DialectChoice::Own);
    let answering = async {
        let mut inbound = inbox.recv().await.unwrap();
        let refusal = own::refusal(own::NOTHING_IN_COMMON, "nothing");
        inbound
            .stream
            .refuse(Some(&refusal), 1 << 20)
            .await
            .unwrap();
    };
    let (error, ()) = tokio::join!(next, answering);
    let error = error.unwrap_err();
    let refused = SessionError::Refused {
        code: own::NOTHING_IN_COMMON,
        reason: "nothing".to_owned(),
    };
    assert!(matches!(error, ReconcileError::Session(why) if why == refused));
}

#[tokio::test]
async fn served_sessions_are_cancelled_when_serving_ends() {
    let server = Party::start(Store::of(0..10)).await;
    let (client, _inbox) = serving_by_hand("/test/nothing").await;
    client.connect(&server.node).await;
    let own = StreamProtocol::new(OWN_PROTOCOL_ID);
    let _held = client.control.open(server.node.peer, own).await.unwrap();
    let started = &server.node.counters.sessions_started;
    eventually("the session is served", || started.get() == 1).await;
    server.serving.abort();
    eventually("the session is cancelled", || {
        server.store.ended().len() == 1
    })
    .await;
    assert!(server.store.ended()[0].1.contains("cancelled"));
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_given_up_and_others_are_served_meanwhile() {
    let config = ReconcileConfig {
        limits: ReconcileLimits {
            deadlines: Deadlines {
                wait: Duration::from_millis(800),
                ..Deadlines::default()
            },
            ..ReconcileLimits::default()
        },
        ..ReconcileConfig::default()
    };
    let key = Keypair::generate_secp256k1();
    let server = Party::start_with(&key, Store::of(0..100), config).await;
    let (silent, _inbox) = serving_by_hand("/test/nothing").await;
    silent.connect(&server.node).await;
    let own = StreamProtocol::new(OWN_PROTOCOL_ID);
    let mut held = silent.control.open(server.node.peer, own).await.unwrap();
    let honest = Party::start(Store::of(0..90)).await;
    honest.node.connect(&server.node).await;
    let outcome = honest
        .with(server.node.peer, DialectChoice::Auto)
        .await
        .unwrap();
    assert_eq!(outcome.need, 10);
    assert_eq!(server.node.counters.deadlines_missed.get(), 0);
    assert_eq!(held.receive().await.unwrap(), None);
    drop(held);
    let missed = &server.node.counters.deadlines_missed;
    eventually("the silent peer is given up", || missed.get() == 1).await;
}

#[tokio::test]
async fn a_frame_that_claims_too_much_is_refused_and_counted() {
    let mut config = ReconcileConfig::default();
    config.session.frame_bytes_received = 1_000;
    let key = Keypair::generate_secp256k1();
    let server = Party::start_with(&key, Store::of(0..10), config).await;
    let (client, _inbox) = serving_by_hand("/test/nothing").await;
    client.connect(&server.node).await;
    let own = StreamProtocol::new(OWN_PROTOCOL_ID);
    let mut stream = client.control.open(server.node.peer, own).await.unwrap();
    stream.send(&[1; 1_001]).await.unwrap();
    eventually("the session fails", || server.store.ended().len() == 1).await;
    assert!(server.store.ended()[0].1.contains("announced 1001 bytes"));
    assert_eq!(server.node.counters.frames_refused.get(), 1);
    assert_eq!(server.node.counters.sessions_malformed.get(), 1);
}

#[tokio::test]
async fn the_example_program_learns_what_it_lacks() {
    let server = Party::start(Store::of(0..1_234)).await;
    let tests = std::env::current_exe().unwrap();
    let example = tests.ancestors().nth(2).unwrap().join("examples/embed");
    let address = format!("{}/p2p/{}", server.node.address, server.node.peer);
    let run = tokio::task::spawn_blocking(move || {
        std::process::Command::new(example)
            .arg(address)
            .output()
            .unwrap()
    });
    let output = run.await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line, serde_json::json!({"have": 0, "need": 1_234}));
}
