//! Walks that go on after what they stood at is gone, and pages of Store v3 by cursor.

use prost::Message;
use store_adapter::Record;
use store_adapter::archive::{Archive, Scan};
use store_adapter::limits::StoreLimits;
use store_adapter::store::{StoreQueryRequest, StoreQueryResponse, serve, status};
use sync_core::{Bound, Id, Range};

use super::{TOPIC, all_items, hashes, items, record, sorted, spread, walk};

pub(crate) async fn a_walk_goes_on_after_what_it_stood_at_was_removed(archive: &dyn Archive) {
    for backward in [false, true] {
        let records = spread(12);
        archive.append(records.clone()).await.unwrap();
        let mut order = sorted(&records);
        if backward {
            order.reverse();
        }
        let scan = Scan {
            limit: 4,
            backward,
            ..Scan::of_range(Range::ALL)
        };
        let page = archive.scan(&scan).await.unwrap();
        assert_eq!(items(&page.keys), order[..4]);
        // The last one given, and the next two.
        let (first, last) = (order[3].min(order[5]), order[3].max(order[5]));
        let gone = Range::new(Bound::Before(first), Bound::after(&last));
        assert_eq!(archive.remove(&gone, 10).await.unwrap(), 3);
        let rest = walk(archive, scan.clone().on(page.rest.unwrap())).await;
        assert_eq!(items(&rest), order[6..]);
        // And after everything else.
        let page = archive.scan(&scan).await.unwrap();
        assert_eq!(archive.remove(&Range::ALL, 100).await.unwrap(), 9);
        assert_eq!(walk(archive, scan.on(page.rest.unwrap())).await, []);
    }
}

pub(crate) async fn a_walk_meets_what_is_stored_ahead_of_it(archive: &dyn Archive) {
    archive.append(spread(6)).await.unwrap();
    let scan = Scan {
        limit: 3,
        ..Scan::of_range(Range::ALL)
    };
    let page = archive.scan(&scan).await.unwrap();
    assert_eq!(page.keys.len(), 3);
    let (behind, ahead) = (record(15, b"new"), record(45, b"new"));
    archive.append(vec![behind, ahead.clone()]).await.unwrap();
    let rest = items(&walk(archive, scan.on(page.rest.unwrap())).await);
    assert_eq!(rest.len(), 4);
    assert!(rest.contains(&ahead.item()));
    assert_eq!(all_items(archive).await.len(), 8);
}

async fn page(archive: &dyn Archive, request: &StoreQueryRequest) -> StoreQueryResponse {
    let request = request.encode_to_vec();
    let response = serve(archive, &StoreLimits::default(), &request).await;
    StoreQueryResponse::decode(&response[..]).unwrap()
}

fn query(limit: u64, forward: bool) -> StoreQueryRequest {
    StoreQueryRequest {
        request_id: "r".into(),
        include_data: true,
        pubsub_topic: Some(TOPIC.into()),
        pagination_forward: forward,
        pagination_limit: Some(limit),
        ..StoreQueryRequest::default()
    }
}

fn hashes_of(response: &StoreQueryResponse) -> Vec<Id> {
    let messages = response.messages.iter();
    messages
        .map(|message| Id(message.message_hash.as_deref().unwrap().try_into().unwrap()))
        .collect()
}

/// The hashes of all pages, in the order of the messages.
async fn all_pages(archive: &dyn Archive, limit: u64, forward: bool) -> Vec<Id> {
    let (mut pages, mut request) = (Vec::new(), query(limit, forward));
    loop {
        let response = page(archive, &request).await;
        assert_eq!(response.status_code, status::OK, "{}", response.status_desc);
        assert!(response.messages.len() as u64 <= limit);
        pages.push(hashes_of(&response));
        assert!(pages.len() <= 100, "pages come to an end");
        match response.pagination_cursor {
            Some(cursor) => request.pagination_cursor = Some(cursor),
            None => break,
        }
    }
    if !forward {
        pages.reverse();
    }
    pages.concat()
}

pub(crate) async fn store_pages_by_cursor_show_each_message_once(archive: &dyn Archive) {
    // Messages of one time among others, so that cursors stand between them too.
    let mut records = spread(10);
    records.extend((0..15u8).map(|n| record(55, &[n])));
    archive.append(records.clone()).await.unwrap();
    let expected: Vec<Id> = sorted(&records).iter().map(|item| item.id).collect();
    for limit in [1, 2, 7, 24, 25, 26, 100] {
        for forward in [true, false] {
            assert_eq!(
                all_pages(archive, limit, forward).await,
                expected,
                "{limit} {forward}"
            );
        }
    }
}

pub(crate) async fn store_cursors_stand_at_every_edge_and_deleted_ones_are_told(
    archive: &dyn Archive,
) {
    let records = spread(5);
    archive.append(records.clone()).await.unwrap();
    let all = hashes(&records);
    for (at, cursor) in all.iter().enumerate() {
        let after = page(archive, &query(100, true).behind(*cursor)).await;
        assert_eq!(
            (after.status_code, hashes_of(&after)),
            (status::OK, all[at + 1..].to_vec())
        );
        let before = page(archive, &query(100, false).behind(*cursor)).await;
        assert_eq!(
            (before.status_code, hashes_of(&before)),
            (status::OK, all[..at].to_vec())
        );
    }
    assert_eq!(
        archive.remove(&Range::of_times(20, 31), 10).await.unwrap(),
        2
    );
    for (at, cursor) in all.iter().enumerate() {
        let response = page(archive, &query(100, true).behind(*cursor)).await;
        let deleted = at == 1 || at == 2;
        let expected = if deleted {
            status::BAD_RESPONSE
        } else {
            status::OK
        };
        assert_eq!(
            response.status_code, expected,
            "{at}: {}",
            response.status_desc
        );
    }
}

pub(crate) async fn store_answers_one_hundred_hashes_and_nothing(archive: &dyn Archive) {
    let empty = page(archive, &query(20, true)).await;
    assert_eq!((empty.status_code, empty.messages.len()), (status::OK, 0));
    assert_eq!(empty.pagination_cursor, None);
    let records: Vec<Record> = spread(200);
    archive.append(records.clone()).await.unwrap();
    let all = hashes(&records);
    for count in [100, 200] {
        let request = StoreQueryRequest::by_hashes("r", &all[..count], false);
        let response = page(archive, &request).await;
        assert_eq!(hashes_of(&response), all[..100]);
        // The rest is on the next page.
        let more = response.pagination_cursor.is_some();
        assert_eq!(more, count > 100);
    }
    let unknown = StoreQueryRequest::by_hashes("r", &[Id([7; 32])], true);
    let response = page(archive, &unknown).await;
    assert_eq!(
        (response.status_code, response.messages.len()),
        (status::OK, 0)
    );
}
