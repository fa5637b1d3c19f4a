//! `wakustore db`: what an archive holds, what a policy would leave, and how long its disk lasts.

mod hours;
mod predict;
mod prune;
mod stats;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use store_adapter::archive::{self, ArchiveOptions};
use store_adapter::retention::RetentionError;
use store_adapter::{Archive, ArchiveUrl, RetentionPolicy};

use crate::cli::{ArchiveArgs, DbCommand};
use crate::exit::Failure;

pub(super) async fn run(command: &DbCommand) -> Result<ExitCode, Failure> {
    match command {
        DbCommand::Stats(args) => stats::run(args).await,
        DbCommand::Prune(args) => prune::run(args).await,
        DbCommand::Predict(args) => predict::run(args).await,
    }
}

/// Opens the archive that is named, which has to be there.
async fn open(
    args: &ArchiveArgs,
    policy: &RetentionPolicy,
) -> Result<(ArchiveUrl, Arc<dyn Archive>), Failure> {
    let url = args.url().map_err(|error| Failure::Usage(anyhow!(error)))?;
    let options = ArchiveOptions {
        disk_cap: policy.size,
        ..ArchiveOptions::default()
    };
    let archive = archive::open_existing(&url, &options).await?;
    Ok((url, archive))
}

/// A policy that can't be held to is wrong usage, an archive that can't be read a failure.
pub(super) fn refused(error: RetentionError) -> Failure {
    match error {
        RetentionError::CapTooSmall { .. } => {
            Failure::Usage(anyhow::Error::new(error).context("--store-message-retention-policy"))
        }
        error => error.into(),
    }
}

/// A time in UTC for people: without what is less than a second.
fn time_in_seconds(nanoseconds: u64) -> String {
    crate::cli::time::utc(nanoseconds - nanoseconds % 1_000_000_000)
}
