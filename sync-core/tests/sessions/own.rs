//! The own protocol: agreement on a scope, reconciliation, and telling what the responder lacks.

use std::collections::BTreeSet;

use crate::cases::cases;
use crate::support::{arbitrary_pair, items_at, split_pair, sync, true_differences};
use proptest::prelude::*;
use sync_core::own::{Frame, Hello, Initiator, NOTHING_IN_COMMON, Responder, refusal};
use sync_core::{
    Bound, Id, Item, ItemSet, Range, Scope, Session, SessionError, SessionLimits, Slice,
    SortedItems, Source, SourceError, TopicFilter,
};

/// Items of one topic, `t`.
#[derive(Clone)]
pub(crate) struct Fixed {
    items: Vec<Item>,
    floor: Bound,
}

impl Source for Fixed {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        let items = self
            .items
            .iter()
            .copied()
            .filter(|_| scope.pubsub_topics.allows("t"));
        Ok(Box::new(Slice::new(
            items.collect::<SortedItems>(),
            scope.window,
        )))
    }

    fn floor(&self) -> Bound {
        self.floor
    }

    fn gaps(&self) -> Vec<Range> {
        vec![Range::of_times(3, 5)]
    }
}

pub(crate) fn source(items: &[Item], floor: u64) -> Box<Fixed> {
    Box::new(Fixed {
        items: items.to_vec(),
        floor: Bound::at_time(floor),
    })
}

pub(crate) fn everything() -> Scope {
    Scope::of_window(Range::ALL)
}

fn only(topics: &[&str]) -> Scope {
    Scope {
        pubsub_topics: TopicFilter::from_wire(topics.iter().copied()),
        ..everything()
    }
}

fn assert_told(ours: &[Item], theirs: &[Item], limits: &SessionLimits) {
    let (mut initiator, first) =
        Initiator::start(source(ours, 0), everything(), limits.clone()).unwrap();
    let mut responder = Responder::new(source(theirs, 0), everything(), limits.clone());
    let told = sync(&mut initiator, first, &mut responder);
    let (have, need) = true_differences(ours, theirs);
    let (told_have, told_need) = told.initiator;
    assert_eq!((told_have.len(), told_need.len()), (have.len(), need.len()));
    assert_eq!(told.responder.1.len(), have.len());
    assert_eq!(told_have.into_iter().collect::<BTreeSet<_>>(), have);
    assert_eq!(told_need.into_iter().collect::<BTreeSet<_>>(), need);
    assert_eq!(told.responder.1.into_iter().collect::<BTreeSet<_>>(), have);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn both_sides_learn_what_they_lack(
        (ours, theirs) in arbitrary_pair(4_000),
        frame_bytes in prop_oneof![Just(4_096usize), Just(60_000)],
    ) {
        let limits = SessionLimits {
            frame_bytes_sent: frame_bytes,
            frame_bytes_received: frame_bytes,
            ..SessionLimits::default()
        };
        assert_told(&ours, &theirs, &limits);
    }

    #[test]
    fn arbitrary_frames_are_answered_or_refused(
        kind in 0u8..6,
        body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut frame = vec![kind];
        frame.extend(body);
        let (mut initiator, first) =
            Initiator::start(source(&items_at(1, 9), 0), everything(), SessionLimits::default()).unwrap();
        let mut responder =
            Responder::new(source(&items_at(1, 9), 0), everything(), SessionLimits::default());
        let _ = responder.receive(&frame);
        let _ = responder.receive(&first);
        let _ = responder.receive(&frame);
        let _ = initiator.receive(&frame);
    }
}

#[test]
fn seven_of_ten_thousand_items_in_one_nanosecond_are_named() {
    let all = items_at(1_700_000_000_000_000_000, 10_000);
    assert_told(&all, &all[7..], &SessionLimits::default());
    assert_told(&all[7..], &all, &SessionLimits::default());
}

#[test]
fn a_session_is_about_what_lies_in_both_scopes_and_above_both_floors() {
    let (ours, theirs) = split_pair(50);
    let wanted = Scope {
        window: Range::of_times(0, 80),
        ..only(&["t", "u"])
    };
    let limits = SessionLimits::default;
    let (mut initiator, first) = Initiator::start(source(&ours, 10), wanted, limits()).unwrap();
    let served = Scope {
        window: Range::of_times(0, 90),
        ..only(&["t"])
    };
    let mut responder = Responder::new(source(&theirs, 20), served, limits());
    let told = sync(&mut initiator, first, &mut responder);
    let inside = |items: &[Item]| -> BTreeSet<Id> {
        items
            .iter()
            .filter(|i| (20..80).contains(&i.timestamp))
            .map(|i| i.id)
            .collect()
    };
    assert_eq!(
        told.initiator.0.into_iter().collect::<BTreeSet<_>>(),
        inside(&ours)
    );
    assert_eq!(
        told.initiator.1.into_iter().collect::<BTreeSet<_>>(),
        inside(&theirs)
    );
    let agreed = initiator.scope().unwrap();
    assert_eq!(
        (agreed.window, agreed),
        (Range::of_times(20, 80), responder.scope().unwrap())
    );
    let peer = initiator.peer().unwrap();
    assert_eq!((peer.items, peer.floor), (30, Some(Bound::at_time(20))));
    assert_eq!(peer.gaps, [Range::of_times(3, 5)]);
    assert_eq!(responder.peer().unwrap().floor, Some(Bound::at_time(10)));
}

