//! A soak: three nodes relay, lose some of the traffic on the way in, and sync; in the end their
//! archives have to be equal, and none may have taken much more memory than at the start.
//!
//! `cargo run --example soak -- --seconds 600`. Each node is a process of its own: this program again,
//! with the library's [`Node`](wakustore::node::Node) in it, whose relay is told to ignore messages at
//! random. Only the library's public parts are used.

mod child;
mod memory;
mod node;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Runtime;

/// Arguments of the soak.
#[derive(Clone, Debug, Parser)]
struct Args {
    /// For how long messages are published, in seconds, if the machine keeps pace
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Messages a second, over all nodes
    #[arg(long, default_value_t = 15)]
    rate: u32,
    /// Part of the messages that each node loses on the way in, in percent
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100))]
    loss: u32,
    /// Seconds between two syncs of a node
    #[arg(long, default_value_t = 15)]
    sync_interval: u64,
    /// Seconds for which the newest messages are left to the relay
    #[arg(long, default_value_t = 5)]
    sync_jitter: u64,
    /// Most MiB that a node's memory may have grown by
    #[arg(long, default_value_t = 64)]
    growth: u64,
    /// What is random follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Be one of the nodes, with its archive in this directory
    #[arg(long, hide = true)]
    node: Option<PathBuf>,
    /// Addresses of the nodes to stay connected with
    #[arg(long, hide = true)]
    peer: Vec<String>,
}

/// Sync looks further back than messages can have come by so much.
const HOUR: Duration = Duration::from_secs(3_600);

impl Args {
    /// How many messages each node publishes.
    fn share(&self) -> u64 {
        self.seconds * u64::from(self.rate) / u64::from(trial::NODES)
    }

    fn schedule(&self) -> wakustore::sync::Schedule {
        wakustore::sync::Schedule {
            interval: Duration::from_secs(self.sync_interval),
            range: Duration::from_secs(self.seconds) * trial::SLOWDOWN + HOUR,
            jitter: Duration::from_secs(self.sync_jitter),
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| match &args.node {
            Some(directory) => runtime.block_on(node::run(&args, directory)),
            None => trial::run(&args, &runtime),
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
