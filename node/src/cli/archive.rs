//! Which archive a command works on.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use store_adapter::ArchiveUrl;

use crate::exit::Failure;

/// Arguments that name the archive.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// The archive: redb://PATH (a relative one lies in the data directory),
    /// postgres://USER:PASSWORD@HOST:PORT/DATABASE, or memory:
    #[arg(long, value_name = "URL", default_value = "redb://wakustore.redb")]
    pub store_message_db_url: String,
    /// Where the node keeps its files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub data_dir: PathBuf,
}

impl ArchiveArgs {
    /// As [`ArchiveArgs::url`], of an archive that may have to be made: then the data directory is
    /// there for it.
    ///
    /// # Errors
    /// As [`ArchiveArgs::url`], and when the data directory can't be made.
    pub fn url_to_create(&self) -> Result<ArchiveUrl, Failure> {
        let url = self.url().map_err(|error| Failure::Usage(anyhow!(error)))?;
        if matches!(&url, ArchiveUrl::Redb(path) if path.starts_with(&self.data_dir)) {
            self.make_data_dir()?;
        }
        Ok(url)
    }

    /// Makes the data directory if it isn't there.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn make_data_dir(&self) -> anyhow::Result<()> {
        let directory = &self.data_dir;
        std::fs::create_dir_all(directory)
            .with_context(|| format!("the data directory {} can't be made", directory.display()))
    }

    /// The archive's address, with relative paths taken from the data directory.
    ///
    /// # Errors
    /// When the address isn't of a form that is known.
    pub fn url(&self) -> Result<ArchiveUrl, String> {
        match ArchiveUrl::parse(&self.store_message_db_url).map_err(|error| error.to_string())? {
            ArchiveUrl::Redb(path) => Ok(ArchiveUrl::Redb(self.data_dir.join(path))),
            other => Ok(other),
        }
    }
}
