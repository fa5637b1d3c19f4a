//! The archive over disks that fail or forget.

mod failing;
mod forgetful;
mod forgotten;
mod moved;
mod units;

use std::sync::Arc;

use sync_core::{Item, Range};

use super::engine::{self, Engine};
use super::files::Files;
use super::*;
use crate::testing::record;

/// Opens the archive in these files, creating it if there is none.
fn open(files: &Arc<dyn Files>, unit_bytes: u64) -> Result<Engine, ArchiveError> {
    if files.names().unwrap().is_empty() {
        engine::create(files)?;
    }
    let options = RedbOptions {
        unit_bytes,
        open_units: 3,
    };
    Engine::open(Arc::clone(files), &options)
}

fn batch(number: i64, count: i64) -> Vec<Record> {
    (0..count)
        .map(|n| record("/t", "/c", 1_000 * number + n, &[number as u8; 3_000]))
        .collect()
}

fn append(engine: &Engine, records: &[Record]) -> Result<Vec<bool>, ArchiveError> {
    engine.append(Durability::EachBatch, records)
}

fn items(engine: &Engine) -> Vec<Item> {
    let (mut items, mut scan) = (Vec::new(), Scan::of_range(Range::ALL));
    loop {
        let page = engine.scan(&scan).unwrap();
        items.extend(page.keys.iter().map(|key| key.item));
        match page.rest {
            Some(rest) => scan = scan.on(rest),
            None => return items,
        }
    }
}

fn items_of(records: &[Record]) -> Vec<Item> {
    let mut items: Vec<Item> = records.iter().map(Record::item).collect();
    items.sort();
    items
}

#[test]
fn a_panic_of_the_database_becomes_an_error() {
    let (result, panicked) = slot::guarded(|| -> Result<(), fault::Fault> { panic!("page 7") });
    assert!(panicked);
    match result {
        Err(fault::Fault::Damaged(reason)) => assert!(reason.contains("page 7"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_that_sort_as_items_do() {
    let ids = [sync_core::Id::ZERO, sync_core::Id([0xff; 32])];
    let times = [0, 1, 255, 256, i64::MAX as u64];
    let items: Vec<Item> = times
        .iter()
        .flat_map(|&time| ids.map(|id| Item::new(time, id)))
        .collect();
    assert!(items.is_sorted_by_key(tables::key_of));
    for item in items {
        assert_eq!(tables::item_of(&tables::key_of(&item)), item);
    }
}
