//! What `wakustore wire` can be asked for.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ArchiveArgs;

/// The commands about what goes over the wire.
#[derive(Debug, Subcommand)]
pub enum WireCommand {
    /// Run a recorded session again against a set, and compare the answers with the recorded ones
    Replay(ReplayArgs),
}

/// Arguments of `wire replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording, as `run --record` writes it; - is standard input
    pub file: PathBuf,
    /// The session, by its number in the recording; needn't be given if there is only one
    #[arg(long, value_name = "ID")]
    pub session: Option<u64>,
    /// The archive, whose items are the set.
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// The messages whose items are the set instead, as `export` writes them; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store_message_db_url", "data_dir"])]
    pub items: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}
