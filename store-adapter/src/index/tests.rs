//! The index against the archive it follows.

use std::ops::ControlFlow;

use sync_core::{Id, Range, Scope, Source, TopicFilter};

use super::*;
use crate::archive::MemoryArchive;
use crate::record::Record;
use crate::testing::record;

const CONTENTS: [&str; 3] = ["/c/0", "/c/1", "/c/2"];
const TOPICS: [&str; 2] = ["/t/0", "/t/1"];

fn records(count: i64) -> Vec<Record> {
    let topic = |n: i64| TOPICS[(n % 2) as usize];
    let content = |n: i64| CONTENTS[(n % 3) as usize];
    (0..count)
        .map(|n| record(topic(n), content(n), 10 * n, &n.to_be_bytes()))
        .collect()
}

async fn indexed(records: &[Record]) -> Index {
    let archive = Arc::new(MemoryArchive::new());
    archive.append(records.to_vec()).await.unwrap();
    Index::rebuild(archive).await.unwrap()
}

fn items(set: &dyn ItemSet) -> Vec<Item> {
    let mut items = Vec::new();
    let _ = set.visit(0..set.len(), &mut |item| {
        items.push(item);
        ControlFlow::Continue(())
    });
    items
}

async fn opened(snapshot: &IndexSnapshot, scope: &Scope) -> Vec<Item> {
    let (snapshot, scope) = (snapshot.clone(), scope.clone());
    let read = move || items(&*snapshot.open(&scope).unwrap());
    tokio::task::spawn_blocking(read).await.unwrap()
}

fn expected(records: &[Record], scope: &Scope) -> Vec<Item> {
    let mut items: Vec<Item> = records
        .iter()
        .filter(|record| {
            scope.window.contains(&record.item())
                && scope.pubsub_topics.allows(record.pubsub_topic())
                && scope.content_topics.allows(&record.message().content_topic)
        })
        .map(Record::item)
        .collect();
    items.sort();
    items
}

#[tokio::test]
async fn every_scope_gives_what_the_archive_holds_in_it() {
    let records = records(100);
    let index = indexed(&records).await;
    assert_eq!(index.len(), 100);
    let snapshot = index.snapshot();
    let only = |topics: &[&str]| TopicFilter::Only(topics.iter().map(|&t| t.into()).collect());
    let windows = [Range::ALL, Range::of_times(95, 505), Range::of_times(5, 5)];
    let pubsub = [
        TopicFilter::All,
        only(&TOPICS),
        only(&["/t/1"]),
        only(&["/t/9"]),
        only(&[]),
    ];
    let content = [
        TopicFilter::All,
        only(&["/c/1"]),
        only(&["/c/0", "/c/2"]),
        only(&["/c/9"]),
    ];
    for window in windows {
        for pubsub_topics in &pubsub {
            for content_topics in &content {
                let scope = Scope {
                    window,
                    pubsub_topics: pubsub_topics.clone(),
                    content_topics: content_topics.clone(),
                };
                let found = opened(&snapshot, &scope).await;
                assert_eq!(found, expected(&records, &scope), "{scope:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_snapshot_does_not_see_what_comes_later() {
    let records = records(20);
    let (before, later) = records.split_at(10);
    let index = indexed(before).await;
    let snapshot = index.snapshot();
    index.archive.append(later.to_vec()).await.unwrap();
    index.insert(later.iter().map(|r| (r.pubsub_topic(), r.item())));
    assert_eq!(index.len(), 20);
    assert!(index.contains(&later[0].item()));
    let mut scope = Scope::of_window(Range::ALL);
    assert_eq!(opened(&snapshot, &scope).await, expected(before, &scope));
    assert_eq!(opened(&index.snapshot(), &scope).await.len(), 20);
    scope.content_topics = TopicFilter::from_wire(["/c/1"]);
    assert_eq!(opened(&snapshot, &scope).await, expected(before, &scope));
}

#[tokio::test]
async fn an_item_that_is_there_is_not_counted_again() {
    let records = records(3);
    let index = indexed(&records).await;
    index.insert(records.iter().map(|r| (r.pubsub_topic(), r.item())));
    assert_eq!(index.len(), 3);
}

#[tokio::test]
async fn nothing_is_kept_below_the_floor() {
    let records = records(10);
    let index = indexed(&records).await;
    assert_eq!(index.floor(), Bound::MIN);
    let floor = Bound::after(&records[3].item());
    assert_eq!(index.remove_before(&floor), 4);
    assert_eq!(index.remove_before(&Bound::MIN), 0);
    assert_eq!(index.floor(), floor);
    let told = Bound::at_time(records[3].item().timestamp + 1);
    assert_eq!(index.snapshot().floor(), told);
    index.insert([(records[3].pubsub_topic(), records[3].item())]);
    assert!(!index.contains(&records[3].item()));
    assert_eq!(index.len(), 6);
    let scope = Scope::of_window(Range::ALL);
    let left = opened(&index.snapshot(), &scope).await;
    assert_eq!(left, expected(&records[4..], &scope));
}

#[tokio::test]
async fn a_rebuilt_index_keeps_the_floor_of_the_archive() {
    let records = records(10);
    let archive = Arc::new(MemoryArchive::new());
    archive.append(records.clone()).await.unwrap();
    let floor = Bound::Before(records[6].item());
    floor::store(&*archive, &floor).await.unwrap();
    let index = Index::rebuild(archive).await.unwrap();
    assert_eq!(index.floor(), floor);
    assert_eq!(index.len(), 4);
    assert!(!index.contains(&Item::new(0, Id::ZERO)));
}

#[tokio::test]
async fn sessions_keep_away_from_a_nanosecond_that_the_floor_divides() {
    let records: Vec<Record> = (0..9u8)
        .map(|n| record(TOPICS[0], "/c", i64::from(n / 3), &[n]))
        .collect();
    let mut items: Vec<Item> = records.iter().map(Record::item).collect();
    items.sort();
    let index = indexed(&records).await;
    for (place, held, told) in [(3, 6, 3), (4, 5, 6), (5, 4, 6), (6, 3, 6)] {
        let start = items[told].timestamp;
        // The first of a nanosecond isn't at its beginning either.
        let floor = if place == told {
            Bound::at_time(start)
        } else {
            Bound::Before(items[place])
        };
        index.remove_before(&floor);
        let snapshot = index.snapshot();
        assert_eq!(
            (index.len(), snapshot.floor()),
            (held, Bound::at_time(start))
        );
        let offered = opened(&snapshot, &Scope::of_window(Range::ALL)).await;
        assert_eq!(offered, items[told..]);
    }
}

#[tokio::test]
async fn an_archive_of_many_pages_is_read_whole() {
    let count = i64::try_from(crate::limits::ARCHIVE_SCAN_ROWS).unwrap() * 2 + 7;
    let records = records(count);
    let index = indexed(&records).await;
    assert_eq!(index.len(), records.len());
    let topics: Vec<_> = index.snapshot().pubsub_topics().map(String::from).collect();
    assert_eq!(topics, TOPICS);
}

#[tokio::test]
async fn the_oldest_item_is_that_of_all_topics_and_above_the_floor() {
    let index = indexed(&[]).await;
    assert_eq!(index.snapshot().oldest(), None);
    let records = records(10);
    let index = indexed(&records[1..]).await;
    assert_eq!(index.snapshot().oldest(), Some(10));
    index.remove_before(&Bound::at_time(25));
    assert_eq!(index.snapshot().oldest(), Some(30));
}
