//! Follows what a door acknowledged and announced, and compares it with what the archive and the index
//! hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use store_adapter::archive::{Archive, ArchiveError, Scan};
use store_adapter::{Arrival, Index, Ingest, IngestReport, Ingested, Origin, Record};
use sync_core::{Bound, Id, Item, Range, Scope, Source};
use tokio::sync::broadcast;

use crate::faulty::INJECTED;

/// What a caller of a door knows of it.
#[derive(Debug)]
pub(crate) struct Witness {
    /// The archive below all faults.
    archive: Arc<dyn Archive>,
    /// What was reported as stored, by how often it was told to be new.
    acknowledged: BTreeMap<Item, usize>,
    /// What was handed in, and how often.
    given: BTreeMap<Id, (Item, usize)>,
    announced: BTreeMap<Id, usize>,
    settled: broadcast::Receiver<Arc<[Id]>>,
    /// The highest floor asked for, whether or not that was acknowledged.
    asked_floor: Bound,
}

impl Witness {
    pub(crate) fn new(archive: Arc<dyn Archive>, door: &Ingest) -> Self {
        Self {
            archive,
            acknowledged: BTreeMap::new(),
            given: BTreeMap::new(),
            announced: BTreeMap::new(),
            settled: door.settled(),
            asked_floor: Bound::MIN,
        }
    }

    pub(crate) async fn ingest(
        &mut self,
        door: &Ingest,
        records: &[Record],
    ) -> Result<IngestReport, ArchiveError> {
        for record in records {
            let given = self.given.entry(record.hash());
            given.or_insert((record.item(), 0)).1 += 1;
        }
        let arrivals = records.iter().cloned().map(Arrival::from).collect();
        let result = door.ingest(Origin::Imported, arrivals).await;
        match &result {
            Ok(report) => {
                self.note(report);
                self.check_index(door).await;
            }
            Err(error) => assert_clear(error),
        }
        self.check_nothing_is_lost().await;
        self.check_announcements().await;
        result
    }

    pub(crate) async fn retain_from(
        &mut self,
        door: &Ingest,
        floor: Bound,
    ) -> Result<(), ArchiveError> {
        self.asked_floor = self.asked_floor.max(floor);
        let result = door.retain_from(floor).await;
        match &result {
            Ok(_) => self.check_index(door).await,
            Err(error) => assert_clear(error),
        }
        self.check_nothing_is_lost().await;
        self.check_announcements().await;
        result.map(|_| ())
    }

    fn note(&mut self, report: &IngestReport) {
        for outcome in &report.outcomes {
            match outcome {
                Ingested::New(item) => *self.acknowledged.entry(*item).or_default() += 1,
                Ingested::Duplicate(item) => {
                    self.acknowledged.entry(*item).or_default();
                }
                Ingested::Refused(_) => {}
            }
        }
    }

    /// After a call that went well, what calls before it left behind is in the index too.
    async fn check_index(&self, door: &Ingest) {
        let mut held: BTreeSet<Item> = items(&*self.archive).await.into_iter().collect();
        let floor = door.index().floor();
        held.retain(|item| !floor.is_after(item));
        assert_index_is_of(door.index(), &held);
    }

    /// What was acknowledged is there, or below a floor that is kept durably.
    async fn check_nothing_is_lost(&self) {
        let held: BTreeSet<Item> = items(&*self.archive).await.into_iter().collect();
        let durable = Index::rebuild(Arc::clone(&self.archive)).await.unwrap();
        let durable = durable.floor();
        assert!(durable <= self.asked_floor, "nobody asked for this floor");
        for (item, news) in &self.acknowledged {
            assert!(*news <= 1, "{item:?} was new {news} times");
            assert!(
                held.contains(item) || durable.is_after(item),
                "{item:?} was acknowledged, and is lost"
            );
        }
    }

    /// What is announced is in the archive, or was and fell below the floor; a hash is announced at
    /// most as often as it was handed in.
    async fn check_announcements(&mut self) {
        while let Ok(hashes) = self.settled.try_recv() {
            for hash in &*hashes {
                *self.announced.entry(*hash).or_default() += 1;
            }
        }
        let held: BTreeSet<Item> = items(&*self.archive).await.into_iter().collect();
        for (hash, times) in &self.announced {
            let (item, given) = self.given[hash];
            assert!(
                *times <= given,
                "{hash} was given {given} times and announced {times}"
            );
            assert!(
                held.contains(&item) || self.asked_floor.is_after(&item),
                "{item:?} was announced, and isn't there"
            );
        }
        for item in self.acknowledged.keys() {
            assert!(
                self.announced.contains_key(&item.id),
                "{item:?} wasn't announced"
            );
        }
    }

    /// At rest, after everything was repeated until it went well.
    pub(crate) async fn check_at_rest(&self, door: &Ingest, expected: &BTreeSet<Item>) {
        self.check_held(door, expected).await;
        let acknowledged: BTreeSet<Item> = self.acknowledged.keys().copied().collect();
        assert!(
            expected.is_subset(&acknowledged),
            "nothing came in unnoticed"
        );
    }

    /// That archive and index hold what is expected, and nothing else.
    pub(crate) async fn check_held(&self, door: &Ingest, expected: &BTreeSet<Item>) {
        let held = items(&*self.archive).await;
        assert!(held.is_sorted(), "the archive is in order");
        let held: BTreeSet<Item> = held.into_iter().collect();
        assert_eq!(&held, expected, "the archive holds what was handed in");
        assert_index_is_of(door.index(), &held);
        let rebuilt = Index::rebuild(Arc::clone(&self.archive)).await.unwrap();
        assert_index_is_of(&rebuilt, &held);
        assert_eq!(rebuilt.floor(), door.index().floor());
        assert_eq!(rebuilt.floor(), self.asked_floor);
    }
}

/// An error tells what was attempted on which archive, and the cause.
fn assert_clear(error: &ArchiveError) {
    let said = error.to_string();
    assert!(said.contains(INJECTED) && said.contains("faulty"), "{said}");
}

fn assert_index_is_of(index: &Index, items: &BTreeSet<Item>) {
    let all = Scope::of_window(Range::ALL);
    let set = index.snapshot().open(&all).unwrap();
    let expected: sync_core::RangeTree = items.iter().copied().collect();
    assert_eq!(
        index.len(),
        items.len(),
        "the index holds as much as the archive"
    );
    assert_eq!(
        sync_core::digest(&set),
        sync_core::digest(&expected),
        "index and archive differ"
    );
}

pub(crate) async fn items(archive: &dyn Archive) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = Some(Range::ALL);
    while let Some(range) = rest {
        let page = archive.scan(&Scan::of_range(range)).await.unwrap();
        items.extend(page.keys.iter().map(|key| key.item));
        rest = page.rest;
    }
    items
}
