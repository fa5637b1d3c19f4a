//! A batch that falls into several units, kept in a file of its own until all of them have it.
//!
//! The file is written and synced, then the catalogue lists it with its digest: from that commit on
//! the batch is stored, whatever happens. Then it is put into the units, where putting it in twice
//! does no harm, and the catalogue forgets the file.

use std::io;
use std::sync::Arc;

use prost::Message;
use redb::StorageBackend;
use sha2::{Digest, Sha256};

use super::catalogue::Intent;
use super::fault::Fault;
use super::files::{Backend, Files};
use super::tables::{item_of, key_of};
use crate::archive::ArchiveError;
use crate::limits::JOURNAL_BLOCK_BYTES;
use crate::message::WakuMessage;
use crate::record::Record;

/// Key, length of the topic and length of the message.
const HEAD_BYTES: usize = 48;

/// Whether a file is named as journals are.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with("journal-")
}

/// The file of the journal of this number, which has so many bytes.
pub(super) fn name_of(number: u64, bytes: usize) -> String {
    format!("journal-{number:08}-{bytes}")
}

/// How many bytes a journal of this name has; names that an earlier version gave don't tell.
fn len_told(name: &str) -> Option<u64> {
    let (_, bytes) = name.strip_prefix("journal-")?.split_once('-')?;
    bytes.parse().ok()
}

/// Writes a journal, durable but for its name.
pub(super) fn write(
    files: &dyn Files,
    number: u64,
    records: &[Record],
) -> Result<Intent, ArchiveError> {
    let content = encode(records);
    let name = name_of(number, content.len());
    let attempt = || {
        let file = files.create(&name)?;
        file.set_len(content.len() as u64)?;
        file.write(0, &content)?;
        file.sync_data()?;
        file.close()
    };
    attempt().map_err(|source| ArchiveError::Io {
        path: files.path_of(&name),
        source,
    })?;
    let digest = Sha256::digest(&content).into();
    Ok(Intent { name, digest })
}

/// Reads a journal that the catalogue lists.
pub(super) fn read(files: &dyn Files, intent: &Intent) -> Result<Vec<Record>, ArchiveError> {
    let attempt = || {
        let file = files.open(&intent.name)?;
        let len = file.len()?;
        if let Some(told) = len_told(&intent.name).filter(|told| *told != len) {
            return Err(Fault::Damaged(format!(
                "it should have {told} bytes and has {len}"
            )));
        }
        // No memory is taken for it before it is known to be what was written.
        if digest_of(&file, len)? != intent.digest {
            return Err(Fault::Damaged("its digest is another".into()));
        }
        let len =
            usize::try_from(len).map_err(|_| Fault::Damaged("it is longer than memory".into()))?;
        let mut content = vec![0; len];
        file.read(0, &mut content)?;
        file.close()?;
        decode(&content).ok_or_else(|| Fault::Damaged("its records are garbled".into()))
    };
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    attempt().map_err(|fault: Fault| {
        let fault = match fault {
            Fault::Io(error) if missing(&error) => {
                Fault::Damaged("it is missing, and the archive's catalogue lists it".into())
            }
            fault => fault,
        };
        fault.into_refusal(&files.path_of(&intent.name))
    })
}

/// The digest of a file of this length, read block by block.
fn digest_of(file: &Backend, len: u64) -> io::Result<[u8; 32]> {
    let (mut digest, mut block, mut at) = (Sha256::new(), vec![0; JOURNAL_BLOCK_BYTES], 0);
    while at < len {
        let rest = usize::try_from(len - at).unwrap_or(usize::MAX);
        let part = &mut block[..rest.min(JOURNAL_BLOCK_BYTES)];
        file.read(at, part)?;
        digest.update(&*part);
        at += part.len() as u64;
    }
    Ok(digest.finalize().into())
}

fn encode(records: &[Record]) -> Vec<u8> {
    let mut content = Vec::new();
    for record in records {
        let (topic, message) = (record.pubsub_topic(), record.message().encode_to_vec());
        content.extend_from_slice(&key_of(&record.item()));
        for len in [topic.len(), message.len()] {
            content.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        }
        content.extend_from_slice(topic.as_bytes());
        content.extend_from_slice(&message);
    }
    content
}

fn decode(mut content: &[u8]) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    while !content.is_empty() {
        let (head, rest) = content.split_at_checked(HEAD_BYTES)?;
        let len = |at: usize| -> Option<usize> {
            let bytes = head[at..at + 4].try_into().ok()?;
            usize::try_from(u32::from_le_bytes(bytes)).ok()
        };
        let (topic, rest) = rest.split_at_checked(len(40)?)?;
        let (message, rest) = rest.split_at_checked(len(44)?)?;
        let item = item_of(head[..40].try_into().ok()?);
        let topic: Arc<str> = std::str::from_utf8(topic).ok()?.into();
        records.push(Record::stored(
            item,
            topic,
            WakuMessage::decode(message).ok()?,
        ));
        content = rest;
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::super::directory::Directory;
    use super::*;
    use crate::testing::record;

    #[test]
    fn records_come_back_whole_and_halves_do_not() {
        let records = vec![
            record("/t/ö", "/c", 7, b"payload"),
            record("/t", "/c", i64::MAX, b""),
        ];
        let content = encode(&records);
        assert_eq!(decode(&content), Some(records.clone()));
        let first = encode(&records[..1]).len();
        for len in (1..content.len()).filter(|&len| len != first) {
            assert_eq!(decode(&content[..len]), None, "{len}");
        }
    }

    #[test]
    fn a_journal_that_has_grown_is_refused_before_it_is_read() {
        let place = tempfile::tempdir().unwrap();
        let files = Directory::new(place.path());
        let intent = write(&files, 3, &[record("/t", "/c", 7, b"payload")]).unwrap();
        let file = files.open(&intent.name).unwrap();
        let written = file.len().unwrap();
        // A hole, which nobody could keep in memory or read in time.
        file.set_len(1 << 42).unwrap();
        let error = read(&files, &intent).unwrap_err().to_string();
        let told = format!("it should have {written} bytes and has {}", 1_u64 << 42);
        assert!(error.contains(&told), "{error}");
    }

    #[test]
    fn a_journal_of_an_earlier_version_whose_name_tells_no_length_is_read() {
        let place = tempfile::tempdir().unwrap();
        let files = Directory::new(place.path());
        let payload = vec![7; 2 * JOURNAL_BLOCK_BYTES + 1];
        let records = vec![record("/t", "/c", 7, &payload)];
        let written = write(&files, 3, &records).unwrap();
        let intent = Intent {
            name: "journal-00000003".into(),
            ..written.clone()
        };
        let [from, to] = [&written.name, &intent.name].map(|name| files.path_of(name));
        std::fs::rename(from, to).unwrap();
        assert_eq!(read(&files, &intent).unwrap(), records);
    }

    #[test]
    fn a_journal_that_is_missing_cut_off_or_changed_is_refused_by_name() {
        let place = tempfile::tempdir().unwrap();
        let files = Directory::new(place.path());
        let records = vec![record("/t", "/c", 7, b"payload")];
        let intent = write(&files, 3, &records).unwrap();
        assert_eq!(read(&files, &intent).unwrap(), records);
        let path = files.path_of(&intent.name);
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[50] ^= 1;
        for content in [Some(&whole[1..]), Some(&[]), Some(&flipped[..]), None] {
            match content {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let error = read(&files, &intent).unwrap_err();
            assert!(matches!(error, ArchiveError::Refused { .. }), "{error:?}");
            assert!(error.to_string().contains("journal-00000003"), "{error}");
        }
    }
}
