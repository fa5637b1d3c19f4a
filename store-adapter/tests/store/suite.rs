//! What a store answers over any archive, as functions that are each given an empty one.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use prost::Message;
use store_adapter::archive::Archive;
use store_adapter::limits::StoreLimits;
use store_adapter::store::{StoreAnswer, StoreQueryRequest, StoreQueryResponse, serve, status};
use store_adapter::{Record, WakuMessage};
use sync_core::{Bound, Id, Range};

use crate::archives::{CONTENT, TOPIC, record_of as record};
use crate::twin;

/// Runs every function below on archives made by `$new`.
macro_rules! store_suite {
    ($new:expr) => {
        on_empty_archives!($new =>
            an_empty_store_answers_with_an_empty_page,
            a_cursor_on_the_last_match_gives_an_empty_page,
            a_cursor_on_the_first_match_gives_the_others,
            a_cursor_that_nobody_knows_is_not_found,
            a_cursor_that_was_removed_is_not_found,
            a_cursor_outside_the_filter_is_a_place_all_the_same,
            hundreds_of_hashes_are_found_page_by_page,
            presence_is_told_without_data,
            a_client_that_goes_on_from_the_last_hash_reads_everything_once,
            messages_of_one_time_are_paged_by_hash,
            topics_in_any_script_are_matched_whole,
            pages_of_the_longest_messages_are_cut_by_bytes,
            the_first_and_the_last_time_are_found,
            the_end_of_the_times_is_included,
            every_field_of_a_message_comes_back,
            a_search_that_is_cut_short_goes_on_to_every_match,
            what_cannot_be_understood_is_refused_by_status,
            any_query_is_answered_as_its_naive_twin_does,
            any_query_is_paged_to_its_end_as_its_naive_twin_does,
        );
    };
}

/// Stores so many records, two of each time, and gives them in order.
async fn filled(archive: &dyn Archive, count: usize) -> Vec<Record> {
    let record = |n: usize| record(TOPIC, CONTENT, 10 * (n as i64 / 2), &n.to_be_bytes());
    stored(archive, (0..count).map(record).collect()).await
}

async fn stored(archive: &dyn Archive, mut records: Vec<Record>) -> Vec<Record> {
    archive.append(records.clone()).await.unwrap();
    records.sort_by_key(Record::item);
    records
}

fn request() -> StoreQueryRequest {
    StoreQueryRequest {
        request_id: "r".into(),
        pagination_forward: true,
        ..StoreQueryRequest::default()
    }
}

async fn ask(archive: &dyn Archive, request: &StoreQueryRequest) -> StoreQueryResponse {
    let request = request.encode_to_vec();
    let response = serve(archive, &StoreLimits::default(), &request).await;
    StoreQueryResponse::decode(&response[..]).unwrap()
}

/// The hashes of a page, and its cursor.
async fn page(archive: &dyn Archive, request: &StoreQueryRequest) -> (Vec<Id>, Option<Id>) {
    let response = ask(archive, request).await.encode_to_vec();
    let answer = StoreAnswer::decode(&response, &request.request_id).unwrap();
    let hashes = answer.entries.iter().map(|entry| entry.hash).collect();
    (hashes, answer.cursor)
}

/// All pages, by the cursors that come with them.
async fn pages(archive: &dyn Archive, mut request: StoreQueryRequest) -> Vec<Vec<Id>> {
    let mut pages = Vec::new();
    loop {
        let (hashes, cursor) = page(archive, &request).await;
        pages.push(hashes);
        match cursor {
            Some(cursor) => request = request.behind(cursor),
            None => return pages,
        }
    }
}

fn hashes(records: &[Record]) -> Vec<Id> {
    records.iter().map(Record::hash).collect()
}

pub(crate) async fn an_empty_store_answers_with_an_empty_page(archive: &dyn Archive) {
    for request in [
        request(),
        StoreQueryRequest::by_hashes("r", &[Id([1; 32])], true),
    ] {
        let response = ask(archive, &request).await;
        let expected = StoreQueryResponse {
            request_id: "r".into(),
            status_code: status::OK,
            status_desc: "OK".into(),
            ..StoreQueryResponse::default()
        };
        assert_eq!(response, expected);
    }
}

pub(crate) async fn a_cursor_on_the_last_match_gives_an_empty_page(archive: &dyn Archive) {
    let records = filled(archive, 30).await;
    for (forward, last) in [(true, 29), (false, 0)] {
        let mut request = request().behind(records[last].hash());
        request.pagination_forward = forward;
        assert_eq!(page(archive, &request).await, (vec![], None));
        request.message_hashes = records.iter().map(|r| r.hash().0.to_vec()).collect();
        assert_eq!(page(archive, &request).await, (vec![], None));
    }
}

