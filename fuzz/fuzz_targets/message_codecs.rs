//! Messages of every protocol: decoding never panics, and what decodes round-trips.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use store_adapter::WakuMessage;
use store_adapter::limits::METADATA_BYTES;
use store_adapter::metadata::WakuMetadata;
use store_adapter::store::{StoreAnswer, StoreQueryRequest};
use store_adapter::transfer::WakuMessageAndTopic;
use sync_core::SessionLimits;
use sync_core::own::Frame;

fuzz_target!(|data: &[u8]| {
    if let Ok(message) = WakuMessage::decode(data) {
        assert_eq!(
            WakuMessage::decode(&message.encode_to_vec()[..]),
            Ok(message)
        );
    }
    if let Ok(frame) = WakuMessageAndTopic::decode_frame(data)
        && let Ok(bytes) = frame.encode_frame()
    {
        assert_eq!(WakuMessageAndTopic::decode_frame(&bytes).ok(), Some(frame));
    }
    // Shards are written twice, so what was read may be too long to be written.
    if let Ok(metadata) = WakuMetadata::decode(data)
        && metadata.encode().len() <= METADATA_BYTES
    {
        assert_eq!(
            WakuMetadata::decode(&metadata.encode()).ok(),
            Some(metadata)
        );
    }
    if let Ok(request) = StoreQueryRequest::decode(data) {
        assert_eq!(
            StoreQueryRequest::decode(&request.encode_to_vec()[..]),
            Ok(request)
        );
    }
    let _ = StoreAnswer::decode(data, "r");
    let limits = SessionLimits::default();
    if let Ok(frame) = Frame::decode(data, &limits) {
        assert_eq!(Frame::decode(&frame.encode(), &limits), Ok(frame));
    }
});
