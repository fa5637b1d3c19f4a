//! The door's part in retention: the floor goes up under the door's lock, and room is made there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sync_core::{Bound, Range};
use tokio::sync::Mutex;

use super::held::{Droppable, Held, Hurry, Removed};
use super::{Door, Ingest, Inner, Refusal};
use crate::archive::{ArchiveError, Scan, StorageUnit};
use crate::floor;
use crate::limits::{
    ARCHIVE_REMOVE_ROWS, RETENTION_EXCESS, RETENTION_PATIENCE_MILLISECONDS,
    RETENTION_PAUSE_MILLISECONDS, RETENTION_ROUNDS,
};
use crate::record::Record;
use crate::retention::{
    Counters, Growth, Precision, Pruned, Reason, RetentionPolicy, before_newest, oldest_units,
    past_capacity, past_time, weight,
};

/// How long is waited for room.
pub(super) const ROOM_PATIENCE: Duration = Duration::from_millis(RETENTION_PATIENCE_MILLISECONDS);

/// How long others are left to make some before it is looked for again.
pub(super) const ROOM_PAUSE: Duration = Duration::from_millis(RETENTION_PAUSE_MILLISECONDS);

/// What the door knows of retention.
#[derive(Debug)]
pub(super) struct Pruning {
    policy: RetentionPolicy,
    pub(super) counters: Counters,
    /// Held while messages below the floor are removed row by row.
    sweeping: Mutex<()>,
    /// Whether the archive may hold messages below the floor.
    unswept: AtomicBool,
}

impl Pruning {
    pub(super) fn new(policy: RetentionPolicy) -> Self {
        Self {
            policy,
            counters: Counters::default(),
            sweeping: Mutex::default(),
            // What a crash has left.
            unswept: AtomicBool::new(true),
        }
    }

    /// The places of what has passed, in the parts that are committed one by one: all in one, but
    /// under a cap so little that a part takes no more than the archive may exceed it, the newest
    /// first.
    pub(super) fn parts_of(&self, checked: &[Result<Record, Refusal>]) -> Vec<Vec<usize>> {
        let passed = checked.iter().enumerate();
        let passed = passed.filter_map(|(place, record)| Some((place, record.as_ref().ok()?)));
        let Some(cap) = self.policy.size else {
            return vec![passed.map(|(place, _)| place).collect()];
        };
        let mut passed: Vec<(usize, &Record)> = passed.collect();
        // Stable: of two with one hash the earlier is stored.
        passed.sort_by_key(|(_, record)| std::cmp::Reverse(record.item().timestamp));
        let (mut parts, mut weighs) = (Vec::<Vec<usize>>::new(), u64::MAX);
        for (place, record) in passed {
            let more = weight(record.encoded_len());
            weighs = weighs.saturating_add(more);
            match parts.last_mut() {
                Some(part) if Growth::of(weighs) <= cap / RETENTION_EXCESS => part.push(place),
                _ => {
                    parts.push(vec![place]);
                    weighs = more;
                }
            }
        }
        parts
    }
}

impl Ingest {
    /// Raises the retention floor to `floor` and removes everything below it, from the index
    /// first; gives how many messages that were. The floor is durable before anything is removed,
    /// and never lowered.
    ///
    /// # Errors
    /// When the archive can't be written; what is left is removed by the next call.
    pub async fn retain_from(&self, floor: Bound) -> Result<u64, ArchiveError> {
        self.detached(move |inner| async move {
            let mut door = inner.door.lock().await;
            inner.raise(&mut door, floor).await?;
            drop(door);
            inner.sweep().await
        })
        .await
    }

    /// Prunes what is older than the policy keeps at `now`.
    pub(crate) async fn keep_time(
        &self,
        now: u64,
        precision: Precision,
    ) -> Result<Option<Pruned>, ArchiveError> {
        let Some(time) = self.inner.pruning.policy.time else {
            return Ok(None);
        };
        self.detached(move |inner| async move {
            let units = inner.archive.units().await?;
            let floor = past_time(&inner.index.floor(), &units, time, now, precision);
            inner.prune(Reason::Time, |_| floor).await
        })
        .await
    }

