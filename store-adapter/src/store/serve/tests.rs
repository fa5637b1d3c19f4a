//! Answers against a naive filter, and the habits of the field's clients.

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::archive::{ArchiveStats, MemoryArchive, Scan, ScanPage};
use crate::limits::ARCHIVE_SCAN_ROWS;
use crate::record::Record;
use crate::store::{StoreAnswer, StoreQueryRequest};
use crate::testing::record;

const TOPICS: [&str; 2] = ["/t/0", "/t/1"];
const CONTENTS: [&str; 3] = ["/c/0", "/c/1", "/c/2"];

fn records(count: usize) -> Vec<Record> {
    // Pairs share a timestamp.
    let record = |n: usize| {
        let time = 10 * (n / 2) as i64;
        record(TOPICS[n % 2], CONTENTS[n % 3], time, &n.to_be_bytes())
    };
    let mut records: Vec<Record> = (0..count).map(record).collect();
    records.sort_by_key(Record::item);
    records
}

async fn archive_of(records: &[Record]) -> MemoryArchive {
    let archive = MemoryArchive::new();
    archive.append(records.to_vec()).await.unwrap();
    archive
}

async fn ask(archive: &dyn Archive, request: &StoreQueryRequest) -> StoreQueryResponse {
    let request = request.encode_to_vec();
    let response = serve(archive, &StoreLimits::default(), &request).await;
    StoreQueryResponse::decode(&response[..]).unwrap()
}

fn request() -> StoreQueryRequest {
    StoreQueryRequest {
        request_id: "r".into(),
        pagination_forward: true,
        ..StoreQueryRequest::default()
    }
}

fn hashes_of(response: &StoreQueryResponse) -> Vec<Id> {
    let answer = StoreAnswer::decode(&response.encode_to_vec(), "r").unwrap();
    answer.entries.iter().map(|entry| entry.hash).collect()
}

fn hashes(records: &[Record]) -> Vec<Id> {
    records.iter().map(Record::hash).collect()
}

#[tokio::test]
async fn data_is_given_only_when_asked_for() {
    let records = records(3);
    let archive = archive_of(&records).await;
    for include_data in [false, true] {
        let request = StoreQueryRequest {
            include_data,
            ..request()
        };
        let response = ask(&archive, &request).await;
        assert_eq!((response.status_code, &*response.status_desc), (200, "OK"));
        assert_eq!(response.request_id, "r");
        assert_eq!(hashes_of(&response), hashes(&records));
        for (stored, record) in response.messages.iter().zip(&records) {
            let message = include_data.then(|| record.message().clone());
            let topic = include_data.then(|| record.pubsub_topic().to_string());
            assert_eq!((&stored.message, &stored.pubsub_topic), (&message, &topic));
        }
    }
}

#[tokio::test]
async fn pages_are_ascending_in_both_directions_and_meet_every_message_once() {
    let records = records(45);
    let archive = archive_of(&records).await;
    for pagination_forward in [true, false] {
        let mut request = StoreQueryRequest {
            pagination_forward,
            ..request()
        };
        let mut pages = Vec::new();
        loop {
            let response = ask(&archive, &request).await;
            let page = hashes_of(&response);
            let cursor = response.pagination_cursor;
            pages.push(page.clone());
            let Some(cursor) = cursor else { break };
            let end = if pagination_forward {
                page.last()
            } else {
                page.first()
            };
            assert_eq!(end.map(|id| id.0.to_vec()), Some(cursor.clone()));
            request.pagination_cursor = Some(cursor);
        }
        let lens: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert_eq!(lens, [20, 20, 5]);
        if !pagination_forward {
            pages.reverse();
        }
        assert_eq!(pages.concat(), hashes(&records));
    }
}

