//! Which archive a command works on.

use std::path::PathBuf;

use clap::Args;
use store_adapter::ArchiveUrl;

/// Arguments that name the archive.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// The archive: redb://PATH (a relative one lies in the data directory) or memory:
    #[arg(long, value_name = "URL", default_value = "redb://wakustore.redb")]
    pub store_message_db_url: String,
    /// Where the node keeps its files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub data_dir: PathBuf,
}

impl ArchiveArgs {
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
