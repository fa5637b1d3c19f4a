//! What `wakustore bench archive` can be asked for.

use std::path::PathBuf;

use clap::Args;
use store_adapter::ArchiveUrl;

use crate::cli::ArchiveArgs;
use crate::exit::Failure;

/// Most rows of a bench: the times between them stay long enough to tell them apart.
const MOST_ROWS: u64 = 1_000_000_000;

/// Arguments of `bench archive`.
#[derive(Debug, Args)]
pub struct BenchArchiveArgs {
    /// The archive to fill, which must be empty and keeps the rows: redb://PATH (a relative one lies
    /// in the data directory), postgres://USER:PASSWORD@HOST:PORT/DATABASE or memory: [default: a redb archive in the directory for temporary
    /// files, removed at the end]
    #[arg(long, value_name = "URL")]
    pub store_message_db_url: Option<String>,
    /// Where relative paths begin
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub data_dir: PathBuf,
    /// How many messages to fill it with
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1..=MOST_ROWS))]
    pub rows: u64,
    /// Go on ingesting once it is full, a tenth of the rows more, while retention removes the oldest
    #[arg(long)]
    pub retention: bool,
    /// Seed of the random messages and questions
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

impl BenchArchiveArgs {
    /// Where the archive is to be, if that was said; its data directory is there then.
    ///
    /// # Errors
    /// When the address isn't of a form that is known, and when the data directory can't be made.
    pub fn url_to_create(&self) -> Result<Option<ArchiveUrl>, Failure> {
        let Some(url) = &self.store_message_db_url else {
            return Ok(None);
        };
        let archive = ArchiveArgs {
            store_message_db_url: url.clone(),
            data_dir: self.data_dir.clone(),
        };
        archive.url_to_create().map(Some)
    }
}
