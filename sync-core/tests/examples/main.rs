//! The examples, as programs: the harness of the conformance suite against itself and against the
//! `negentropy` crate, and the migration from the crate.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails should stop"
)]

mod built;
mod driver;
mod harness;
#[path = "../support/items.rs"]
mod items;
mod migrate;
mod peer;
mod process;
