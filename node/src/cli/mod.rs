//! The command line: what the program can be asked for, in one grammar.

mod archive;
mod bench;
mod config;
mod count;
mod db;
mod log;
mod metrics;
mod net;
mod query;
mod rates;
mod relay;
mod rest;
mod run;
mod serve;
mod size;
mod sync_wire;
pub mod time;
mod wire;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use store_adapter::RetentionPolicy;
use sync_core::waku::HeaderForm;

pub use archive::ArchiveArgs;
pub use bench::{
    BenchArchiveArgs, BenchArgs, BenchDialectArg, BenchSubject, PeerArg, PlacementArg,
};
pub use config::ConfigArgs;
pub use count::{CountArgs, CountedArgs, WatchArgs};
pub use db::{DbCommand, PredictArgs, PruneArgs, StatsArgs};
pub use log::LogArgs;
pub use metrics::MetricsArgs;
pub use net::{NatArg, NetArgs};
pub use query::{HashArg, QueryArgs, WantedArgs};
pub use rates::RateArgs;
pub use relay::RelayArgs;
pub use rest::RestArgs;
pub use run::RunArgs;
pub use serve::ServeArgs;
pub use size::SizeArg;
pub use sync_wire::SyncWireArg;
use time::{DurationArg, TimeArg, nanoseconds};
pub use wire::{DecodeArgs, ReplayArgs, WireCommand};

/// A Waku Store node that finds and fills the differences between archives.
#[derive(Debug, Parser)]
#[command(name = "wakustore", version = crate::VERSION, about, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed or differing state, 2 wrong usage, \
                        3 a comparison found differences, 4 a peer unreachable.\n\
                        Times: RFC 3339, nanoseconds since 1970, or -2h. Durations: 90s, 1h, 30d. \
                        Sizes: 500kB, 20MB, 1GB. \
                        A file named - is standard input or output."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show two nodes with different archives find and fetch what each lacks
    Demo(DemoArgs),
    /// Run a node: serve its archive and keep it in step with those of its peers
    Run(Box<RunArgs>),
    /// Reconcile an archive with a peer once, and fetch until both sides are done
    Sync(SyncArgs),
    /// Ask the stores of peers for messages, and show them
    Query(Box<QueryArgs>),
    /// Count the messages of several nodes by time, and find which of them lack which
    Count(Box<CountArgs>),
    /// Read messages into an archive: one JSON object a line, or a database of nwaku
    Import(ImportArgs),
    /// Write an archive's messages, one JSON object a line, in the order of time and hash
    Export(ExportArgs),
    /// Verify an archive: every message hashed again, every index compared
    Check(CheckArgs),
    /// Look into an archive: what it holds, what a retention policy would leave, how long its disk lasts
    #[command(subcommand)]
    Db(DbCommand),
    /// Measure reconciliations in memory: time, bytes, rounds and memory, checked for correctness; or
    /// an archive
    Bench(BenchArgs),
    /// Look at frames of the protocols: what one says, and whether recorded ones would be the same today
    #[command(subcommand)]
    Wire(WireCommand),
}

/// How two nodes reconcile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum DialectArg {
    /// This project's own protocol where the peer speaks it, else Waku's
    #[default]
    Auto,
    /// Waku's reconciliation 1.0.0 and transfer, as nwaku speaks them
    Waku,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many messages there are in all
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub messages: u32,
    /// How many percent of them each node lacks, drawn apart
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub missing: u8,
    /// Seed of the random messages
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How the nodes reconcile
    #[arg(long, value_enum, default_value_t)]
    pub dialect: DialectArg,
    /// How topics are written in Waku's reconciliation
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub sync_wire: SyncWireArg,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
    /// Whether the nodes stay.
    #[command(flatten)]
    pub serving: ServeArgs,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// The peer's multiaddress with its peer id: /ip4/1.2.3.4/tcp/60000/p2p/16Uiu2HAm...
    pub peer: String,
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// The times.
    #[command(flatten)]
    pub window: WindowArgs,
    /// How to reconcile
    #[arg(long, value_enum, default_value_t)]
    pub dialect: DialectArg,
    /// How topics are written in Waku's reconciliation; `cluster` wants --cluster-id
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub sync_wire: SyncWireArg,
    /// The cluster of the network; by default the peer's
    #[arg(long, value_name = "ID")]
    pub cluster_id: Option<u16>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

