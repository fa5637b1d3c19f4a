//! The redb archive, killed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::batches::{number_of, records, span_below};
use crate::process::{Said, everything, moments, options, run_and_kill, tell, told};
use crate::rounds;
use store_adapter::Record;
use store_adapter::archive::{Archive, RedbArchive};
use sync_core::{Bound, Item};

const STATE: &str = "online";

/// The process that is killed. It says what it begins, and what it was told to be done.
#[tokio::test]
#[ignore = "runs as a child of the test below, which tells it where the archive is"]
async fn child() {
    let (path, first) = told();
    let archive = RedbArchive::open_or_create_with(&path, &options())
        .await
        .unwrap();
    for number in first.. {
        tell("begin", number);
        archive.append(records(number)).await.unwrap();
        tell("stored", number);
        if number % 5 == 0 {
            tell("begin-state", number);
            let value = number.to_be_bytes().to_vec();
            archive.set_state(STATE, Some(value)).await.unwrap();
            tell("state", number);
        }
        if number % 10 == 0 {
            tell("begin-removal", number);
            while archive.remove(&span_below(number), 50).await.unwrap() >= 50 {}
            tell("removal", number);
        }
    }
}

/// Checks the archive against what was said; `lost` are batches that never were stored.
async fn check(path: &Path, said: &mut Said, lost: &mut Vec<i64>) -> usize {
    let archive = RedbArchive::open_with(path, &options()).await.unwrap();
    let found = everything(&archive).await;
    assert!(found.iter().all(Record::is_intact));
    let mut held: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
    for record in &found {
        held.entry(number_of(record))
            .or_default()
            .push(record.item());
        assert!(
            span_below(said.removal).upper <= Bound::Before(record.item()),
            "what was removed is back"
        );
    }
    if said.begun > said.stored && !held.contains_key(&said.begun) {
        lost.push(said.begun);
    }
    let removed = span_below(said.begun_removal);
    let kept = |item: &Item| !removed.contains(item);
    for number in 1..=said.begun {
        let mut expected: Vec<Item> = records(number).iter().map(Record::item).collect();
        expected.retain(kept);
        expected.sort();
        let mut found = held.remove(&number).unwrap_or_default();
        found.retain(kept);
        if lost.contains(&number) {
            expected.clear();
        }
        assert!(found == expected, "batch {number}: {said:?}");
    }
    assert!(held.is_empty(), "batches that were never begun: {held:?}");
    let state = archive.state(STATE).await.unwrap();
    let state = state.map_or(0, |value| i64::from_be_bytes(value.try_into().unwrap()));
    assert!(
        state == said.state || state == said.begun_state,
        "{state}: {said:?}"
    );
    said.state = state;
    archive.units().await.unwrap().len()
}

#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_that_it_was_told_to_be_stored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive");
    let (mut said, mut lost, mut units) = (Said::default(), Vec::new(), 0);
    for moment in moments(rounds()) {
        run_and_kill("redb::child", &path, &mut said, moment);
        units = units.max(check(&path, &mut said, &mut lost).await);
    }
    assert!(units > 2, "everything fell into {units} units");
}
