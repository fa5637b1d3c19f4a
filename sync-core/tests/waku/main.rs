//! The `waku` dialect: its frames against the recorded ones, its sessions against each other and
//! against nwaku's splitting.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails should stop"
)]

#[path = "../support/mod.rs"]
mod support;

mod against_nwaku;
mod between_ours;
mod frames;
mod generated;
mod header_forms;
mod hostile;
mod recorded;
