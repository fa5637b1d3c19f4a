//! The `waku` dialect: its frames against the recorded ones, its sessions against each other and
//! against nwaku's splitting.

#[path = "../support/mod.rs"]
mod support;

mod against_nwaku;
mod between_ours;
mod frames;
mod generated;
mod hostile;
mod recorded;