#[tokio::test]
async fn a_client_that_goes_on_from_the_last_hash_comes_to_an_empty_page() {
    let records = records(40);
    let archive = archive_of(&records).await;
    let by_hashes = StoreQueryRequest {
        message_hashes: records.iter().map(|r| r.hash().0.to_vec()).collect(),
        pubsub_topic: Some(TOPICS[1].into()),
        ..request()
    };
    let of_topic: Vec<Id> = records
        .iter()
        .filter(|record| &**record.pubsub_topic() == TOPICS[1])
        .map(Record::hash)
        .collect();
    for (mut request, expected) in [(request(), hashes(&records)), (by_hashes, of_topic)] {
        let mut seen = Vec::new();
        loop {
            let response = ask(&archive, &request).await;
            assert_eq!(response.status_code, 200);
            let page = hashes_of(&response);
            let Some(last) = page.last() else { break };
            request.pagination_cursor = Some(last.0.to_vec());
            seen.extend(page);
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn start_and_end_on_one_time_find_its_messages() {
    let records = records(20);
    let archive = archive_of(&records).await;
    let request = StoreQueryRequest {
        time_start: Some(50),
        time_end: Some(50),
        ..request()
    };
    assert_eq!(
        hashes_of(&ask(&archive, &request).await),
        hashes(&records[10..12])
    );
    let inverted = StoreQueryRequest {
        time_start: Some(51),
        ..request
    };
    assert_eq!(hashes_of(&ask(&archive, &inverted).await), []);
}

#[tokio::test]
async fn hashes_are_answered_in_order_each_once_and_unknown_ones_left_out() {
    let records = records(250);
    let archive = archive_of(&records).await;
    for count in [1, 20, 99, 100] {
        let asked = &records[..count];
        let mut message_hashes: Vec<Vec<u8>> =
            asked.iter().rev().map(|r| r.hash().0.to_vec()).collect();
        message_hashes.extend_from_within(..);
        message_hashes.push(vec![0; 32]);
        let request = StoreQueryRequest {
            message_hashes,
            pagination_limit: Some(100),
            ..request()
        };
        let response = ask(&archive, &request).await;
        assert_eq!(hashes_of(&response), hashes(asked));
        assert_eq!(response.pagination_cursor, None);
    }
    let unknown = StoreQueryRequest::by_hashes("r", &[Id([9; 32])], true);
    let response = ask(&archive, &unknown).await;
    assert_eq!((response.status_code, hashes_of(&response)), (200, vec![]));
    let all = StoreQueryRequest::by_hashes("r", &hashes(&records[..200]), true);
    let first = ask(&archive, &all).await;
    assert_eq!(hashes_of(&first), hashes(&records[..100]));
    let cursor = StoreAnswer::decode(&first.encode_to_vec(), "r")
        .unwrap()
        .cursor;
    let second = ask(&archive, &all.behind(cursor.unwrap())).await;
    assert_eq!(hashes_of(&second), hashes(&records[100..200]));
    assert_eq!(second.pagination_cursor, None);
}

#[tokio::test]
async fn a_page_of_long_messages_stays_under_four_mebibytes() {
    let records: Vec<Record> = (0..60)
        .map(|n| record("/t", "/c", n, &vec![n as u8; 153_500]))
        .collect();
    let archive = archive_of(&records).await;
    let mut request = StoreQueryRequest::by_hashes("r", &hashes(&records), true);
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let response = ask(&archive, &request).await;
        assert!(response.encoded_len() < 4 << 20);
        seen.extend(hashes_of(&response));
        pages += 1;
        match response.pagination_cursor {
            Some(cursor) => request.pagination_cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, hashes(&records));
    assert_eq!(pages, 3);
    let small = StoreLimits {
        page_bytes: 1,
        ..StoreLimits::default()
    };
    let one = serve(&archive, &small, &request.encode_to_vec()).await;
    assert_eq!(StoreAnswer::decode(&one, "r").unwrap().entries.len(), 1);
}

#[tokio::test]
async fn failures_have_the_words_of_deployed_nodes() {
    let archive = archive_of(&records(3)).await;
    let unknown_cursor = request().behind(Id([9; 32]));
    let response = ask(&archive, &unknown_cursor).await;
    assert_eq!(response.status_code, 300);
    assert_eq!(
        response.status_desc,
        "BAD_RESPONSE: archive error: DRIVER_ERROR: cursor not found"
    );
    assert_eq!(
        (response.request_id, response.messages),
        ("r".into(), vec![])
    );
    let mut short_hash = request();
    short_hash.message_hashes = vec![vec![1; 31]];
    let response = ask(&archive, &short_hash).await;
    assert_eq!((response.status_code, &*response.request_id), (400, "r"));
    assert!(response.status_desc.starts_with("BAD_REQUEST: "));
    let response = ask(&archive, &StoreQueryRequest::default()).await;
    assert_eq!(response.status_code, 400);
    let garbage = serve(&archive, &StoreLimits::default(), b"\xff").await;
    let response = StoreQueryResponse::decode(&garbage[..]).unwrap();
    assert_eq!((response.status_code, &*response.request_id), (400, "N/A"));
}

#[tokio::test]
async fn a_deleted_cursor_is_unknown() {
    let records = records(6);
    let archive = archive_of(&records).await;
    let request = request().behind(records[2].hash());
    assert_eq!(
        hashes_of(&ask(&archive, &request).await),
        hashes(&records[3..])
    );
    let span = Range::new(Bound::MIN, Bound::after(&records[2].item()));
    archive.remove(&span, 10).await.unwrap();
    assert_eq!(ask(&archive, &request).await.status_code, 300);
}

/// Asks until nothing is left, going on from every cursor, also one that comes with an error; gives
/// the hashes and the statuses.
async fn ask_on(
    archive: &dyn Archive,
    limits: &StoreLimits,
    mut request: StoreQueryRequest,
) -> (Vec<Vec<Id>>, Vec<u32>) {
    let (mut pages, mut statuses) = (Vec::new(), Vec::new());
    loop {
        let response = answer(archive, limits, &request.encode_to_vec()).await;
        statuses.push(response.status_code);
        let hash = |stored: &StoredMessage| stored.message_hash.as_deref()?.try_into().ok().map(Id);
        pages.push(response.messages.iter().filter_map(hash).collect());
        match response.pagination_cursor {
            Some(cursor) => request.pagination_cursor = Some(cursor),
            None => return (pages, statuses),
        }
    }
}

#[tokio::test]
async fn a_search_is_bounded_and_goes_on_from_its_cursor_without_an_empty_success() {
    let rare = "/c/rare";
    let rows = 5 * ARCHIVE_SCAN_ROWS;
    let mut records: Vec<Record> = (0..rows)
        .map(|n| record("/t", "/c/frequent", n as i64, b""))
        .collect();
    let found = [10, 11, 12, rows - 20].map(|n| record("/t", rare, n as i64, b"x"));
    records.extend(found.clone());
    let archive = archive_of(&records).await;
    let limits = StoreLimits {
        query_rows: ARCHIVE_SCAN_ROWS,
        ..StoreLimits::default()
    };
    for pagination_forward in [true, false] {
        let request = StoreQueryRequest {
            content_topics: vec![rare.into()],
            pagination_forward,
            ..request()
        };
        let (mut pages, statuses) = ask_on(&archive, &limits, request.clone()).await;
        for (page, status) in pages.iter().zip(&statuses[..statuses.len() - 1]) {
            let expected = if page.is_empty() { 503 } else { 200 };
            assert_eq!(*status, expected, "an empty page looks like the end");
        }
        assert_eq!(statuses.last(), Some(&200));
        assert!(
            statuses.contains(&503) && statuses.len() <= 6,
            "{statuses:?}"
        );
        if !pagination_forward {
            pages.reverse();
        }
        assert_eq!(pages.concat(), hashes(&found));
        let (_, statuses) = ask_on(&archive, &StoreLimits::default(), request).await;
        assert_eq!(statuses, [200]);
    }
}

/// Removes messages between the search for a page and the reading of it, as retention may.
#[derive(Debug)]
struct Retaining {
    archive: MemoryArchive,
    removed: Mutex<Vec<Range>>,
}

#[async_trait]
impl Archive for Retaining {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<bool>, ArchiveError> {
        self.archive.append(batch).await
    }

    async fn lookup(&self, hashes: &[Id]) -> Result<Vec<Record>, ArchiveError> {
        let removed = self.removed.lock().unwrap().pop();
        if let Some(span) = removed {
            self.archive.remove(&span, usize::MAX).await?;
        }
        self.archive.lookup(hashes).await
    }

    async fn locate(&self, hashes: &[Id]) -> Result<Vec<Key>, ArchiveError> {
        self.archive.locate(hashes).await
    }

    async fn scan(&self, scan: &Scan) -> Result<ScanPage, ArchiveError> {
        self.archive.scan(scan).await
    }

    async fn remove(&self, span: &Range, limit: usize) -> Result<usize, ArchiveError> {
        self.archive.remove(span, limit).await
    }

    async fn stats(&self) -> Result<ArchiveStats, ArchiveError> {
        self.archive.stats().await
    }

    async fn state(&self, name: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.archive.state(name).await
    }

    async fn set_state(&self, name: &str, value: Option<Vec<u8>>) -> Result<(), ArchiveError> {
        self.archive.set_state(name, value).await
    }
}

#[tokio::test]
async fn a_page_that_is_removed_while_it_is_read_does_not_look_like_the_end() {
    let records = records(60);
    let before = |n: usize| Range::new(Bound::MIN, Bound::Before(records[n].item()));
    let archive = Retaining {
        archive: archive_of(&records).await,
        removed: Mutex::new(vec![before(45), before(25)]),
    };
    let request = StoreQueryRequest {
        include_data: true,
        ..request()
    };
    let response = ask(&archive, &request).await;
    assert_eq!(hashes_of(&response), hashes(&records[45..60]));
    assert_eq!(response.pagination_cursor, None);
}

#[tokio::test]
async fn few_hashes_with_data_are_read_by_one_operation() {
    let records = records(60);
    let (forward, backward) = (true, false);
    for (count, direction) in [(1, forward), (10, forward), (10, backward), (25, backward)] {
        // Removes all but ten before the first lookup, and nothing may ask a second time.
        let before = Range::new(Bound::MIN, Bound::Before(records[50].item()));
        let archive = Retaining {
            archive: archive_of(&records).await,
            removed: Mutex::new(vec![Range::ALL, before]),
        };
        let asked = hashes(&records[60 - count..]);
        let request = StoreQueryRequest {
            pagination_forward: direction,
            pagination_limit: Some(30),
            ..StoreQueryRequest::by_hashes("r", &asked, true)
        };
        let response = ask(&archive, &request).await;
        let expected = &records[60 - count.min(10)..];
        assert_eq!(hashes_of(&response), hashes(expected), "{count}");
        assert_eq!(response.pagination_cursor, None);
        assert!(response.messages.iter().all(|m| m.message.is_some()));
        assert_eq!(archive.removed.lock().unwrap().len(), 1, "{count} hashes");
    }
}

#[tokio::test]
async fn hashes_of_messages_that_overfill_a_page_are_paged() {
    let records: Vec<Record> = (0..4)
        .map(|n| record("/t", "/c", n, &vec![7; 3_000_000]))
        .collect();
    let archive = archive_of(&records).await;
    let request = StoreQueryRequest::by_hashes("r", &hashes(&records), true);
    let (pages, _) = ask_on(&archive, &StoreLimits::default(), request).await;
    assert!(pages.len() > 1, "{} pages", pages.len());
    assert_eq!(pages.concat(), hashes(&records));
}

#[test]
fn a_rate_limited_peer_is_told_as_nwaku_does() {
    let vectors = crate::testing::vectors("store_query.json");
    let recorded = vectors["storeQueryResponse"].as_array().unwrap();
    let name = "too many requests";
    let vector = recorded.iter().find(|v| v["name"] == name).unwrap();
    assert_eq!(
        Some(too_many_requests()),
        crate::testing::bytes_of(&vector["wire"])
    );
}

/// What a naive filter answers: the page and whether there is more.
fn naive(records: &[Record], request: &StoreQueryRequest) -> (Vec<Id>, bool) {
    let hashes: BTreeSet<&[u8]> = request.message_hashes.iter().map(|h| &h[..]).collect();
    let matches = |record: &&Record| {
        let time = record.message().timestamp();
        let content = &record.message().content_topic;
        let topic = request.pubsub_topic.as_deref();
        topic.is_none_or(|topic| topic == &**record.pubsub_topic())
            && (request.content_topics.is_empty() || request.content_topics.contains(content))
            && request.time_start.is_none_or(|start| time >= start)
            && request.time_end.is_none_or(|end| time <= end)
            && (hashes.is_empty() || hashes.contains(&record.hash().0[..]))
    };
    let cursor = request.pagination_cursor.as_ref().map(|cursor| {
        let at = records.iter().find(|r| r.hash().0[..] == cursor[..]);
        at.unwrap().item()
    });
    let mut found: Vec<&Record> = records
        .iter()
        .filter(matches)
        .filter(|record| match (cursor, request.pagination_forward) {
            (None, _) => true,
            (Some(cursor), true) => record.item() > cursor,
            (Some(cursor), false) => record.item() < cursor,
        })
        .collect();
    let limit = request.pagination_limit.unwrap_or(20).min(100) as usize;
    let more = found.len() > limit;
    let start = if request.pagination_forward {
        0
    } else {
        found.len().saturating_sub(limit)
    };
    found = found.into_iter().skip(start).take(limit).collect();
    (found.into_iter().map(Record::hash).collect(), more)
}

fn any_request() -> impl Strategy<Value = StoreQueryRequest> {
    let time = || proptest::option::of(-10..160i64);
    let some =
        |topics: &'static [&'static str]| proptest::sample::subsequence(topics, 0..=topics.len());
    let by_content =
        (some(&CONTENTS), time(), time()).prop_map(|(contents, start, end)| StoreQueryRequest {
            content_topics: contents.into_iter().map(String::from).collect(),
            time_start: start,
            time_end: end,
            ..request()
        });
    let by_hashes = proptest::collection::vec(0..40usize, 1..60).prop_map(|places| {
        let records = records(40);
        StoreQueryRequest::by_hashes(
            "r",
            &places
                .into_iter()
                .map(|n| records[n].hash())
                .collect::<Vec<_>>(),
            false,
        )
    });
    let paging = (
        any::<bool>(),
        proptest::option::of(1..50u64),
        proptest::option::of(0..30usize),
        proptest::option::of(proptest::sample::select(&TOPICS[..])),
        any::<bool>(),
    );
    (prop_oneof![by_content, by_hashes], paging).prop_map(
        |(selection, (forward, limit, cursor, topic, include_data))| StoreQueryRequest {
            include_data,
            pubsub_topic: topic.map(String::from),
            pagination_forward: forward,
            pagination_limit: limit,
            pagination_cursor: cursor.map(|n| records(30)[n].hash().0.to_vec()),
            ..selection
        },
    )
}

proptest! {
    #[test]
    fn answers_match_a_naive_filter(request in any_request()) {
        let records = records(30);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(async {
            ask(&archive_of(&records).await, &request).await
        });
        prop_assert_eq!(response.status_code, 200);
        let (expected, more) = naive(&records, &request);
        prop_assert_eq!(hashes_of(&response), expected);
        prop_assert_eq!(response.pagination_cursor.is_some(), more);
    }
}
