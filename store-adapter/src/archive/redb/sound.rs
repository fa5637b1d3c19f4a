//! Makes database files, and opens those that are sound.

use std::io;
use std::path::Path;

use redb::{Builder, Database, ReadableDatabase, StorageBackend, TableError};

use super::fault::Fault;
use super::files::{Backend, Care, Files};
use super::rehearsal::Rehearsal;
use super::tables::{FORMAT, VERSION_KEY};
use super::{Durability, slot, write};
use crate::archive::ArchiveError;

/// How every redb file begins.
const MAGIC: &[u8; 9] = b"redb\x1a\x0a\xa9\x0d\x0a";
/// As much of the header as [`length_told`] reads.
const HEADER_BYTES: usize = 32;

/// Shows the database in a file to `check`, without changing the file. What isn't sound is refused.
pub(super) fn rehearse<T>(
    path: &Path,
    open: impl FnOnce() -> io::Result<Backend>,
    cache_bytes: usize,
    check: impl FnOnce(&Database) -> Result<T, Fault>,
) -> Result<T, ArchiveError> {
    let attempt = || {
        let file = open()?;
        check_header(&file)?;
        check(&builder(cache_bytes).create_with_backend(Rehearsal::new(file)?)?)
    };
    refusing(path, attempt)
}

/// Opens the database in a file, which was sound before.
pub(super) fn open(
    path: &Path,
    open: impl FnOnce() -> io::Result<Backend>,
    cache_bytes: usize,
) -> Result<Database, ArchiveError> {
    let attempt = || {
        let file = open()?;
        check_header(&file)?;
        Ok(builder(cache_bytes).create_with_backend(file)?)
    };
    refusing(path, attempt)
}

/// Makes a database that is durable but for its name, and closes it.
pub(super) fn create(
    files: &dyn Files,
    name: &str,
    cache_bytes: usize,
    fill: impl FnOnce(&redb::WriteTransaction) -> Result<(), Fault>,
) -> Result<(), ArchiveError> {
    let attempt = || {
        let file = files.create(name)?.with_care(Care::none());
        let database = builder(cache_bytes).create_with_backend(file)?;
        let transaction = write::begin(&database, Durability::EachBatch)?;
        fill(&transaction)?;
        transaction.commit()?;
        drop(database);
        // All of it at once: half a file is as good as none.
        Ok(files.open(name)?.sync_data()?)
    };
    let (made, _) = slot::guarded(attempt);
    made.map_err(|fault: Fault| fault.into_error(&files.path_of(name)))
}

fn refusing<T>(path: &Path, attempt: impl FnOnce() -> Result<T, Fault>) -> Result<T, ArchiveError> {
    let (result, _) = slot::guarded(attempt);
    result.map_err(|fault| match fault {
        Fault::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = path.to_owned();
            ArchiveError::NotFound { path }
        }
        fault => fault.into_refusal(path),
    })
}

fn builder(cache_bytes: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    builder
}

/// Whether the file begins as a redb file and is as long as it says.
///
/// redb itself goes by the length that it finds when the file wasn't closed cleanly, and would take
/// what a truncated file has lost for never written.
fn check_header(file: &impl StorageBackend) -> Result<(), Fault> {
    let len = file.len()?;
    if len == 0 {
        return Err(Fault::Damaged("it is empty".into()));
    }
    let mut header = [0; HEADER_BYTES];
    if len < HEADER_BYTES as u64 {
        return Err(Fault::Damaged("it isn't a redb file".into()));
    }
    file.read(0, &mut header)?;
    if !header.starts_with(MAGIC) {
        return Err(Fault::Damaged("it isn't a redb file".into()));
    }
    let told = length_told(&header);
    if told > u128::from(len) {
        return Err(Fault::Damaged(format!(
            "it is truncated: it should have {told} bytes and has {len}"
        )));
    }
    Ok(())
}

/// The length that a redb file should at least have by its header, in bytes.
///
/// After magic number, flags and padding (12 bytes) come, 4 bytes little-endian each: page size,
/// pages of a region's header, most data pages of a region, number of full regions, data pages of
/// the last region if that isn't full. A page with this header comes before the regions. (redb's
/// `docs/design.md`.)
fn length_told(header: &[u8; HEADER_BYTES]) -> u128 {
    let mut fields = [0u128; 5];
    for (field, bytes) in fields.iter_mut().zip(header[12..].chunks_exact(4)) {
        *field = u128::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    }
    let [page, header_pages, most_pages, full, trailing] = fields;
    let last = if trailing > 0 {
        header_pages + trailing
    } else {
        0
    };
    page * (1 + full * (header_pages + most_pages) + last)
}

/// Whether the database is one of this program's, of the version that is expected.
pub(super) fn check_version(database: &Database, expected: u64) -> Result<(), Fault> {
    let version = version_of(database)?;
    if version != expected {
        return Err(Fault::Damaged(format!(
            "its format has version {version} and this program knows version {expected}; use the \
             program that made it, or a newer one"
        )));
    }
    Ok(())
}

/// The version of this program's formats that the database says it has.
pub(super) fn version_of(database: &Database) -> Result<u64, Fault> {
    let transaction = database.begin_read()?;
    let foreign = || Fault::Damaged("it is a redb file of another program".into());
    let format = match transaction.open_table(FORMAT) {
        Ok(format) => format,
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(foreign()),
    };
    Ok(format.get(VERSION_KEY)?.ok_or_else(foreign)?.value())
}

/// Whether a number in the format table is what it should be.
pub(super) fn check_number(database: &Database, name: &str, expected: u64) -> Result<(), Fault> {
    let format = database.begin_read()?.open_table(FORMAT)?;
    let found = format.get(name)?.map(|number| number.value());
    if found != Some(expected) {
        let found = found.map_or("none".into(), |number| number.to_string());
        return Err(Fault::Damaged(format!(
            "it belongs elsewhere: expected {name} {expected}, found {found}"
        )));
    }
    Ok(())
}
