//! Frames of the own protocol: what decodes is read from its encoding alike, in little memory, and so
//! is what a hello says.
#![no_main]

use fuzz::allocation::{CONSTANT, MULTIPLE, bounded, bounded_by};
use libfuzzer_sys::fuzz_target;
use sync_core::SessionLimits;
use sync_core::negentropy::MIN_FRAME_BYTES;
use sync_core::own::{Frame, Hello};

/// What a session takes from a hello, within the limits and in little memory.
fn check_hello(hello: &Hello, bytes: usize, limits: &SessionLimits) {
    let most = MULTIPLE * bytes + CONSTANT;
    if let Ok(scope) = bounded_by(most, || hello.scope(limits)) {
        for filter in [&scope.pubsub_topics, &scope.content_topics] {
            assert!(filter.iter().count() <= limits.topics);
            assert!(filter.iter().all(|topic| topic.len() <= limits.topic_bytes));
        }
    }
    if let Ok(state) = bounded_by(most, || hello.state(limits)) {
        assert!(state.gaps.len() <= limits.gaps);
        assert_eq!(state.items, hello.items);
    }
    if let Ok(frame_bytes) = hello.frame_limit(limits.frame_bytes_sent) {
        assert!(frame_bytes >= MIN_FRAME_BYTES);
        assert!(frame_bytes as u64 <= hello.frame_bytes);
        assert!(limits.frame_bytes_sent == 0 || frame_bytes <= limits.frame_bytes_sent);
    }
}

fuzz_target!(|frame: &[u8]| {
    let limits = SessionLimits {
        items_per_frame: 100,
        topics: 20,
        topic_bytes: 40,
        hello_bytes: 4_000,
        gaps: 20,
        ..SessionLimits::default()
    };
    let Ok(told) = bounded(frame, |frame| Frame::decode(frame, &limits)) else {
        return;
    };
    let encoded = told.encode();
    assert_eq!(Frame::decode(&encoded, &limits).as_ref(), Ok(&told));
    match &told {
        Frame::Hello(hello) => check_hello(hello, frame.len(), &limits),
        Frame::Reconcile(message) => assert_eq!(*message, frame),
        Frame::Have { ids, .. } => assert!(ids.len() <= limits.items_per_frame),
        Frame::Noted(_) => assert!(encoded.len() <= frame.len()),
        Frame::Refusal(refusal) => assert!(refusal.reason.chars().count() <= 256),
        Frame::List(_) => assert!(encoded.len() <= frame.len()),
        Frame::Items { items, .. } => {
            assert!(items.len() <= limits.items_per_frame);
            assert!(items.is_sorted_by(|one, next| one < next));
        }
    }
});
