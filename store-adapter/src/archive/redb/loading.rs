//! How the units that a catalogue lists are found to be sound.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::catalogue::{CATALOGUE, Consistence, Listed};
use super::files::Files;
use super::unit::Unit;
use super::units::{Entry, Units};
use crate::archive::ArchiveError;
use crate::limits::VERIFYING_THREADS;

/// How often the log tells how far the opening of an archive is.
pub(super) const PROGRESS: Duration = Duration::from_secs(5);

/// Units by number.
pub(super) fn known(units: &Units) -> HashMap<u64, Arc<Unit>> {
    let entries = units.entries().iter();
    entries
        .map(|entry| (entry.unit.id(), Arc::clone(&entry.unit)))
        .collect()
}

/// The units that the catalogue lists, those that aren't known yet once they are known to be sound.
pub(super) fn load(
    files: &Arc<dyn Files>,
    found: &Consistence,
    known: &HashMap<u64, Arc<Unit>>,
) -> Result<Units, ArchiveError> {
    let unknown = found
        .units
        .iter()
        .filter(|unit| !known.contains_key(&unit.id));
    let unknown: Vec<u64> = unknown.map(|unit| unit.id).collect();
    let mut verified = verify_all(files, found.archive, &unknown)?;
    let mut entries = Vec::new();
    for Listed { id, lower } in &found.units {
        let unit = known.get(id).cloned().or_else(|| verified.remove(id));
        entries.extend(unit.map(|unit| Entry {
            lower: *lower,
            unit,
        }));
    }
    let complete = entries.len() == found.units.len();
    Units::new(entries)
        .filter(|_| complete)
        .ok_or_else(|| ArchiveError::Refused {
            path: files.path_of(CATALOGUE),
            reason: "not every unit that it lists could be verified".into(),
        })
}

/// Verifies units, several at a time. Of several faults that of the first unit is told.
fn verify_all(
    files: &Arc<dyn Files>,
    archive: u64,
    ids: &[u64],
) -> Result<HashMap<u64, Arc<Unit>>, ArchiveError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let (next, shown) = (AtomicUsize::new(0), Mutex::new(Instant::now()));
    let work = || {
        let mut verified = Vec::new();
        while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
            verified.push((*id, Unit::verified(Arc::clone(files), archive, *id)));
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            if shown.elapsed() >= PROGRESS {
                *shown = Instant::now();
                let done = next.load(Ordering::Relaxed).min(ids.len());
                tracing::info!(done, all = ids.len(), "verifying the archive's units");
            }
        }
        verified
    };
    let mut outcomes = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.min(ids.len()).min(VERIFYING_THREADS))
            .map(|_| scope.spawn(work))
            .collect();
        // Panics of the database are caught within.
        let outcomes = threads.into_iter().flat_map(thread::ScopedJoinHandle::join);
        outcomes.flatten().collect::<Vec<_>>()
    });
    outcomes.sort_by_key(|(id, _)| *id);
    outcomes
        .into_iter()
        .map(|(id, outcome)| Ok((id, outcome?)))
        .collect()
}
