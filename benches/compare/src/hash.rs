//! The message hash, against SHA-256 of the same bytes in one piece.

use std::hint::black_box;
use std::time::Duration;

use benches::{HOUR, START};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store_adapter::{WakuMessage, message_hash};

use crate::timing::{median, timed};

const TOPIC: &str = "/waku/2/rs/1/0";

/// Hashes in a run.
const HASHES: usize = 2_000;

/// The time that hashes take, each in seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Hashing {
    /// The payload's length in bytes.
    pub(crate) payload: usize,
    /// All that is hashed, in bytes.
    pub(crate) bytes: usize,
    /// The message hash.
    pub(crate) message_hash_s: f64,
    /// SHA-256 of the same bytes in one piece.
    pub(crate) sha256_s: f64,
}

/// Medians of ten times as many `runs`, which take turns.
///
/// # Panics
/// When the two hashes differ.
pub(crate) fn measure(payload: usize, runs: usize) -> Hashing {
    let mut rng = StdRng::seed_from_u64(11);
    let mut message = WakuMessage {
        payload: vec![0; payload],
        content_topic: "/toychat/2/huilong/proto".to_owned(),
        timestamp: i64::try_from(START + HOUR).ok(),
        meta: Some(vec![7; 12]),
        ..WakuMessage::default()
    };
    rng.fill_bytes(&mut message.payload);
    let bytes = joined(&message);
    assert_eq!(
        message_hash(TOPIC, &message).0,
        <[u8; 32]>::from(Sha256::digest(&bytes)),
        "both hash the same bytes"
    );
    let ours = || {
        for _ in 0..HASHES {
            black_box(message_hash(black_box(TOPIC), black_box(&message)));
        }
    };
    let plain = || {
        for _ in 0..HASHES {
            black_box(Sha256::digest(black_box(&bytes)));
        }
    };
    let times = (0..10 * runs).map(|_| (timed(ours).0, timed(plain).0));
    let (our_times, plain_times): (Vec<Duration>, Vec<Duration>) = times.unzip();
    let each = |times: Vec<Duration>| median(times).as_secs_f64() / HASHES as f64;
    Hashing {
        payload,
        bytes: bytes.len(),
        message_hash_s: each(our_times),
        sha256_s: each(plain_times),
    }
}

/// What the message hash is of, in one piece.
fn joined(message: &WakuMessage) -> Vec<u8> {
    let meta = message.meta.as_deref().unwrap_or_default();
    [
        TOPIC.as_bytes(),
        &message.payload,
        message.content_topic.as_bytes(),
        meta,
        &message.timestamp().to_be_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_hash_the_same_bytes() {
        let hashing = measure(64, 1);
        assert_eq!(hashing.bytes, 64 + 14 + 24 + 12 + 8);
        assert!(hashing.message_hash_s > 0.0 && hashing.sha256_s > 0.0);
    }
}
