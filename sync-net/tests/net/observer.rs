//! What observers see of sessions, and sides that don't write topics in the same form.

use std::sync::Arc;

use libp2p::identity::Keypair;
use parking_lot::Mutex;
use sync_core::waku::HeaderForm;
use sync_core::{SessionError, SessionLimits, TopicFilter};
use sync_net::{
    DialectChoice, Direction, Observer, Outcome, ReconcileConfig, ReconcileError, SessionInfo,
    SessionObserver,
};

use crate::node::eventually;
use crate::reconcile::{ALL, Party, Store};

/// What one side's observer saw.
#[derive(Debug, Default)]
struct Seen {
    begun: Vec<(SessionInfo, SessionLimits, HeaderForm)>,
    frames: Vec<(Direction, Vec<u8>)>,
    ended: Vec<bool>,
}

#[derive(Debug, Default)]
struct Eye(Arc<Mutex<Seen>>);

impl Observer for Eye {
    fn begins(
        &self,
        session: &SessionInfo,
        limits: &SessionLimits,
        form: HeaderForm,
    ) -> Option<Box<dyn SessionObserver>> {
        let begun = (session.clone(), limits.clone(), form);
        self.0.lock().begun.push(begun);
        Some(Box::new(Self(Arc::clone(&self.0))))
    }
}

impl SessionObserver for Eye {
    fn frame(&mut self, direction: Direction, frame: &[u8]) {
        self.0.lock().frames.push((direction, frame.to_vec()));
    }

    fn ends(&mut self, outcome: &Result<Outcome, ReconcileError>) {
        self.0.lock().ended.push(outcome.is_ok());
    }
}

async fn party(numbers: std::ops::Range<u64>, form: HeaderForm) -> (Party, Arc<Mutex<Seen>>) {
    let seen = Arc::default();
    let config = ReconcileConfig {
        waku_form: form,
        observer: Some(Arc::new(Eye(Arc::clone(&seen)))),
        ..ReconcileConfig::default()
    };
    let key = Keypair::generate_secp256k1();
    (
        Party::start_with(&key, Store::of(numbers), config).await,
        seen,
    )
}

#[tokio::test]
async fn observers_of_both_sides_see_the_same_frames_from_begin_to_end() {
    let form = HeaderForm::Cluster(99);
    for choice in [DialectChoice::Own, DialectChoice::Waku] {
        let (a, seen_by_a) = party(0..2_000, form).await;
        let (b, seen_by_b) = party(100..2_100, form).await;
        a.node.connect(&b.node).await;
        let outcome = a.with(b.node.peer, choice).await.unwrap();
        eventually("both have ended", || !seen_by_b.lock().ended.is_empty()).await;
        let (seen_by_a, seen_by_b) = (seen_by_a.lock(), seen_by_b.lock());
        let turned: Vec<(Direction, Vec<u8>)> = seen_by_b
            .frames
            .iter()
            .map(|(direction, frame)| match direction {
                Direction::Sent => (Direction::Received, frame.clone()),
                Direction::Received => (Direction::Sent, frame.clone()),
            })
            .collect();
        assert!(seen_by_a.frames == turned, "{choice:?}");
        assert!(turned.len() as u64 >= 2 * outcome.rounds);
        assert_eq!(
            (&seen_by_a.ended, &seen_by_b.ended),
            (&vec![true], &vec![true])
        );
        let begun = (outcome.session, SessionLimits::default(), form);
        assert_eq!(seen_by_a.begun, [begun]);
        assert_eq!(seen_by_b.begun.len(), 1);
    }
}

#[tokio::test]
async fn an_observer_learns_of_a_failure_and_of_the_frame_that_led_to_it() {
    let (server, seen) = party(0..10, HeaderForm::Topics).await;
    let (client, _inbox) = crate::reconcile::serving_by_hand("/test/nothing").await;
    client.connect(&server.node).await;
    let own = libp2p::StreamProtocol::new(sync_net::reconcile::OWN_PROTOCOL_ID);
    let mut stream = client.control.open(server.node.peer, own).await.unwrap();
    stream.send(b"no frame").await.unwrap();
    let objection = stream.receive().await.unwrap().unwrap();
    eventually("the session fails", || !seen.lock().ended.is_empty()).await;
    let seen = seen.lock();
    assert_eq!(seen.ended, [false]);
    let frames = [
        (Direction::Received, b"no frame".to_vec()),
        (Direction::Sent, objection),
    ];
    assert_eq!(seen.frames, frames);
}

#[tokio::test]
async fn sides_of_different_header_forms_fail_with_words_and_name_nothing() {
    let forms = [HeaderForm::Topics, HeaderForm::Cluster(99)];
    for (ours, theirs) in [(forms[0], forms[1]), (forms[1], forms[0])] {
        let (a, _) = party(0..100, ours).await;
        let (b, _) = party(50..150, theirs).await;
        a.node.connect(&b.node).await;
        let error = a.with(b.node.peer, DialectChoice::Waku).await.unwrap_err();
        let words = error.to_string();
        assert!(words.contains("topics or cluster"), "{words}");
        eventually("the other side has failed", || !b.store.ended().is_empty()).await;
        let (_, how) = b.store.ended().remove(0);
        assert!(how.contains("set both to the same"), "{how}");
        for store in [&a.store, &b.store] {
            assert!(store.have().is_empty() && store.need().is_empty());
        }
        // This project's own protocol doesn't mind.
        let outcome = a.with(b.node.peer, DialectChoice::Auto).await.unwrap();
        assert_eq!((outcome.have, outcome.need), (50, 50));
    }
}

#[tokio::test]
async fn a_scope_that_the_cluster_form_cant_name_fails_on_this_side_alone() {
    let (a, seen) = party(0..100, HeaderForm::Cluster(99)).await;
    let (b, _) = party(0..100, HeaderForm::Cluster(99)).await;
    a.node.connect(&b.node).await;
    let mut scope = ALL.clone();
    scope.pubsub_topics = TopicFilter::from_wire(["/waku/2/rs/98/0"]);
    let session = a
        .reconciler
        .reconcile(b.node.peer, scope, DialectChoice::Waku);
    let error = session.await.unwrap_err();
    assert!(
        matches!(&error, ReconcileError::Session(SessionError::Scope(_))),
        "{error}"
    );
    assert!(
        error.to_string().contains("no shard of the cluster"),
        "{error}"
    );
    assert_eq!(a.node.counters.sessions_malformed.get(), 0);
    let seen = seen.lock();
    assert_eq!((seen.frames.len(), &seen.ended), (0, &vec![false]));
}
