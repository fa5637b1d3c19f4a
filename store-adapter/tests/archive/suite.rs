//! What every backend must do, as functions over any archive. Each is given an empty one.

mod concurrent;
pub(crate) mod counting;
mod pages;
pub(crate) mod sequences;
mod units;

use store_adapter::archive::{Archive, Scan};
use store_adapter::{Key, Record, WakuMessage};
use sync_core::{Bound, Id, Item, Range, TopicFilter};

pub(crate) use crate::archives::{CONTENT, TOPIC, record_of};
pub(crate) use concurrent::*;
pub(crate) use counting::counts_come_with_the_items;
pub(crate) use pages::*;
pub(crate) use units::*;

/// Runs every function below on archives made by `$new`.
macro_rules! conformance_suite {
    ($new:expr) => {
        on_empty_archives!($new =>
            a_batch_tells_what_was_new,
            duplicates_inside_a_batch_count_once,
            an_empty_batch_changes_nothing,
            records_come_back_whole,
            lookups_give_each_record_once_in_order,
            one_hundred_and_two_hundred_hashes_are_all_found,
            unknown_hashes_are_left_out,
            keys_are_read_once_in_order_without_what_was_removed,
            equal_timestamps_are_told_apart_by_hash,
            scans_end_at_every_edge,
            scans_page_without_loss_in_both_directions,
            scans_filter_by_both_topics,
            scans_that_match_nothing_end,
            a_page_bounds_the_rows_it_looks_at,
            ranges_of_nothing_are_empty,
            the_first_and_the_last_time_are_held,
            unicode_topics_are_held,
            the_longest_message_is_held,
            a_span_is_removed_and_nothing_else,
            removal_is_bounded_and_goes_oldest_first,
            units_hold_every_message_once,
            removing_unit_by_unit_empties_an_archive,
            what_was_removed_can_be_stored_again,
            stats_follow_the_contents,
            states_are_set_and_removed,
            states_are_bounded,
            overlapping_batches_at_once_store_each_record_once,
            a_page_shows_a_batch_of_one_unit_whole_or_not_at_all,
            what_is_acknowledged_is_read_by_everybody_at_once,
            a_batch_whose_writer_stops_waiting_is_whole_or_absent,
            reading_goes_on_while_the_oldest_are_removed,
            a_walk_goes_on_after_what_it_stood_at_was_removed,
            a_walk_meets_what_is_stored_ahead_of_it,
            store_pages_by_cursor_show_each_message_once,
            store_cursors_stand_at_every_edge_and_deleted_ones_are_told,
            store_answers_one_hundred_hashes_and_nothing,
            units_share_all_messages_out,
            a_unit_is_removed_whole_and_nothing_else,
            bytes_on_disk_are_told_alike_both_ways,
            counts_come_with_the_items,
        );
    };
}

pub(crate) fn record(time: i64, payload: &[u8]) -> Record {
    record_of(TOPIC, CONTENT, time, payload)
}

/// Records of times 10, 20, ...: `count` of them.
fn spread(count: i64) -> Vec<Record> {
    (1..=count)
        .map(|n| record(10 * n, &n.to_be_bytes()))
        .collect()
}

fn items(keys: &[Key]) -> Vec<Item> {
    keys.iter().map(|key| key.item).collect()
}

fn hashes(records: &[Record]) -> Vec<Id> {
    records.iter().map(Record::hash).collect()
}

fn sorted(records: &[Record]) -> Vec<Item> {
    let mut items: Vec<Item> = records.iter().map(Record::item).collect();
    items.sort();
    items
}

/// All keys of a walk, page by page; checks that every page keeps its bounds.
async fn walk(archive: &dyn Archive, scan: Scan) -> Vec<Key> {
    let (mut keys, mut scan) = (Vec::new(), scan);
    loop {
        let page = archive.scan(&scan).await.unwrap();
        assert!(page.keys.len() <= scan.limit);
        keys.extend(page.keys);
        match page.rest {
            Some(rest) => scan = scan.on(rest),
            None => return keys,
        }
    }
}

pub(crate) async fn all_items(archive: &dyn Archive) -> Vec<Item> {
    items(&walk(archive, Scan::of_range(Range::ALL)).await)
}

pub(crate) async fn a_batch_tells_what_was_new(archive: &dyn Archive) {
    let records = spread(4);
    assert_eq!(
        archive.append(records[..2].to_vec()).await.unwrap(),
        [true; 2]
    );
    let mixed = vec![records[2].clone(), records[0].clone(), records[3].clone()];
    assert_eq!(archive.append(mixed).await.unwrap(), [true, false, true]);
    assert_eq!(archive.append(records.clone()).await.unwrap(), [false; 4]);
    assert_eq!(all_items(archive).await, sorted(&records));
}

