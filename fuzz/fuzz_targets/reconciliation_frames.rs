//! Frames of Waku's reconciliation in both header forms: what decodes is read from its encoding
//! alike, in little memory.
#![no_main]

use fuzz::allocation;
use libfuzzer_sys::fuzz_target;
use sync_core::waku::{Content, HeaderForm, Payload, PayloadRange, TIME_END};
use sync_core::{Id, Item, SessionLimits};

/// The id as far as it is written: up to its first byte that differs from zeros.
fn written(id: Id) -> Id {
    let mut written = Id::ZERO;
    if let Some(first) = id.0.iter().position(|byte| *byte != 0) {
        written.0[first] = id.0[first];
    }
    written
}

/// What is read from the encoding of `payload`: ids of bounds are written in part.
fn as_written(mut payload: Payload) -> Payload {
    for range in &mut payload.ranges {
        range.upper.id = written(range.upper.id);
    }
    payload
}

/// Decoders want nine bytes behind the header, so sessions give a frame of small times a range of no
/// width more.
fn made_readable(mut payload: Payload) -> Payload {
    let upper = Item::new(payload.end().timestamp, Id::ZERO);
    payload.ranges.push(PayloadRange {
        upper,
        content: Content::Skip,
    });
    payload
}

fn check(payload: &Payload, limits: &SessionLimits) {
    let mut last = payload.start.timestamp;
    let mut items = 0;
    for range in &payload.ranges {
        assert!((last..=TIME_END).contains(&range.upper.timestamp));
        last = range.upper.timestamp;
        if let Content::Items { items: listed, .. } = &range.content {
            assert!(listed.is_sorted_by_key(|item| item.timestamp));
            items += listed.len();
        }
    }
    assert!(payload.ranges.len() <= limits.ranges_per_frame);
    assert!(items <= limits.items_per_frame);
}

fuzz_target!(|frame: &[u8]| {
    let limits = SessionLimits {
        ranges_per_frame: 1_000,
        items_per_frame: 200,
        topics: 20,
        topic_bytes: 40,
        ..SessionLimits::default()
    };
    for form in [HeaderForm::Topics, HeaderForm::Cluster(1)] {
        let decode = |frame: &[u8]| Payload::decode(form, frame, &limits);
        let Ok(told) = allocation::bounded(frame, decode) else {
            continue;
        };
        check(&told, &limits);
        let told = as_written(told);
        let reread = decode(&told.encode());
        if reread.is_err() && told.ranges.len() < limits.ranges_per_frame {
            let longer = made_readable(told);
            assert_eq!(decode(&longer.encode()).as_ref(), Ok(&longer));
        } else {
            assert_eq!(reread.as_ref(), Ok(&told));
        }
    }
});
