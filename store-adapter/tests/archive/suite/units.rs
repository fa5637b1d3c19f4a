//! The parts that an archive can drop whole, and what it says of its disk.

use std::time::Duration;

use store_adapter::Record;
use store_adapter::archive::Archive;
use sync_core::Range;

use super::{all_items, record};

/// An hour in nanoseconds.
const HOUR: i64 = 3_600_000_000_000;

/// Messages at both ends of time and, in between, over three days, many of one hour.
fn spread_wide() -> Vec<Record> {
    let over_days = (0..72).map(|n| record(1_000_000 * HOUR + n * HOUR, &[7; 500]));
    let of_one_hour = (0..50).map(|n| record(1_000_010 * HOUR + n, &[7; 500]));
    let ends = [record(0, b"first"), record(i64::MAX, b"last")];
    over_days.chain(of_one_hour).chain(ends).collect()
}

/// What must be true of the units of any archive at rest.
pub(crate) async fn check_units(archive: &dyn Archive) {
    let units = archive.units().await.unwrap();
    let stats = archive.stats().await.unwrap();
    for pair in units.windows(2) {
        let ordered = pair[0].span.upper <= pair[1].span.lower;
        assert!(
            ordered,
            "{:?} overlaps or comes after {:?}",
            pair[0].span, pair[1].span
        );
    }
    let messages: u64 = units.iter().map(|unit| unit.messages).sum();
    assert_eq!(messages, stats.messages, "units hold all messages together");
    let of_units: u64 = units.iter().map(|unit| unit.disk_bytes).sum();
    let disk_bytes = settled_bytes(archive).await;
    assert!(
        of_units <= disk_bytes,
        "units take {of_units} of {disk_bytes} bytes"
    );
    let items = all_items(archive).await;
    let mut counted = 0;
    for unit in &units {
        let within = items.iter().filter(|item| unit.span.contains(item)).count();
        assert_eq!(
            within as u64, unit.messages,
            "messages within {:?}",
            unit.span
        );
        counted += within;
    }
    assert_eq!(counted, items.len(), "every message lies in one unit");
}

pub(crate) async fn units_share_all_messages_out(archive: &dyn Archive) {
    check_units(archive).await;
    for batch in spread_wide().chunks(30) {
        archive.append(batch.to_vec()).await.unwrap();
        check_units(archive).await;
    }
    archive.append(spread_wide()).await.unwrap();
    check_units(archive).await;
    let half = Range::of_times(0, (1_000_036 * HOUR).unsigned_abs());
    while archive.remove(&half, 25).await.unwrap() > 0 {
        check_units(archive).await;
    }
    assert_eq!(archive.remove(&Range::ALL, 1_000).await.unwrap(), 37);
    check_units(archive).await;
}

pub(crate) async fn a_unit_is_removed_whole_and_nothing_else(archive: &dyn Archive) {
    archive.append(spread_wide()).await.unwrap();
    loop {
        let before = all_items(archive).await;
        let units = archive.units().await.unwrap();
        let Some(oldest) = units.iter().find(|unit| unit.messages > 0) else {
            assert!(before.is_empty());
            break;
        };
        let removed = archive.remove(&oldest.span, 1_000).await.unwrap();
        assert_eq!(removed as u64, oldest.messages);
        let left: Vec<_> = before
            .into_iter()
            .filter(|item| !oldest.span.contains(item))
            .collect();
        assert_eq!(all_items(archive).await, left);
        check_units(archive).await;
    }
}

/// The bytes on the disk, once both ways to ask tell the same: units may be split meanwhile, and a
/// database counts now and then.
async fn settled_bytes(archive: &dyn Archive) -> u64 {
    let settle = async {
        loop {
            let bytes = archive.disk_bytes().await.unwrap();
            if archive.stats().await.unwrap().disk_bytes == bytes {
                return bytes;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(30), settle).await;
    settled.expect("both ways tell the same in the end")
}

pub(crate) async fn bytes_on_disk_are_told_alike_both_ways(archive: &dyn Archive) {
    let at_first = settled_bytes(archive).await;
    let batch: Vec<Record> = (0..200)
        .map(|n| record(n, &vec![n as u8; 50_000]))
        .collect();
    archive.append(batch).await.unwrap();
    let filled = settled_bytes(archive).await;
    // An archive in memory takes none, and one that is durable on close may still have it there.
    assert!(filled >= at_first, "{filled} bytes after {at_first}");
}