pub(crate) async fn a_cursor_on_the_first_match_gives_the_others(archive: &dyn Archive) {
    let records = filled(archive, 12).await;
    let mut request = request().behind(records[0].hash());
    assert_eq!(page(archive, &request).await, (hashes(&records[1..]), None));
    request = request.behind(records[11].hash());
    request.pagination_forward = false;
    assert_eq!(
        page(archive, &request).await,
        (hashes(&records[..11]), None)
    );
    request.pagination_limit = Some(4);
    let expected = (hashes(&records[7..11]), Some(records[7].hash()));
    assert_eq!(page(archive, &request).await, expected);
}

fn assert_not_found(response: &StoreQueryResponse) {
    let expected = StoreQueryResponse {
        request_id: "r".into(),
        status_code: status::BAD_RESPONSE,
        status_desc: "BAD_RESPONSE: archive error: DRIVER_ERROR: cursor not found".into(),
        ..StoreQueryResponse::default()
    };
    assert_eq!(*response, expected);
}

pub(crate) async fn a_cursor_that_nobody_knows_is_not_found(archive: &dyn Archive) {
    let records = filled(archive, 3).await;
    let by_hashes = StoreQueryRequest::by_hashes("r", &hashes(&records), true);
    for request in [request(), by_hashes] {
        for bytes in [0, 9, 0xff] {
            assert_not_found(&ask(archive, &request.clone().behind(Id([bytes; 32]))).await);
        }
    }
}

pub(crate) async fn a_cursor_that_was_removed_is_not_found(archive: &dyn Archive) {
    let records = filled(archive, 20).await;
    let oldest = Range::new(Bound::MIN, Bound::after(&records[7].item()));
    assert_eq!(archive.remove(&oldest, 100).await.unwrap(), 8);
    for forward in [true, false] {
        let mut request = request().behind(records[7].hash());
        request.pagination_forward = forward;
        assert_not_found(&ask(archive, &request).await);
    }
    let request = request().behind(records[8].hash());
    assert_eq!(page(archive, &request).await.0, hashes(&records[9..]));
}

pub(crate) async fn a_cursor_outside_the_filter_is_a_place_all_the_same(archive: &dyn Archive) {
    let record = |n: i64| {
        let content = if n % 2 == 0 { "/c/even" } else { "/c/odd" };
        record(TOPIC, content, n, b"")
    };
    let records = stored(archive, (0..10).map(record).collect()).await;
    let odd = |range: std::ops::Range<usize>| -> Vec<Id> {
        range
            .filter(|n| n % 2 == 1)
            .map(|n| records[n].hash())
            .collect()
    };
    let mut request = StoreQueryRequest {
        content_topics: vec!["/c/odd".into()],
        ..request()
    }
    .behind(records[4].hash());
    assert_eq!(page(archive, &request).await.0, odd(5..10));
    request.pagination_forward = false;
    assert_eq!(page(archive, &request).await.0, odd(0..4));
    // Outside the times.
    request.time_start = Some(6);
    request.pagination_forward = true;
    assert_eq!(page(archive, &request).await.0, odd(6..10));
    request.pagination_forward = false;
    assert_eq!(page(archive, &request).await.0, []);
}

pub(crate) async fn hundreds_of_hashes_are_found_page_by_page(archive: &dyn Archive) {
    let records = filled(archive, 450).await;
    for count in [99, 100, 101, 200, 300] {
        let asked = &records[50..50 + count];
        let mut reversed = hashes(asked);
        reversed.reverse();
        reversed.push(Id([3; 32]));
        let mut request = StoreQueryRequest::by_hashes("r", &reversed, false);
        let found = pages(archive, request.clone()).await;
        assert_eq!(found.concat(), hashes(asked));
        assert_eq!(found.len(), count.div_ceil(100), "{count}");
        request.pagination_forward = false;
        let mut found = pages(archive, request).await;
        found.reverse();
        assert_eq!(found.concat(), hashes(asked));
    }
}

pub(crate) async fn presence_is_told_without_data(archive: &dyn Archive) {
    let records = filled(archive, 10).await;
    let asked = [records[3].hash(), Id([1; 32]), records[8].hash()];
    let request = StoreQueryRequest::by_hashes("r", &asked, false);
    let response = ask(archive, &request).await;
    assert_eq!(page(archive, &request).await.0, [asked[0], asked[2]]);
    for stored in response.messages {
        assert_eq!((stored.message, stored.pubsub_topic), (None, None));
    }
}

