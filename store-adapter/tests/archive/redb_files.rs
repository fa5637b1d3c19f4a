//! What happens to archive files: they outlive the process, and foreign or damaged ones are refused
//! and left as they were.

use std::fs;
use std::path::{Path, PathBuf};

use crate::suite::{all_items, record};
use redb::{Database, ReadableDatabase, TableDefinition};
use store_adapter::archive::{self, Archive, ArchiveError, ArchiveUrl, Durability, RedbArchive};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive.redb");
    (directory, path)
}

async fn filled(path: &Path, count: i64) -> RedbArchive {
    let archive = RedbArchive::open_or_create(path).await.unwrap();
    let records = (0..count)
        .map(|n| record(n, &vec![n as u8; 2_000]))
        .collect();
    archive.append(records).await.unwrap();
    archive
}

/// Opens both ways, and checks that the file is refused and unchanged; gives the message.
async fn refused(path: &Path) -> String {
    let before = fs::read(path).unwrap();
    let error = RedbArchive::open(path).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Refused { .. }), "{error:?}");
    let again = RedbArchive::open_or_create(path).await.unwrap_err();
    assert!(matches!(again, ArchiveError::Refused { .. }), "{again:?}");
    assert!(fs::read(path).unwrap() == before, "the file was changed");
    let others = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(others, 1, "something was left beside the file");
    let message = error.to_string();
    assert!(message.contains(&*path.to_string_lossy()), "{message}");
    message
}

