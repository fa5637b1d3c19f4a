//! An archive in memory that behaves as one cut into units on a disk: units grow by leaps, are cut
//! in two when they get too large, keep their disk when rows go, and give it back when they are
//! removed whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use store_adapter::archive::{MemoryArchive, Scan, ScanPage, StorageUnit};
use store_adapter::{Archive, ArchiveError, ArchiveStats, Key, Record};
use sync_core::{Bound, Id, Item, Range};

/// Bytes of a row beside its message.
const ROW: u64 = 200;
/// What the archive takes with nothing in it.
pub(crate) const BASE: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Sliced {
    inner: MemoryArchive,
    units: Mutex<BTreeMap<Bound, Unit>>,
    /// Disk is taken in steps of this many bytes.
    grain: u64,
    /// A unit of more bytes is cut in two.
    unit_bytes: u64,
    /// The most that it ever took.
    pub(crate) highest: AtomicU64,
    /// Units that were dropped whole.
    pub(crate) dropped: AtomicU64,
    /// Rows that were removed one by one.
    pub(crate) rows_removed: AtomicU64,
    /// Whether its size can't be read.
    pub(crate) unreadable: AtomicBool,
}

#[derive(Clone, Debug)]
struct Unit {
    upper: Bound,
    items: BTreeMap<Item, u64>,
    bytes: u64,
    disk: u64,
}

impl Unit {
    fn new(upper: Bound, items: BTreeMap<Item, u64>, grain: u64) -> Self {
        let bytes = items.values().sum();
        let mut unit = Self {
            upper,
            items,
            bytes,
            disk: 0,
        };
        unit.fit(grain);
        unit
    }

    fn fit(&mut self, grain: u64) {
        self.disk = self.disk.max(self.bytes.div_ceil(grain) * grain);
    }
}

impl Sliced {
    pub(crate) fn new(unit_bytes: u64, grain: u64) -> Self {
        Self {
            inner: MemoryArchive::new(),
            units: Mutex::default(),
            grain,
            unit_bytes,
            highest: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            rows_removed: AtomicU64::new(0),
            unreadable: AtomicBool::new(false),
        }
    }

    fn units(&self) -> MutexGuard<'_, BTreeMap<Bound, Unit>> {
        self.units.lock().unwrap()
    }

    fn disk(&self, units: &BTreeMap<Bound, Unit>) -> u64 {
        BASE + units.values().map(|unit| unit.disk).sum::<u64>()
    }

    fn store(&self, item: Item, bytes: u64) {
        let mut units = self.units();
        let at = Bound::Before(item);
        let held = units.range(..=at).next_back();
        let lower = match held {
            Some((lower, unit)) if unit.upper.is_after(&item) => *lower,
            held => {
                let lower = held.map_or(Bound::MIN, |(_, unit)| unit.upper);
                let next = units.range(at..).next().map(|(lower, _)| *lower);
                let upper = next.unwrap_or(Bound::Infinity);
                let unit = Unit::new(upper, BTreeMap::new(), self.grain);
                units.insert(lower, unit);
                lower
            }
        };
        let unit = units.get_mut(&lower).unwrap();
        unit.items.insert(item, bytes);
        unit.bytes += bytes;
        unit.fit(self.grain);
        if unit.bytes > self.unit_bytes {
            let middle = *unit.items.keys().nth(unit.items.len() / 2).unwrap();
            let newer = unit.items.split_off(&middle);
            let newer = Unit::new(unit.upper, newer, self.grain);
            let older = std::mem::take(&mut unit.items);
            *unit = Unit::new(Bound::Before(middle), older, self.grain);
            units.insert(Bound::Before(middle), newer);
        }
        self.highest.fetch_max(self.disk(&units), Ordering::SeqCst);
    }
}

#[async_trait]
impl Archive for Sliced {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        let fresh = self.inner.append(batch.clone()).await?;
        for (record, _) in batch.iter().zip(&fresh).filter(|(_, fresh)| **fresh) {
            self.store(record.item(), record.encoded_len() as u64 + ROW);
        }
        Ok(fresh)
    }

    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        let mut whole = 0;
        loop {
            let unit = {
                let mut units = self.units();
                let covered = |(lower, unit): &(&Bound, &Unit)| {
                    **lower >= span.lower && unit.upper <= span.upper
                };
                let lower = units.iter().find(covered).map(|(lower, _)| *lower);
                lower.and_then(|lower| units.remove(&lower).map(|unit| (lower, unit)))
            };
            let Some((lower, unit)) = unit else {
                break;
            };
            self.dropped.fetch_add(1, Ordering::SeqCst);
            let span = Range::new(lower, unit.upper);
            whole += self.inner.remove(&span, usize::MAX).await?;
        }
        if whole >= limit {
            return Ok(whole);
        }
        let keys = self.inner.scan(&Scan::of_range(*span)).await?.keys;
        let keys = keys.iter().take(limit - whole);
        for key in keys {
            let mut units = self.units();
            for unit in units.values_mut() {
                unit.bytes -= unit.items.remove(&key.item).unwrap_or(0);
            }
        }
        let rows = self.inner.remove(span, limit - whole).await?;
        self.rows_removed.fetch_add(rows as u64, Ordering::SeqCst);
        Ok(whole + rows)
    }

    async fn disk_bytes(&self) -> Result<u64, ArchiveError> {
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(ArchiveError::Ending);
        }
        Ok(self.disk(&self.units()))
    }

    async fn units(&self) -> Result<Vec<StorageUnit>, ArchiveError> {
        let units = self.units();
        let units = units.iter().map(|(lower, unit)| StorageUnit {
            span: Range::new(*lower, unit.upper),
            messages: unit.items.len() as u64,
            disk_bytes: unit.disk,
        });
        Ok(units.collect())
    }

    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        let mut stats = self.inner.stats().await?;
        stats.disk_bytes = self.disk_bytes().await?;
        Ok(stats)
    }

    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        self.inner.lookup(hashes).await
    }

    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        self.inner.locate(hashes).await
    }

    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        self.inner.scan(scan).await
    }

    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.inner.state(name).await
    }

    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        self.inner.set_state(name, value).await
    }
}
