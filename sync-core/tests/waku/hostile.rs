//! Limits at the bound and one past it, and peers that don't keep to the protocol.

use sync_core::waku::{Content, Header, HeaderForm, Initiator, Payload, PayloadRange, Responder};
use sync_core::{Id, Item, Range, Scope, Session, SessionError, SessionLimits, TopicFilter};

use crate::generated::{BEGIN, item};
use crate::support::archive::Archive;

const FORM: HeaderForm = HeaderForm::Topics;
const END: u64 = BEGIN + 3_600_000_000_000;

fn hour() -> Scope {
    Scope::of_window(Range::of_times(BEGIN, END))
}

fn held(count: u64) -> Archive {
    Archive::of_items((0..count).map(|number| item(BEGIN + number * 1_000, number + 1)))
}

fn responder(limits: SessionLimits) -> Responder {
    Responder::new(Box::new(held(500)), hour(), FORM, limits)
}

fn payload(ranges: Vec<(u64, Content)>) -> Payload {
    Payload {
        start: Item::new(BEGIN, Id::ZERO),
        ranges: ranges
            .into_iter()
            .map(|(time, content)| PayloadRange {
                upper: Item::new(time, Id::ZERO),
                content,
            })
            .collect(),
        ..Payload::empty(FORM)
    }
}

fn items(count: u64) -> Content {
    Content::Items {
        items: (0..count)
            .map(|number| item(BEGIN + number, number + 7_000))
            .collect(),
        reconciled: true,
    }
}

fn limit(name: &'static str, max: u64) -> SessionError {
    SessionError::Limit { name, max }
}

/// `frame` passes under `at_bound` and breaks `name` under `past_it`.
fn assert_limit(
    frame: &[u8],
    at_bound: SessionLimits,
    past_it: SessionLimits,
    name: &'static str,
    max: u64,
) {
    responder(at_bound).receive(frame).unwrap();
    assert_eq!(responder(past_it).receive(frame), Err(limit(name, max)));
}

#[test]
fn each_number_of_a_frame_is_taken_at_its_limit_and_refused_past_it() {
    let default = SessionLimits::default;
    let fingerprint = || Content::Fingerprint([1; 32]);
    let frame = payload(
        (1..=9)
            .map(|part| (BEGIN + part * 100, fingerprint()))
            .collect(),
    )
    .encode();
    let with = |ranges_per_frame| SessionLimits {
        ranges_per_frame,
        ..default()
    };
    assert_limit(&frame, with(9), with(8), "ranges_per_frame", 8);
    let with = |frame_bytes_received| SessionLimits {
        frame_bytes_received,
        ..default()
    };
    assert_limit(
        &frame,
        with(frame.len()),
        with(frame.len() - 1),
        "frame_bytes_received",
        frame.len() as u64 - 1,
    );
    let with = |session_bytes| SessionLimits {
        session_bytes,
        ..default()
    };
    let bytes = frame.len() as u64;
    assert_limit(
        &frame,
        with(bytes),
        with(bytes - 1),
        "session_bytes",
        bytes - 1,
    );

    let frame = payload(vec![(BEGIN + 50, items(20)), (BEGIN + 100, items(20))]).encode();
    let with = |items_per_frame| SessionLimits {
        items_per_frame,
        ..default()
    };
    assert_limit(&frame, with(40), with(39), "items_per_frame", 39);

    let frame = payload(vec![(BEGIN + 1, items(0)), (END, items(20))]).encode();
    // 500 held here and 20 listed, of which the one before the second range isn't looked at.
    let with = |differences| SessionLimits {
        differences,
        ..default()
    };
    assert_limit(&frame, with(519), with(518), "differences", 518);

    let mut named = payload(vec![(END, fingerprint())]);
    let content = ["/a", "/bcd", "/ef"].map(String::from).to_vec();
    named.header = Header::Topics {
        pubsub: Vec::new(),
        content,
    };
    let frame = named.encode();
    let with = |topics| SessionLimits {
        topics,
        ..default()
    };
    assert_limit(&frame, with(3), with(2), "topics", 2);
    let with = |topic_bytes| SessionLimits {
        topic_bytes,
        ..default()
    };
    assert_limit(&frame, with(4), with(3), "topic_bytes", 3);
}

#[test]
fn a_frame_past_the_rounds_is_refused() {
    let limits = SessionLimits {
        rounds: 3,
        ..SessionLimits::default()
    };
    let mut session = responder(limits);
    let frame = payload(vec![(END, Content::Fingerprint([1; 32]))]).encode();
    for _ in 0..3 {
        assert!(!session.receive(&frame).unwrap().done);
    }
    assert_eq!(session.receive(&frame), Err(limit("rounds", 3)));
}

