//! Where each bound of a policy wants the retention floor.

use sync_core::Bound;

use crate::archive::StorageUnit;
use crate::index::Index;
use crate::limits::{RETENTION_SLACK, RETENTION_SLACK_MESSAGES, RETENTION_SLACK_TIME};

/// How exactly a bound is held to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precision {
    /// To the message.
    Exact,
    /// Up to [`RETENTION_SLACK`] late, so that more goes together, whole units where that is possible.
    Lazy,
}

/// The floor under which nothing is older than `time` (nanoseconds) at `now`; `None` if the one that
/// there is will do.
pub(crate) fn past_time(
    floor: &Bound,
    units: &[StorageUnit],
    time: u64,
    now: u64,
    precision: Precision,
) -> Option<Bound> {
    let exact = Bound::at_time(now.checked_sub(time)?);
    let slack = match precision {
        Precision::Exact => 0,
        Precision::Lazy => (time / RETENTION_SLACK).min(RETENTION_SLACK_TIME),
    };
    let least = Bound::at_time((now - time).saturating_sub(slack));
    if *floor >= least {
        return None;
    }
    let ends = units.iter().map(|unit| unit.span.upper);
    let whole = ends.filter(|end| least <= *end && *end <= exact).max();
    match precision {
        Precision::Exact => Some(exact),
        Precision::Lazy => Some(whole.unwrap_or(exact)),
    }
}

/// The floor that leaves as many messages as `capacity`; `None` if there aren't more.
pub(crate) fn past_capacity(index: &Index, capacity: u64, precision: Precision) -> Option<Bound> {
    let slack = match precision {
        Precision::Exact => 0,
        Precision::Lazy => (capacity / RETENTION_SLACK).min(RETENTION_SLACK_MESSAGES),
    };
    let excess = (index.len() as u64).checked_sub(capacity)?;
    if excess <= slack {
        return None;
    }
    let oldest_kept = index.select(usize::try_from(excess).ok()?);
    Some(oldest_kept.map_or(Bound::Infinity, Bound::Before))
}

/// Those units that may go whole: all that end before the newest message, so that never the one goes
/// that is being filled. Units that wait for messages to come don't count as newer ones.
pub(crate) fn before_newest<'a>(
    units: &'a [StorageUnit],
    index: &Index,
) -> impl Iterator<Item = &'a StorageUnit> + use<'a> {
    let newest = index.last_before(&Bound::Infinity);
    let newest = newest.map_or(Bound::MIN, Bound::Before);
    units.iter().filter(move |unit| unit.span.upper <= newest)
}

/// The end of the oldest of these units that give back `bytes` together; of all if they don't come to
/// that. `None` if there are none.
pub(crate) fn oldest_units<'a>(
    units: impl Iterator<Item = &'a StorageUnit>,
    bytes: u64,
) -> Option<Bound> {
    let (mut given_back, mut end) = (0u64, None);
    for unit in units {
        given_back = given_back.saturating_add(unit.disk_bytes);
        end = Some(unit.span.upper);
        if given_back >= bytes {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sync_core::{Id, Item, Range};

    use super::*;
    use crate::archive::MemoryArchive;

    const HOUR: u64 = 3_600_000_000_000;

    fn hours(count: u64) -> Vec<StorageUnit> {
        let unit = |hour: u64| StorageUnit {
            span: Range::of_times(hour * HOUR, (hour + 1) * HOUR),
            messages: 10,
            disk_bytes: 100,
        };
        (0..count).map(unit).collect()
    }

    #[test]
    fn time_takes_whole_units_where_the_slack_allows_and_rows_where_not() {
        let (units, now) = (hours(100), 100 * HOUR + HOUR / 2);
        let floor =
            |of: u64, time, precision| past_time(&Bound::at_time(of), &units, time, now, precision);
        let at = |time| Some(Bound::at_time(time));
        assert_eq!(floor(0, 48 * HOUR, Precision::Lazy), at(52 * HOUR));
        assert_eq!(
            floor(0, 48 * HOUR, Precision::Exact),
            at(52 * HOUR + HOUR / 2)
        );
        assert_eq!(floor(52 * HOUR, 48 * HOUR, Precision::Lazy), None);
        assert_eq!(floor(51 * HOUR, 48 * HOUR, Precision::Lazy), at(52 * HOUR));
        // Five per cent of two hours don't reach back to the hour's start.
        let exact = 98 * HOUR + HOUR / 2;
        assert_eq!(floor(98 * HOUR, 2 * HOUR, Precision::Lazy), at(exact));
        assert_eq!(floor(exact - 1, 2 * HOUR, Precision::Lazy), None);
        assert_eq!(floor(exact - 1, 2 * HOUR, Precision::Exact), at(exact));
        assert_eq!(floor(exact, 2 * HOUR, Precision::Exact), None);
        assert_eq!(floor(0, 200 * HOUR, Precision::Exact), None, "before 1970");
    }

    #[test]
    fn size_takes_the_oldest_units_that_suffice() {
        let end = |count, bytes| oldest_units(hours(count).iter(), bytes);
        let at = |hour: u64| Some(Bound::at_time(hour * HOUR));
        assert_eq!(end(5, 1), at(1));
        assert_eq!(end(5, 100), at(1));
        assert_eq!(end(5, 101), at(2));
        assert_eq!(end(5, 10_000), at(5));
        assert_eq!(end(0, 1), None);
    }

    #[tokio::test]
    async fn the_unit_of_the_newest_message_never_goes_whole_though_others_wait_behind_it() {
        let index = Index::rebuild(Arc::new(MemoryArchive::new()))
            .await
            .unwrap();
        let units = hours(10);
        assert_eq!(before_newest(&units, &index).count(), 0);
        let topic = Arc::from("/t");
        index.insert([(&topic, Item::new(7 * HOUR - 1, Id::ZERO))]);
        assert_eq!(before_newest(&units, &index).count(), 6);
        index.insert([(&topic, Item::new(7 * HOUR, Id::ZERO))]);
        assert_eq!(before_newest(&units, &index).count(), 7);
    }
}
