//! Listing what a responder holds, and comparing without telling.

use proptest::prelude::*;
use sync_core::own::{Frame, Hello, Initiator, LISTS, Lister, Responder};
use sync_core::{
    Bound, Id, Item, ItemSet, Range, Scope, Session, SessionError, SessionLimits, SortedItems,
};

use crate::cases::cases;
use crate::own::{everything, source};
use crate::support::{arbitrary_pair, items_at, sync, true_differences};

/// Lists what a responder with these items holds; gives it, and how many frames it came in.
fn list(
    held: &[Item],
    scope: Scope,
    limits: &SessionLimits,
) -> Result<(Vec<Item>, usize), SessionError> {
    let mut responder = Responder::new(source(held, 0), everything(), limits.clone());
    let (mut lister, mut frame) = Lister::start(scope, held.len(), limits.clone())?;
    let (mut listed, mut frames) = (Vec::new(), 0);
    loop {
        let step = responder.receive(&frame)?;
        assert_eq!((step.have.len(), step.need.len()), (0, 0));
        let step = lister.receive(&step.reply.unwrap())?;
        frames += usize::from(!step.items.is_empty());
        listed.extend(step.items);
        match step.reply {
            Some(reply) => frame = reply,
            None => {
                assert!(step.done);
                return Ok((listed, frames));
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_listing_is_what_the_window_holds_in_order(
        (held, _) in arbitrary_pair(2_000),
        since: u64,
        frame_bytes in 4_096usize..20_000,
    ) {
        let set: SortedItems = held.iter().copied().collect();
        let since = set.select(since as usize % set.len().max(1)).map_or(0, |item| item.timestamp);
        let window = Range::new(Bound::at_time(since), Bound::Infinity);
        let limits = SessionLimits::with_frame_limit(frame_bytes);
        let (listed, _) = list(&held, Scope::of_window(window), &limits).unwrap();
        let expected: Vec<Item> = (0..set.len())
            .filter_map(|rank| set.select(rank))
            .filter(|item| window.contains(item))
            .collect();
        prop_assert_eq!(listed, expected);
    }

    #[test]
    fn an_initiator_that_tells_nothing_learns_as_much(
        (ours, theirs) in arbitrary_pair(2_000),
    ) {
        let limits = SessionLimits::default();
        let (initiator, first) =
            Initiator::start(source(&ours, 0), everything(), limits.clone()).unwrap();
        let mut initiator = initiator.telling_nothing();
        let mut responder = Responder::new(source(&theirs, 0), everything(), limits);
        let told = sync(&mut initiator, first, &mut responder);
        let (have, need) = true_differences(&ours, &theirs);
        prop_assert_eq!(told.initiator.0.into_iter().collect::<std::collections::BTreeSet<_>>(), have);
        prop_assert_eq!(told.initiator.1.into_iter().collect::<std::collections::BTreeSet<_>>(), need);
        prop_assert_eq!((told.responder.0.len(), told.responder.1.len()), (0, 0));
    }
}

#[test]
fn a_listing_comes_in_frames_as_short_as_the_side_that_asks_takes() {
    let held = items_at(7, 1_000);
    let short = SessionLimits {
        frame_bytes_received: 4_096,
        ..SessionLimits::default()
    };
    let (listed, frames) = list(&held, everything(), &short).unwrap();
    assert_eq!(listed.len(), 1_000);
    assert!(frames >= 1_000 * 33 / 4_096, "{frames}");
    let few = SessionLimits {
        items_per_frame: 10,
        ..SessionLimits::default()
    };
    assert_eq!(list(&held, everything(), &few).unwrap().1, 100);
}

/// A lister of the times 10 to 20 that has got this hello.
fn greeted(features: u64, items: usize) -> Result<Lister, SessionError> {
    let scope = Scope::of_window(Range::of_times(10, 20));
    let limits = SessionLimits::default();
    let (mut lister, _) = Lister::start(scope.clone(), items, limits.clone())?;
    let hello = Hello {
        features,
        ..Hello::new(&*source(&[], 0), &scope, 0, &limits)
    };
    lister
        .receive(&Frame::Hello(hello).encode())
        .map(|_| lister)
}

fn items(last: bool, times: &[u64]) -> Vec<u8> {
    let item = |(index, time): (usize, &u64)| Item::new(*time, Id([index as u8; 32]));
    let items = times.iter().enumerate().map(item).collect();
    Frame::Items { last, items }.encode()
}

#[test]
fn a_responder_that_lists_what_was_not_asked_for_is_refused() {
    let take = |frames: &[Vec<u8>]| {
        let mut lister = greeted(LISTS, 3).unwrap();
        frames
            .iter()
            .map(|frame| lister.receive(frame))
            .collect::<Result<Vec<_>, _>>()
    };
    assert!(take(&[items(false, &[10, 11]), items(true, &[19])]).is_ok());
    for (frames, why) in [
        (vec![items(false, &[10, 20])], "asked for"),
        (vec![items(true, &[9])], "asked for"),
        (vec![items(false, &[12]), items(true, &[11])], "in order"),
        (vec![items(false, &[12]), items(true, &[12])], "in order"),
        (vec![items(false, &[])], "no items"),
        (vec![items(true, &[]), items(true, &[])], "out of turn"),
        (vec![items(true, &[10, 11, 12, 13])], "limit items of 3"),
        (
            vec![items(false, &[10, 11]), items(true, &[12, 13])],
            "limit items of 3",
        ),
        (vec![Frame::Noted(0).encode()], "doesn't have"),
    ] {
        let error = take(&frames).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    assert!(
        matches!(greeted(0, 3), Err(SessionError::Protocol(why)) if why.contains("can't list"))
    );
}

#[test]
fn a_responder_lists_only_what_was_agreed_on_and_before_anything_is_told() {
    let limits = SessionLimits::default();
    let held = items_at(7, 10);
    let mut responder = Responder::new(source(&held, 0), everything(), limits.clone());
    let list = Frame::List(None).encode();
    assert!(responder.receive(&list).is_err(), "before the hello");

    let mut responder = Responder::new(source(&held, 0), everything(), limits.clone());
    let scope = Scope::of_window(Range::of_times(8, 9));
    let hello = Frame::Hello(Hello::new(&*source(&[], 0), &scope, 0, &limits)).encode();
    responder.receive(&hello).unwrap();
    let nothing = responder.receive(&list).unwrap().reply.unwrap();
    assert_eq!(nothing, items(true, &[]));
    let told = Frame::Have {
        last: false,
        ids: vec![],
    };
    responder.receive(&told.encode()).unwrap();
    assert!(responder.receive(&list).is_err(), "after a have frame");
}

#[test]
fn items_in_a_frame_are_read_as_they_were_written_and_ascend() {
    let limits = SessionLimits::default();
    let item = |time, byte| Item::new(time, Id([byte; 32]));
    for items in [
        vec![],
        vec![item(0, 0)],
        vec![item(5, 1), item(5, 2), item(u64::MAX, 0)],
    ] {
        for frame in [
            Frame::Items {
                last: true,
                items: items.clone(),
            },
            Frame::List(items.last().copied()),
        ] {
            let wire = frame.encode();
            assert_eq!(Frame::decode(&wire, &limits), Ok(frame), "{wire:02x?}");
            for cut in [1, 2, 20] {
                if let Some(part) = wire.get(..wire.len().saturating_sub(cut)) {
                    // Whatever is left, it's no panic.
                    let _ = Frame::decode(part, &limits);
                }
            }
        }
    }
    let equal = Frame::Items {
        last: true,
        items: vec![item(5, 1), item(5, 1)],
    };
    let error = Frame::decode(&equal.encode(), &limits).unwrap_err();
    assert!(
        matches!(error, SessionError::Malformed { offset: 35, .. }),
        "{error}"
    );
}