pub(crate) async fn a_client_that_goes_on_from_the_last_hash_reads_everything_once(
    archive: &dyn Archive,
) {
    // As js-waku does: whatever cursor it is given, and until a page is empty.
    let records = filled(archive, 220).await;
    let by_hashes = StoreQueryRequest {
        pubsub_topic: Some(TOPIC.into()),
        ..StoreQueryRequest::by_hashes("r", &hashes(&records), true)
    };
    let by_content = StoreQueryRequest {
        pubsub_topic: Some(TOPIC.into()),
        content_topics: vec![CONTENT.into()],
        include_data: true,
        pagination_limit: Some(20),
        ..request()
    };
    for mut request in [by_hashes, by_content] {
        let mut read = Vec::new();
        loop {
            let (hashes, _) = page(archive, &request).await;
            let Some(last) = hashes.last().copied() else {
                break;
            };
            read.extend(hashes);
            request = request.behind(last);
        }
        assert_eq!(read, hashes(&records));
    }
}

pub(crate) async fn messages_of_one_time_are_paged_by_hash(archive: &dyn Archive) {
    let record = |n: u32| record(TOPIC, CONTENT, 5, &n.to_be_bytes());
    let records = stored(archive, (0..150).map(record).collect()).await;
    for pagination_forward in [true, false] {
        let request = StoreQueryRequest {
            time_start: Some(5),
            time_end: Some(5),
            pagination_limit: Some(40),
            pagination_forward,
            ..request()
        };
        let mut found = pages(archive, request).await;
        assert_eq!(found.len(), 4);
        if !pagination_forward {
            found.reverse();
        }
        assert_eq!(found.concat(), hashes(&records));
    }
}

pub(crate) async fn topics_in_any_script_are_matched_whole(archive: &dyn Archive) {
    let topics = [
        "/größe/1/ä/proto",
        "/grösse/1/ä/proto",
        "/大/1/😀/proto",
        "/a'\"\\%_;--/1",
        "/a",
    ];
    let record = |n: usize| record(topics[n % 5], topics[n / 5], n as i64, b"");
    let records = stored(archive, (0..25).map(record).collect()).await;
    for topic in topics {
        for request in [
            StoreQueryRequest {
                pubsub_topic: Some(topic.into()),
                ..request()
            },
            StoreQueryRequest {
                content_topics: vec![topic.into(), "/nobody".into()],
                ..request()
            },
        ] {
            let expected = twin::answer(&records, &request).unwrap();
            assert_eq!(expected.0.len(), 5);
            assert_eq!(page(archive, &request).await.0, expected.0);
        }
    }
}

pub(crate) async fn pages_of_the_longest_messages_are_cut_by_bytes(archive: &dyn Archive) {
    let record = |n: u8| record(TOPIC, CONTENT, n.into(), &vec![n; 153_500]);
    let records = stored(archive, (0..60).map(record).collect()).await;
    let by_hashes = StoreQueryRequest::by_hashes("r", &hashes(&records), true);
    for pagination_forward in [true, false] {
        let by_content = StoreQueryRequest {
            include_data: true,
            pagination_limit: Some(100),
            ..request()
        };
        for request in [by_content, by_hashes.clone()] {
            let mut request = StoreQueryRequest {
                pagination_forward,
                ..request
            };
            assert!(ask(archive, &request).await.encoded_len() < 4 << 20);
            let mut found = pages(archive, request.clone()).await;
            assert_eq!(found.len(), 3);
            if !pagination_forward {
                found.reverse();
            }
            assert_eq!(found.concat(), hashes(&records));
            // Hashes alone are short.
            request.include_data = false;
            assert_eq!(pages(archive, request).await.len(), 1);
        }
    }
}

pub(crate) async fn the_first_and_the_last_time_are_found(archive: &dyn Archive) {
    let times = [0, 1, i64::MAX - 1, i64::MAX];
    let records = times.map(|time| record(TOPIC, CONTENT, time, b"")).to_vec();
    let records = stored(archive, records).await;
    let between = |time_start, time_end| StoreQueryRequest {
        time_start,
        time_end,
        ..request()
    };
    let cases = [
        (between(None, None), 0..4),
        (between(Some(0), Some(0)), 0..1),
        (between(Some(i64::MIN), Some(1)), 0..2),
        (between(Some(i64::MAX), None), 3..4),
        (between(Some(i64::MAX), Some(i64::MAX)), 3..4),
        (between(Some(1), Some(i64::MAX - 1)), 1..3),
        (between(None, Some(-1)), 0..0),
        (between(Some(2), Some(1)), 0..0),
    ];
    for (request, expected) in cases {
        assert_eq!(
            page(archive, &request).await,
            (hashes(&records[expected]), None)
        );
    }
}

