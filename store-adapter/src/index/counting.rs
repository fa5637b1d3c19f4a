//! The counts beside the trees: what comes into a tree is counted, and an hour that lost something, or of
//! which not everything is known, is counted anew from the archive's keys.
//!
//! That reads the keys of one hour, page by page, while others come and go. What comes meanwhile is counted
//! apart and added in the end. What goes below the retention floor meanwhile has to be left out: so pages
//! are read backward, and of the last two only what the floor has left by then is counted. Anything else
//! that goes begins it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use sync_core::{Bound, Item, ItemSet, ItemSetMut, Range, RangeTree};

use super::{Index, State};
use crate::archive::{ArchiveError, Scan};
use crate::counts::{Countable, Counter, HOUR, HourCounts, hour_of};
use crate::record::Key;

/// The counts of an index, at one moment.
#[derive(Clone, Debug)]
pub struct IndexCounts {
    /// The messages by hour.
    pub hours: HourCounts,
    /// Every change of the index up to this moment is in them.
    pub as_of: Instant,
}

/// The counts, and of which hours they may be wrong.
#[derive(Debug, Default)]
pub(super) struct Counting {
    counter: Counter,
    doubts: BTreeMap<u64, Doubt>,
}

/// Why an hour is to be counted anew.
#[derive(Debug)]
struct Doubt {
    /// Since when.
    since: Instant,
    /// What came in since the counting began that is under way, if one is.
    came: Option<Came>,
}

/// What came into an hour while it is counted anew.
#[derive(Debug, Default)]
struct Came {
    counter: Counter,
    oldest: Option<Item>,
}

impl Doubt {
    fn now() -> Self {
        Self {
            since: Instant::now(),
            came: None,
        }
    }
}

impl Counting {
    /// What was counted while an index was read.
    pub(super) fn of(counter: Counter, doubtful: BTreeSet<u64>) -> Self {
        let doubts = doubtful.into_iter().map(|hour| (hour, Doubt::now()));
        Self {
            counter,
            doubts: doubts.collect(),
        }
    }

    /// Counts a message that is new to the trees.
    pub(super) fn add(&mut self, message: &impl Countable) {
        self.counter.add(message);
        if self.doubts.is_empty() {
            return;
        }
        let item = message.item();
        let doubt = self.doubts.get_mut(&hour_of(item.timestamp));
        if let Some(came) = doubt.and_then(|doubt| doubt.came.as_mut()) {
            came.counter.add(message);
            came.oldest = Some(came.oldest.map_or(item, |oldest| oldest.min(item)));
        }
    }

    /// Says that the count of an hour isn't right, nor one that is under way.
    pub(super) fn doubt(&mut self, hour: u64) {
        let doubt = self.doubts.entry(hour).or_insert_with(Doubt::now);
        doubt.came = None;
    }

    /// Says that what lies before `floor` has gone from its hour.
    fn doubt_before(&mut self, hour: u64, floor: &Bound) {
        let doubt = self.doubts.entry(hour).or_insert_with(Doubt::now);
        let came = doubt.came.as_ref();
        let oldest = came.and_then(|came| came.oldest);
        if oldest.is_some_and(|oldest| floor.is_after(&oldest)) {
            doubt.came = None;
        }
    }

    fn forget_before(&mut self, hour: u64) {
        self.counter.forget_before(hour);
        self.doubts = self.doubts.split_off(&hour);
    }

    fn forget(&mut self, hour: u64) {
        self.counter.put(hour, None);
        self.doubts.remove(&hour);
    }

    /// Whether no hour is doubtful.
    #[cfg(test)]
    pub(super) fn is_certain(&self) -> bool {
        self.doubts.is_empty()
    }

    fn now(&self) -> IndexCounts {
        let doubted = self.doubts.values().map(|doubt| doubt.since);
        let now = Instant::now();
        IndexCounts {
            hours: self.counter.counts().clone(),
            as_of: doubted.min().map_or(now, |doubted| doubted.min(now)),
        }
    }
}

impl State {
    /// Raises the floor and takes out everything before it; gives how many items that were.
    pub(super) fn prune_before(&mut self, floor: Bound) -> usize {
        self.floor = self.floor.max(floor);
        let floor = self.floor;
        let first = hour_of(floor.timestamp());
        let before = self.len_of(first);
        let trees = self.trees.values_mut();
        let removed = trees.map(|tree| tree.prune_before(&floor)).sum();
        self.trees.retain(|_, tree| !tree.is_empty());
        if removed > 0 {
            self.counting.forget_before(first);
            match self.len_of(first) {
                0 => self.counting.forget(first),
                left if left < before => self.counting.doubt_before(first, &floor),
                _ => {}
            }
        }
        removed
    }

    /// How many items an hour has.
    fn len_of(&self, hour: u64) -> usize {
        let range = range_of(hour);
        let trees = self.trees.values();
        let len = |tree: &RangeTree| tree.rank(&range.upper) - tree.rank(&range.lower);
        trees.map(len).sum()
    }
}

/// The items of an hour.
fn range_of(hour: u64) -> Range {
    let end = hour.checked_add(HOUR);
    Range::new(
        Bound::at_time(hour),
        end.map_or(Bound::Infinity, Bound::at_time),
    )
}

