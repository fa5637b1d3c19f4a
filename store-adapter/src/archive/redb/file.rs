//! Creates archive files, and opens those that are sound.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTableMetadata, TableError};

use super::fault::Fault;
use super::rehearsal::Rehearsal;
use super::tables::{
    self, FORMAT, FORMAT_VERSION, MESSAGES, ROWS, STATES, TIMESTAMPS, TOPIC_NAMES, TOPIC_NUMBERS,
    VERSION_KEY,
};
use super::{Durability, slot, write};
use crate::archive::ArchiveError;
use crate::limits::ARCHIVE_CACHE_BYTES;

/// How every redb file begins.
const MAGIC: &[u8; 9] = b"redb\x1a\x0a\xa9\x0d\x0a";
/// As much of the header as [`length_told`] reads.
const HEADER_BYTES: usize = 32;

/// Opens the archive at `path`, which isn't changed before it is known to be sound.
pub(super) fn open(path: &Path) -> Result<Database, ArchiveError> {
    let attempt = || {
        check_header(path)?;
        let rehearsal = Rehearsal::new(FileBackend::new(open_file(path)?)?)?;
        check_content(&builder().create_with_backend(rehearsal)?)?;
        Ok(builder().open(path)?)
    };
    let (opened, _) = slot::guarded(attempt);
    opened.map_err(|fault| match fault {
        Fault::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = path.to_owned();
            ArchiveError::NotFound { path }
        }
        fault => fault.into_refusal(path),
    })
}

pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(ARCHIVE_CACHE_BYTES);
    builder
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Whether the file begins as a redb file and is as long as it says.
///
/// redb itself goes by the length that it finds when the file wasn't closed cleanly, and would take
/// what a truncated file has lost for never written.
fn check_header(path: &Path) -> Result<(), Fault> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Fault::Damaged("it isn't a regular file".into()));
    }
    if metadata.len() == 0 {
        return Err(Fault::Damaged("it is empty".into()));
    }
    let mut header = [0; HEADER_BYTES];
    if metadata.len() < HEADER_BYTES as u64 {
        return Err(Fault::Damaged("it isn't a redb file".into()));
    }
    file.read_exact(&mut header)?;
    if !header.starts_with(MAGIC) {
        return Err(Fault::Damaged("it isn't a redb file".into()));
    }
    let told = length_told(&header);
    if told > u128::from(metadata.len()) {
        return Err(Fault::Damaged(format!(
            "it is truncated: it should have {told} bytes and has {}",
            metadata.len()
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

/// Whether the database is an archive of a format that this program knows, with all its parts.
fn check_content(database: &Database) -> Result<(), Fault> {
    let transaction = database.begin_read()?;
    let foreign = || Fault::Damaged("it is a redb file of another program".into());
    let format = match transaction.open_table(FORMAT) {
        Ok(format) => format,
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(foreign()),
    };
    let version = format.get(VERSION_KEY)?.ok_or_else(foreign)?.value();
    if version != FORMAT_VERSION {
        return Err(Fault::Damaged(format!(
            "its format has version {version} and this program knows version {FORMAT_VERSION}; \
             use the program that made it, or a newer one"
        )));
    }
    let rows = transaction.open_table(ROWS)?.len()?;
    let messages = transaction.open_table(MESSAGES)?.len()?;
    let timestamps = transaction.open_table(TIMESTAMPS)?.len()?;
    let names = transaction.open_table(TOPIC_NAMES)?.len()?;
    let numbers = transaction.open_table(TOPIC_NUMBERS)?.len()?;
    transaction.open_table(STATES)?;
    if rows != messages || rows != timestamps || names != numbers {
        return Err(Fault::Damaged(format!(
            "its tables don't fit together: {rows} rows, {messages} messages, {timestamps} \
             timestamps, {names} topic names, {numbers} topic numbers"
        )));
    }
    Ok(())
}

/// Creates an archive at `path` if nothing is there.
pub(super) fn create_if_missing(path: &Path) -> Result<(), ArchiveError> {
    let with_path = |source| ArchiveError::Io {
        path: path.to_owned(),
        source,
    };
    // Not `exists`, which takes what can't be looked at, and a link to nothing, for absent.
    match fs::symlink_metadata(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(with_path(error)),
    }
    let directory = directory_of(path);
    if !directory.is_dir() {
        let path = path.to_owned();
        return Err(ArchiveError::NoDirectory { path });
    }
    let unfinished = name_unfinished(path);
    let made = create(&unfinished)
        .map_err(|fault| fault.into_error(path))
        .and_then(|()| publish(&unfinished, path).map_err(with_path));
    // What is left of a failure, or the second name of the finished file.
    let removed = fs::remove_file(&unfinished);
    made?;
    removed
        .or_else(ignore_not_found)
        .and_then(|()| File::open(&directory)?.sync_all())
        .map_err(with_path)
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A name beside `path` that no other attempt uses.
fn name_unfinished(path: &Path) -> PathBuf {
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(path);
    name.push(format!(".creating-{}-{attempt}", process::id()));
    PathBuf::from(name)
}

fn create(unfinished: &Path) -> Result<(), Fault> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(unfinished)?;
    let database = builder().create_file(file)?;
    let transaction = write::begin(&database, Durability::EachBatch)?;
    tables::create(&transaction)?;
    transaction.commit()?;
    drop(database);
    Ok(open_file(unfinished)?.sync_all()?)
}

/// Gives a finished file its name, unless something has got that name meanwhile.
fn publish(unfinished: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(unfinished, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no links.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
            ) =>
        {
            if path.exists() {
                return Ok(());
            }
            fs::rename(unfinished, path)
        }
        result => result,
    }
}

fn ignore_not_found(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}

/// Bytes of the disk that the file at `path` takes.
pub(super) fn bytes_on_disk(path: &Path) -> Result<u64, ArchiveError> {
    let metadata = fs::metadata(path).map_err(|source| ArchiveError::Io {
        path: path.to_owned(),
        source,
    })?;
    #[cfg(unix)]
    let bytes = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
    #[cfg(not(unix))]
    let bytes = metadata.len();
    Ok(bytes)
}
