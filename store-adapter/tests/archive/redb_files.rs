//! What happens to archives on the disk: they outlive the process, and foreign or damaged ones are
//! refused and left as they were.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::suite::{all_items, record};
use redb::{Database, ReadableDatabase, TableDefinition};
use store_adapter::archive::{
    self, Archive, ArchiveError, ArchiveUrl, Durability, RedbArchive, RedbOptions,
};
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

/// What is at a path: a file, or a directory of files.
fn contents(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    if path.is_file() {
        return BTreeMap::from([(path.to_owned(), fs::read(path).unwrap())]);
    }
    let entries = fs::read_dir(path).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.clone(), fs::read(path).unwrap())
        })
        .collect()
}

/// As a backup does it, or a crash.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for (path, content) in contents(from) {
        fs::write(to.join(path.file_name().unwrap()), content).unwrap();
    }
}

/// Opens both ways, and checks that the archive is refused and unchanged; gives the message.
async fn refused(path: &Path) -> String {
    let before = contents(path);
    let error = RedbArchive::open(path).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Refused { .. }), "{error:?}");
    let again = RedbArchive::open_or_create(path).await.unwrap_err();
    assert!(matches!(again, ArchiveError::Refused { .. }), "{again:?}");
    assert!(contents(path) == before, "a file was changed");
    let others = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(others, 1, "something was left beside the archive");
    let message = error.to_string();
    assert!(message.contains(&*path.to_string_lossy()), "{message}");
    message
}

