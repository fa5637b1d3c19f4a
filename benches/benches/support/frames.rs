//! Frames as sessions write them, and what they say.

use benches::{Pair, Placement, pair};
use sync_core::negentropy::{Decoder, Encoder, Mode, PrefixBound};
use sync_core::waku::{Content, HeaderForm, Payload};
use sync_core::{Id, RangeTree, SessionLimits};

use super::exchange;

/// Two frames of one session.
pub(crate) struct Frames {
    /// The one with the most fingerprints.
    pub(crate) split: Vec<u8>,
    /// The one with the most items, or their ids.
    pub(crate) listed: Vec<u8>,
}

impl Frames {
    /// Of a negentropy session between sets of so many items that differ by 1 %.
    pub(crate) fn negentropy(items: usize) -> Self {
        let frames = frames(items, |left, right, show| {
            exchange::negentropy(left, right, 0, show)
        });
        let count = |frame: &[u8], wanted: fn(&Described) -> usize| {
            let ranges = decode_negentropy(frame);
            ranges.iter().map(|(_, range)| wanted(range)).sum()
        };
        Self {
            split: richest(&frames, |frame| {
                count(frame, |range| {
                    usize::from(matches!(range, Described::Fingerprint(_)))
                })
            }),
            listed: richest(&frames, |frame| {
                count(frame, |range| match range {
                    Described::Ids(ids) => ids.len(),
                    _ => 0,
                })
            }),
        }
    }

    /// As [`Frames::negentropy`], in the `waku` dialect.
    pub(crate) fn waku(items: usize) -> Self {
        let frames = frames(items, |left, right, show| exchange::waku(left, right, show));
        let count = |frame: &[u8], wanted: fn(&Content) -> usize| {
            let ranges = decode_waku(frame).ranges;
            ranges.iter().map(|range| wanted(&range.content)).sum()
        };
        Self {
            split: richest(&frames, |frame| {
                count(frame, |content| {
                    usize::from(matches!(content, Content::Fingerprint(_)))
                })
            }),
            listed: richest(&frames, |frame| {
                count(frame, |content| match content {
                    Content::Items { items, .. } => items.len(),
                    _ => 0,
                })
            }),
        }
    }
}

/// The frames of a session that finds as many differences as there are.
fn frames(
    items: usize,
    run: impl FnOnce(&RangeTree, &RangeTree, &mut dyn FnMut(&[u8])) -> usize,
) -> Vec<Vec<u8>> {
    let Pair { left, right, .. } = pair(items, items / 100, Placement::Spread, 11);
    let [left, right] = [left, right].map(RangeTree::from_unsorted);
    let mut frames = Vec::new();
    let found = run(&left, &right, &mut |frame| frames.push(frame.to_vec()));
    assert_eq!(found, items / 100);
    frames
}

/// Of `frames` the one with the most of what `count` counts.
fn richest(frames: &[Vec<u8>], count: impl Fn(&[u8]) -> usize) -> Vec<u8> {
    let richest = frames.iter().max_by_key(|frame| count(frame));
    richest.expect("a session has frames").clone()
}

/// What a negentropy frame says of a range.
pub(crate) enum Described {
    Skip,
    Fingerprint([u8; 16]),
    Ids(Vec<Id>),
}

/// The ranges of a negentropy frame, each with its upper bound.
pub(crate) fn decode_negentropy(frame: &[u8]) -> Vec<(PrefixBound, Described)> {
    let (_, mut decoder) = Decoder::new(frame).expect("a frame");
    let mut ranges = Vec::new();
    while let Some(head) = decoder.next_range().expect("a range") {
        let described = match head.mode {
            Mode::Skip => Described::Skip,
            Mode::Fingerprint => {
                let fingerprint = decoder.fingerprint().expect("a fingerprint");
                Described::Fingerprint(fingerprint.try_into().expect("16 bytes"))
            }
            Mode::IdList => Described::Ids(decoder.ids().expect("ids").collect()),
        };
        ranges.push((head.upper, described));
    }
    ranges
}

/// The inverse of [`decode_negentropy`].
pub(crate) fn encode_negentropy(ranges: &[(PrefixBound, Described)]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    for (upper, described) in ranges {
        match described {
            Described::Skip => encoder.skip(upper),
            Described::Fingerprint(fingerprint) => encoder.fingerprint(upper, fingerprint),
            Described::Ids(ids) => {
                encoder.id_list(upper, ids.len());
                ids.iter().for_each(|id| encoder.id(id));
            }
        }
    }
    encoder.finish()
}

/// A frame of the `waku` dialect.
pub(crate) fn decode_waku(frame: &[u8]) -> Payload {
    Payload::decode(HeaderForm::Topics, frame, &SessionLimits::default()).expect("a frame")
}
