//! Retention over whole archives: what goes, when, and that the disk is never exceeded.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod bounds;
mod cap;
mod disk;
mod held;
mod shared;
mod sliced;
mod support;