#[test]
fn a_peer_that_repeats_one_fingerprint_for_ever_meets_the_limit_of_rounds() {
    let (mut session, first) =
        Initiator::start(Box::new(held(500)), hour(), FORM, SessionLimits::default()).unwrap();
    let mut peer = Payload::decode(FORM, &first, &SessionLimits::default()).unwrap();
    peer.ranges[0].content = Content::Fingerprint([9; 32]);
    let frame = peer.encode();
    let mut bytes = 0;
    let mut rounds = 0;
    let error = loop {
        match session.receive(&frame) {
            Ok(step) => {
                assert!(step.have.is_empty() && step.need.is_empty());
                bytes = bytes.max(step.reply.unwrap().len());
                rounds += 1;
            }
            Err(error) => break error,
        }
    };
    assert_eq!((rounds, error), (10_000, limit("rounds", 10_000)));
    assert!(bytes < 1_000, "{bytes}");
}

#[test]
fn a_run_of_one_timestamp_that_fits_no_frame_is_an_error() {
    let run = Archive::of_items((0..100).map(|number| item(BEGIN, number + 1)));
    let start = |frame_bytes_sent| {
        let limits = SessionLimits {
            frame_bytes_sent,
            ..SessionLimits::default()
        };
        let window = Range::of_times(BEGIN, BEGIN + 1);
        Initiator::start(
            Box::new(run.clone()),
            Scope::of_window(window),
            FORM,
            limits,
        )
        .map(drop)
    };
    // What an item and the rest of a frame take at most, rounded up to where it is refused.
    let enough = (0..8_000)
        .find(|most| *most > 0 && start(*most).is_ok())
        .unwrap();
    assert!((3_300..4_300).contains(&enough), "{enough}");
    assert_eq!(
        start(enough - 1),
        Err(limit("frame_bytes_sent", enough as u64 - 1))
    );
}

#[test]
fn an_end_that_leaves_ranges_unanswered_is_no_success() {
    let start = || {
        Initiator::start(Box::new(held(500)), hour(), FORM, SessionLimits::default())
            .unwrap()
            .0
    };
    let whole = payload(vec![(END, Content::Skip)]).encode();
    let end = start().receive(&whole).unwrap();
    assert!(end.done && end.reply.is_none());
    for frame in [Vec::new(), vec![0]] {
        assert!(start().receive(&frame).unwrap().done);
    }
    let short = payload(vec![(END - 1, Content::Skip)]).encode();
    assert!(matches!(
        start().receive(&short),
        Err(SessionError::Protocol(_))
    ));
}

#[test]
fn a_range_that_the_peer_skips_is_no_difference_and_no_equality() {
    let older = payload(vec![(END, Content::Skip)]).encode();
    for frame in [Vec::new(), vec![0], older] {
        let (mut session, _) =
            Initiator::start(Box::new(held(500)), hour(), FORM, SessionLimits::default()).unwrap();
        let step = session.receive(&frame).unwrap();
        assert_eq!((step.have, step.need, step.reply), (vec![], vec![], None));
        assert!(step.done);
    }
}

#[test]
fn an_empty_range_is_answered_by_an_empty_list_that_asks_for_one() {
    let nothing = Archive::of_items([]);
    let mut session = Responder::new(Box::new(nothing), hour(), FORM, SessionLimits::default());
    let asked = payload(vec![(END, Content::Fingerprint([1; 32]))]).encode();
    let reply = session.receive(&asked).unwrap().reply.unwrap();
    let reply = Payload::decode(FORM, &reply, &SessionLimits::default()).unwrap();
    let empty = |reconciled| Content::Items {
        items: Vec::new(),
        reconciled,
    };
    assert_eq!(reply.ranges.len(), 1);
    assert_eq!(reply.ranges[0].content, empty(false));
    let named = payload(vec![(END, items(20))]).encode();
    assert_eq!(session.receive(&named).unwrap().need.len(), 20);

    // And a peer that answers its own empty range as reconciled is told what it lacks.
    let (mut session, _) =
        Initiator::start(Box::new(held(90)), hour(), FORM, SessionLimits::default()).unwrap();
    let step = session.receive(&payload(vec![(END, empty(true))]).encode());
    assert_eq!(step.unwrap().have.len(), 90);
}

#[test]
fn empty_ranges_and_overlapping_answers_name_each_difference_once() {
    let mut session = responder(SessionLimits::default());
    let listed = Content::Items {
        items: (0..20).map(|n| item(BEGIN + n, n + 7_000)).collect(),
        reconciled: false,
    };
    let empty = std::iter::repeat_n((BEGIN, Content::Fingerprint([1; 32])), 1_000);
    let frame = payload(empty.chain([(END, listed)]).collect()).encode();
    let first = session.receive(&frame).unwrap();
    assert_eq!((first.need.len(), first.have.len()), (20, 500));
    assert!(!first.done, "it lists what it holds");
    let again = session.receive(&frame).unwrap();
    assert_eq!((again.need, again.have), (vec![], vec![]));
}