pub(crate) async fn duplicates_inside_a_batch_count_once(archive: &dyn Archive) {
    let mut first = record(5, b"x").message().clone();
    first.version = Some(1);
    let second = WakuMessage {
        version: Some(2),
        ..first.clone()
    };
    let (first, second) = (
        Record::new(TOPIC, first).unwrap(),
        Record::new(TOPIC, second).unwrap(),
    );
    assert_eq!(first.hash(), second.hash());
    let batch = vec![first.clone(), record(1, b"y"), second];
    assert_eq!(archive.append(batch).await.unwrap(), [true, true, false]);
    assert_eq!(archive.lookup(&[first.hash()]).await.unwrap(), [first]);
    assert_eq!(archive.stats().await.unwrap().messages, 2);
}

pub(crate) async fn an_empty_batch_changes_nothing(archive: &dyn Archive) {
    assert_eq!(archive.append(Vec::new()).await.unwrap(), [false; 0]);
    assert_eq!(archive.stats().await.unwrap().messages, 0);
    assert_eq!(all_items(archive).await, []);
}

pub(crate) async fn records_come_back_whole(archive: &dyn Archive) {
    let whole = WakuMessage {
        payload: vec![0, 255, 7],
        content_topic: CONTENT.into(),
        version: Some(0),
        timestamp: Some(7),
        meta: Some(Vec::new()),
        rate_limit_proof: Some(vec![0x0a, 0x01, 0x07]),
        ephemeral: Some(false),
        unknown: vec![0xa0, 0x06, 0x07],
    };
    let bare = WakuMessage::default();
    for message in [whole, bare] {
        let record = Record::new(TOPIC, message).unwrap();
        archive.append(vec![record.clone()]).await.unwrap();
        let found = archive.lookup(&[record.hash()]).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&record));
        assert!(found[0].is_intact());
        assert_eq!(
            archive.locate(&[record.hash()]).await.unwrap(),
            [record.key()]
        );
    }
}

pub(crate) async fn lookups_give_each_record_once_in_order(archive: &dyn Archive) {
    let records = spread(5);
    archive.append(records.clone()).await.unwrap();
    let mut asked = hashes(&records);
    asked.reverse();
    asked.extend_from_within(..);
    assert_eq!(archive.lookup(&asked).await.unwrap(), records);
    assert_eq!(
        items(&archive.locate(&asked).await.unwrap()),
        sorted(&records)
    );
}

pub(crate) async fn one_hundred_and_two_hundred_hashes_are_all_found(archive: &dyn Archive) {
    let records = spread(250);
    archive.append(records.clone()).await.unwrap();
    for count in [1, 99, 100, 101, 200, 250] {
        let asked = &records[250 - count..];
        assert_eq!(archive.lookup(&hashes(asked)).await.unwrap(), asked);
    }
}

pub(crate) async fn unknown_hashes_are_left_out(archive: &dyn Archive) {
    let records = spread(2);
    archive.append(records[..1].to_vec()).await.unwrap();
    let asked = [
        Id::ZERO,
        records[1].hash(),
        records[0].hash(),
        Id([0xff; 32]),
    ];
    assert_eq!(archive.lookup(&asked).await.unwrap(), records[..1]);
    assert_eq!(archive.locate(&asked).await.unwrap(), [records[0].key()]);
    assert_eq!(archive.lookup(&[]).await.unwrap(), []);
    assert_eq!(archive.locate(&[Id::ZERO]).await.unwrap(), []);
}

pub(crate) async fn keys_are_read_once_in_order_without_what_was_removed(archive: &dyn Archive) {
    let records = spread(250);
    archive.append(records.clone()).await.unwrap();
    let mut keys = walk(archive, Scan::of_range(Range::ALL)).await;
    assert_eq!(archive.read(&keys).await.unwrap(), records);
    keys.reverse();
    keys.extend_from_within(50..100);
    let span = Range::new(
        Bound::Before(records[40].item()),
        Bound::Before(records[45].item()),
    );
    assert_eq!(archive.remove(&span, 5).await.unwrap(), 5);
    let kept = [&records[..40], &records[45..]].concat();
    assert_eq!(archive.read(&keys).await.unwrap(), kept);
    assert_eq!(archive.read(&[]).await.unwrap(), []);
}

