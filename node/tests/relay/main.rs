//! The relay of nodes over loopback, by the library.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod exchange;
mod failing;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../../../store-adapter/tests/faults/faulty.rs"]
mod faulty;
mod foreign;
mod online;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../peers/mod.rs"]
mod peers;
mod subscriptions;
mod support;
mod validator;
