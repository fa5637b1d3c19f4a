use super::*;

use std::sync::Arc;

use async_trait::async_trait;
use libp2p::PeerId;
use parking_lot::Mutex;
use sync_core::{Dialect, Id, Range, Scope, SortedItems, Source, own};
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::limits::FrameLimits;
use crate::reconcile::stop::{Stop, Stopper};
use crate::reconcile::storage::{Outcome, Role};

/// Counts down: each frame is one byte, answered by the next lower one; 0 ends it unanswered.
/// Every frame names its value as needed and the doubled value as had.
struct Countdown;

impl Session for Countdown {
    fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
        let &[value] = frame else {
            return Err(SessionError::Malformed {
                offset: 0,
                expected: "one byte",
            });
        };
        Ok(Step {
            reply: value.checked_sub(1).map(|next| vec![next]),
            have: vec![Id([value; 32]), Id([value.wrapping_mul(2); 32])],
            need: vec![Id([value; 32])],
            done: value <= 1,
        })
    }
}

/// Panics on whatever it gets.
struct Faulty;

impl Session for Faulty {
    fn receive(&mut self, _: &[u8]) -> Result<Step, SessionError> {
        panic!("a fault of the engine");
    }
}

/// A place that nobody else wants.
struct Anywhere;

impl Place for Anywhere {}

#[derive(Default)]
struct Notes {
    found: Mutex<Vec<(usize, usize)>>,
    delay: Duration,
}

#[async_trait]
impl Storage for Notes {
    fn source(&self) -> Box<dyn Source> {
        unreachable!("these sessions read no items")
    }

    async fn found(&self, _: &SessionInfo, have: Vec<Id>, need: Vec<Id>) {
        tokio::time::sleep(self.delay).await;
        self.found.lock().push((have.len(), need.len()));
    }

    async fn ended(&self, _: &SessionInfo, _: &Result<Outcome, ReconcileError>) {}
}

fn info() -> SessionInfo {
    SessionInfo {
        id: 1,
        peer: PeerId::random(),
        dialect: Dialect::Negentropy,
        role: Role::Initiator,
        scope: Scope::of_window(Range::ALL),
    }
}

type Driven = JoinHandle<(Result<(), ReconcileError>, Tally)>;

fn framed(io: DuplexStream) -> FramedStream {
    FramedStream::new(io.compat(), FrameLimits::default())
}

/// Runs `session` in a task, with an hour's time.
fn drive(
    io: DuplexStream,
    session: impl Session + 'static,
    first: Option<Vec<u8>>,
    notes: &Arc<Notes>,
    stop: StopSignal,
) -> Driven {
    let notes = Arc::clone(notes);
    tokio::spawn(async move {
        let mut stream = framed(io);
        let info = info();
        let mut tally = Tally::default();
        let allowed = Duration::from_secs(3600);
        let mut driver = Driver {
            stream: &mut stream,
            stop,
            info: &info,
            storage: &*notes,
            observer: &mut (),
            place: &Anywhere,
            until: (Instant::now() + allowed, allowed),
        };
        let result = driver.run(Box::new(session), first, &mut tally).await;
        let _ = finish(&mut stream, Duration::from_secs(1)).await;
        (result, tally)
    })
}

