//! The program as its users run it: real binaries, real files, loopback.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails should stop"
)]

mod adversaries;
mod archives;
mod bench;
mod bench_archive;
mod command_line;
mod count;
mod count_silent;
mod demo;
mod embed;
mod full_disk;
mod hostile;
mod limits;
mod logs;
mod metrics;
mod moving_in;
mod nodes;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../peers/mod.rs"]
mod peers;
mod postgres;
mod query;
mod recording;
mod retention;
mod support;
mod sync_wire;
mod wire;
