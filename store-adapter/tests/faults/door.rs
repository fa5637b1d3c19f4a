//! The door, its index and the retention floor over an archive that fails: at each operation in turn,
//! before and after its effect, once and until healed.

use std::collections::BTreeSet;
use std::sync::Arc;

use store_adapter::archive::{Archive, ArchiveError, MemoryArchive, RedbArchive};
use store_adapter::limits::IngestLimits;
use store_adapter::{Index, Ingest, Record, WakuMessage};
use sync_core::{Bound, Item};

use crate::faulty::{Fault, Faulty, INJECTED, Side};
use crate::witness::Witness;

/// How often a step is tried before it has to go well: failures are healed after the second.
const TRIES: usize = 3;

fn record(time: i64) -> Record {
    let message = WakuMessage {
        payload: time.to_be_bytes().to_vec(),
        content_topic: "/c".into(),
        timestamp: Some(time),
        ..WakuMessage::default()
    };
    Record::new(format!("/t/{}", time % 2), message).unwrap()
}

fn records(times: std::ops::Range<i64>) -> Vec<Record> {
    times.map(record).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Ingest(Vec<Record>),
    RetainFrom(i64),
}

/// New messages, ones that are there in part, a floor, ones below it in part.
fn script() -> Vec<Step> {
    vec![
        Step::Ingest(records(0..6)),
        Step::Ingest(records(3..9)),
        Step::RetainFrom(4),
        Step::Ingest(records(2..12)),
        Step::Ingest(records(8..10)),
    ]
}

/// The last floor, and all again.
fn closing() -> [Step; 2] {
    [Step::RetainFrom(6), Step::Ingest(records(0..12))]
}

/// What is there when all of [`closing`] went well.
fn expected() -> BTreeSet<Item> {
    records(6..12).iter().map(Record::item).collect()
}

fn floor(time: i64) -> Bound {
    Bound::at_time(time.unsigned_abs())
}

async fn door_to(archive: &Arc<Faulty>) -> Ingest {
    for attempt in 1.. {
        match Index::rebuild(archive.clone()).await {
            Ok(index) => {
                return Ingest::new(archive.clone(), Arc::new(index), IngestLimits::default());
            }
            Err(error) => assert!(error.to_string().contains(INJECTED)),
        }
        give_up_or_heal(archive, attempt);
    }
    unreachable!("it is given up before")
}

/// After a failed attempt: at last the archive is made well, and the next attempt has to do.
fn give_up_or_heal(archive: &Faulty, attempt: usize) {
    assert!(attempt < TRIES, "it fails though the archive is well");
    if attempt + 1 == TRIES {
        archive.heal();
    }
}

/// What a caller does about a step that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Caller {
    /// Tries again until it goes well.
    Repeats,
    /// Leaves it, and takes the next.
    GoesOn,
}

/// Plays the script; gives how many operations on the archive that took.
async fn play(inner: Arc<dyn Archive>, fault: Fault, caller: Caller) -> usize {
    let archive = Arc::new(Faulty::new(Arc::clone(&inner), fault));
    let door = door_to(&archive).await;
    let mut witness = Witness::new(inner, &door);
    for step in script() {
        match caller {
            Caller::Repeats => repeat(&archive, &door, &mut witness, &step).await,
            Caller::GoesOn => drop(take(&door, &mut witness, &step).await),
        }
    }
    for step in closing() {
        repeat(&archive, &door, &mut witness, &step).await;
    }
    witness.check_at_rest(&door, &expected()).await;
    let faultless = matches!(fault, Fault::Never);
    assert_eq!(archive.has_failed(), !faultless, "{fault:?} happened");
    archive.begun()
}

async fn take(door: &Ingest, witness: &mut Witness, step: &Step) -> Result<(), ArchiveError> {
    match step {
        Step::Ingest(records) => witness.ingest(door, records).await.map(|_| ()),
        Step::RetainFrom(time) => witness.retain_from(door, floor(*time)).await,
    }
}