#[tokio::test]
async fn both_sides_come_to_the_end_and_every_round_is_told() {
    let (left, right) = duplex(64);
    let (initiator, responder) = (Arc::new(Notes::default()), Arc::new(Notes::default()));
    let (_left_stopper, left_signal) = Stopper::new();
    let (_right_stopper, right_signal) = Stopper::new();
    let starting = drive(left, Countdown, Some(vec![9]), &initiator, left_signal);
    let answering = drive(right, Countdown, None, &responder, right_signal);
    let (result, tally) = starting.await.unwrap();
    result.unwrap();
    // 8, 6, 4, 2, 0
    assert_eq!((tally.rounds, tally.have, tally.need), (5, 10, 5));
    assert_eq!(*initiator.found.lock(), [(2, 1); 5]);
    let (result, tally) = answering.await.unwrap();
    result.unwrap();
    // 9, 7, 5, 3, 1
    assert_eq!((tally.rounds, tally.have, tally.need), (5, 10, 5));
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_takes_its_time_holds_the_session_back() {
    let (left, right) = duplex(64);
    let notes = Arc::new(Notes {
        delay: Duration::from_secs(5),
        ..Notes::default()
    });
    let (_stopper, signal) = Stopper::new();
    let driven = drive(left, Countdown, None, &notes, signal);
    let mut peer = framed(right);
    let started = Instant::now();
    for value in [9, 7, 5] {
        peer.send(&[value]).await.unwrap();
    }
    for value in [8, 6, 4] {
        assert_eq!(peer.receive().await.unwrap(), Some(vec![value]));
    }
    assert_eq!(started.elapsed().as_secs(), 10);
    drop(peer);
    assert!(driven.await.unwrap().0.is_err());
}

#[tokio::test]
async fn a_malformed_frame_ends_the_session_and_the_peer_is_told() {
    let (left, right) = duplex(1024);
    let notes = Arc::new(Notes::default());
    let (_stopper, signal) = Stopper::new();
    let driven = drive(left, Countdown, None, &notes, signal);
    let mut peer = framed(right);
    peer.send(b"more than one byte").await.unwrap();
    let refusal = peer.receive().await.unwrap().unwrap();
    let told = own::Frame::decode(&refusal, &sync_core::SessionLimits::default()).unwrap();
    assert!(matches!(told, own::Frame::Refusal(refusal) if refusal.code == own::BAD_FRAME));
    assert_eq!(peer.receive().await.unwrap(), None);
    drop(peer);
    let error = driven.await.unwrap().0.unwrap_err();
    assert!(error.is_malformed(), "{error}");
}

#[tokio::test]
async fn an_end_before_the_session_is_over_is_no_success() {
    let (left, right) = duplex(1024);
    let notes = Arc::new(Notes::default());
    let (_stopper, signal) = Stopper::new();
    let driven = drive(left, Countdown, Some(vec![9]), &notes, signal);
    let mut peer = framed(right);
    peer.receive().await.unwrap();
    peer.send(&[8]).await.unwrap();
    peer.receive().await.unwrap();
    drop(peer);
    let (result, tally) = driven.await.unwrap();
    assert!(matches!(result, Err(ReconcileError::Closed { rounds: 1 })));
    assert_eq!(tally.need, 1);
}

#[tokio::test]
async fn a_session_told_to_stop_says_why() {
    for (why, expected) in [(Stop::Yield, "given up"), (Stop::Cancel, "cancelled")] {
        let (left, _right) = duplex(1024);
        let notes = Arc::new(Notes::default());
        let (stopper, signal) = Stopper::new();
        let driven = drive(left, Countdown, Some(vec![9]), &notes, signal);
        tokio::task::yield_now().await;
        stopper.stop(why);
        let error = driven.await.unwrap().0.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_stopper_that_is_gone_cancels() {
    let (left, _right) = duplex(1024);
    let (stopper, signal) = Stopper::new();
    let driven = drive(left, Countdown, None, &Arc::default(), signal);
    drop(stopper.on_drop());
    let error = driven.await.unwrap().0.unwrap_err();
    assert!(matches!(error, ReconcileError::Cancelled), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_for_ever_is_given_up_after_the_session_time() {
    /// Never done.
    struct Endless;
    impl Session for Endless {
        fn receive(&mut self, frame: &[u8]) -> Result<Step, SessionError> {
            Ok(Step {
                reply: Some(frame.to_vec()),
                ..Step::default()
            })
        }
    }
    let (left, right) = duplex(1024);
    let (_stopper, signal) = Stopper::new();
    let driven = drive(left, Endless, Some(vec![1]), &Arc::default(), signal);
    let mut peer = framed(right);
    tokio::spawn(async move {
        while let Ok(Some(frame)) = peer.receive().await {
            tokio::time::sleep(Duration::from_secs(30)).await;
            if peer.send(&frame).await.is_err() {
                return;
            }
        }
    });
    let started = Instant::now();
    let error = driven.await.unwrap().0.unwrap_err();
    assert!(matches!(error, ReconcileError::Deadline(_)), "{error}");
    assert_eq!(started.elapsed().as_secs(), 3600);
}

#[tokio::test]
async fn an_engine_that_panics_ends_its_session_and_nothing_else() {
    let (left, right) = duplex(1024);
    let (_stopper, signal) = Stopper::new();
    let driven = drive(left, Faulty, None, &Arc::default(), signal);
    let mut peer = framed(right);
    peer.send(&[1]).await.unwrap();
    assert_eq!(peer.receive().await.unwrap(), None);
    drop(peer);
    let error = driven.await.unwrap().0.unwrap_err();
    assert!(matches!(error, ReconcileError::Internal(_)), "{error}");
}

#[tokio::test]
async fn a_refused_initiator_learns_the_code() {
    let (left, right) = duplex(1024);
    let source = Empty;
    let started = own::Initiator::start(
        Box::new(source),
        Scope::of_window(Range::ALL),
        sync_core::SessionLimits::default(),
    );
    let (session, hello) = started.unwrap();
    let (_stopper, signal) = Stopper::new();
    let driven = drive(left, session, Some(hello), &Arc::default(), signal);
    let mut peer = framed(right);
    peer.receive().await.unwrap();
    peer.send(&own::refusal(own::BUSY, "later")).await.unwrap();
    assert_eq!(peer.receive().await.unwrap(), None);
    drop(peer);
    let error = driven.await.unwrap().0.unwrap_err();
    assert!(error.is_busy(), "{error}");
}

/// Holds nothing.
struct Empty;

impl Source for Empty {
    fn open(
        &self,
        _: &Scope,
    ) -> Result<Box<dyn sync_core::ItemSet + Send>, sync_core::SourceError> {
        Ok(Box::new(SortedItems::default()))
    }
}
