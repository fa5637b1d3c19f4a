//! Whole sessions, two endpoints in memory.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod hostile;
mod negentropy;
mod own;
mod support;
