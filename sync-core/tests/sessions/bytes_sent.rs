//! The bytes that a session sends are bounded, in both dialects and roles.

use sync_core::waku::HeaderForm;
use sync_core::{Session, SessionError, SessionLimits, SortedItems, negentropy, own, waku};

use crate::own::{everything, source};
use crate::support::{items_at, split_pair};

/// Both sides and the first frame.
type Opened = Result<(Box<dyn Session>, Vec<u8>, Box<dyn Session>), SessionError>;

fn sending(session_bytes_sent: u64) -> SessionLimits {
    SessionLimits {
        session_bytes_sent,
        ..SessionLimits::default()
    }
}

fn broken(max: u64) -> SessionError {
    SessionError::Limit {
        name: "session_bytes_sent",
        max,
    }
}

/// A whole session; gives how many bytes the initiator and the responder sent.
fn run(opened: Opened) -> Result<[u64; 2], SessionError> {
    let (mut initiator, mut frame, mut responder) = opened?;
    let mut sent = [0, 0];
    loop {
        sent[0] += frame.len() as u64;
        let Some(answer) = responder.receive(&frame)?.reply else {
            return Ok(sent);
        };
        sent[1] += answer.len() as u64;
        match initiator.receive(&answer)?.reply {
            Some(next) => frame = next,
            None => return Ok(sent),
        }
    }
}

fn assert_bounded(open: impl Fn([SessionLimits; 2]) -> Opened) {
    let sent = run(open([sending(u64::MAX), sending(u64::MAX)])).unwrap();
    for side in 0..2 {
        for (most, expected) in [
            (sent[side], Ok(sent)),
            (sent[side] - 1, Err(broken(sent[side] - 1))),
            (0, Err(broken(0))),
        ] {
            let mut limits = [sending(u64::MAX), sending(u64::MAX)];
            limits[side].session_bytes_sent = most;
            assert_eq!(run(open(limits)), expected);
        }
    }
}

#[test]
fn the_own_protocol_sends_so_many_bytes_and_no_more() {
    let (ours, theirs) = split_pair(500);
    assert_bounded(|[left, right]| {
        let (initiator, first) = own::Initiator::start(source(&ours, 0), everything(), left)?;
        let responder = own::Responder::new(source(&theirs, 0), everything(), right);
        Ok((Box::new(initiator), first, Box::new(responder)))
    });
}

#[test]
fn negentropy_sends_so_many_bytes_and_no_more() {
    let (ours, theirs) = split_pair(500);
    let [ours, theirs] = [ours, theirs].map(|items| items.into_iter().collect::<SortedItems>());
    assert_bounded(|[left, right]| {
        let (initiator, first) = negentropy::Initiator::start(ours.clone(), left)?;
        let responder = negentropy::Responder::new(theirs.clone(), right)?;
        Ok((Box::new(initiator), first, Box::new(responder)))
    });
}

#[test]
fn the_waku_dialect_sends_so_many_bytes_and_no_more() {
    let (ours, theirs) = split_pair(500);
    let form = HeaderForm::Topics;
    assert_bounded(|[left, right]| {
        let ours = source(&ours, 0);
        let (initiator, first) = waku::Initiator::start(ours, everything(), form, left)?;
        let responder = waku::Responder::new(source(&theirs, 0), everything(), form, right);
        Ok((Box::new(initiator), first, Box::new(responder)))
    });
}

#[test]
fn five_bytes_that_ask_for_all_ids_are_answered_until_the_bound() {
    let items: SortedItems = items_at(7, 1_000).into_iter().collect();
    // An empty list of ids up to infinity.
    let ask = [0x61, 0, 0, 2, 0];
    let mut responder = negentropy::Responder::new(items.clone(), sending(u64::MAX)).unwrap();
    let answer = responder.reconcile(&ask).unwrap().len() as u64;
    assert!(answer >= 32_000);
    let mut responder = negentropy::Responder::new(items, sending(3 * answer)).unwrap();
    for _ in 0..3 {
        assert_eq!(responder.reconcile(&ask).unwrap().len() as u64, answer);
    }
    assert_eq!(responder.reconcile(&ask), Err(broken(3 * answer)));
}
