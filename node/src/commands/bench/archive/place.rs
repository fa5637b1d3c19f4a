//! The archive that is measured, and how what the machine remembers of it is let go.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use rustix::fs::{Advice, fadvise};
use store_adapter::{Archive, ArchiveOptions, ArchiveUrl, archive};
use tempfile::TempDir;

use crate::cli::BenchArchiveArgs;
use crate::exit::Failure;

/// Bytes of a file that are read in one go.
const READ_AT_ONCE: usize = 1 << 20;

/// An open archive of a bench.
#[derive(Debug)]
pub(super) struct Place {
    url: ArchiveUrl,
    archive: Arc<dyn Archive>,
    /// Removed with what lies in it when the bench ends.
    temporary: Option<TempDir>,
}

impl Place {
    /// Opens the archive that the arguments name, or makes a temporary one.
    pub(super) async fn open(args: &BenchArchiveArgs) -> Result<Self, Failure> {
        let (url, temporary) = match args.url_to_create()? {
            Some(url) => (url, None),
            None => {
                let directory = TempDir::with_prefix("wakustore-bench-")
                    .context("no directory can be made for a temporary archive")?;
                let path = directory.path().join("archive.redb");
                (ArchiveUrl::Redb(path), Some(directory))
            }
        };
        let archive = archive::open(&url, &ArchiveOptions::default()).await?;
        let messages = archive.stats().await?.messages;
        if messages > 0 {
            return Err(Failure::Usage(anyhow!(
                "the archive {url} holds {messages} messages, and the bench fills an empty one: name \
                 another, or remove it if it came from an earlier bench"
            )));
        }
        Ok(Self {
            url,
            archive,
            temporary,
        })
    }

    pub(super) fn archive(&self) -> &Arc<dyn Archive> {
        &self.archive
    }

    /// Where the archive stays when the bench is over, if it does.
    pub(super) fn kept(&self) -> Option<String> {
        match self.url {
            ArchiveUrl::Memory => None,
            _ => self.temporary.is_none().then(|| self.url.to_string()),
        }
    }

    /// The kind of backend, as users write it.
    pub(super) fn backend(&self) -> &'static str {
        match self.url {
            ArchiveUrl::Memory => "memory",
            ArchiveUrl::Redb(_) => "redb",
            ArchiveUrl::Postgres(_) => "postgres",
        }
    }

    /// What [`Place::cold`] does for this backend, for people; nothing where there is no cold state.
    pub(super) fn meaning_of_cold(&self) -> Option<&'static str> {
        match self.url {
            ArchiveUrl::Memory => None,
            ArchiveUrl::Redb(_) => Some(
                "archive opened anew before each kind of read, its files dropped from the page cache\n(one \
                 in memory stays).",
            ),
            ArchiveUrl::Postgres(_) => Some(
                "connections made anew before each kind of read; what the server and its system keep\nin memory stays.",
            ),
        }
    }

    /// Opens the archive anew with as little of it in memory as a process without privileges can
    /// bring about. Nobody else may hold it.
    pub(super) async fn cold(self) -> anyhow::Result<Self> {
        if self.meaning_of_cold().is_none() {
            return Ok(self);
        }
        let Self {
            url,
            archive,
            temporary,
        } = self;
        drop(archive);
        for path in files_of(&url)? {
            let file = File::open(&path)?;
            // Only what is on the disk can be dropped.
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
        let archive = archive::open_existing(&url, &ArchiveOptions::default()).await?;
        Ok(Self {
            url,
            archive,
            temporary,
        })
    }

    /// Has the system read the archive's files, as far as it keeps them.
    pub(super) async fn read_files(&self) -> anyhow::Result<()> {
        let mut piece = vec![0; READ_AT_ONCE];
        for path in files_of(&self.url)? {
            let mut file = File::open(path)?;
            while file.read(&mut piece)? > 0 {
                // A bench that is interrupted ends here.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}

/// The files of an archive: the one it is named by, those beside it whose names begin with that one's,
/// and all within if it is a directory.
fn files_of(url: &ArchiveUrl) -> io::Result<Vec<PathBuf>> {
    let ArchiveUrl::Redb(path) = url else {
        return Ok(Vec::new());
    };
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> = entries(directory)?
        .into_iter()
        .filter(|path| {
            let of_entry = path.file_name().unwrap_or_default().as_encoded_bytes();
            of_entry.starts_with(name)
        })
        .collect();
    while let Some(path) = pending.pop() {
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() {
            pending.extend(entries(&path)?);
        } else if kind.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_an_archive_are_found_and_no_others() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("a.redb.units/old")).unwrap();
        for name in ["a.redb", "a.redb.units/1", "a.redb.units/old/2", "b.redb"] {
            fs::write(at(name), name).unwrap();
        }
        let mut found = files_of(&ArchiveUrl::Redb(at("a.redb"))).unwrap();
        found.sort();
        let expected = ["a.redb", "a.redb.units/1", "a.redb.units/old/2"].map(at);
        assert_eq!(found, expected);
        assert!(files_of(&ArchiveUrl::Memory).unwrap().is_empty());
    }
}
