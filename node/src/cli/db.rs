//! Arguments of `db`: what an archive holds, what a policy would leave, and how long its disk lasts.

use clap::{Args, Subcommand};
use store_adapter::RetentionPolicy;

use super::ArchiveArgs;

/// The commands about an archive's contents.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Tell what an archive holds and takes: by hour and shard, and by the parts that go whole
    Stats(StatsArgs),
    /// Remove what a retention policy doesn't keep, or tell what that would be
    Prune(PruneArgs),
    /// Tell how an archive grows, when a policy's bounds will be met, and how much history they buy
    Predict(PredictArgs),
}

/// Arguments of `db stats`.
#[derive(Debug, Args)]
pub struct StatsArgs {
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `db prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// What to keep: time:SECONDS, capacity:MESSAGES, size:XGB or size:XMB, several joined by `;`
    #[arg(long, value_name = "POLICY")]
    pub store_message_retention_policy: RetentionPolicy,
    /// Only tell what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `db predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// The bounds to predict for, as `run` takes them
    #[arg(long, value_name = "POLICY", default_value = RetentionPolicy::DEFAULT)]
    pub store_message_retention_policy: RetentionPolicy,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}
