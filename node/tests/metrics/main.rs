//! The page of metrics of running nodes, over loopback, by the library.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails should stop"
)]

mod busy;
mod dashboard;
#[path = "../faulty/mod.rs"]
mod faulty;
mod page;
mod support;
mod traffic;