pub(crate) async fn equal_timestamps_are_told_apart_by_hash(archive: &dyn Archive) {
    let records: Vec<Record> = (0..300u32).map(|n| record(77, &n.to_be_bytes())).collect();
    archive.append(records.clone()).await.unwrap();
    let expected = sorted(&records);
    assert_eq!(all_items(archive).await, expected);
    let middle = Bound::Before(expected[150]);
    let scan = Scan::of_range(Range::new(middle, Bound::Infinity));
    assert_eq!(items(&walk(archive, scan).await), expected[150..]);
    let behind = Scan::of_range(Range::new(Bound::after(&expected[150]), Bound::Infinity));
    assert_eq!(items(&walk(archive, behind).await), expected[151..]);
}

pub(crate) async fn scans_end_at_every_edge(archive: &dyn Archive) {
    let records = spread(5);
    archive.append(records.clone()).await.unwrap();
    let all = sorted(&records);
    for from in 0..5 {
        for to in from..5 {
            let included = Range::new(Bound::Before(all[from]), Bound::after(&all[to]));
            let excluded = Range::new(Bound::after(&all[from]), Bound::Before(all[to]));
            for backward in [false, true] {
                for (range, expected) in [
                    (included, &all[from..=to]),
                    (excluded, &all[(from + 1).min(to)..to]),
                ] {
                    let mut expected = expected.to_vec();
                    if backward {
                        expected.reverse();
                    }
                    let scan = Scan {
                        backward,
                        ..Scan::of_range(range)
                    };
                    assert_eq!(items(&walk(archive, scan).await), expected);
                }
            }
        }
    }
}

pub(crate) async fn scans_page_without_loss_in_both_directions(archive: &dyn Archive) {
    let records = spread(23);
    archive.append(records.clone()).await.unwrap();
    for limit in [1, 2, 22, 23, 24] {
        for backward in [false, true] {
            let mut expected = sorted(&records);
            if backward {
                expected.reverse();
            }
            let scan = Scan {
                limit,
                backward,
                ..Scan::of_range(Range::ALL)
            };
            assert_eq!(items(&walk(archive, scan).await), expected);
        }
    }
}

pub(crate) async fn scans_filter_by_both_topics(archive: &dyn Archive) {
    let topics = ["/t/0", "/t/1"];
    let contents = ["/c/0", "/c/1", "/c/2"];
    let records: Vec<Record> = (0..60usize)
        .map(|n| record_of(topics[n % 2], contents[n % 3], n as i64, b"x"))
        .collect();
    archive.append(records.clone()).await.unwrap();
    let only = |topics: &[&str]| TopicFilter::Only(topics.iter().map(|&t| t.into()).collect());
    let cases = [
        (TopicFilter::All, TopicFilter::All),
        (only(&["/t/1"]), TopicFilter::All),
        (TopicFilter::All, only(&["/c/0", "/c/2", "/unknown"])),
        (only(&["/t/0"]), only(&["/c/1"])),
        (only(&["/t/0", "/t/1"]), only(&["/c/1"])),
        (only(&["/c/0"]), TopicFilter::All),
        (only(&[]), TopicFilter::All),
    ];
    for (pubsub_topics, content_topics) in cases {
        let matches = |record: &&Record| {
            pubsub_topics.allows(record.pubsub_topic())
                && content_topics.allows(&record.message().content_topic)
        };
        let expected: Vec<Key> = records.iter().filter(matches).map(Record::key).collect();
        let scan = Scan {
            pubsub_topics: pubsub_topics.clone(),
            content_topics: content_topics.clone(),
            limit: 4,
            ..Scan::of_range(Range::ALL)
        };
        assert_eq!(walk(archive, scan).await, expected);
    }
}

pub(crate) async fn scans_that_match_nothing_end(archive: &dyn Archive) {
    archive.append(spread(30)).await.unwrap();
    let nothing = Scan {
        content_topics: TopicFilter::from_wire(["/none"]),
        rows: 7,
        ..Scan::of_range(Range::ALL)
    };
    assert_eq!(walk(archive, nothing).await, []);
    let later = Scan::of_range(Range::of_times(301, 1_000));
    assert_eq!(walk(archive, later).await, []);
}

