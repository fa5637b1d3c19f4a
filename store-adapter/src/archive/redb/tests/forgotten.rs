//! Crashes of the machine: what was acknowledged is there, and no batch is there in part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sync_core::Bound;

use super::forgetful::{Dice, Forgetful};
use super::*;

/// Bytes of the disk that a unit is to take.
const UNIT: u64 = 100_000;

/// What an archive has to hold after a crash.
#[derive(Debug, Default)]
struct Expected {
    held: BTreeMap<Item, Record>,
    /// A batch that may be there or not, but as a whole.
    unsure: BTreeMap<Item, Record>,
    /// What lies before this may be there or not.
    removing: Option<Bound>,
    state: Option<Vec<u8>>,
    unsure_state: Option<Vec<u8>>,
    splits: u64,
}

impl Expected {
    fn check(&mut self, engine: &Engine, seed: u64) {
        let found: BTreeSet<Item> = items(engine).into_iter().collect();
        let certain = |item: &Item| self.removing.is_none_or(|bound| !bound.is_after(item));
        for item in self.held.keys().filter(|item| certain(item)) {
            assert!(found.contains(item), "seed {seed}: {item:?} is lost");
        }
        let stored = self
            .unsure
            .keys()
            .filter(|item| found.contains(item))
            .count();
        assert!(
            stored == 0 || stored == self.unsure.len(),
            "seed {seed}: {stored} of {} are there",
            self.unsure.len()
        );
        self.held.append(&mut self.unsure);
        for item in &found {
            assert!(
                self.held.contains_key(item),
                "seed {seed}: {item:?} was removed"
            );
        }
        self.held.retain(|item, _| found.contains(item));
        self.check_lookups(engine, seed);
        let state = engine.catalogue.state("online").unwrap();
        assert!(
            state == self.state || state == self.unsure_state,
            "seed {seed}"
        );
        self.state = state;
        self.removing = None;
    }

    fn check_lookups(&self, engine: &Engine, seed: u64) {
        let hashes: Vec<Id> = self.held.keys().map(|item| item.id).collect();
        let records: Vec<Record> = self.held.values().cloned().collect();
        assert!(engine.lookup(&hashes).unwrap() == records, "seed {seed}");
        let stats = engine.stats().unwrap();
        assert_eq!(stats.messages, records.len() as u64, "seed {seed}");
        assert_eq!(stats.first, records.first().map(Record::item));
        assert_eq!(stats.last, records.last().map(Record::item));
    }
}

/// Some records: mostly later than all others, at times anywhere.
fn some_records(dice: &mut Dice, clock: &mut i64) -> Vec<Record> {
    let late = dice.roll(2) == 0;
    let count = 1 + dice.roll(12);
    (0..count)
        .map(|_| {
            *clock += 1;
            let time = if late {
                (*clock * 3 / 4 + dice.roll(30) as i64).min(*clock)
            } else {
                *clock
            };
            let payload = vec![dice.roll(256) as u8; dice.roll(3_000) as usize];
            record("/t", ["/a", "/b"][dice.roll(2) as usize], time, &payload)
        })
        .collect()
}

/// Does things until one fails.
fn work(engine: &Engine, expected: &mut Expected, dice: &mut Dice, clock: &mut i64) {
    loop {
        match dice.roll(12) {
            0 => {
                let before = Bound::at_time(dice.roll(*clock as u64 + 1) / 2);
                let span = Range::new(Bound::MIN, before);
                expected.removing = Some(before);
                let limit = 1 + dice.roll(60) as usize;
                let Ok(removed) = engine.remove(Durability::EachBatch, &span, limit) else {
                    return;
                };
                let below = expected.held.keys().filter(|item| span.contains(item));
                let below: Vec<Item> = below.copied().collect();
                assert!(removed >= limit.min(below.len()));
                for item in &below[..removed] {
                    expected.held.remove(item);
                }
                expected.removing = None;
            }
            1 => {
                let value = vec![dice.roll(256) as u8];
                expected.unsure_state = Some(value.clone());
                if engine.catalogue.set_state("online", Some(&value)).is_err() {
                    return;
                }
                expected.state = Some(value);
            }
            _ => {
                let records = some_records(dice, clock);
                let fresh = records.iter().map(|record| (record.item(), record.clone()));
                expected.unsure = fresh.collect();
                expected
                    .unsure
                    .retain(|item, _| !expected.held.contains_key(item));
                if append(engine, &records).is_err() {
                    return;
                }
                expected.splits += u64::from(engine.lock().split.is_some());
                let mut stored = std::mem::take(&mut expected.unsure);
                expected.held.append(&mut stored);
            }
        }
    }
}

/// Crashes one disk several times; gives how many steps of splitting there were.
fn crash_often(seed: u64) -> u64 {
    let (disk, mut dice, mut clock) = (Forgetful::new(), Dice::of(seed), 0);
    let files: Arc<dyn Files> = Arc::new(disk.clone());
    let mut expected = Expected::default();
    engine::create(&files).unwrap();
    for _ in 0..4 {
        let engine = open(&files, UNIT).unwrap();
        expected.check(&engine, seed);
        disk.stop_after(200 + dice.roll(4_000));
        work(&engine, &mut expected, &mut dice, &mut clock);
        drop(engine);
        disk.restart(&mut dice);
        // A machine may crash again while it comes up.
        disk.stop_after(dice.roll(60));
        if let Ok(engine) = open(&files, UNIT) {
            drop(engine);
        }
        disk.restart(&mut dice);
    }
    let engine = open(&files, UNIT).unwrap();
    expected.check(&engine, seed);
    expected.splits
}

#[test]
fn a_crash_of_the_machine_loses_nothing_that_was_acknowledged() {
    let rounds = std::env::var("CRASH_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let splits: u64 = (0..rounds).map(crash_often).sum();
    assert!(splits > 0, "no unit was ever split");
}