#[tokio::test]
async fn what_was_appended_is_there_after_opening_again() {
    let (directory, path) = place();
    let archive = filled(&path, 50).await;
    archive.set_state("online", Some(vec![9])).await.unwrap();
    let items = all_items(&archive).await;
    drop(archive);
    let archive = RedbArchive::open(&path).await.unwrap();
    assert_eq!(all_items(&archive).await, items);
    assert_eq!(items.len(), 50);
    assert_eq!(archive.state("online").await.unwrap(), Some(vec![9]));
    assert!(archive.stats().await.unwrap().disk_bytes > 100_000);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_durable_on_close_is_lost_by_a_crash_and_kept_by_closing() {
    let (directory, path) = place();
    let durable = filled(&path, 50).await;
    let kept = all_items(&durable).await;
    let archive = durable.with_durability(Durability::OnClose);
    let more = (50..60).map(|n| record(n, &[7; 2_000])).collect();
    archive.append(more).await.unwrap();
    archive.set_state("online", Some(vec![9])).await.unwrap();
    let items = all_items(&archive).await;
    assert_eq!(items.len(), 60);

    let crashed = directory.path().join("crashed.redb");
    fs::copy(&path, &crashed).unwrap();
    let opened = RedbArchive::open(&crashed).await.unwrap();
    assert_eq!(all_items(&opened).await, kept);
    assert_eq!(opened.state("online").await.unwrap(), None);

    drop(archive);
    let opened = RedbArchive::open(&path).await.unwrap();
    assert_eq!(all_items(&opened).await, items);
    assert_eq!(opened.state("online").await.unwrap(), Some(vec![9]));
}

#[tokio::test]
async fn an_archive_held_open_is_in_use() {
    let (_directory, path) = place();
    let _archive = filled(&path, 1).await;
    for error in [
        RedbArchive::open(&path).await.unwrap_err(),
        RedbArchive::open_or_create(&path).await.unwrap_err(),
    ] {
        assert!(matches!(&error, ArchiveError::InUse { path: at } if *at == path));
        assert!(error.to_string().contains("running node"));
    }
}

#[tokio::test]
async fn a_file_copied_while_open_opens_whole() {
    let (directory, path) = place();
    let archive = filled(&path, 50).await;
    let copy = directory.path().join("copy.redb");
    fs::copy(&path, &copy).unwrap();
    let opened = RedbArchive::open(&copy).await.unwrap();
    assert_eq!(all_items(&opened).await, all_items(&archive).await);
}

#[tokio::test]
async fn a_missing_file_is_created_only_on_request() {
    let (directory, path) = place();
    let error = RedbArchive::open(&path).await.unwrap_err();
    assert!(matches!(error, ArchiveError::NotFound { .. }), "{error:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    let url = ArchiveUrl::Redb(path.clone());
    let options = archive::ArchiveOptions::default();
    assert!(archive::open_existing(&url, &options).await.is_err());
    drop(archive::open(&url, &options).await.unwrap());
    archive::open_existing(&url, &options).await.unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let (directory, _) = place();
    let path = directory.path().join("none/archive.redb");
    let error = RedbArchive::open_or_create(&path).await.unwrap_err();
    assert!(
        matches!(error, ArchiveError::NoDirectory { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("directory doesn't exist"));
}

#[tokio::test]
async fn files_that_are_no_database_are_refused() {
    let garbage: Vec<u8> = (0..100_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let magic_and_garbage = [b"redb\x1a\x0a\xa9\x0d\x0a", &garbage[..]].concat();
    let contents: [(&[u8], &str); 6] = [
        (b"", "empty"),
        (b"x", "isn't a redb file"),
        (b"redb\x1a\x0a\xa9\x0d\x0a", "isn't a redb file"),
        (
            b"{\"messageHash\":\"0x12\",\"pubsubTopic\":\"/t\"}\n",
            "isn't a redb file",
        ),
        (&garbage, "isn't a redb file"),
        (&magic_and_garbage, "can't be used"),
    ];
    for (content, reason) in contents {
        let (_directory, path) = place();
        fs::write(&path, content).unwrap();
        let message = refused(&path).await;
        assert!(message.contains(reason), "{message}");
    }
}

#[tokio::test]
async fn a_directory_is_refused() {
    let (_directory, path) = place();
    fs::create_dir(&path).unwrap();
    let error = RedbArchive::open_or_create(&path).await.unwrap_err();
    assert!(
        matches!(
            error,
            ArchiveError::Refused { .. } | ArchiveError::Io { .. }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn truncated_files_are_refused_closed_cleanly_or_not() {
    for clean in [true, false] {
        let (directory, path) = place();
        let whole = {
            let archive = filled(&path, 2_000).await;
            let open = fs::read(&path).unwrap();
            drop(archive);
            if clean {
                fs::read(&path).unwrap()
            } else {
                open
            }
        };
        drop(directory);
        let len = whole.len();
        assert!(len > 4_000_000);
        for left in [len / 2, len - 1, len - 4_096, len / 10, 4_096, 1_000, 40, 1] {
            let (_directory, path) = place();
            fs::write(&path, &whole[..left]).unwrap();
            let message = refused(&path).await;
            let truncated = message.contains(&format!("should have {len} bytes and has {left}"));
            assert!(truncated || left < 40, "{message}");
        }
    }
}

#[tokio::test]
async fn a_header_that_was_written_over_is_refused() {
    let (directory, path) = place();
    drop(filled(&path, 100).await);
    let whole = fs::read(&path).unwrap();
    drop(directory);
    for damaged in [0..64, 64..320, 0..4_096, 4_096..whole.len()] {
        let (_directory, path) = place();
        let mut content = whole.clone();
        content[damaged].fill(0xa5);
        fs::write(&path, content).unwrap();
        refused(&path).await;
    }
}

#[tokio::test]
async fn databases_of_other_programs_are_refused() {
    const OTHER: TableDefinition<'_, &str, u64> = TableDefinition::new("other");
    for open in [false, true] {
        let (_directory, path) = place();
        let database = Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction
            .open_table(OTHER)
            .unwrap()
            .insert("a", 1)
            .unwrap();
        transaction.commit().unwrap();
        if open {
            // As its owner left it in a crash.
            let content = fs::read(&path).unwrap();
            drop(database);
            fs::write(&path, content).unwrap();
        } else {
            drop(database);
        }
        assert!(refused(&path).await.contains("another program"));
        let database = Database::open(&path).unwrap();
        let table = database.begin_read().unwrap().open_table(OTHER).unwrap();
        assert_eq!(table.get("a").unwrap().unwrap().value(), 1);
    }
}

#[tokio::test]
async fn an_empty_database_of_another_program_is_refused() {
    let (_directory, path) = place();
    drop(Database::create(&path).unwrap());
    assert!(refused(&path).await.contains("another program"));
}

#[tokio::test]
async fn newer_formats_are_refused() {
    const FORMAT: TableDefinition<'_, &str, u64> = TableDefinition::new("wakustore.format");
    let (_directory, path) = place();
    drop(filled(&path, 3).await);
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(FORMAT)
        .unwrap()
        .insert("version", 2)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let message = refused(&path).await;
    assert!(
        message.contains("version 2") && message.contains("newer"),
        "{message}"
    );
}

#[tokio::test]
async fn an_archive_that_lacks_a_part_is_refused() {
    for name in [
        "rows",
        "messages",
        "timestamps",
        "topic_names",
        "topic_numbers",
        "states",
    ] {
        let (_directory, path) = place();
        drop(filled(&path, 3).await);
        let database = Database::open(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        let deleted = transaction.delete_table(TableDefinition::<'_, u8, u8>::new(name));
        assert!(deleted.unwrap(), "{name}");
        transaction.commit().unwrap();
        drop(database);
        refused(&path).await;
    }
}
