//! Archives in one file, as an earlier version made them.

use std::fs;
use std::path::Path;

use prost::Message;
use redb::Database;
use tempfile::TempDir;

use super::super::tables::{
    FORMAT, MESSAGES, ONE_FILE_VERSION, ROWS, RowFields, STATES, TIMESTAMPS, TOPIC_NAMES,
    TOPIC_NUMBERS, VERSION_KEY, key_of,
};
use super::*;

/// Writes an archive as the earlier version did.
fn one_file(path: &Path, records: &[Record]) {
    let database = Database::create(path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut format = transaction.open_table(FORMAT).unwrap();
        format.insert(VERSION_KEY, ONE_FILE_VERSION).unwrap();
        let mut rows = transaction.open_table(ROWS).unwrap();
        let mut messages = transaction.open_table(MESSAGES).unwrap();
        let mut timestamps = transaction.open_table(TIMESTAMPS).unwrap();
        let mut names = transaction.open_table(TOPIC_NAMES).unwrap();
        let mut numbers = transaction.open_table(TOPIC_NUMBERS).unwrap();
        for (number, name) in (0..).zip(["/t", "/c"]) {
            names.insert(number, name).unwrap();
            numbers.insert(name, number).unwrap();
        }
        for record in records {
            let (item, encoded) = (record.item(), record.message().encode_to_vec());
            let row = RowFields {
                pubsub_topic: 0,
                content_topic: 1,
                message_bytes: encoded.len() as u32,
            };
            rows.insert(&key_of(&item), &row.encode()).unwrap();
            messages.insert(&key_of(&item), &encoded[..]).unwrap();
            timestamps.insert(&item.id.0, item.timestamp).unwrap();
        }
        let mut states = transaction.open_table(STATES).unwrap();
        states.insert("online", &[5u8][..]).unwrap();
    }
    transaction.commit().unwrap();
}

fn old(records: &[Record]) -> (TempDir, std::path::PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.redb");
    one_file(&path, records);
    (place, path)
}

fn options() -> RedbOptions {
    RedbOptions {
        unit_bytes: 200_000,
        ..RedbOptions::default()
    }
}

fn assert_moved(path: &Path, records: &[Record]) {
    let engine = place::open(path, &options()).unwrap();
    assert_eq!(items(&engine), items_of(records));
    let hashes: Vec<Id> = records.iter().map(Record::hash).collect();
    assert_eq!(engine.lookup(&hashes).unwrap(), records);
    assert_eq!(engine.catalogue.state("online").unwrap(), Some(vec![5]));
    let listed = engine.units().entries().len();
    assert!(listed > 3);
    assert_eq!(fs::read_dir(path).unwrap().count(), listed + 1);
    let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "something was left beside the archive");
}

#[test]
fn an_archive_in_one_file_is_moved_whole() {
    let records = batch(1, 3_000);
    let (_place, path) = old(&records);
    assert_moved(&path, &records);
    assert_moved(&path, &records);
}

#[test]
fn a_move_that_was_cut_off_goes_on() {
    let records = batch(1, 400);
    for step in 0..4 {
        let (_place, path) = old(&records);
        let moving = path.with_extension("redb.moving");
        match step {
            // A directory was made.
            0 => fs::create_dir(&moving).unwrap(),
            // Some messages were copied.
            1 => {
                place::create(&moving).unwrap();
                let files: Arc<dyn Files> =
                    Arc::new(super::super::directory::Directory::new(&moving));
                append(&open(&files, 200_000).unwrap(), &records[..100]).unwrap();
            }
            // All was copied.
            2 => drop(moving::move_in(&path, &moving, &options()).unwrap()),
            // The file had left its place.
            _ => {
                drop(moving::move_in(&path, &moving, &options()).unwrap());
                fs::rename(&path, moving.join(moving::SOURCE)).unwrap();
            }
        }
        assert_moved(&path, &records);
    }
}

#[test]
fn a_file_is_locked_until_its_new_form_may_take_its_place() {
    let records = batch(1, 400);
    let (_place, path) = old(&records);
    let moving = path.with_extension("redb.moving");
    let source = moving::move_in(&path, &moving, &options()).unwrap();
    let other = place::open(&path, &options()).map(drop);
    assert!(
        matches!(other, Err(ArchiveError::InUse { .. })),
        "{other:?}"
    );
    drop(source);
    assert_moved(&path, &records);
}

#[test]
fn a_copy_of_other_messages_is_thrown_away() {
    let records = batch(1, 400);
    let (_place, path) = old(&records);
    let moving = path.with_extension("redb.moving");
    place::create(&moving).unwrap();
    let files: Arc<dyn Files> = Arc::new(super::super::directory::Directory::new(&moving));
    append(&open(&files, 200_000).unwrap(), &batch(0, 10)).unwrap();
    assert_moved(&path, &records);
}
