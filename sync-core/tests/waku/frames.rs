//! Encoding and decoding against the recorded vectors, and the limits of decoding.

use sync_core::waku::{HeaderForm, Payload};
use sync_core::{SessionError, SessionLimits};

use crate::support::vectors::{Reconciliation, Verdict, bytes};

fn decode(frame: &[u8]) -> Result<Payload, SessionError> {
    Payload::decode(HeaderForm::Topics, frame, &SessionLimits::default())
}

fn assert_same_verdict(name: &str, wire: &str, verdict: &Verdict) {
    match (decode(&bytes(wire)), verdict) {
        (Ok(payload), Verdict::Ok(recorded)) => {
            assert_eq!(payload.ranges, recorded.payload().ranges, "{name}");
            assert_eq!(payload.header, recorded.payload().header, "{name}");
            assert_eq!(payload.start, recorded.payload().start, "{name}");
        }
        (Err(SessionError::Malformed { offset, .. }), Verdict::Err(_)) => {
            assert!(offset <= wire.len() / 2, "{name}");
        }
        (Err(SessionError::Limit { .. }), Verdict::Err(_)) => {}
        (ours, _) => panic!("{name}: {ours:?} isn't the recorded verdict"),
    }
}

#[test]
fn every_recorded_value_encodes_to_the_recorded_bytes() {
    let vectors = Reconciliation::read();
    assert_eq!(vectors.encode.len(), 21);
    for vector in &vectors.encode {
        let encoded = vector.value.payload().encode();
        assert_eq!(hex::encode(encoded), vector.wire, "{}", vector.name);
    }
}

#[test]
fn every_recorded_frame_gets_the_recorded_verdict() {
    let vectors = Reconciliation::read();
    for vector in &vectors.encode {
        assert_same_verdict(&vector.name, &vector.wire, &vector.decoded);
    }
    assert_eq!(vectors.malformed.len(), 41);
    for vector in &vectors.malformed {
        assert_same_verdict(&vector.name, &vector.wire, &vector.result);
    }
}
