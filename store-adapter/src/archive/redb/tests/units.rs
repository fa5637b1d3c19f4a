//! How units come and go.

use super::super::directory::Directory;
use super::super::units::Units;
use super::*;
use crate::limits::CACHE_SHARES_LEAST;
use sync_core::Bound;
use tempfile::TempDir;

const UNIT: u64 = 400_000;

fn on_disk() -> (Engine, TempDir) {
    let place = tempfile::tempdir().unwrap();
    let files: Arc<dyn Files> = Arc::new(Directory::new(place.path()));
    (open(&files, UNIT).unwrap(), place)
}

fn sizes(units: &Units) -> Vec<u64> {
    let entries = units.entries().iter();
    entries.map(|entry| entry.unit.disk_bytes()).collect()
}

/// Appends nothing new until no unit is being split.
fn rest(engine: &Engine) {
    for n in 0..1_000 {
        append(engine, &batch(1_000_000 + n, 1)).unwrap();
        if engine.lock().split.is_none() {
            return;
        }
    }
    panic!("splitting never ends");
}

#[test]
fn the_newest_unit_is_closed_when_it_has_its_size() {
    let (engine, _place) = on_disk();
    let mut all = Vec::new();
    for number in 0..60 {
        all.extend(batch(number, 10));
        append(&engine, &batch(number, 10)).unwrap();
    }
    let units = engine.units();
    assert!(units.entries().len() >= 6, "{}", units.entries().len());
    let sizes = sizes(&units);
    assert!(sizes.iter().all(|&bytes| bytes < UNIT * 3 / 2), "{sizes:?}");
    assert_eq!(items(&engine), items_of(&all));
}

#[test]
fn units_are_closed_when_their_memory_is_to_be_shared_among_more() {
    let (engine, place) = on_disk();
    drop(engine);
    let options = RedbOptions {
        unit_bytes: UNIT,
        ..RedbOptions::default()
    };
    let files: Arc<dyn Files> = Arc::new(Directory::new(place.path()));
    let engine = Engine::open(files, &options).unwrap();
    for number in 0..100 {
        append(&engine, &batch(number, 10)).unwrap();
    }
    let units = engine.units();
    let count = units.entries().len();
    assert!(count > CACHE_SHARES_LEAST, "{count}");
    let shares = count.next_power_of_two();
    assert!(units.take_roles(shares).is_empty(), "each has its share");
    // All but the newest.
    assert_eq!(units.take_roles(2 * shares).len(), count - 1);
}

#[test]
fn messages_of_one_nanosecond_are_cut_into_several_units() {
    let (engine, _place) = on_disk();
    let all: Vec<Record> = (0..600u32)
        .map(|n| record("/t", "/c", 7, &n.to_be_bytes().repeat(750)))
        .collect();
    for some in all.chunks(30) {
        append(&engine, some).unwrap();
    }
    rest(&engine);
    let units = engine.units();
    assert!(units.entries().len() >= 5, "{}", units.entries().len());
    let held = items(&engine);
    assert!(items_of(&all).iter().all(|item| held.contains(item)));
}

#[test]
fn an_old_unit_that_outgrows_is_split_without_loss() {
    let (engine, place) = on_disk();
    let mut all = Vec::new();
    let add = |all: &mut Vec<Record>, records: Vec<Record>| {
        append(&engine, &records).unwrap();
        all.extend(records);
    };
    // Units for far times, and then all that lies between.
    add(&mut all, batch(0, 100));
    add(&mut all, batch(500, 100));
    add(&mut all, batch(900, 100));
    let before = engine.units().entries().len();
    for number in (1..400).rev() {
        add(&mut all, batch(number, 4));
    }
    let hashes: Vec<Id> = all.iter().map(Record::hash).collect();
    assert_eq!(engine.lookup(&hashes).unwrap().len(), all.len());
    for number in 0..1_000 {
        if engine.lock().split.is_none() {
            break;
        }
        add(&mut all, batch(2_000 + number, 1));
    }
    assert!(engine.lock().split.is_none());
    let units = engine.units();
    assert!(units.entries().len() >= before + 8);
    let sizes = sizes(&units);
    assert!(sizes.iter().all(|&bytes| bytes < 3 * UNIT), "{sizes:?}");
    assert_eq!(items(&engine), items_of(&all));
    drop((engine, units));
    let files: Arc<dyn Files> = Arc::new(Directory::new(place.path()));
    let engine = open(&files, UNIT).unwrap();
    assert_eq!(items(&engine), items_of(&all));
    let listed = engine.units().entries().len();
    assert_eq!(
        files.names().unwrap().len(),
        listed + 1,
        "files were left behind"
    );
}

#[test]
fn removing_gives_the_disk_back() {
    let (engine, place) = on_disk();
    for number in 0..100 {
        append(&engine, &batch(number, 10)).unwrap();
    }
    let full = engine.disk_bytes();
    let span = Range::new(Bound::MIN, Bound::at_time(90_000));
    while engine.remove(Durability::EachBatch, &span, 100).unwrap() >= 100 {}
    assert_eq!(items(&engine).len(), 100);
    let left = engine.disk_bytes();
    assert!(left < full / 4, "{left} of {full}");
    let files = Directory::new(place.path());
    let names = files.names().unwrap();
    let on_disk: u64 = names
        .iter()
        .map(|name| files.disk_bytes(name).unwrap())
        .sum();
    assert_eq!(on_disk, left, "what it says isn't what is on the disk");
}

#[test]
fn messages_are_found_also_where_their_times_are_remembered_wrongly_or_not_at_all() {
    let (engine, place) = on_disk();
    let all: Vec<Record> = (0..30).flat_map(|number| batch(number, 10)).collect();
    append(&engine, &all).unwrap();
    assert!(engine.units().entries().len() > 1);
    let hashes: Vec<_> = all.iter().map(Record::hash).collect();
    assert_eq!(engine.lookup(&hashes).unwrap(), all);
    drop(engine);
    let files: Arc<dyn Files> = Arc::new(Directory::new(place.path()));
    let engine = open(&files, UNIT).unwrap();
    let (unknown, wrong) = hashes.split_at(150);
    let wrong = wrong.iter().zip(0..);
    engine
        .times
        .learn(wrong.map(|(hash, number)| Item::new(100 * number, *hash)));
    assert!(engine.times.likely(unknown).is_empty());
    for _ in 0..2 {
        assert_eq!(engine.lookup(&hashes).unwrap(), all);
        assert_eq!(engine.locate(&hashes).unwrap().len(), all.len());
    }
    assert_eq!(engine.times.likely(unknown), items_of(&all[..150]));
}

#[test]
fn messages_that_were_removed_are_not_found_where_they_were() {
    let (engine, _place) = on_disk();
    let all = batch(1, 20);
    append(&engine, &all).unwrap();
    let span = Range::new(Bound::MIN, Bound::Before(all[10].item()));
    assert_eq!(
        engine.remove(Durability::EachBatch, &span, 100).unwrap(),
        10
    );
    let hashes: Vec<_> = all.iter().map(Record::hash).collect();
    assert_eq!(engine.lookup(&hashes).unwrap(), all[10..]);
}
