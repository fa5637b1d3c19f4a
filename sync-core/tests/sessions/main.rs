//! Whole sessions, two endpoints in memory.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod against_crate;
mod bytes_sent;
#[path = "../support/cases.rs"]
mod cases;
mod frame_limits;
mod hostile;
#[path = "../support/items.rs"]
mod items;
mod listing;
mod negentropy;
mod own;
mod support;
