use super::*;

use libp2p::PeerId;
use sync_core::{Dialect, Range};
use sync_net::Role;

use crate::recording::line::Outcome;

fn first() -> Line {
    Line::Recording {
        time: "t".into(),
        version: VERSION,
        program: "test".into(),
    }
}

fn head(session: u64) -> Head {
    let info = SessionInfo {
        id: session,
        peer: PeerId::random(),
        dialect: Dialect::Waku,
        role: Role::Responder,
        scope: Scope::of_window(Range::ALL),
    };
    Head::new(&info, HeaderForm::Cluster(99))
}

fn begin(session: u64) -> Line {
    Line::Session {
        head: head(session),
        scope: (&Scope::of_window(Range::of_times(3, 9))).into(),
        limits: (&SessionLimits::default()).into(),
    }
}

fn frame(session: u64, number: u64) -> Line {
    Line::Frame {
        head: head(session),
        number,
        direction: Direction::Received,
        frame: format!("{number:02x}ff"),
    }
}

fn end(session: u64, frames: u64) -> Line {
    let outcome = Outcome::Failed { error: "e".into() };
    Line::End {
        head: head(session),
        end: End { frames, outcome },
    }
}

fn dropped() -> Line {
    Line::Dropped {
        time: "t".into(),
        lines: 1,
    }
}

fn text(lines: &[Line]) -> String {
    let lines = lines
        .iter()
        .map(|line| serde_json::to_string(line).unwrap());
    lines.map(|line| line + "\n").collect()
}

fn of(lines: &[Line], wanted: Option<u64>) -> Result<Recorded, ReadError> {
    read(text(lines).as_bytes(), wanted)
}

fn assert_malformed(text: &str, line: u64, words: &str) {
    let error = read(text.as_bytes(), None).unwrap_err();
    let named = matches!(&error, ReadError::Malformed { line: at, .. } if *at == line);
    assert!(named, "not line {line}: {error}");
    assert!(error.to_string().contains(words), "{error}");
    assert!(!error.is_usage());
}

#[test]
fn a_session_is_read_from_among_others() {
    let lines = [
        first(),
        begin(1),
        frame(1, 0),
        begin(2),
        frame(2, 0),
        dropped(),
        frame(1, 1),
        end(1, 2),
        frame(2, 1),
    ];
    let one = of(&lines, Some(1)).unwrap();
    let frames = [0, 1].map(|number| (Direction::Received, vec![number, 0xff]));
    assert_eq!(one.frames, frames);
    assert_eq!(one.form, HeaderForm::Cluster(99));
    assert_eq!(one.limits, SessionLimits::default());
    assert_eq!(one.info.scope.window, Range::of_times(3, 9));
    assert_eq!(
        (one.info.dialect, one.info.role),
        (Dialect::Waku, Role::Responder)
    );
    assert_eq!(one.end.unwrap().frames, 2);
    let two = of(&lines, Some(2)).unwrap();
    assert_eq!((two.frames.len(), two.end), (2, None));
}

#[test]
fn which_session_is_asked_for_only_where_there_are_several() {
    let only = [first(), begin(5), end(5, 0)];
    assert_eq!(of(&only, None).unwrap().info.id, 5);
    let several: Vec<Line> = [first()].into_iter().chain((1..=30).map(begin)).collect();
    let error = of(&several, None).unwrap_err();
    assert!(error.is_usage());
    let words = error.to_string();
    assert!(words.contains("--session"), "{words}");
    assert!(
        words.contains("it has 1, 2, 3,") && words.ends_with("20 and 10 more"),
        "{words}"
    );
    let error = of(&only, Some(77)).unwrap_err();
    assert!(error.is_usage());
    assert_eq!(error.to_string(), "there is no session 77 in it; it has 5");
    assert!(matches!(of(&[first()], Some(1)), Err(ReadError::Empty)));
    assert!(matches!(of(&[], None), Err(ReadError::Empty)));
}

#[test]
fn lines_that_were_dropped_are_noticed_wherever_they_were() {
    let cases: [&[Line]; 3] = [
        &[first(), frame(1, 0), frame(1, 1), end(1, 2)],
        &[first(), begin(1), frame(1, 0), frame(1, 2), end(1, 3)],
        &[first(), begin(1), frame(1, 0), end(1, 2)],
    ];
    for (lines, missing) in cases.into_iter().zip([0, 1, 1]) {
        let error = of(lines, None).unwrap_err();
        assert!(
            matches!(&error, ReadError::Missing { session: 1, expected, .. } if *expected == missing),
            "{error}"
        );
        assert!(!error.is_usage());
    }
    // Of another session, it doesn't matter.
    let lines = [first(), frame(1, 5), begin(2), end(2, 0)];
    assert!(of(&lines, Some(2)).is_ok());
}

#[test]
fn a_line_that_is_none_is_named_with_what_was_expected() {
    let whole = text(&[first(), begin(1), frame(1, 0), end(1, 1)]);
    assert_malformed(&whole[..whole.len() - 5], 4, "cut off");
    assert_malformed(&whole.replace("00ff", "0xff"), 3, "isn't hex");
    assert_malformed(&whole.replace("00ff", "00f"), 3, "isn't hex");
    assert_malformed(
        &whole.replace("\"received\"", "\"lost\""),
        3,
        "expected `sent` or `received`",
    );
    assert_malformed(
        &whole.replace("\"since\"", "\"after\""),
        2,
        "missing field `since`",
    );
    assert_malformed(
        &whole.replace("\"version\":1", "\"version\":2"),
        1,
        "expected version 1",
    );
    assert_malformed("{\"a\":1}\n", 1, "run --record");
    assert_malformed("no json\n", 1, "run --record");
    let begun = text(&[begin(1)]);
    assert_malformed(&begun, 1, "expected the first line");
    assert_malformed(&text(&[first(), first()]), 2, "second first line");
    assert_malformed(&text(&[first(), begin(1), begin(1)]), 3, "begins again");
    let after = [first(), begin(1), end(1, 0), frame(1, 0)];
    assert_malformed(&text(&after), 4, "after its end");
    let twice = [first(), begin(1), frame(1, 0), frame(1, 0)];
    assert_malformed(&text(&twice), 4, "frame 1 was expected");
    let begun = text(&[first(), begin(1)]);
    let own = begun.split("\"peer\":\"").nth(1).unwrap();
    let own = own.split('"').next().unwrap();
    assert_malformed(&begun.replace(own, "nobody"), 2, "`nobody` is no peer");
}

#[test]
fn a_damaged_line_of_another_session_is_named_too() {
    let lines = text(&[first(), begin(1), frame(1, 0), begin(2), end(2, 0)]);
    let error = read(lines.replace("00ff", "zz").as_bytes(), Some(2)).unwrap_err();
    assert!(
        matches!(error, ReadError::Malformed { line: 3, .. }),
        "{error}"
    );
}

#[test]
fn a_line_is_taken_at_its_longest_and_refused_past_it() {
    let whole = text(&[first(), begin(1)]);
    let padded = |len: usize| {
        let first = whole.lines().next().unwrap();
        format!("{first}{}\n", " ".repeat(len - first.len()))
    };
    assert!(matches!(
        read(padded(LINE_BYTES).as_bytes(), None),
        Err(ReadError::Empty)
    ));
    assert_malformed(&padded(LINE_BYTES + 1), 1, "at most");
}
