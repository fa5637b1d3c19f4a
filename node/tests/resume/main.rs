//! What a node does about the time in which it was away: real connections, by the library.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod pages;
mod server;
mod sessions;
mod support;