#[test]
fn disjoint_scopes_are_refused_by_name() {
    let limits = SessionLimits::default;
    let (mut initiator, first) = Initiator::start(source(&[], 0), only(&["t"]), limits()).unwrap();
    let mut responder = Responder::new(source(&[], 0), only(&["u"]), limits());
    let step = responder.receive(&first).unwrap();
    assert!(step.done);
    match initiator.receive(&step.reply.unwrap()) {
        Err(SessionError::Refused { code, .. }) => assert_eq!(code, NOTHING_IN_COMMON),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_responder_cannot_widen_the_scope() {
    let limits = SessionLimits::default();
    let wanted = Scope {
        window: Range::of_times(10, 20),
        ..everything()
    };
    let (mut initiator, _) = Initiator::start(source(&[], 0), wanted, limits.clone()).unwrap();
    let wide = Hello::new(&*source(&[], 0), &everything(), 0, &limits);
    assert!(matches!(
        initiator.receive(&Frame::Hello(wide).encode()),
        Err(SessionError::Protocol(_))
    ));
}

#[test]
fn frames_out_of_turn_are_refused() {
    let limits = SessionLimits::default;
    let have = Frame::Have {
        last: true,
        ids: vec![Id::ZERO],
    }
    .encode();
    let fresh = || {
        let responder = Responder::new(source(&[], 0), everything(), limits());
        let (initiator, hello) = Initiator::start(source(&[], 0), everything(), limits()).unwrap();
        (initiator, responder, hello)
    };
    let protocol = |result| matches!(result, Err(SessionError::Protocol(_)));
    let (mut initiator, mut responder, hello) = fresh();
    assert!(protocol(responder.receive(&have)));
    assert!(protocol(initiator.receive(&have)));
    assert!(protocol(initiator.receive(&Frame::Noted(0).encode())));
    let (mut initiator, mut responder, _) = fresh();
    assert!(protocol(responder.receive(&[0x61])));
    assert!(protocol(initiator.receive(&[0x61])));
    let (_, mut responder, _) = fresh();
    responder.receive(&hello).unwrap();
    assert!(protocol(responder.receive(&hello)));
    responder.receive(&have).unwrap();
    assert!(
        protocol(responder.receive(&have)),
        "nothing follows the last have frame"
    );
}

#[test]
fn a_wrong_count_of_noted_ids_is_an_error() {
    let limits = SessionLimits::default;
    let ours = items_at(1, 5);
    let (mut initiator, first) =
        Initiator::start(source(&ours, 0), everything(), limits()).unwrap();
    let mut responder = Responder::new(source(&[], 0), everything(), limits());
    let hello = responder.receive(&first).unwrap().reply.unwrap();
    let message = initiator.receive(&hello).unwrap().reply.unwrap();
    let answer = responder.receive(&message).unwrap().reply.unwrap();
    let step = initiator.receive(&answer).unwrap();
    assert_eq!(step.have.len(), 5);
    assert!(!step.done, "the responder has yet to note what it lacks");
    assert!(initiator.receive(&Frame::Noted(4).encode()).is_err());
}

#[test]
fn refusals_reach_the_initiator_with_their_words() {
    let (mut initiator, _) =
        Initiator::start(source(&[], 0), everything(), SessionLimits::default()).unwrap();
    assert_eq!(
        initiator.receive(&refusal(1, "another session goes on")),
        Err(SessionError::Refused {
            code: 1,
            reason: "another session goes on".into()
        })
    );
}

#[test]
fn hellos_over_their_limits_are_refused() {
    let limits = SessionLimits {
        topics: 2,
        topic_bytes: 3,
        gaps: 1,
        ..SessionLimits::default()
    };
    let greet = |hello: Hello| {
        Responder::new(source(&[], 0), everything(), limits.clone())
            .receive(&Frame::Hello(hello).encode())
            .map(drop)
    };
    let base = Hello::new(&*source(&[], 0), &everything(), 0, &limits);
    let topics = |topics: &[&str]| Hello {
        pubsub_topics: topics.iter().map(|t| (*t).into()).collect(),
        ..base.clone()
    };
    let broken = |name, max| Err(SessionError::Limit { name, max });
    assert_eq!(greet(topics(&["a", "b"])), Ok(()));
    assert_eq!(greet(topics(&["a", "b", "c"])), broken("topics", 2));
    assert_eq!(greet(topics(&["abc"])), Ok(()));
    assert_eq!(greet(topics(&["abcd"])), broken("topic_bytes", 3));
    let gaps = vec![base.gaps[0]; 2];
    assert_eq!(
        greet(Hello {
            gaps,
            ..base.clone()
        }),
        broken("gaps", 1)
    );
    assert!(
        greet(Hello {
            since_id: vec![1; 31],
            ..base.clone()
        })
        .is_err()
    );
    assert!(
        greet(Hello {
            frame_bytes: 4_095,
            ..base.clone()
        })
        .is_err()
    );
    assert_eq!(
        greet(Hello {
            frame_bytes: 4_096,
            ..base
        }),
        Ok(())
    );
}