    /// Prunes what is more than the policy keeps.
    pub(crate) async fn keep_capacity(
        &self,
        precision: Precision,
    ) -> Result<Option<Pruned>, ArchiveError> {
        self.detached(move |inner| async move { inner.keep_capacity(precision).await })
            .await
    }

    /// Prunes until the archive takes no more of the disk than the policy allows.
    pub(crate) async fn keep_size(&self) -> Result<(), ArchiveError> {
        self.detached(|inner| async move {
            let mut door = inner.door.lock().await;
            inner.settle_uncertain(&mut door).await?;
            inner.make_room(&mut door, &[], &[]).await
        })
        .await
    }

    /// Removes what the archive still holds below the floor, after a crash or a failure.
    pub(crate) async fn sweep(&self) -> Result<u64, ArchiveError> {
        self.detached(|inner| async move { inner.sweep().await })
            .await
    }

    pub(crate) fn policy(&self) -> RetentionPolicy {
        self.inner.pruning.policy
    }
}

impl Inner {
    /// Raises the floor, durably, and takes everything below it out of the index; the archive is
    /// swept after that. Tells how many items the index lost.
    async fn raise(&self, door: &mut Door, floor: Bound) -> Result<usize, ArchiveError> {
        self.settle_uncertain(door).await?;
        if floor <= self.index.floor() {
            return Ok(0);
        }
        floor::store(&*self.archive, &floor).await?;
        let removed = self.index.raise(&floor).await;
        // Only now: a sweep that is under way would take note of it, and sweep up to the floor before.
        self.pruning.unswept.store(true, Ordering::SeqCst);
        Ok(removed)
    }

    /// Removes what lies below the floor, some at a time; gives how many messages that were. Nothing
    /// is let in there any more, so this needs no lock, and what comes in meanwhile goes between.
    async fn sweep(&self) -> Result<u64, ArchiveError> {
        let _sweeping = self.pruning.sweeping.lock().await;
        if !self.pruning.unswept.swap(false, Ordering::SeqCst) {
            return Ok(0);
        }
        let below = Range::new(Bound::MIN, self.index.floor());
        let removed = self.remove_all(below, Hurry::Without).await;
        if !removed.as_ref().is_ok_and(|removed| removed.whole) {
            self.pruning.unswept.store(true, Ordering::SeqCst);
        }
        removed.map(|removed| removed.messages)
    }