pub(crate) async fn a_page_bounds_the_rows_it_looks_at(archive: &dyn Archive) {
    let mut records = spread(30);
    records.push(record_of(TOPIC, "/rare", 1_000, b"x"));
    archive.append(records.clone()).await.unwrap();
    let scan = Scan {
        content_topics: TopicFilter::from_wire(["/rare"]),
        rows: 10,
        ..Scan::of_range(Range::ALL)
    };
    // Units that don't know the topic aren't looked at.
    if archive.units().await.unwrap().len() == 1 {
        let page = archive.scan(&scan).await.unwrap();
        assert_eq!(page.keys, []);
        let behind = Bound::after(&records[9].item());
        assert_eq!(page.rest, Some(Range::new(behind, Bound::Infinity)));
    }
    assert_eq!(walk(archive, scan).await, [records[30].key()]);
}

pub(crate) async fn ranges_of_nothing_are_empty(archive: &dyn Archive) {
    archive.append(spread(3)).await.unwrap();
    let ranges = [
        Range::of_times(20, 20),
        Range::of_times(30, 10),
        Range::new(Bound::Infinity, Bound::Infinity),
        Range::new(Bound::Infinity, Bound::MIN),
    ];
    for range in ranges {
        for backward in [false, true] {
            let scan = Scan {
                backward,
                ..Scan::of_range(range)
            };
            let page = archive.scan(&scan).await.unwrap();
            assert_eq!((page.keys, page.rest), (vec![], None));
        }
        assert_eq!(archive.remove(&range, 10).await.unwrap(), 0);
    }
}

pub(crate) async fn the_first_and_the_last_time_are_held(archive: &dyn Archive) {
    let records = [record(0, b"x"), record(i64::MAX, b"y")];
    archive.append(records.to_vec()).await.unwrap();
    assert_eq!(all_items(archive).await, sorted(&records));
    assert_eq!(archive.lookup(&hashes(&records)).await.unwrap(), records);
    let last = Scan::of_range(Range::new(Bound::at_time(i64::MAX as u64), Bound::Infinity));
    assert_eq!(items(&walk(archive, last).await), [records[1].item()]);
}

pub(crate) async fn unicode_topics_are_held(archive: &dyn Archive) {
    let (topic, content) = ("/waku/2/\u{1f980}\u{0}/ö", "/数据/1/مرحبا/proto");
    let record = record_of(topic, content, 5, "ß".as_bytes());
    archive
        .append(vec![record.clone(), record_of(TOPIC, CONTENT, 5, b"")])
        .await
        .unwrap();
    let scan = Scan {
        pubsub_topics: TopicFilter::from_wire([topic]),
        content_topics: TopicFilter::from_wire([content]),
        ..Scan::of_range(Range::ALL)
    };
    assert_eq!(walk(archive, scan).await, [record.key()]);
    assert_eq!(archive.lookup(&[record.hash()]).await.unwrap(), [record]);
}

pub(crate) async fn the_longest_message_is_held(archive: &dyn Archive) {
    let records: Vec<Record> = (1..=4)
        .map(|n| record(n, &vec![n as u8; 150 * 1024]))
        .collect();
    archive.append(records.clone()).await.unwrap();
    assert_eq!(archive.lookup(&hashes(&records)).await.unwrap(), records);
}

pub(crate) async fn a_span_is_removed_and_nothing_else(archive: &dyn Archive) {
    let records = spread(9);
    archive.append(records.clone()).await.unwrap();
    let all = sorted(&records);
    let span = Range::new(Bound::Before(all[2]), Bound::Before(all[5]));
    assert_eq!(archive.remove(&span, 100).await.unwrap(), 3);
    assert_eq!(all_items(archive).await, [&all[..2], &all[5..]].concat());
    assert_eq!(archive.lookup(&hashes(&records[2..5])).await.unwrap(), []);
    assert_eq!(archive.locate(&hashes(&records[2..5])).await.unwrap(), []);
    assert_eq!(archive.remove(&span, 100).await.unwrap(), 0);
    assert_eq!(archive.remove(&Range::ALL, 100).await.unwrap(), 6);
    assert_eq!(all_items(archive).await, []);
}

pub(crate) async fn removal_is_bounded_and_goes_oldest_first(archive: &dyn Archive) {
    let records = spread(10);
    archive.append(records.clone()).await.unwrap();
    let before = Range::new(Bound::MIN, Bound::at_time(75));
    // More than asked for only where the last unit was dropped whole.
    let most = archive
        .units()
        .await
        .unwrap()
        .iter()
        .map(|u| u.messages)
        .max();
    let most = most.unwrap() as usize;
    let first = archive.remove(&before, 2).await.unwrap();
    assert!((2..2 + most).contains(&first) && first <= 7, "{first}");
    assert_eq!(all_items(archive).await, sorted(&records[first..]));
    let second = archive.remove(&before, 100).await.unwrap();
    assert_eq!(first + second, 7);
    assert_eq!(all_items(archive).await, sorted(&records[7..]));
    assert_eq!(archive.remove(&before, 1).await.unwrap(), 0);
}

