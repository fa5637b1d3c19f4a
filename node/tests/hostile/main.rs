//! A whole node, by the library, against peers that are out to harm it: on real connections.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

mod deliveries;
mod dialect;
mod handing_over;
mod log;
#[path = "../peers/mod.rs"]
mod peers;
mod places;
mod rates;
mod support;