/// A span of time: `--range` up to now, or `--since` and `--until`.
#[derive(Debug, Args)]
pub struct WindowArgs {
    /// How far back from now
    #[arg(long, default_value = "1h", conflicts_with_all = ["since", "until"])]
    pub range: DurationArg,
    /// Start, included
    #[arg(
        long,
        value_name = "TIME",
        requires = "until",
        allow_hyphen_values = true
    )]
    pub since: Option<TimeArg>,
    /// End, excluded
    #[arg(
        long,
        value_name = "TIME",
        requires = "since",
        allow_hyphen_values = true
    )]
    pub until: Option<TimeArg>,
}

impl WindowArgs {
    /// The span as `since..until`, in nanoseconds since 1970, given those of the present.
    ///
    /// # Errors
    /// When it ends before it starts.
    pub fn resolve(&self, now: u64) -> Result<(u64, u64), String> {
        let (since, until) = match (self.since, self.until) {
            (Some(since), Some(until)) => (since.resolve(now), until.resolve(now)),
            _ => (now.saturating_sub(nanoseconds(self.range.0)), now),
        };
        if since >= until {
            return Err(format!(
                "the window is empty: --since ({since} ns) must lie before --until ({until} ns)"
            ));
        }
        Ok((since, until))
    }
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file to read; - is standard input
    #[arg(required_unless_present = "from")]
    pub file: Option<PathBuf>,
    /// Read a database of nwaku instead: sqlite://PATH or postgres://USER@HOST/DATABASE. Nothing is
    /// written to it, and its node may run meanwhile
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub from: Option<String>,
    /// What to keep, as `run` has it: nothing makes the archive exceed it meanwhile, the oldest
    /// messages go first, and what is older is left out. By default everything is kept, until `run` holds
    /// the archive to its own policy, which is two days by default
    #[arg(long, value_name = "POLICY", default_value = "none")]
    pub store_message_retention_policy: RetentionPolicy,
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The file to write; - is standard output
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Whether a path stands for standard input or output.
#[must_use]
pub fn is_standard_stream(path: &std::path::Path) -> bool {
    path == std::path::Path::new("-")
}

impl SyncArgs {
    /// The form of headers.
    ///
    /// # Errors
    /// When it needs the cluster, and that isn't given.
    pub fn form(&self) -> Result<HeaderForm, String> {
        match (self.sync_wire, self.cluster_id) {
            (SyncWireArg::Cluster, None) => Err(
                "--sync-wire cluster writes the number of the cluster into every frame: give it by \
                 --cluster-id"
                    .to_owned(),
            ),
            (wire, cluster_id) => Ok(wire.form(cluster_id.unwrap_or_default())),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_window_is_a_range_or_two_times_and_never_empty() {
        let parse = |args: &[&str]| {
            let mut line = vec!["wakustore", "sync", "/ip4/127.0.0.1/tcp/1"];
            line.extend(args);
            match Cli::try_parse_from(line) {
                Ok(Cli {
                    command: Command::Sync(args),
                }) => args.window.resolve(7_200_000_000_000).map_err(|_| ()),
                _ => Err(()),
            }
        };
        assert_eq!(parse(&[]), Ok((3_600_000_000_000, 7_200_000_000_000)));
        assert_eq!(parse(&["--range", "2h"]), Ok((0, 7_200_000_000_000)));
        assert_eq!(parse(&["--since", "-1h", "--until", "now"]), parse(&[]));
        assert_eq!(parse(&["--since=5", "--until=9"]), Ok((5, 9)));
        assert_eq!(parse(&["--since=9", "--until=9"]), Err(()));
        assert_eq!(parse(&["--since=9"]), Err(()));
        assert_eq!(parse(&["--range=1h", "--since=1", "--until=2"]), Err(()));
    }

    #[test]
    fn booleans_come_bare_or_with_a_value() {
        let store_sync = |arg: &str| match Cli::try_parse_from(["wakustore", "run", arg]) {
            Ok(Cli {
                command: Command::Run(args),
            }) => Some(args.store_sync),
            _ => None,
        };
        assert_eq!(store_sync("--store-sync"), Some(true));
        assert_eq!(store_sync("--store-sync=true"), Some(true));
        assert_eq!(store_sync("--store-sync=false"), Some(false));
        assert_eq!(store_sync("--store-sync=maybe"), None);
    }
}
