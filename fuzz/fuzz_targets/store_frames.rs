//! Store requests and responses: what decodes is read from its encoding alike, in little memory.
#![no_main]

use fuzz::allocation::{bounded, bounded_by};
use libfuzzer_sys::fuzz_target;
use prost::Message;
use store_adapter::limits::{STORE_RESPONSE_MESSAGES, StoreLimits};
use store_adapter::store::{
    Selection, StoreAnswer, StoreQuery, StoreQueryRequest, StoreQueryResponse,
};

/// Most bytes in memory for a message of a response, of which there are at most
/// [`STORE_RESPONSE_MESSAGES`]; it may be three bytes on the wire.
const MESSAGE_BYTES: usize = 512;

/// Most bytes in memory for each byte of what a message of a response holds.
const CONTENT_MULTIPLE: usize = 16;

fn check_request(bytes: &[u8]) {
    let request = bounded(bytes, StoreQueryRequest::decode);
    let limits = StoreLimits::default();
    let parsed = bounded(bytes, |bytes| StoreQuery::parse(bytes, &limits));
    let Ok(request) = request else {
        assert!(parsed.is_err_and(|bad| bad.request_id.is_none()));
        return;
    };
    let encoded = request.encode_to_vec();
    assert_eq!(
        StoreQueryRequest::decode(&encoded[..]).as_ref(),
        Ok(&request)
    );
    match parsed {
        Ok(query) => {
            assert_eq!(query.request_id, request.request_id);
            assert!((1..=limits.page_max).contains(&query.limit));
            if let Selection::Hashes { hashes, .. } = query.selection {
                assert_eq!(hashes.len(), request.message_hashes.len());
            }
        }
        Err(bad) => assert_eq!(bad.request_id, Some(request.request_id)),
    }
}

fn check_response(bytes: &[u8]) {
    let messages = STORE_RESPONSE_MESSAGES.min(bytes.len());
    let most = CONTENT_MULTIPLE * bytes.len() + MESSAGE_BYTES * (messages + 4);
    let answer = bounded_by(most, || StoreAnswer::decode(bytes, "r"));
    let Ok(answer) = answer else { return };
    let response = StoreQueryResponse::decode(bytes).expect("an answer is a response");
    let encoded = response.encode_to_vec();
    assert_eq!(
        StoreQueryResponse::decode(&encoded[..]).as_ref(),
        Ok(&response)
    );
    assert_eq!(StoreAnswer::decode(&encoded, "r").as_ref(), Ok(&answer));
    assert_eq!(answer.entries.len(), response.messages.len());
    assert!(answer.entries.len() <= STORE_RESPONSE_MESSAGES);
}

fuzz_target!(|bytes: &[u8]| {
    check_request(bytes);
    check_response(bytes);
});
