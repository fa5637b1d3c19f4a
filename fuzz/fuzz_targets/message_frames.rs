//! Messages, transfer frames and metadata: what decodes is read from its encoding alike, in little
//! memory.
#![no_main]

use fuzz::allocation::bounded;
use libfuzzer_sys::fuzz_target;
use prost::Message;
use store_adapter::limits::{METADATA_BYTES, TRANSFER_FRAME_BYTES};
use store_adapter::{Record, WakuMessage, WakuMessageAndTopic, WakuMetadata, message_hash};

/// What an encoding may have more than what was read: the empty payload and content topic, which are
/// always written, and room for the length of a message to take a byte more.
const ADDED_BYTES: usize = 8;

fn check_message(bytes: &[u8]) {
    let Ok(message) = bounded(bytes, WakuMessage::decode) else {
        return;
    };
    let encoded = message.encode_to_vec();
    assert_eq!(encoded.len(), message.encoded_len());
    assert_eq!(WakuMessage::decode(&encoded[..]).as_ref(), Ok(&message));
    let mut readable = message.clone();
    if readable.drop_unreadable_proof() {
        assert!(message.rate_limit_proof.is_some() && readable.rate_limit_proof.is_none());
    } else {
        assert_eq!(readable, message);
    }
    match Record::new("/t", message.clone()) {
        Ok(record) => assert!(record.is_intact() && record.hash() == message_hash("/t", &message)),
        Err(_) => assert!(message.timestamp() < 0),
    }
}

fn check_transfer(frame: &[u8]) {
    let Ok(told) = bounded(frame, WakuMessageAndTopic::decode_frame) else {
        return;
    };
    match told.encode_frame() {
        Ok(encoded) => assert_eq!(
            WakuMessageAndTopic::decode_frame(&encoded).as_ref(),
            Ok(&told)
        ),
        Err(_) => assert!(frame.len() + ADDED_BYTES > TRANSFER_FRAME_BYTES),
    }
}

fn check_metadata(bytes: &[u8]) {
    let Ok(metadata) = bounded(bytes, WakuMetadata::decode) else {
        return;
    };
    let encoded = metadata.encode();
    // Shards are written twice, so what was read may be too long to be written.
    if encoded.len() <= METADATA_BYTES {
        assert_eq!(WakuMetadata::decode(&encoded).as_ref(), Ok(&metadata));
        assert!(WakuMetadata::new(metadata.cluster_id, metadata.shards).is_ok());
    } else {
        assert!(WakuMetadata::new(metadata.cluster_id, metadata.shards).is_err());
    }
}

fuzz_target!(|bytes: &[u8]| {
    check_message(bytes);
    check_transfer(bytes);
    check_metadata(bytes);
});