pub(crate) async fn the_end_of_the_times_is_included(archive: &dyn Archive) {
    // The second time is one that floating-point numbers of nanoseconds can't hold.
    for time in [1_700_000_000_000_000_000i64, 1_700_000_000_001_000_000] {
        let record = record(TOPIC, CONTENT, time, b"");
        archive.append(vec![record.clone()]).await.unwrap();
        let rounded = (time as f64) as i64;
        for bound in [time, rounded] {
            let request = StoreQueryRequest {
                time_start: Some(bound),
                time_end: Some(bound),
                ..request()
            };
            assert_eq!(page(archive, &request).await.0, [record.hash()]);
        }
        let before = StoreQueryRequest {
            time_start: Some(time - 1_000),
            time_end: Some(time - 1),
            ..request()
        };
        assert_eq!(page(archive, &before).await.0, []);
    }
}

pub(crate) async fn every_field_of_a_message_comes_back(archive: &dyn Archive) {
    let message = WakuMessage {
        payload: vec![0, 255],
        content_topic: CONTENT.into(),
        version: Some(0),
        timestamp: Some(7),
        meta: Some(Vec::new()),
        rate_limit_proof: Some(vec![0x0a, 1, 7]),
        ephemeral: Some(false),
        unknown: b"\x22\x03abc".to_vec(),
    };
    let bare = WakuMessage {
        content_topic: CONTENT.into(),
        ..WakuMessage::default()
    };
    for message in [message, bare] {
        let record = Record::new(TOPIC, message.clone()).unwrap();
        archive.append(vec![record.clone()]).await.unwrap();
        let request = StoreQueryRequest::by_hashes("r", &[record.hash()], true);
        let stored = ask(archive, &request).await.messages.remove(0);
        assert_eq!(stored.message_hash, Some(record.hash().0.to_vec()));
        assert_eq!(stored.message, Some(message));
        assert_eq!(stored.pubsub_topic.as_deref(), Some(TOPIC));
    }
}

pub(crate) async fn a_search_that_is_cut_short_goes_on_to_every_match(archive: &dyn Archive) {
    let rare = [3, 4, 11_990].map(|time| record(TOPIC, "/c/rare", time, b"x"));
    let frequent = (0..12_000).map(|time| record(TOPIC, CONTENT, time, b""));
    stored(archive, frequent.collect()).await;
    let rare = stored(archive, rare.to_vec()).await;
    let limits = StoreLimits {
        query_rows: 1,
        ..StoreLimits::default()
    };
    for pagination_forward in [true, false] {
        let mut request = StoreQueryRequest {
            content_topics: vec!["/c/rare".into()],
            pagination_forward,
            ..request()
        };
        let mut found = Vec::new();
        loop {
            let response = serve(archive, &limits, &request.encode_to_vec()).await;
            let answer = StoreAnswer::decode(&response, "r").unwrap();
            let status = StoreQueryResponse::decode(&response[..])
                .unwrap()
                .status_code;
            let cut_short = answer.entries.is_empty() && answer.cursor.is_some();
            assert_eq!(status == status::SERVICE_UNAVAILABLE, cut_short);
            found.extend(answer.entries.iter().map(|entry| entry.hash));
            match answer.cursor {
                Some(cursor) => request = request.behind(cursor),
                None => break,
            }
        }
        found.sort();
        let mut expected = hashes(&rare);
        expected.sort();
        assert_eq!(found, expected);
    }
}

pub(crate) async fn what_cannot_be_understood_is_refused_by_status(archive: &dyn Archive) {
    let records = filled(archive, 3).await;
    let mut bad = vec![StoreQueryRequest::default()];
    for bytes in [0, 31, 33, 64] {
        let mut cursor = request();
        cursor.pagination_cursor = Some(vec![1; bytes]);
        let mut hash = StoreQueryRequest::by_hashes("r", &hashes(&records), true);
        hash.message_hashes.push(vec![1; bytes]);
        bad.extend([cursor, hash]);
    }
    for request in bad {
        let response = ask(archive, &request).await;
        assert_eq!(response.status_code, status::BAD_REQUEST, "{request:?}");
        assert!(response.status_desc.starts_with("BAD_REQUEST: "));
        assert_eq!(
            (response.request_id, response.messages),
            (request.request_id, vec![])
        );
        assert_eq!(response.pagination_cursor, None);
    }
}

