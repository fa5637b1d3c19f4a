//! `wakustore wire decode`: each protocol, well-formed and not, from everywhere a frame can come.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::{Place, assert_fails, code_and_errors, json, program, run};

/// A frame of each protocol that is well formed, and words that its text has.
const WELL_FORMED: [(&str, &str, &[&str]); 10] = [
    (
        "reconciliation",
        "000001000000000000000000e80700",
        &["1 range", "1970-01-01T00:00:00", "skip", "all pubsub topics"],
    ),
    ("negentropy", "61000001abababababababababababababababab", &["infinity", "abababab…abab"]),
    ("own", "0105", &[]),
    ("own", "0201", &["kind 0x02: have", "no ids", "the last"]),
    ("own", "61", &["version 0x61", "no ranges"]),
    ("own", "0408011204627573 79", &["busy", "1 code: 1"]),
    (
        "transfer",
        "0a0f2f77616b752f322f72732f39392f3012160a01011201635080 80d0e2c6bf9f972f",
        &["pubsub_topic", "/waku/2/rs/99/0", "2023-11-14T22:13:20Z", "hash"],
    ),
    ("store-request", "0a01721000a00301", &["at most 20 messages, the oldest first"]),
    ("store-response", "0a017250c8015a024f4b", &["200 \"OK\"", "no messages", "last page"]),
    ("metadata", "086310001a0100", &["cluster  99", "1 shard: 0"]),
];