/// The files of an archive: the catalogue and one unit.
const FILES: [&str; 2] = ["catalogue.redb", "unit-00000001.redb"];

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
    copy(&path, &crashed);
    let opened = RedbArchive::open(&crashed).await.unwrap();
    assert_eq!(all_items(&opened).await, kept);

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
async fn an_archive_copied_while_open_opens_whole() {
    let (directory, path) = place();
    let archive = filled(&path, 50).await;
    let backup = directory.path().join("copy.redb");
    copy(&path, &backup);
    let opened = RedbArchive::open(&backup).await.unwrap();
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
async fn a_directory_of_something_else_is_refused() {
    let (_directory, path) = place();
    fs::create_dir(&path).unwrap();
    assert!(refused(&path).await.contains("catalogue.redb"));
    fs::write(path.join("letter.txt"), "Dear").unwrap();
    assert!(refused(&path).await.contains("catalogue.redb"));
}

#[tokio::test]
async fn a_missing_unit_is_refused_by_name() {
    let (_directory, path) = place();
    drop(filled(&path, 3).await);
    fs::remove_file(path.join(FILES[1])).unwrap();
    let message = refused(&path).await;
    assert!(
        message.contains("unit-00000001.redb") && message.contains("missing"),
        "{message}"
    );
}

#[tokio::test]
async fn a_unit_of_another_archive_is_refused() {
    let (_directory, path) = place();
    let (_other_directory, other) = place();
    drop(filled(&path, 3).await);
    drop(filled(&other, 3).await);
    fs::copy(other.join(FILES[1]), path.join(FILES[1])).unwrap();
    assert!(refused(&path).await.contains("belongs elsewhere"));
}

#[tokio::test]
async fn units_that_have_changed_places_are_refused() {
    let (_directory, path) = place();
    let options = RedbOptions {
        unit_bytes: 10_000,
        ..RedbOptions::default()
    };
    let archive = RedbArchive::open_or_create_with(&path, &options)
        .await
        .unwrap();
    let records = (0..20).map(|n| record(n, &[7; 2_000])).collect();
    archive.append(records).await.unwrap();
    drop(archive);
    // Which ones there are depends on which was split first, and that on the blocks that each takes.
    let is_unit = |path: &PathBuf| path.to_string_lossy().contains("/unit-");
    let units: Vec<PathBuf> = contents(&path).into_keys().filter(is_unit).collect();
    let kept = path.join("kept");
    fs::rename(&units[0], &kept).unwrap();
    fs::rename(&units[1], &units[0]).unwrap();
    fs::rename(&kept, &units[1]).unwrap();
    assert!(refused(&path).await.contains("belongs elsewhere"));
}

#[tokio::test]
async fn what_a_crash_left_is_removed_and_other_files_are_not() {
    let (_directory, path) = place();
    drop(filled(&path, 3).await);
    for name in ["unit-00000009.redb", "journal-00000010", "notes.txt"] {
        fs::write(path.join(name), "x").unwrap();
    }
    let archive = RedbArchive::open(&path).await.unwrap();
    assert_eq!(all_items(&archive).await.len(), 3);
    let names: Vec<_> = contents(&path).into_keys().collect();
    let expected = [FILES[0], "notes.txt", FILES[1]];
    assert_eq!(names, expected.map(|name| path.join(name)));
}

#[tokio::test]
async fn an_archive_that_a_crash_left_half_made_is_removed() {
    let (directory, path) = place();
    let left = directory.path().join("archive.redb.creating-1-0");
    for _ in ["before one is made", "beside one that is there"] {
        fs::create_dir(&left).unwrap();
        fs::write(left.join(FILES[1]), "half").unwrap();
        drop(RedbArchive::open_or_create(&path).await.unwrap());
        assert!(!left.exists());
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn truncated_files_are_refused_closed_cleanly_or_not() {
    for clean in [true, false] {
        let (directory, path) = place();
        let whole = {
            let archive = filled(&path, 2_000).await;
            let open = contents(&path);
            drop(archive);
            if clean { contents(&path) } else { open }
        };
        drop(directory);
        for truncated in FILES {
            let len = whole[&path.join(truncated)].len();
            assert!(len > 4_000_000 || truncated == FILES[0]);
            for left in [len / 2, len - 1, len - 4_096, len / 10, 4_096, 1_000, 40, 1] {
                fs::create_dir_all(&path).unwrap();
                for (path, content) in &whole {
                    fs::write(path, content).unwrap();
                }
                let whole = &whole[&path.join(truncated)];
                fs::write(path.join(truncated), &whole[..left]).unwrap();
                let message = refused(&path).await;
                let told = message.contains(&format!("should have {len} bytes and has {left}"));
                assert!(told || left < 40, "{message}");
                assert!(message.contains(truncated), "{message}");
            }
        }
    }
}

#[tokio::test]
async fn a_header_that_was_written_over_is_refused() {
    let (_directory, path) = place();
    drop(filled(&path, 100).await);
    for file in FILES.map(|name| path.join(name)) {
        let whole = fs::read(&file).unwrap();
        for damaged in [0..64, 64..320, 0..4_096, 4_096..whole.len()] {
            let mut content = whole.clone();
            content[damaged].fill(0xa5);
            fs::write(&file, content).unwrap();
            refused(&path).await;
        }
        fs::write(&file, whole).unwrap();
    }
    RedbArchive::open(&path).await.unwrap();
}

/// Whether the archive is refused, or all is there: keys, and what they lead to.
async fn is_refused_or_whole(path: &Path, records: &[store_adapter::Record]) -> bool {
    let archive = match RedbArchive::open(path).await {
        Err(ArchiveError::Refused { .. }) => return true,
        other => other.unwrap(),
    };
    let hashes: Vec<_> = records.iter().map(store_adapter::Record::hash).collect();
    let keys: Vec<_> = records.iter().map(store_adapter::Record::key).collect();
    let located = archive.locate(&hashes).await;
    let found = archive.lookup(&hashes).await;
    // What can't be read is an error and not an absence.
    if let (Ok(located), Ok(found)) = (located, found) {
        assert_eq!(located, keys);
        assert_eq!(found.len(), records.len());
        assert!(found == records || !found.iter().all(store_adapter::Record::is_intact));
    }
    archive.state("online").await.unwrap() == Some(vec![9; 40])
}

/// Flips a bit of some of these bytes, one at a time.
async fn flip(file: &Path, bytes: &[usize], times: usize, records: &[store_adapter::Record]) {
    let whole = fs::read(file).unwrap();
    let mut seed = 7u64;
    for _ in 0..times {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let at = bytes[(seed >> 33) as usize % bytes.len()];
        let mut content = whole.clone();
        content[at] ^= 1 << (seed >> 30 & 7);
        fs::write(file, content).unwrap();
        let path = file.parent().unwrap();
        assert!(
            is_refused_or_whole(path, records).await,
            "byte {at} of {file:?}"
        );
    }
    fs::write(file, &whole).unwrap();
}

async fn filled_with(path: &Path, records: &[store_adapter::Record]) {
    let archive = RedbArchive::open_or_create(path).await.unwrap();
    archive.append(records.to_vec()).await.unwrap();
    let state = Some(vec![9; 40]);
    archive.set_state("online", state).await.unwrap();
}

#[tokio::test]
async fn no_flipped_byte_makes_an_archive_silently_short() {
    let (_directory, path) = place();
    let records: Vec<_> = (0..400).map(|n| record(n, &[n as u8; 20])).collect();
    filled_with(&path, &records).await;
    for file in FILES.map(|name| path.join(name)) {
        let whole = fs::read(&file).unwrap();
        let used: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
        flip(&file, &used, 100, &records).await;
    }
}

/// In the branches of redb's trees, which a walk through all entries hardly looks at.
#[tokio::test]
async fn no_flipped_byte_leads_searches_astray() {
    /// How pages of branches begin.
    const BRANCH: u8 = 2;
    let (_directory, path) = place();
    let records: Vec<_> = (0..1_500).map(|n| record(n, &[n as u8; 20])).collect();
    filled_with(&path, &records).await;
    let file = path.join(FILES[1]);
    let whole = fs::read(&file).unwrap();
    let pages = (0..whole.len()).step_by(4_096);
    let branches = pages.filter(|&page| page > 0 && whole[page] == BRANCH);
    let used: Vec<usize> = branches
        .flat_map(|page| page..page + 4_096)
        .filter(|&at| whole[at] != 0)
        .collect();
    assert!(used.len() > 1_000);
    flip(&file, &used, 150, &records).await;
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
    for name in FILES {
        let (_directory, path) = place();
        drop(filled(&path, 3).await);
        let database = Database::open(path.join(name)).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut format = transaction.open_table(FORMAT).unwrap();
        format.insert("version", 3).unwrap();
        drop(format);
        transaction.commit().unwrap();
        drop(database);
        let message = refused(&path).await;
        assert!(
            message.contains("version 3") && message.contains("newer"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn an_archive_that_lacks_a_part_is_refused() {
    let parts = ["units", "journal", "states", "sums"].map(|table| (FILES[0], table));
    let of_units = [
        "rows",
        "messages",
        "timestamps",
        "topic_names",
        "topic_numbers",
        "sums",
    ];
    for (file, name) in parts
        .into_iter()
        .chain(of_units.map(|table| (FILES[1], table)))
    {
        let (_directory, path) = place();
        drop(filled(&path, 3).await);
        let database = Database::open(path.join(file)).unwrap();
        let transaction = database.begin_write().unwrap();
        let deleted = transaction.delete_table(TableDefinition::<'_, u8, u8>::new(name));
        assert!(deleted.unwrap(), "{name}");
        transaction.commit().unwrap();
        drop(database);
        refused(&path).await;
    }
}