async fn repeat(archive: &Faulty, door: &Ingest, witness: &mut Witness, step: &Step) {
    for attempt in 1.. {
        match take(door, witness, step).await {
            Ok(()) => return,
            Err(_) => give_up_or_heal(archive, attempt),
        }
    }
}

async fn exhaust<F: AsyncFn() -> (Arc<dyn Archive>, K), K>(new: F) {
    let (inner, _kept) = new().await;
    let operations = play(inner, Fault::Never, Caller::Repeats).await;
    assert!(operations >= 10, "{operations} operations are worth a test");
    for number in 0..operations {
        for side in [Side::Before, Side::After] {
            for fault in [Fault::At(number, side), Fault::From(number, side)] {
                for caller in [Caller::Repeats, Caller::GoesOn] {
                    let (inner, _kept) = new().await;
                    play(inner, fault, caller).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_whichever_operation_on_memory_fails() {
    exhaust(async || (Arc::new(MemoryArchive::new()) as Arc<dyn Archive>, ())).await;
}

#[tokio::test]
async fn nothing_is_lost_whichever_operation_on_redb_fails() {
    exhaust(async || {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("archive.redb");
        let archive = RedbArchive::open_or_create(&path).await.unwrap();
        (Arc::new(archive) as Arc<dyn Archive>, directory)
    })
    .await;
}

#[tokio::test]
async fn an_archive_that_fails_for_long_acknowledges_nothing_until_it_is_well() {
    for side in [Side::Before, Side::After] {
        let inner: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
        let archive = Arc::new(Faulty::new(Arc::clone(&inner), Fault::Never));
        let door = door_to(&archive).await;
        let mut witness = Witness::new(Arc::clone(&inner), &door);
        witness.ingest(&door, &records(0..3)).await.unwrap();
        archive.fail(Fault::From(0, side));
        for time in 3..20 {
            assert!(
                witness
                    .ingest(&door, &records(time..time + 3))
                    .await
                    .is_err()
            );
            assert_eq!(
                door.index().len(),
                3,
                "nothing is in the index unacknowledged"
            );
        }
        assert_eq!(door.counters().new, 3);
        archive.heal();
        // Only the first of them may have reached the archive: before the next one it is looked up.
        witness.ingest(&door, &records(0..22)).await.unwrap();
        let all = records(0..22).iter().map(Record::item).collect();
        witness.check_at_rest(&door, &all).await;
    }
}

#[tokio::test]
async fn tasks_that_repeat_what_failed_end_with_index_and_archive_alike() {
    for side in [Side::Before, Side::After] {
        let inner: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
        let faulty = Faulty::new(Arc::clone(&inner), Fault::Never).with_yields(3);
        let archive = Arc::new(faulty);
        let door = door_to(&archive).await;
        let witness = Witness::new(inner, &door);
        archive.fail(Fault::Every(3, 1, side));
        let tasks: Vec<_> = (0..6)
            .map(|task| tokio::spawn(repeat_until_stored(door.clone(), task)))
            .collect();
        let mut new = 0;
        for task in tasks {
            new += task.await.unwrap();
        }
        assert!(archive.has_failed());
        let all: BTreeSet<Item> = records(0..54).iter().map(Record::item).collect();
        // A commit that seemed to fail makes duplicates of what it stored.
        match side {
            Side::Before => assert_eq!(new, all.len()),
            Side::After => assert!(new < all.len()),
        }
        archive.heal();
        witness.check_held(&door, &all).await;
    }
}

/// Brings ten batches, half of whose messages a neighbour brings too; gives how many were new.
async fn repeat_until_stored(door: Ingest, task: i64) -> usize {
    let mut new = 0;
    for n in 0..10 {
        let batch = records(8 * task + n..8 * task + n + 5);
        let report = loop {
            let arrivals = batch.iter().cloned().map(Into::into).collect();
            match door.ingest(store_adapter::Origin::Imported, arrivals).await {
                Ok(report) => break report,
                Err(error) => assert!(error.to_string().contains(INJECTED)),
            }
        };
        new += report.new;
    }
    new
}
