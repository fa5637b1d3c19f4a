use super::*;

use libp2p::PeerId;
use sync_core::waku::HeaderForm;
use sync_core::{
    Dialect, Id, Item, ItemSet, Range, RangeTree, Scope, SessionLimits, Slice, SourceError,
};
use sync_net::SessionInfo;

use crate::recording::line::{End, Head};

struct Held(RangeTree);

impl Source for Held {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.snapshot(), scope.window)))
    }
}

/// The items of these numbers.
fn held(numbers: impl IntoIterator<Item = u64>) -> Box<dyn Source> {
    let item = |number: u64| {
        let mut id = Id::ZERO;
        for (chunk, salt) in id.0.chunks_exact_mut(8).zip(1..) {
            let word = (number * 4 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        Item::new(1_000 * number, id)
    };
    Box::new(Held(numbers.into_iter().map(item).collect()))
}

fn info(dialect: Dialect, role: Role) -> SessionInfo {
    SessionInfo {
        id: 1,
        peer: PeerId::random(),
        dialect,
        role,
        scope: Scope::of_window(Range::of_times(0, 10_000_000)),
    }
}

/// What the side in `role` would have recorded of a session between items 0 to 999, its own, and
/// 100 to 1,099.
fn recorded(dialect: Dialect, role: Role) -> Recorded {
    let (form, limits) = (HeaderForm::Topics, SessionLimits::default());
    let side = |role, numbers: std::ops::Range<u64>| {
        let opening = open(&info(dialect, role), held(numbers), &limits, form).unwrap();
        (opening.session, opening.first)
    };
    let (ours, theirs) = (0..1_000, 100..1_100);
    let (initiators, responders) = match role {
        Role::Initiator => (ours, theirs),
        Role::Responder => (theirs, ours),
    };
    let (mut initiator, mut frame) = side(Role::Initiator, initiators);
    let (mut responder, _) = side(Role::Responder, responders);
    let (mut have, mut need, mut rounds) = (0, 0, 0);
    let mut frames = Vec::new();
    let mut to_responder = true;
    while let Some(sent) = frame {
        let (receiver, receives) = match to_responder {
            true => (&mut responder, Role::Responder),
            false => (&mut initiator, Role::Initiator),
        };
        let step = receiver.receive(&sent).unwrap();
        if receives == role {
            have += step.have.len() as u64;
            need += step.need.len() as u64;
            rounds += 1;
            frames.push((Direction::Received, sent));
        } else {
            frames.push((Direction::Sent, sent));
        }
        frame = step.reply;
        to_responder = !to_responder;
    }
    let info = info(dialect, role);
    let outcome = Outcome::Done {
        rounds,
        have,
        need,
        bytes_sent: 0,
        bytes_received: 0,
    };
    Recorded {
        head: Head::new(&info, form),
        info,
        form,
        limits,
        end: Some(End {
            frames: frames.len() as u64,
            outcome,
        }),
        frames,
    }
}

const CASES: [(Dialect, Role); 4] = [
    (Dialect::Negentropy, Role::Initiator),
    (Dialect::Negentropy, Role::Responder),
    (Dialect::Waku, Role::Initiator),
    (Dialect::Waku, Role::Responder),
];

fn verdicts(replayed: &Replayed) -> Vec<&Verdict> {
    replayed.frames.iter().map(|row| &row.verdict).collect()
}

#[test]
fn the_same_items_give_the_same_frames_and_differences() {
    for (dialect, role) in CASES {
        let recorded = recorded(dialect, role);
        let replayed = replay(&recorded, held(0..1_000));
        assert!(replayed.is_same(), "{dialect:?} {role:?}: {replayed:?}");
        assert!(replayed.complete && replayed.error.is_none());
        assert_eq!(replayed.frames.len(), recorded.frames.len());
        // A responder of the own protocol never learns what the initiator lacks.
        let have = u64::from((dialect, role) != CASES[1]) * 100;
        assert_eq!((replayed.have, replayed.need), (have, 100));
        let rounds: Vec<u64> = replayed.frames.iter().map(|row| row.round).collect();
        assert_eq!(rounds[..3], [1, 1, 2], "{dialect:?} {role:?}");
    }
}

#[test]
fn other_items_give_other_frames_and_the_first_byte_is_named() {
    for (dialect, role) in CASES {
        let recorded = recorded(dialect, role);
        let replayed = replay(&recorded, held(1..1_000));
        assert!(!replayed.is_same());
        let sent = replayed.frames.iter().zip(&recorded.frames);
        let (row, (_, frame)) = sent
            .clone()
            .find(|(row, _)| matches!(row.verdict, Verdict::Differs { .. }))
            .unwrap();
        let Verdict::Differs { at } = row.verdict else {
            unreachable!()
        };
        assert!(at < frame.len().max(row.replayed_bytes.unwrap()));
        assert_eq!(row.bytes, Some(frame.len()));
    }
}

#[test]
fn the_first_difference_is_a_byte_or_the_end_of_the_shorter() {
    let cases: [(&[u8], &[u8], Option<usize>); 5] = [
        (&[], &[], None),
        (&[1, 2], &[1, 2], None),
        (&[1, 2], &[1, 3], Some(1)),
        (&[1, 2], &[1, 2, 3], Some(2)),
        (&[1, 2], &[], Some(0)),
    ];
    for (left, right, first) in cases {
        assert_eq!(first_difference(left, right), first);
        assert_eq!(first_difference(right, left), first);
    }
}

#[test]
fn what_only_one_of_recording_and_replay_sends_is_a_difference() {
    let mut recorded = recorded(Dialect::Waku, Role::Responder);
    let (_, mut sent) = recorded.frames.remove(1);
    let replayed = replay(&recorded, held(0..1_000));
    assert_eq!(verdicts(&replayed)[1], &Verdict::NotRecorded);
    assert!(!replayed.is_same());
    sent.push(0);
    recorded.frames.insert(0, (Direction::Sent, sent));
    let replayed = replay(&recorded, held(0..1_000));
    assert_eq!(verdicts(&replayed)[0], &Verdict::NotSent);
    assert!(!replayed.is_same());
}

#[test]
fn a_recording_that_just_stops_is_the_same_and_not_complete() {
    let mut recorded = recorded(Dialect::Negentropy, Role::Responder);
    recorded.frames.truncate(3);
    recorded.end = None;
    let replayed = replay(&recorded, held(0..1_000));
    assert!(replayed.is_same() && !replayed.complete, "{replayed:?}");
}

#[test]
fn a_frame_that_was_refused_is_refused_again_with_the_same_words() {
    for dialect in [Dialect::Negentropy, Dialect::Waku] {
        let mut recorded = recorded(dialect, Role::Initiator);
        recorded.frames.truncate(1);
        let first = recorded.clone();
        recorded.frames.push((Direction::Received, vec![9; 40]));
        let failed = replay(&recorded, held(0..1_000));
        let error = failed.error.clone().unwrap();
        assert!(!failed.is_same(), "it was recorded as done");
        let end = |error: &str| {
            let outcome = Outcome::Failed {
                error: error.to_owned(),
            };
            Some(End { frames: 3, outcome })
        };
        recorded.end = end(&error);
        if dialect == Dialect::Negentropy {
            let rows = replay(&recorded, held(0..1_000)).frames;
            assert_eq!(rows[2].verdict, Verdict::NotRecorded, "the objection");
            let error = SessionError::Malformed {
                offset: 0,
                expected: "x",
            };
            recorded
                .frames
                .push((Direction::Sent, objection(dialect, &error).unwrap()));
            let rows = replay(&recorded, held(0..1_000)).frames;
            assert!(matches!(rows[2].verdict, Verdict::Differs { .. }));
        } else {
            let same = replay(&recorded, held(0..1_000));
            assert!(same.is_same(), "{same:?}");
            assert_eq!(verdicts(&same), [&Verdict::Same, &Verdict::Refused]);
            recorded.frames.push((Direction::Received, vec![1]));
            let more = replay(&recorded, held(0..1_000));
            assert_eq!(verdicts(&more)[2], &Verdict::NotTaken);
            recorded.frames.pop();
            recorded.end = end("something else");
            let differences = replay(&recorded, held(0..1_000)).differences;
            assert!(differences[0].contains("something else"), "{differences:?}");
        }
        // What ends a session from outside isn't a difference.
        let mut cancelled = first;
        cancelled.end = end("the session was cancelled");
        assert!(replay(&cancelled, held(0..1_000)).is_same());
    }
}

#[test]
fn other_totals_than_recorded_are_a_difference() {
    let mut recorded = recorded(Dialect::Waku, Role::Initiator);
    if let Some(End {
        outcome: Outcome::Done { have, .. },
        ..
    }) = &mut recorded.end
    {
        *have = 7;
    }
    let replayed = replay(&recorded, held(0..1_000));
    assert_eq!(replayed.differences, ["have was 7, and is 100 now"]);
    assert!(!replayed.is_same());
}

#[test]
fn a_scope_about_which_no_session_can_be_fails_as_it_did() {
    let mut recorded = recorded(Dialect::Negentropy, Role::Initiator);
    recorded.info.scope = Scope::of_window(Range::of_times(5, 5));
    recorded.frames.clear();
    let failed = replay(&recorded, held(0..1_000));
    let error = failed.error.clone().unwrap();
    assert!(!failed.is_same());
    let outcome = Outcome::Failed { error };
    recorded.end = Some(End { frames: 0, outcome });
    assert!(replay(&recorded, held(0..1_000)).is_same());
}
