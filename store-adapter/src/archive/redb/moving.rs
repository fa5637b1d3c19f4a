//! Moves an archive that lies in one file, as an earlier version made it, into many units.
//!
//! The messages are copied in order into an archive beside the file. After a crash that goes on behind
//! the last one copied. The file isn't changed but for what redb does as it opens it, and is given up
//! only when everything is durable in the new form.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use redb::{Database, ReadableDatabase, ReadableTable};
use sync_core::{Bound, Range};

use super::catalogue::CATALOGUE;
use super::directory::{Directory, open_file};
use super::engine::Engine;
use super::fault::Fault;
use super::loading::PROGRESS;
use super::options::RedbOptions;
use super::read::{self, Cached, Topics};
use super::slot::guarded;
use super::tables::{ONE_FILE_VERSION, STATES};
use super::{Durability, place, sound, verify};
use crate::archive::ArchiveError;
use crate::limits::{SPLIT_CACHE_BYTES, SPLIT_STEP_BYTES};

/// What the file is called inside the new form, between taking its place and being removed.
pub(super) const SOURCE: &str = "moved.redb";

/// Copies the archive in the file `path` into a directory, which may hold a part of it already. Gives the
/// open file, which stays locked as long as that lives.
pub(super) fn move_in(
    path: &Path,
    directory: &Path,
    options: &RedbOptions,
) -> Result<Database, ArchiveError> {
    sound::rehearse(path, || open_file(path), SPLIT_CACHE_BYTES, check)?;
    let source = sound::open(path, || open_file(path), SPLIT_CACHE_BYTES)?;
    tracing::info!(path = %path.display(), "moving an archive in one file into the present form");
    if copy(path, &source, directory, options)? {
        return Ok(source);
    }
    // What was copied before isn't a part of what is there now.
    let removed = fs::remove_dir_all(directory);
    removed.map_err(|source| ArchiveError::Io {
        path: directory.to_owned(),
        source,
    })?;
    if copy(path, &source, directory, options)? {
        return Ok(source);
    }
    Err(ArchiveError::Refused {
        path: path.to_owned(),
        reason: "it says that it has other messages than can be read".into(),
    })
}

/// Whether the database is an archive in one file, with all its parts.
fn check(database: &Database) -> Result<(), Fault> {
    sound::check_version(database, ONE_FILE_VERSION)?;
    let transaction = database.begin_read()?;
    verify::check_counts(&transaction)?;
    verify::check_topics(&transaction)?;
    transaction.open_table(STATES)?;
    Ok(())
}

/// Copies what isn't copied yet; tells whether the new form has as many messages then.
fn copy(
    path: &Path,
    source: &Database,
    directory: &Path,
    options: &RedbOptions,
) -> Result<bool, ArchiveError> {
    if !directory.join(CATALOGUE).exists() {
        // Nothing, or the beginnings of an archive.
        let _ = fs::remove_dir_all(directory);
        place::create(directory)?;
    }
    let engine = Engine::open(Arc::new(Directory::new(directory)), options)?;
    let all = reading(path, || read::count(source))?;
    let (topics, mut shown) = (Topics::default(), Instant::now());
    let cache = Cached {
        topics: &topics,
        unit: 0,
    };
    let last = engine.stats()?.last;
    let mut rest = last.map_or(Range::ALL, |last| {
        Range::new(Bound::after(&last), Bound::Infinity)
    });
    loop {
        let step = || read::records(source, cache, &rest, SPLIT_STEP_BYTES);
        let records = reading(path, step)?;
        let Some(last) = records.last() else {
            break;
        };
        rest = Range::new(Bound::after(&last.item()), Bound::Infinity);
        engine.append(Durability::EachBatch, &records)?;
        if shown.elapsed() >= PROGRESS {
            shown = Instant::now();
            let moved = engine.stats()?.messages;
            tracing::info!(moved, all, "moving the archive");
        }
    }
    for (name, value) in reading(path, || states(source))? {
        engine.catalogue.set_state(&name, Some(&value))?;
    }
    Ok(engine.stats()?.messages == all)
}

fn states(source: &Database) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let states = source.begin_read()?.open_table(STATES)?;
    let mut found = Vec::new();
    for entry in states.iter()? {
        let (name, value) = entry?;
        found.push((name.value().to_owned(), value.value().to_vec()));
    }
    Ok(found)
}

fn reading<T>(path: &Path, act: impl FnOnce() -> Result<T, Fault>) -> Result<T, ArchiveError> {
    let (result, _) = guarded(act);
    result.map_err(|fault| fault.into_error(path))
}
