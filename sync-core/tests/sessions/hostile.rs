//! Peers of the own protocol that don't play along: every session ends by a limit or an error.

use crate::own::{everything, source};
use crate::support::{id, items_at};
use sync_core::negentropy::{Decoder, Encoder, FINGERPRINT_BYTES, Mode, PrefixBound};
use sync_core::own::{Frame, Hello, Initiator, Responder};
use sync_core::{Bound, Id, Item, Session, SessionError, SessionLimits};

const WRONG: [u8; FINGERPRINT_BYTES] = [9; FINGERPRINT_BYTES];

/// So many items, a microsecond apart.
fn spread(count: u64) -> Vec<Item> {
    (0..count).map(|n| Item::new(n * 1_000, id(n))).collect()
}

fn limits(rounds: usize) -> SessionLimits {
    SessionLimits {
        rounds,
        frame_bytes_sent: 60_000,
        ..SessionLimits::default()
    }
}

fn hello() -> Vec<u8> {
    let base = Hello::new(
        &*source(&[], 0),
        &everything(),
        0,
        &SessionLimits::default(),
    );
    Frame::Hello(base).encode()
}

/// Both roles over the items, greeted.
fn greeted(items: &[Item], limits: &SessionLimits) -> [Box<dyn Session>; 2] {
    let (mut initiator, _) =
        Initiator::start(source(items, 0), everything(), limits.clone()).unwrap();
    let mut responder = Responder::new(source(items, 0), everything(), limits.clone());
    initiator.receive(&hello()).unwrap();
    responder.receive(&hello()).unwrap();
    [Box::new(initiator), Box::new(responder)]
}

/// Sends what `answer` makes of every reply, until the session ends itself; gives how many frames
/// it took, the longest reply, and why it ended.
fn wear_out(
    session: &mut dyn Session,
    first: Vec<u8>,
    mut answer: impl FnMut(&[u8]) -> Vec<u8>,
) -> (usize, usize, SessionError) {
    let (mut frame, mut frames, mut longest) = (first, 0, 0);
    loop {
        match session.receive(&frame) {
            Ok(step) => {
                assert!(!step.done, "nothing is settled");
                let reply = step.reply.unwrap();
                longest = longest.max(reply.len());
                frames += 1;
                frame = answer(&reply);
            }
            Err(error) => return (frames, longest, error),
        }
    }
}

fn one_fingerprint() -> Vec<u8> {
    let mut out = Encoder::new();
    out.fingerprint(&PrefixBound::INFINITY, &WRONG);
    out.finish()
}

#[test]
fn a_peer_that_repeats_one_fingerprint_for_ever_meets_the_limit_of_rounds() {
    for session in &mut greeted(&spread(500), &SessionLimits::default()) {
        let (frames, longest, error) =
            wear_out(&mut **session, one_fingerprint(), |_| one_fingerprint());
        let max = 10_000;
        let name = "rounds";
        // One went to the hello.
        assert_eq!((frames, error), (9_999, SessionError::Limit { name, max }));
        assert!(longest < 1_000, "{longest}");
    }
}

/// The ranges of a frame, every one said to differ.
fn all_differ(frame: &[u8]) -> Vec<u8> {
    let (_, mut message) = Decoder::new(frame).unwrap();
    let mut out = Encoder::new();
    while let Some(head) = message.next_range().unwrap() {
        match head.mode {
            Mode::Skip => {}
            Mode::Fingerprint => drop(message.fingerprint().unwrap()),
            Mode::IdList => drop(message.ids().unwrap()),
        }
        out.fingerprint(&head.upper, &WRONG);
    }
    out.finish()
}

#[test]
fn a_peer_to_whom_everything_differs_for_ever_meets_the_limit_of_rounds_in_bounded_frames() {
    for session in &mut greeted(&spread(20_000), &limits(200)) {
        let (frames, longest, error) = wear_out(&mut **session, one_fingerprint(), all_differ);
        let (name, max) = ("rounds", 200);
        assert_eq!((frames, error), (199, SessionError::Limit { name, max }));
        assert!(longest <= 60_000, "{longest}");
    }
}

/// Many ranges that hold nothing or all: bounds before, at and behind all items, each repeated.
fn bounds_that_split_nothing(ranges: usize) -> Vec<u8> {
    let mut out = Encoder::new();
    for _ in 0..ranges {
        out.fingerprint(&PrefixBound::before(&Item::new(4, Id::ZERO)), &WRONG);
    }
    for _ in 0..ranges {
        out.fingerprint(&PrefixBound::before(&Item::new(9, Id::ZERO)), &WRONG);
    }
    for _ in 0..ranges {
        out.fingerprint(&PrefixBound::INFINITY, &WRONG);
    }
    out.finish()
}

#[test]
fn bounds_that_split_nothing_take_no_more_than_they_cost_the_peer() {
    let items = items_at(5, 100);
    let frame = bounds_that_split_nothing(1_000);
    for session in &mut greeted(&items, &limits(50)) {
        let (frames, longest, error) = wear_out(&mut **session, frame.clone(), |_| frame.clone());
        let (name, max) = ("rounds", 50);
        assert_eq!((frames, error), (49, SessionError::Limit { name, max }));
        assert!(longest < frame.len(), "{longest} for {}", frame.len());
    }
}

#[test]
fn bounds_that_descend_are_refused_and_empty_ranges_passed_over() {
    let at = |timestamp| PrefixBound::before(&Item::new(timestamp, Id([7; 32])));
    for session in &mut greeted(&items_at(5, 100), &limits(50)) {
        let mut out = Encoder::new();
        for upper in [at(5), at(5), at(5)] {
            out.skip(&upper);
        }
        out.fingerprint(&at(5), &WRONG);
        session.receive(&out.finish()).unwrap();
        let mut descending = Encoder::new();
        descending.skip(&at(5));
        // The difference to a bound is of time alone, so what can descend is the id.
        descending.skip(&PrefixBound::shortest(&Bound::at_time(5)));
        assert!(matches!(
            session.receive(&descending.finish()),
            Err(SessionError::Malformed { offset: 36, .. })
        ));
    }
}

#[test]
fn a_hello_is_taken_at_its_limit_and_refused_past_it() {
    let bytes = hello().len() - 1;
    for (hello_bytes, fits) in [(bytes, true), (bytes - 1, false)] {
        let limits = SessionLimits {
            hello_bytes,
            ..SessionLimits::default()
        };
        let (mut initiator, _) =
            Initiator::start(source(&[], 0), everything(), limits.clone()).unwrap();
        let mut responder = Responder::new(source(&[], 0), everything(), limits);
        let sessions: [&mut dyn Session; 2] = [&mut initiator, &mut responder];
        for session in sessions {
            let broken = SessionError::Limit {
                name: "hello_bytes",
                max: hello_bytes as u64,
            };
            let taken = session.receive(&hello()).map(drop);
            assert_eq!(taken, if fits { Ok(()) } else { Err(broken) });
        }
    }
}
