//! One frame of a session, read to be drawn.

use std::time::Duration;

use sync_core::negentropy::{Decoder, Mode, PROTOCOL_VERSION};
use sync_core::own::Frame;
use sync_core::waku::{Content, HeaderForm, Payload};
use sync_core::{Bound, Dialect, Range, SessionError, SessionLimits};
use sync_net::reconcile::Direction;

use super::limits::{FRAME_BYTES_DRAWN, TEXT_KEPT};
use super::strip::{Said, Strip};

/// How the frames of a session are read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) dialect: Dialect,
    pub(super) form: HeaderForm,
    pub(super) limits: SessionLimits,
}

/// A frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) direction: Direction,
    /// How long after the session began.
    pub(super) after: Duration,
    pub(super) bytes: usize,
    pub(super) says: Says,
}

impl Row {
    /// The positions between its ranges, nanoseconds since 1970.
    pub(super) fn bounds(&self) -> impl Iterator<Item = u64> {
        let strip = match &self.says {
            Says::Ranges(strip) => Some(strip),
            _ => None,
        };
        strip.into_iter().flat_map(Strip::inner_bounds)
    }
}

/// What a frame says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Says {
    /// What the session is to be about, and how many items the sender holds of it.
    Hello { items: u64 },
    /// Something about ranges.
    Ranges(Strip),
    /// That the responder lacks so many ids.
    Have { ids: u64 },
    /// That so many ids were noted.
    Noted { ids: u64 },
    /// That the sender wants to know which items the receiver holds, from some place on.
    List,
    /// So many of the items that the sender holds.
    Listed { items: u64 },
    /// That the session won't go on, and why.
    Refusal(String),
    /// That the sender has nothing more to say.
    End,
    /// More than is read.
    TooLong,
    /// Nothing that could be read.
    Malformed(String),
}

/// A frame as read, and the times that the session is about as far as the frame tells.
pub(super) struct Read {
    pub(super) says: Says,
    pub(super) window: Option<Range>,
}

impl From<Says> for Read {
    fn from(says: Says) -> Self {
        Self { says, window: None }
    }
}

impl Reading {
    /// Reads a frame.
    pub(super) fn read(&self, frame: &[u8]) -> Read {
        if frame.len() > FRAME_BYTES_DRAWN {
            return Says::TooLong.into();
        }
        let read = match self.dialect {
            Dialect::Negentropy => self.own(frame),
            Dialect::Waku => self.waku(frame),
        };
        read.unwrap_or_else(|error| Says::Malformed(kept(&error.to_string())).into())
    }

    fn own(&self, frame: &[u8]) -> Result<Read, SessionError> {
        Ok(match Frame::decode(frame, &self.limits)? {
            Frame::Hello(hello) => Read {
                window: Some(hello.scope(&self.limits)?.window),
                says: Says::Hello { items: hello.items },
            },
            Frame::Reconcile(message) => Says::Ranges(negentropy(message)?).into(),
            Frame::Have { ids, .. } => Says::Have {
                ids: ids.len() as u64,
            }
            .into(),
            Frame::Noted(ids) => Says::Noted { ids }.into(),
            Frame::List(_) => Says::List.into(),
            Frame::Items { items, .. } => Says::Listed {
                items: items.len() as u64,
            }
            .into(),
            Frame::Refusal(refusal) => Says::Refusal(kept(&refusal.reason)).into(),
        })
    }

    fn waku(&self, frame: &[u8]) -> Result<Read, SessionError> {
        let payload = Payload::decode(self.form, frame, &self.limits)?;
        if payload.ranges.is_empty() {
            return Ok(Says::End.into());
        }
        let since = payload.start.timestamp;
        let window = Range::of_times(since, payload.end().timestamp.max(since));
        let mut strip = Strip::default();
        if since > 0 {
            // Before the first range nothing is said.
            strip.push(since, Said::Skip, 0);
            strip.tally.skips = 0;
        }
        for range in &payload.ranges {
            let (said, ids) = match &range.content {
                Content::Skip => (Said::Skip, 0),
                Content::Fingerprint(_) => (Said::Fingerprint, 0),
                Content::Items { items, .. } => (Said::Ids, items.len() as u64),
            };
            strip.push(range.upper.timestamp, said, ids);
        }
        Ok(Read {
            says: Says::Ranges(strip.finish(Said::Skip)),
            window: Some(window),
        })
    }
}

/// The ranges of a negentropy message, as far as they can be read.
fn negentropy(message: &[u8]) -> Result<Strip, SessionError> {
    let (version, mut decoder) = Decoder::new(message)?;
    let mut strip = Strip::default();
    if version != PROTOCOL_VERSION {
        return Ok(strip.finish(Said::Unread));
    }
    let mut next = || {
        let Some(head) = decoder.next_range()? else {
            return Ok(None);
        };
        let until = match head.upper.bound() {
            Bound::Before(item) => item.timestamp,
            Bound::Infinity => u64::MAX,
        };
        Ok::<_, SessionError>(Some(match head.mode {
            Mode::Skip => (until, Said::Skip, 0),
            Mode::Fingerprint => {
                decoder.fingerprint()?;
                (until, Said::Fingerprint, 0)
            }
            Mode::IdList => (until, Said::Ids, decoder.ids()?.len() as u64),
        }))
    };
    loop {
        match next() {
            Ok(Some((until, said, ids))) => strip.push(until, said, ids),
            Ok(None) => return Ok(strip.finish(Said::Skip)),
            Err(_) => return Ok(strip.finish(Said::Unread)),
        }
    }
}