const TOPICS: [&str; 2] = ["/t/0", "/t/1"];
const CONTENTS: [&str; 3] = ["/c/0", "/c/1", "/c/2"];

fn any_records() -> impl Strategy<Value = Vec<Record>> {
    let record = (0..2usize, 0..3usize, 0..40i64, any::<u16>()).prop_map(
        |(topic, content, time, payload)| {
            record(
                TOPICS[topic],
                CONTENTS[content],
                time,
                &payload.to_be_bytes(),
            )
        },
    );
    prop::collection::vec(record, 0..120)
}

/// Requests about any of `records`, and about others.
fn any_request(records: &[Record]) -> impl Strategy<Value = StoreQueryRequest> + use<> {
    let mut known: Vec<Vec<u8>> = records.iter().map(|r| r.hash().0.to_vec()).collect();
    known.push(vec![0xaa; 32]);
    let hash = prop::sample::select(known);
    let time = || prop::option::of(-3..43i64);
    let contents = prop::sample::subsequence(&CONTENTS[..], 0..=3);
    let by_content =
        (contents, time(), time()).prop_map(|(contents, time_start, time_end)| StoreQueryRequest {
            content_topics: contents.into_iter().map(String::from).collect(),
            time_start,
            time_end,
            ..request()
        });
    let by_hashes =
        prop::collection::vec(hash.clone(), 1..150).prop_map(|message_hashes| StoreQueryRequest {
            message_hashes,
            ..request()
        });
    let topic = prop::option::of(prop::sample::select(&["", "/t/0", "/t/1", "/t/2"][..]));
    let paging = (
        prop::option::weighted(0.6, hash),
        any::<bool>(),
        prop::option::of(0..130u64),
        any::<bool>(),
    );
    (prop_oneof![by_content, by_hashes], topic, paging).prop_map(
        |(
            selection,
            topic,
            (pagination_cursor, pagination_forward, pagination_limit, include_data),
        )| {
            StoreQueryRequest {
                pubsub_topic: topic.map(String::from),
                pagination_cursor,
                pagination_forward,
                pagination_limit,
                include_data,
                ..selection
            }
        },
    )
}

/// How many archives, and how many requests to each.
const ARCHIVES: usize = 12;
const REQUESTS: usize = 40;

/// Fills the archive with one set of records after the other, and asks each time.
async fn compare(
    archive: &dyn Archive,
    check: impl AsyncFn(&dyn Archive, &[Record], StoreQueryRequest),
) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..ARCHIVES {
        archive.remove(&Range::ALL, 10_000).await.unwrap();
        let records = any_records().new_tree(&mut runner).unwrap().current();
        let mut records = stored(archive, records).await;
        records.dedup();
        let requests = any_request(&records);
        for _ in 0..REQUESTS {
            let request = requests.new_tree(&mut runner).unwrap().current();
            check(archive, &records, request).await;
        }
    }
}

pub(crate) async fn any_query_is_answered_as_its_naive_twin_does(archive: &dyn Archive) {
    compare(archive, async |archive, records, request| {
        let response = ask(archive, &request).await;
        let Some((expected, more)) = twin::answer(records, &request) else {
            assert_not_found(&response);
            return;
        };
        let answer = StoreAnswer::decode(&response.encode_to_vec(), "r").unwrap();
        let found: Vec<Id> = answer.entries.iter().map(|entry| entry.hash).collect();
        assert_eq!(found, expected, "{request:?}");
        assert_eq!(answer.cursor.is_some(), more, "{request:?}");
        for entry in answer.entries {
            let content = entry
                .content
                .map(|(topic, message)| Record::new(topic, message).unwrap());
            let expected = request.include_data.then_some(entry.hash);
            assert_eq!(content.map(|record| record.hash()), expected);
        }
    })
    .await;
}

pub(crate) async fn any_query_is_paged_to_its_end_as_its_naive_twin_does(archive: &dyn Archive) {
    compare(archive, async |archive, records, request| {
        let request = StoreQueryRequest {
            pagination_cursor: None,
            ..request
        };
        let mut found = pages(archive, request.clone()).await;
        if !request.pagination_forward {
            found.reverse();
        }
        let matching = records
            .iter()
            .filter(|record| twin::matches(record, &request));
        let expected: Vec<Id> = matching.map(Record::hash).collect();
        assert_eq!(found.concat(), expected, "{request:?}");
        assert!(found.iter().rev().skip(1).all(|page| !page.is_empty()));
    })
    .await;
}
