//! The program `wakustore`: a Waku Store node that reconciles its archive with other nodes.
//!
//! This library is the program's inside, for its tests and for programs that want a whole node:
//! [`store::Store`] is an archive with its index and its one door, [`node::Node`] runs over it,
//! [`commands`] are what the command line can ask for.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod budget;
pub mod census;
pub mod cli;
pub mod commands;
pub mod config;
pub mod counters;
pub mod counts;
pub mod exit;
mod forecast;
pub mod health;
pub mod logging;
pub mod loss;
pub mod metrics;
pub mod net;
pub mod node;
pub mod output;
pub mod page;
pub mod rates;
pub mod recording;
pub mod relay;
pub mod rest;
pub mod resume;
mod retention;
pub mod service;
pub mod store;
pub mod sync;
pub mod traffic;
pub mod wire;

/// The program's version, and in brackets the commit that it is built from, or `unknown`.
pub const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("WAKUSTORE_COMMIT"),
    ")"
);
