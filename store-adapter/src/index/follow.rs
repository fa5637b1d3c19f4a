//! Follows what other nodes do to a shared archive, so that the index says what the archive holds.
//!
//! Messages that were stored are inserted; they are there already if this node did it. Of a span from
//! which something was removed index and archive are compared, in pages. Whoever compares first takes
//! out and then looks whether it is in the archive after all: so nothing that comes through this
//! node's door at the same moment is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sync_core::{Id, Item, ItemSet, ItemSetMut, Range, RangeTree};

use super::{Index, State};
use crate::archive::changes::ChangePosition;
use crate::archive::{Archive, ArchiveError, Scan};
use crate::counts::hour_of;
use crate::floor;

/// Keeps an index in step with an archive that other nodes change too.
#[derive(Debug)]
pub struct Follower {
    index: Arc<Index>,
    position: Option<ChangePosition>,
}

/// What a look at the archive brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Followed {
    /// Messages that were stored, this node's own among them.
    pub inserted: u64,
    /// Messages that the index held and the archive didn't.
    pub removed: u64,
}

impl Follower {
    /// A follower from where `index` was read; `None` if its archive has one writer.
    #[must_use]
    pub fn of(index: Arc<Index>) -> Option<Self> {
        let position = index.position.clone()?;
        Some(Self {
            index,
            position: Some(position),
        })
    }

    /// Brings the index up to what the archive holds now, the retention floor too.
    ///
    /// # Errors
    /// When the archive can't be read; the next call goes on where this one ended.
    pub async fn catch_up(&mut self) -> Result<Followed, ArchiveError> {
        let archive = Arc::clone(&self.index.archive);
        let mut followed = Followed::default();
        let floor = floor::load(&*archive).await?;
        if floor > self.index.floor() {
            followed.removed += self.index.raise(&floor).await as u64;
        }
        loop {
            let changes = archive.changes(self.position.as_ref()).await?;
            let Some(changes) = changes else {
                return Ok(followed);
            };
            followed.inserted += changes.inserted.len() as u64;
            self.index.insert_counted(&changes.inserted);
            for span in changes.removed {
                followed.removed += compare(&self.index, &*archive, span).await?;
            }
            self.position = Some(changes.position);
            if !changes.more {
                return Ok(followed);
            }
        }
    }
}

/// Makes the index hold of `span` what the archive does; gives how many items it took out.
async fn compare(index: &Index, archive: &dyn Archive, span: Range) -> Result<u64, ArchiveError> {
    let (mut removed, mut rest) = (0, Some(span));
    while let Some(range) = rest {
        // Before the archive is read: what comes into the index later isn't missing there.
        let before = index.trees_now();
        let page = archive.scan(&Scan::of_range(range)).await?;
        let seen = Range::new(
            range.lower,
            page.rest.map_or(range.upper, |rest| rest.lower),
        );
        let held: BTreeSet<Item> = page.keys.iter().map(|key| key.item).collect();
        index.insert_counted(&page.keys);
        let mut gone = Vec::new();
        for tree in before.values() {
            // Never broken off.
            let _ = tree.visit_range(&seen, &mut |item| {
                if !held.contains(&item) {
                    gone.push(item);
                }
                std::ops::ControlFlow::Continue(())
            });
        }
        removed += take_out(index, archive, &gone).await?;
        rest = page.rest;
    }
    Ok(removed)
}

/// Takes items out, and puts those back that the archive holds again.
async fn take_out(
    index: &Index,
    archive: &dyn Archive,
    gone: &[Item],
) -> Result<u64, ArchiveError> {
    let mut removed = 0;
    for some in gone.chunks(crate::limits::ARCHIVE_SCAN_ROWS) {
        index.remove(some);
        let hashes: Vec<Id> = some.iter().map(|item| item.id).collect();
        let again = archive.locate(&hashes).await?;
        index.insert_counted(&again);
        removed += some.len().saturating_sub(again.len()) as u64;
    }
    Ok(removed)
}

impl Index {
    fn trees_now(&self) -> BTreeMap<Arc<str>, RangeTree> {
        self.read().trees.clone()
    }

    pub(super) fn remove(&self, items: &[Item]) {
        let mut state = self.write();
        let State {
            trees, counting, ..
        } = &mut *state;
        for tree in trees.values_mut() {
            for item in items {
                if tree.remove(item) {
                    counting.doubt(hour_of(item.timestamp));
                }
            }
        }
        trees.retain(|_, tree| !tree.is_empty());
    }
}