#[test]
fn what_an_answer_leaves_out_is_asked_again() {
    let (mut session, _) =
        Initiator::start(Box::new(held(500)), hour(), FORM, SessionLimits::default()).unwrap();
    let mut partial = payload(vec![(END - 100, Content::Fingerprint([5; 32]))]);
    partial.start.timestamp += 100;
    let reply = session.receive(&partial.encode()).unwrap().reply.unwrap();
    let reply = Payload::decode(FORM, &reply, &SessionLimits::default()).unwrap();
    assert_eq!(reply.start.timestamp, BEGIN);
    assert_eq!(reply.end().timestamp, END);
    let open = |range: &PayloadRange| range.content != Content::Skip;
    assert!(open(&reply.ranges[0]) && open(reply.ranges.last().unwrap()));
}

#[test]
fn a_bound_within_a_timestamp_is_refused_where_it_would_overlap() {
    let mut frame = payload(vec![
        (BEGIN + 10, Content::Skip),
        (BEGIN + 10, Content::Fingerprint([1; 32])),
        (END, Content::Skip),
    ]);
    frame.ranges[1].upper.id.0[0] = 7;
    let mut session = responder(SessionLimits::default());
    assert!(matches!(
        session.receive(&frame.encode()),
        Err(SessionError::Protocol(_))
    ));
    frame.ranges[1].content = Content::Skip;
    assert!(
        responder(SessionLimits::default())
            .receive(&frame.encode())
            .unwrap()
            .done
    );
}

#[test]
fn listed_items_out_of_order_or_twice_are_compared_as_a_set() {
    let ours: Vec<Item> = (0..9).map(|number| item(BEGIN + 5, number + 1)).collect();
    let mut listed = ours.clone();
    listed.sort();
    listed.rotate_left(4);
    listed.push(listed[2]);
    let foreign = item(BEGIN + 5, 77);
    listed.push(foreign);
    let content = Content::Items {
        items: listed,
        reconciled: true,
    };
    let served = Archive::of_items(ours);
    let mut session = Responder::new(Box::new(served), hour(), FORM, SessionLimits::default());
    let step = session
        .receive(&payload(vec![(END, content)]).encode())
        .unwrap();
    assert_eq!((step.have, step.need), (vec![], vec![foreign.id]));
    assert!(step.done);
}

#[test]
fn disjoint_topics_and_nothing_left_to_say_end_with_an_empty_payload() {
    let mut named = payload(vec![(END, Content::Fingerprint([1; 32]))]);
    named.header = Header::Topics {
        pubsub: vec!["/waku/2/other".into()],
        content: Vec::new(),
    };
    let served = Scope {
        pubsub_topics: TopicFilter::from_wire(["/waku/2/rs/99/0"]),
        ..hour()
    };
    let source = Box::new(held(10));
    let mut session = Responder::new(source, served, FORM, SessionLimits::default());
    let step = session.receive(&named.encode()).unwrap();
    assert_eq!((step.reply, step.done), (Some(vec![0]), true));
    assert!(session.receive(&[0]).is_err());
}

#[test]
fn a_session_about_nothing_doesnt_start() {
    let start = |scope: Scope, floor| {
        let source = Box::new(held(10).with_floor(floor));
        Initiator::start(source, scope, FORM, SessionLimits::default()).map(drop)
    };
    let none = TopicFilter::Only(std::collections::BTreeSet::new());
    let nothing = Scope {
        content_topics: none,
        ..hour()
    };
    use sync_core::Bound;
    assert!(start(nothing, Bound::MIN).is_err());
    assert!(start(hour(), Bound::at_time(END)).is_err());
    assert!(start(hour(), Bound::at_time(END - 1)).is_ok());
}

#[test]
fn no_prefix_of_a_frame_and_no_flipped_byte_breaks_the_decoder() {
    let mut frame = payload(vec![
        (BEGIN + 50, items(9)),
        (END, Content::Fingerprint([3; 32])),
    ]);
    frame.header = Header::Topics {
        pubsub: vec!["/waku/2/rs/99/0".into()],
        content: Vec::new(),
    };
    let frame = frame.encode();
    for len in 0..frame.len() {
        let _ = Payload::decode(FORM, &frame[..len], &SessionLimits::default());
        for bit in 0..8 {
            let mut flipped = frame.clone();
            flipped[len] ^= 1 << bit;
            for form in [FORM, HeaderForm::Cluster(0)] {
                if let Ok(payload) = Payload::decode(form, &flipped, &SessionLimits::default()) {
                    let again = Payload::decode(form, &payload.encode(), &SessionLimits::default());
                    assert_eq!(again, Ok(payload));
                }
            }
        }
    }
}
