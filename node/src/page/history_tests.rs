use libp2p::PeerId;
use store_adapter::fetch::FetchReport;
use sync_core::{Dialect, Scope};
use sync_net::Role;

use super::*;
use crate::page::row::Says;
use crate::page::strip::{Said, Strip};

fn session(id: u64, window: Range) -> SessionInfo {
    SessionInfo {
        id,
        peer: PeerId::random(),
        dialect: Dialect::Negentropy,
        role: Role::Initiator,
        scope: Scope::of_window(window),
    }
}

fn outcome(session: &SessionInfo, have: u64, need: u64) -> Result<Outcome, ReconcileError> {
    Ok(Outcome {
        session: session.clone(),
        peer: None,
        agreed: None,
        rounds: 3,
        bytes_sent: 100,
        bytes_received: 200,
        have,
        need,
        duration: Duration::from_millis(5),
    })
}

fn report(session: &SessionInfo, fetched: u64) -> JobReport {
    JobReport {
        session: session.id,
        peer: session.peer,
        have: 2,
        undelivered: 1,
        unpushable: 0,
        fetch: FetchReport {
            announced: 5,
            fetched,
            ..FetchReport::default()
        },
        unsolicited: 0,
        sent: 10,
        received: 20,
    }
}

fn ranges(bounds: &[u64]) -> Read {
    let mut strip = Strip::default();
    for bound in bounds {
        strip.push(*bound, Said::Fingerprint, 0);
    }
    Says::Ranges(strip.finish(Said::Skip)).into()
}

fn phase(history: &History, session: &SessionInfo) -> Phase {
    history
        .one(session.id, |entry| entry.phase.clone())
        .unwrap()
}

#[test]
fn a_session_goes_from_frames_to_filling_to_done() {
    let history = History::default();
    let session = session(7, Range::of_times(1_000, 2_000));
    assert!(history.begins(&session));
    history.frame(7, Direction::Sent, 30, ranges(&[1_500]));
    history.frame(7, Direction::Received, 40, ranges(&[]));
    let seen = |entry: &Entry| (entry.rounds, entry.bytes_sent, entry.bytes_received);
    assert_eq!(history.one(7, seen), Some((1, 30, 40)));
    history.ends(7, &outcome(&session, 2, 5));
    assert_eq!(phase(&history, &session), Phase::Filling);
    history.at_work(&[report(&session, 3)]);
    let fetched = |entry: &Entry| entry.filled.as_ref().map(|report| report.fetch.fetched);
    assert_eq!(history.one(7, fetched), Some(Some(3)));
    assert!(history.is_at_work());
    history.filled(&report(&session, 5));
    assert_eq!(phase(&history, &session), Phase::Done);
    assert_eq!(history.one(7, fetched), Some(Some(5)));
    assert!(!history.is_at_work());
}

#[test]
fn a_session_whose_work_is_gone_is_done_and_what_comes_late_counts_all_the_same() {
    let history = History::default();
    let session = session(7, Range::ALL);
    history.begins(&session);
    history.at_work(&[]);
    assert_eq!(
        phase(&history, &session),
        Phase::Reconciling,
        "it has hardly begun"
    );
    history.ends(7, &outcome(&session, 0, 0));
    history.at_work(&[]);
    assert_eq!(phase(&history, &session), Phase::Done);
    history.filled(&report(&session, 5));
    assert_eq!(history.one(7, |entry| entry.have), Some(2));
}

#[test]
fn failures_are_told_and_yielding_is_none() {
    let history = History::default();
    let ends = [
        Err(ReconcileError::Yielded),
        Err(ReconcileError::Closed { rounds: 3 }),
    ];
    for (id, end) in (1..).zip(ends) {
        history.begins(&session(id, Range::ALL));
        history.ends(id, &end);
    }
    history.begins(&session(3, Range::ALL));
    history.dropped(3);
    let phases = history.all(|entry| (entry.session.id, entry.phase.clone()));
    assert_eq!(phases[2], (1, Phase::Yielded));
    assert!(matches!(&phases[1], (2, Phase::Failed(why)) if why.contains("closed the stream")));
    assert!(matches!(&phases[0], (3, Phase::Failed(why)) if why.contains("cancelled")));
}

#[test]
fn what_is_kept_is_bounded_however_many_sessions_and_frames_there_are() {
    let history = History::default();
    for id in 0..10 * SESSIONS_KEPT as u64 {
        let session = session(id, Range::ALL);
        assert!(history.begins(&session));
        history.ends(id, &outcome(&session, 0, 0));
        history.filled(&report(&session, 5));
    }
    assert_eq!(history.all(|_| ()).len(), SESSIONS_KEPT);
    for id in 1_000..1_000 + SESSIONS_WATCHED as u64 {
        assert!(history.begins(&session(id, Range::ALL)));
    }
    assert!(!history.begins(&session(9_999, Range::ALL)));
    history.frame(9_999, Direction::Sent, 1, ranges(&[]));
    assert_eq!(history.one(9_999, |_| ()), None);
    for _ in 0..3 * FRAMES_DRAWN {
        history.frame(1_000, Direction::Received, 1, ranges(&[5]));
    }
    let kept = |entry: &Entry| (entry.rows.len(), entry.rows_beyond, entry.rounds);
    let frames = FRAMES_DRAWN as u64;
    assert_eq!(
        history.one(1_000, kept),
        Some((FRAMES_DRAWN, 2 * frames, 3 * frames))
    );
}

#[test]
fn what_has_changed_is_told_once() {
    let history = History::default();
    let ids = |history: &History| history.changed(|entry| entry.session.id);
    history.begins(&session(1, Range::ALL));
    history.begins(&session(2, Range::ALL));
    assert_eq!(ids(&history), [1, 2]);
    assert!(ids(&history).is_empty());
    history.frame(2, Direction::Sent, 1, ranges(&[]));
    assert_eq!(ids(&history), [2]);
    history.dropped(1);
    assert_eq!(ids(&history), [1]);
    let same = report(&session(2, Range::ALL), 1);
    history.at_work(std::slice::from_ref(&same));
    assert_eq!(ids(&history), [2]);
    history.at_work(&[same]);
    assert!(ids(&history).is_empty(), "nothing has come since");
}

#[test]
fn the_axis_is_the_window_or_where_it_has_no_end_what_frames_tell() {
    let axis = |window, told: Option<Range>, bounds: &[u64]| {
        let history = History::default();
        history.begins(&session(1, window));
        let read = Read {
            window: told,
            ..ranges(bounds)
        };
        history.frame(1, Direction::Sent, 1, read);
        history.one(1, Entry::axis).unwrap()
    };
    let window = Range::of_times(1_000, 2_000);
    assert_eq!(axis(window, None, &[1_500]), (1_000, 2_000));
    assert_eq!(axis(Range::ALL, Some(window), &[1_500]), (1_000, 2_000));
    assert_eq!(axis(Range::ALL, None, &[1_500, 1_700]), (1_500, 1_700));
    assert_eq!(axis(Range::ALL, None, &[]), (0, 0));
    let apart = Range::of_times(5_000, 6_000);
    let (since, until) = axis(window, Some(apart), &[]);
    assert!(since <= until);
}