    /// Removes everything of a span, but what somebody reads for long.
    async fn remove_all(&self, span: Range, hurry: Hurry) -> Result<Removed, ArchiveError> {
        let mut removed = Removed {
            messages: 0,
            whole: true,
        };
        loop {
            let count = match hurry {
                Hurry::AtTheDoor => self.archive.remove_promptly(&span, ARCHIVE_REMOVE_ROWS),
                Hurry::Without => self.archive.remove(&span, ARCHIVE_REMOVE_ROWS),
            };
            match count.await {
                Ok(count) => {
                    removed.messages += count as u64;
                    if count < ARCHIVE_REMOVE_ROWS {
                        return Ok(removed);
                    }
                }
                Err(
                    error @ ArchiveError::Held {
                        removed: beside, ..
                    },
                ) => {
                    tracing::info!(%error, "left for another time");
                    removed.messages += beside as u64;
                    removed.whole = false;
                    return Ok(removed);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Prunes up to the floor that `floor` finds under the door's lock, if it finds one.
    async fn prune(
        &self,
        reason: Reason,
        floor: impl FnOnce(&Self) -> Option<Bound>,
    ) -> Result<Option<Pruned>, ArchiveError> {
        let mut door = self.door.lock().await;
        self.settle_uncertain(&mut door).await?;
        let Some(floor) = floor(self) else {
            return Ok(None);
        };
        let before = self.archive.disk_bytes().await?;
        self.raise(&mut door, floor).await?;
        drop(door);
        let messages = self.sweep().await?;
        let bytes = before.saturating_sub(self.archive.disk_bytes().await?);
        Ok(Some(self.pruned(reason, messages, bytes)))
    }

    fn pruned(&self, reason: Reason, messages: u64, bytes: u64) -> Pruned {
        let pruned = Pruned {
            reason,
            messages,
            bytes,
            floor: self.index.floor(),
        };
        self.pruning.counters.count(&pruned);
        pruned
    }

    async fn keep_capacity(&self, precision: Precision) -> Result<Option<Pruned>, ArchiveError> {
        let Some(capacity) = self.pruning.policy.capacity else {
            return Ok(None);
        };
        if past_capacity(&self.index, capacity, precision).is_none() {
            return Ok(None);
        }
        let find = |inner: &Self| past_capacity(&inner.index, capacity, precision);
        self.prune(Reason::Capacity, find).await
    }

    /// What came in may be too many. What is stored is stored all the same, should this fail: then
    /// the next who comes tries again.
    pub(super) async fn keep_capacity_at_the_door(&self) {
        if let Err(error) = self.keep_capacity(Precision::Lazy).await {
            tracing::error!(%error, "what exceeds the capacity can't be removed");
        }
    }

    /// Stores a batch, and learns how the archive grows by it.
    pub(super) async fn append(
        &self,
        door: &mut Door,
        records: Vec<Record>,
    ) -> Result<Vec<bool>, ArchiveError> {
        if self.pruning.policy.size.is_none() {
            return self.archive.append(records).await;
        }
        let weighs = Growth::weight_of(&records);
        let before = self.archive.disk_bytes().await?;
        let fresh = self.archive.append(records).await?;
        // Should it not be told now, it is asked for again before the next batch.
        if let Ok(after) = self.archive.disk_bytes().await {
            let grown = after.saturating_sub(before);
            door.growth.learn(weighs, grown);
            // Where it grows all the same, more has to go.
            door.displaced = door.displaced.saturating_sub(weighs.saturating_add(grown));
        }
        Ok(fresh)
    }

    /// Makes room under the cap for what has passed of the messages at these places, the oldest
    /// messages of the archive going first.
    pub(super) async fn make_room(
        &self,
        door: &mut Door,
        checked: &[Result<Record, Refusal>],
        part: &[usize],
    ) -> Result<(), ArchiveError> {
        let Some(cap) = self.pruning.policy.size else {
            return Ok(());
        };
        let passed = part
            .iter()
            .filter_map(|&place| checked[place].as_ref().ok());
        let weighs: u64 = passed.map(|record| weight(record.encoded_len())).sum();
        let room = match part {
            [] => 0,
            _ => door.growth.room_for(weighs, cap),
        };
        let room = room.saturating_add(self.archive.spare_bytes());
        self.remove_held(door).await?;
        let (mut disk, mut held) = (self.archive.disk_bytes().await?, false);
        let (mut rounds, begun) = (0, Instant::now());
        while rounds < RETENTION_ROUNDS && begun.elapsed() < ROOM_PATIENCE / 4 {
            let over = disk.saturating_add(room).saturating_sub(cap);
            if over == 0 {
                return Ok(());
            }
            match self.droppable(door, over).await? {
                Droppable::UpTo(end) => {
                    rounds += 1;
                    disk = self.drop_units(door, end, disk).await?;
                }
                Droppable::Held => {
                    held = true;
                    break;
                }
                Droppable::Nothing if self.index.is_empty() => break,
                Droppable::Nothing if self.archive.rearrange().await? => {
                    disk = self.archive.disk_bytes().await?;
                }
                Droppable::Nothing => return self.displace(door, weighs).await,
            }
        }
        let most = cap.saturating_add(cap / RETENTION_EXCESS);
        if disk.saturating_add(Growth::of(weighs)) <= most {
            return Ok(());
        }
        let disk_bytes = disk;
        match held {
            true => Err(ArchiveError::NoRoomYet { cap, disk_bytes }),
            false => Err(ArchiveError::NoRoom { cap, disk_bytes }),
        }
    }

    /// Up to where units may go to give back `over` bytes. Those that somebody reads for long are
    /// passed over where others can go in their place; whatever they hold is given up with these.
    async fn droppable(&self, door: &mut Door, over: u64) -> Result<Droppable, ArchiveError> {
        if door.held.is_blocked() {
            return Ok(Droppable::Held);
        }
        let units = self.archive.units().await?;
        let older = before_newest(&units, &self.index);
        let left = older.filter(|unit| unit.span.lower >= door.held.end());
        let left: Vec<StorageUnit> = left.cloned().collect();
        if left.is_empty() {
            return Ok(match door.held.is_some() {
                true => Droppable::Held,
                false => Droppable::Nothing,
            });
        }
        let free = self.archive.removable(left, over).await?;
        Ok(match oldest_units(free.iter(), over) {
            Some(end) => Droppable::UpTo(end),
            None => {
                door.held.block();
                Droppable::Held
            }
        })
    }

    /// Removes what was given up and couldn't be removed, if it is time to try it again.
    async fn remove_held(&self, door: &mut Door) -> Result<(), ArchiveError> {
        let Some(end) = door.held.due() else {
            return Ok(());
        };
        let given_up = Range::new(Bound::MIN, end);
        match self.remove_all(given_up, Hurry::AtTheDoor).await?.whole {
            true => door.held = Held::default(),
            false => door.held.give_up(end),
        }
        Ok(())
    }

    /// Drops all units up to `end`; gives the bytes on disk after that, of `before`.
    async fn drop_units(
        &self,
        door: &mut Door,
        end: Bound,
        before: u64,
    ) -> Result<u64, ArchiveError> {
        // Right behind the last message: a unit may end in the future, and what is published until
        // then is to be let in. The archive is asked too, for what other nodes have stored in a shared
        // one may not be in the index yet.
        let newest = Scan {
            backward: true,
            limit: 1,
            ..Scan::of_range(Range::new(Bound::MIN, end))
        };
        let stored = self.archive.scan(&newest).await?.keys;
        let stored = stored.into_iter().next().map(|key| key.item);
        if let Some(last) = stored.max(self.index.last_before(&end)) {
            self.raise(door, Bound::after(&last)).await?;
        }
        // Nobody else comes in now, so that up to the unit's end there is nothing above the floor.
        let removed = self
            .remove_all(Range::new(door.held.end(), end), Hurry::AtTheDoor)
            .await?;
        if !removed.whole {
            door.held.give_up(end);
            self.pruning.unswept.store(true, Ordering::SeqCst);
        }
        let after = self.archive.disk_bytes().await?;
        self.pruned(Reason::Size, removed.messages, before.saturating_sub(after));
        Ok(after)
    }

    /// Removes the oldest messages row by row, where there is but one unit, whose room the backend uses
    /// again: as many bytes as are to come in, twice that being free all the time.
    async fn displace(&self, door: &mut Door, weighs: u64) -> Result<(), ArchiveError> {
        let wanted = weighs.saturating_mul(2);
        if door.displaced >= wanted {
            return Ok(());
        }
        let scan = Scan {
            limit: ARCHIVE_REMOVE_ROWS,
            ..Scan::of_range(Range::new(self.index.floor(), Bound::Infinity))
        };
        let (mut displaced, mut floor) = (door.displaced, None);
        for key in self.archive.scan(&scan).await?.keys {
            displaced = displaced.saturating_add(weight(key.message_bytes));
            floor = Some(Bound::after(&key.item));
            if displaced >= wanted {
                break;
            }
        }
        let Some(floor) = floor else {
            return Ok(());
        };
        self.raise(door, floor).await?;
        let removed = self
            .remove_all(Range::new(Bound::MIN, floor), Hurry::AtTheDoor)
            .await?;
        door.displaced = displaced;
        self.pruned(Reason::Size, removed.messages, 0);
        Ok(())
    }
}
