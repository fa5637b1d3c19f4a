//! The relay of nodes over loopback, by the library.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod exchange;
mod foreign;
mod subscriptions;
mod support;
mod validator;
