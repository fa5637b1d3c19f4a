//! A node's part around the redb archive, killed: the door, the index and retention.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::batches::{KEPT, number_of, records, time_of};
use crate::process::{Said, everything, moments, options, run_and_kill, tell, told};
use crate::rounds;
use store_adapter::archive::{Archive, RedbArchive};
use store_adapter::limits::IngestLimits;
use store_adapter::retention::Keeper;
use store_adapter::{Arrival, Index, Ingest, Ingested, Origin, Record, RetentionPolicy};
use sync_core::{Bound, Item};
use tokio::sync::Mutex;

/// Messages are kept for some time, and often there are more of them than may be kept.
const POLICY: RetentionPolicy = RetentionPolicy {
    time: Some(100_000 * KEPT as u64),
    capacity: Some(2_000),
    size: None,
};

/// The archive at `path` behind its door, within its bounds at the time of a batch.
async fn open(path: &Path, number: i64) -> (Ingest, Keeper) {
    let archive = RedbArchive::open_or_create_with(path, &options()).await;
    let archive: Arc<dyn Archive> = Arc::new(archive.unwrap());
    let index = Arc::new(Index::rebuild(Arc::clone(&archive)).await.unwrap());
    let door = Ingest::with_retention(archive, index, IngestLimits::default(), POLICY);
    let keeper = Keeper::start(door.clone(), time_of(number)).await.unwrap();
    (door, keeper)
}

/// Checks that index and archive hold the same, and nothing below the floor; gives that.
async fn held(door: &Ingest) -> Vec<Record> {
    let (found, index) = (everything(&**door.archive()).await, door.index());
    assert_eq!(found.len(), index.len(), "index and archive");
    for record in &found {
        assert!(record.is_intact());
        assert!(index.contains(&record.item()), "not in the index");
        let floor = index.floor();
        assert!(floor <= Bound::Before(record.item()), "below the floor");
    }
    found
}

/// The process that is killed. It stores batches while retention runs, and compares index and archive
/// now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as a child of the test below, which tells it where the archive is"]
async fn child() {
    let (path, first) = told();
    let (door, keeper) = open(&path, first).await;
    let (keeper, now, start) = (
        Arc::new(Mutex::new(keeper)),
        Arc::new(AtomicI64::new(first)),
        Instant::now(),
    );
    tokio::spawn({
        let (keeper, now) = (Arc::clone(&keeper), Arc::clone(&now));
        async move {
            loop {
                let at = time_of(now.load(Ordering::SeqCst));
                let pruned = keeper.lock().await.apply(at, start.elapsed()).await;
                pruned.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    for number in first.. {
        tell("begin", number);
        let arrivals = records(number).into_iter().map(Arrival::from).collect();
        door.ingest(Origin::Imported, arrivals).await.unwrap();
        tell("stored", number);
        now.store(number, Ordering::SeqCst);
        if number % 20 == 0 {
            // While nothing is stored or pruned.
            let _keeper = keeper.lock().await;
            held(&door).await;
        }
    }
}

/// Checks everything against what was said; `lost` are batches that never were stored. Gives the floor.
async fn check(path: &Path, said: &Said, lost: &mut BTreeSet<i64>) -> Bound {
    let (door, _keeper) = open(path, said.stored).await;
    let floor = door.index().floor();
    let mut by_batch: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
    for record in held(&door).await {
        let items = by_batch.entry(number_of(&record)).or_default();
        items.push(record.item());
    }
    if said.begun > said.stored && !by_batch.contains_key(&said.begun) {
        lost.insert(said.begun);
    }
    for number in 1..=said.begun {
        let mut expected: Vec<Item> = records(number).iter().map(Record::item).collect();
        expected.retain(|item| floor <= Bound::Before(*item) && !lost.contains(&number));
        expected.sort();
        let found = by_batch.remove(&number).unwrap_or_default();
        assert!(found == expected, "batch {number}: {said:?}, {floor:?}");
    }
    assert!(by_batch.is_empty(), "never begun: {by_batch:?}");
    assert_nothing_comes_back(&door, said.stored).await;
    floor
}

/// What retention has removed is refused, also after the crash.
async fn assert_nothing_comes_back(door: &Ingest, until: i64) {
    let floor = door.index().floor();
    let all = (1..=until).flat_map(records);
    let removed: Vec<Record> = all.filter(|one| floor.is_after(&one.item())).collect();
    let (before, count) = (door.index().len(), removed.len());
    let arrivals = removed.into_iter().map(Arrival::from).collect();
    let report = door.ingest(Origin::Imported, arrivals).await.unwrap();
    assert_eq!((report.refused, door.index().len()), (count, before));
    let refused = |outcome: &Ingested| matches!(outcome, Ingested::Refused(_));
    assert!(report.outcomes.iter().all(refused));
}

#[tokio::test]
async fn a_node_that_is_killed_has_an_index_of_its_archive_and_nothing_below_the_floor() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive");
    let (mut said, mut lost, mut last) = (Said::default(), BTreeSet::new(), Bound::MIN);
    for moment in moments(rounds()) {
        run_and_kill("door::child", &path, &mut said, moment);
        let floor = check(&path, &said, &mut lost).await;
        assert!(floor >= last, "the floor was lowered");
        last = floor;
    }
    // A round stores thirty batches or so.
    if rounds() >= 5 {
        assert!(last > Bound::MIN, "retention never removed anything");
    }
}