/// The units follow each other, and together hold everything.
pub(crate) async fn units_hold_every_message_once(archive: &dyn Archive) {
    let records = spread(40);
    archive.append(records.clone()).await.unwrap();
    archive
        .remove(&Range::of_times(95, 205), 100)
        .await
        .unwrap();
    let units = archive.units().await.unwrap();
    assert!(
        units
            .windows(2)
            .all(|pair| pair[0].span.upper <= pair[1].span.lower)
    );
    assert_eq!(units.iter().map(|unit| unit.messages).sum::<u64>(), 29);
    for unit in &units {
        let held = walk(archive, Scan::of_range(unit.span)).await;
        assert_eq!(held.len() as u64, unit.messages);
    }
}

/// What lies before the oldest unit's end is removed a unit at a time, as a cap on the disk does it.
pub(crate) async fn removing_unit_by_unit_empties_an_archive(archive: &dyn Archive) {
    let records = spread(40);
    archive.append(records.clone()).await.unwrap();
    let mut left = records.len();
    while left > 0 {
        let oldest = archive.units().await.unwrap().remove(0);
        let below = Range::new(Bound::MIN, oldest.span.upper);
        let removed = archive.remove(&below, 1_000).await.unwrap();
        assert_eq!(removed as u64, oldest.messages);
        assert!(removed > 0, "nothing was removed with {left} left");
        left -= removed;
        let expected = sorted(&records[records.len() - left..]);
        assert_eq!(all_items(archive).await, expected);
    }
    assert_eq!(archive.append(records).await.unwrap(), [true; 40]);
}

pub(crate) async fn what_was_removed_can_be_stored_again(archive: &dyn Archive) {
    let records = spread(3);
    archive.append(records.clone()).await.unwrap();
    archive.remove(&Range::of_times(15, 25), 10).await.unwrap();
    assert_eq!(
        archive.append(records.clone()).await.unwrap(),
        [false, true, false]
    );
    assert_eq!(archive.lookup(&hashes(&records)).await.unwrap(), records);
}

pub(crate) async fn stats_follow_the_contents(archive: &dyn Archive) {
    let stats = archive.stats().await.unwrap();
    assert_eq!((stats.messages, stats.first, stats.last), (0, None, None));
    let records = spread(3);
    archive.append(records.clone()).await.unwrap();
    let stats = archive.stats().await.unwrap();
    let (first, last) = (Some(records[0].item()), Some(records[2].item()));
    assert_eq!((stats.messages, stats.first, stats.last), (3, first, last));
    archive.remove(&Range::of_times(0, 15), 10).await.unwrap();
    let stats = archive.stats().await.unwrap();
    let first = Some(records[1].item());
    assert_eq!((stats.messages, stats.first, stats.last), (2, first, last));
}

pub(crate) async fn states_are_set_and_removed(archive: &dyn Archive) {
    assert_eq!(archive.state("online").await.unwrap(), None);
    archive.set_state("online", Some(vec![1, 2])).await.unwrap();
    archive.set_state("floor", Some(Vec::new())).await.unwrap();
    assert_eq!(archive.state("online").await.unwrap(), Some(vec![1, 2]));
    assert_eq!(archive.state("floor").await.unwrap(), Some(vec![]));
    archive.set_state("online", Some(vec![3])).await.unwrap();
    assert_eq!(archive.state("online").await.unwrap(), Some(vec![3]));
    archive.set_state("online", None).await.unwrap();
    archive.set_state("never", None).await.unwrap();
    assert_eq!(archive.state("online").await.unwrap(), None);
}

pub(crate) async fn states_are_bounded(archive: &dyn Archive) {
    use store_adapter::limits::{STATE_NAME_BYTES, STATE_VALUE_BYTES};
    let name = "n".repeat(STATE_NAME_BYTES);
    let value = vec![7; STATE_VALUE_BYTES];
    archive.set_state(&name, Some(value.clone())).await.unwrap();
    assert_eq!(archive.state(&name).await.unwrap(), Some(value.clone()));
    assert!(archive.set_state(&format!("{name}n"), None).await.is_err());
    let longer = [value, vec![7]].concat();
    assert!(archive.set_state(&name, Some(longer)).await.is_err());
}