impl Index {
    /// Adds messages that the archive holds now, and counts them; those that are there or lie below the
    /// floor change nothing.
    pub fn insert_counted<'a, T: Countable + 'a>(&self, messages: impl IntoIterator<Item = &'a T>) {
        let mut state = self.write();
        for message in messages {
            if state.insert(message.pubsub_topic(), message.item()) {
                state.counting.add(message);
            }
        }
    }

    /// How many messages there are, and of how many bytes, by hour, shard and content topic. Waits for
    /// nothing that takes long.
    #[must_use]
    pub fn counts(&self) -> IndexCounts {
        self.read().counting.now()
    }

    /// Counts the hours anew whose counts may be wrong, the newest first; tells how many those were. Reads the
    /// archive without a break for as long as that takes.
    ///
    /// # Errors
    /// When the archive can't be read; the next call goes on where this one ended.
    pub async fn recount(&self) -> Result<usize, ArchiveError> {
        let mut counted = 0;
        let mut last = None;
        while let Some((hour, is_counted)) = self.recount_before(last).await? {
            counted += usize::from(is_counted);
            last = Some(hour);
        }
        Ok(counted)
    }

    /// Counts one hour anew: of those before `hour` whose counts may be wrong the newest, or the newest of all.
    /// Gives when it begins, in nanoseconds since 1970, and whether it is counted now; `None` if there is none.
    ///
    /// # Errors
    /// When the archive can't be read; the hour stays as it was then.
    pub async fn recount_before(
        &self,
        hour: Option<u64>,
    ) -> Result<Option<(u64, bool)>, ArchiveError> {
        let _alone = self.recounting.lock().await;
        let before = hour.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let doubtful = {
            let state = self.read();
            let mut doubts = state
                .counting
                .doubts
                .range((std::ops::Bound::Unbounded, before));
            doubts.next_back().map(|(hour, _)| *hour)
        };
        let Some(hour) = doubtful else {
            return Ok(None);
        };
        let is_counted = self.recount_hour(hour).await?;
        Ok(Some((hour, is_counted)))
    }

    /// Tells whether the hour is counted now.
    async fn recount_hour(&self, hour: u64) -> Result<bool, ArchiveError> {
        let Some((trees, floor)) = self.begin(hour) else {
            return Ok(false);
        };
        // What came after the beginning is counted apart.
        let known = |key: &Key| {
            let tree = trees.get(&key.pubsub_topic);
            tree.is_some_and(|tree| tree.contains(&key.item))
        };
        let above = Range::new(floor, Bound::Infinity);
        let mut scan = Scan {
            backward: true,
            ..Scan::of_range(range_of(hour).intersect(&above))
        };
        let mut counted = Recounted::default();
        loop {
            let page = self.archive.scan(&scan).await?;
            counted.go_on(page.keys.into_iter().filter(known).collect());
            match page.rest {
                Some(rest) => scan = scan.on(rest),
                None => return Ok(self.finish(hour, &counted)),
            }
        }
    }

    fn begin(&self, hour: u64) -> Option<(BTreeMap<Arc<str>, RangeTree>, Bound)> {
        let mut state = self.write();
        state.counting.doubts.get_mut(&hour)?.came = Some(Came::default());
        Some((state.trees.clone(), state.floor))
    }

    /// Takes over what was counted of an hour, unless something else went from it meanwhile.
    fn finish(&self, hour: u64, counted: &Recounted) -> bool {
        // Before others have to wait; the floor is seldom another a moment later.
        let before = self.floor();
        let above = counted.above(&before);
        let mut state = self.write();
        let State {
            floor, counting, ..
        } = &mut *state;
        let came = counting.doubts.get_mut(&hour);
        let came = came.and_then(|doubt| doubt.came.take());
        let above = match *floor == before {
            true => above,
            false => counted.above(floor),
        };
        let (Some(came), Some(mut counter)) = (came, above) else {
            return false;
        };
        counter.absorb(came.counter.counts());
        counting.counter.put(hour, counter.take(hour));
        counting.doubts.remove(&hour);
        true
    }
}

/// What was counted anew of an hour so far.
#[derive(Debug, Default)]
struct Recounted {
    counter: Counter,
    /// The oldest message that was counted.
    oldest: Option<Item>,
    /// The pages that were read last, which aren't counted yet, the newest messages first.
    last: [Vec<Key>; 2],
}

impl Recounted {
    /// Counts the last page but one, and keeps this one.
    fn go_on(&mut self, page: Vec<Key>) {
        if page.is_empty() {
            return;
        }
        self.last.swap(0, 1);
        for key in std::mem::replace(&mut self.last[1], page) {
            self.counter.add(&key);
            self.oldest = Some(key.item);
        }
    }

    /// All of it that lies above the floor of now; `None` if something was counted that doesn't.
    fn above(&self, floor: &Bound) -> Option<Counter> {
        if self.oldest.is_some_and(|oldest| floor.is_after(&oldest)) {
            return None;
        }
        let mut counter = self.counter.clone();
        let last = self.last.iter().flatten();
        for key in last.filter(|key| !floor.is_after(&key.item)) {
            counter.add(key);
        }
        Some(counter)
    }
}

/// What an index of so many items begins with. Were the counts others, all of them would be doubtful.
pub(super) fn counting_of(counter: Counter, mut doubtful: BTreeSet<u64>, items: usize) -> Counting {
    let counts = counter.counts();
    if counts.since() == 0 && counts.total().messages != items as u64 {
        doubtful.extend(counts.all().map(|(hour, _)| hour));
    }
    Counting::of(counter, doubtful)
}