/// As much of a text as is kept.
pub(super) fn kept(text: &str) -> String {
    text.chars().take(TEXT_KEPT).collect()
}

#[cfg(test)]
mod tests {
    use sync_core::own::refusal;
    use sync_core::waku::{Header, PayloadRange};
    use sync_core::{Id, Item};

    use super::*;

    fn reading(dialect: Dialect) -> Reading {
        Reading {
            dialect,
            form: HeaderForm::Topics,
            limits: SessionLimits::default(),
        }
    }

    fn ranges(says: Says) -> Strip {
        match says {
            Says::Ranges(strip) => strip,
            other => panic!("no ranges: {other:?}"),
        }
    }

    /// To 23:13:20 a fingerprint, to infinity one id; before 22:13:20 a skip.
    const NEGENTROPY: &str = "6197cbe79fe3b1a880010000e8e385e2c0010001a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\
                              000002010102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

    #[test]
    fn ranges_of_negentropy_are_drawn_to_the_end_of_time() {
        let frame = hex::decode(NEGENTROPY).unwrap();
        let strip = ranges(reading(Dialect::Negentropy).read(&frame).says);
        let drawn: Vec<_> = strip.drawn().iter().map(|d| (d.said, d.ids)).collect();
        assert_eq!(
            drawn,
            [(Said::Skip, 0), (Said::Fingerprint, 0), (Said::Ids, 1)]
        );
        assert_eq!(strip.drawn()[0].until, 1_700_000_000_000_000_000);
        assert_eq!(strip.drawn()[2].until, u64::MAX);
    }

    #[test]
    fn what_cannot_be_read_of_a_frame_is_drawn_as_unread() {
        let frame = hex::decode(NEGENTROPY).unwrap();
        let strip = ranges(reading(Dialect::Negentropy).read(&frame[..30]).says);
        let said: Vec<_> = strip.drawn().iter().map(|d| d.said).collect();
        assert_eq!(said, [Said::Skip, Said::Unread]);
    }

    #[test]
    fn a_payload_of_waku_tells_the_times_that_it_is_about() {
        let range = |until, content| PayloadRange {
            upper: Item::new(until, Id::ZERO),
            content,
        };
        let payload = Payload {
            header: Header::all(HeaderForm::Topics),
            start: Item::new(1_000, Id::ZERO),
            ranges: vec![
                range(2_000, Content::Fingerprint([1; 32])),
                range(3_000, Content::Skip),
                range(
                    4_000,
                    Content::Items {
                        items: vec![Item::new(3_500, Id::ZERO)],
                        reconciled: false,
                    },
                ),
            ],
        };
        let read = reading(Dialect::Waku).read(&payload.encode());
        assert_eq!(read.window, Some(Range::of_times(1_000, 4_000)));
        let strip = ranges(read.says);
        assert_eq!(strip.tally.skips, 1, "those that nobody wrote don't count");
        let within = strip.within(1_000, 4_000);
        let said: Vec<_> = within.iter().map(|d| (d.until, d.said)).collect();
        let expected = [
            (2_000, Said::Fingerprint),
            (3_000, Said::Skip),
            (4_000, Said::Ids),
        ];
        assert_eq!(said, expected);
        let end = Payload::empty(HeaderForm::Topics).encode();
        assert_eq!(reading(Dialect::Waku).read(&end).says, Says::End);
    }

    #[test]
    fn frames_of_other_kinds_are_told_by_what_they_say_and_any_bytes_are_survived() {
        let own = reading(Dialect::Negentropy);
        let busy = own.read(&refusal(1, "busy")).says;
        assert_eq!(busy, Says::Refusal("busy".into()));
        let noted = own.read(&Frame::Noted(7).encode()).says;
        assert_eq!(noted, Says::Noted { ids: 7 });
        assert_eq!(own.read(&Frame::List(None).encode()).says, Says::List);
        let items = vec![Item::new(1, Id([1; 32])), Item::new(2, Id([2; 32]))];
        let listed = own.read(&Frame::Items { last: true, items }.encode()).says;
        assert_eq!(listed, Says::Listed { items: 2 });
        let have = Frame::Have {
            last: true,
            ids: vec![Id::ZERO; 3],
        };
        assert_eq!(own.read(&have.encode()).says, Says::Have { ids: 3 });
        assert!(matches!(own.read(&[]).says, Says::Malformed(_)));
        assert!(matches!(own.read(&[9, 9]).says, Says::Malformed(_)));
        let long = vec![PROTOCOL_VERSION; FRAME_BYTES_DRAWN + 1];
        assert_eq!(own.read(&long).says, Says::TooLong);
        assert_ne!(own.read(&long[1..]).says, Says::TooLong);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(frame in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            for dialect in [Dialect::Negentropy, Dialect::Waku] {
                let Says::Ranges(strip) = reading(dialect).read(&frame).says else { continue };
                assert_eq!(strip.drawn().last().unwrap().until, u64::MAX);
            }
        }
    }
}
