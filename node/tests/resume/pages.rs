//! Gaps that peers fill by Store pages, since they speak nothing better.

use std::time::Duration;

use prost::Message;
use store_adapter::store::{StoreQueryResponse, too_many_requests};
use wakustore::node::Services;

use crate::server::Server;
use crate::support::{HOUR, Home, SECOND, eventually, message, messages, now, quick, with_holes};

#[tokio::test]
async fn a_node_that_serves_no_sync_is_asked_for_pages() {
    let now = now();
    let all = messages(now - 2 * HOUR, now, 450);
    let a = Home::new(&all).await;
    let a = a
        .start(|config| {
            config.serve = Services {
                store: true,
                sync: false,
            };
        })
        .await;
    let home = Home::new(&all[..100]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    b.meet(&a).await;
    b.has_resumed().await;
    assert_eq!(b.store.len(), 450);
    assert_eq!(b.counters().sessions.get(), 0);
    assert!(b.counters().pages.get() >= 5);
}

#[tokio::test]
async fn a_node_that_ends_in_mid_resume_goes_on_where_it_was() {
    let now = now();
    let all = messages(now - 2 * HOUR, now - HOUR, 1_000);
    let home = Home::new(&[]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    let first = Server::with(&b.address(), &all, |before, response| {
        (before < 4).then_some(response)
    })
    .await;
    eventually("the fifth page is asked for", || first.asked().len() == 5).await;
    assert_eq!(b.store.len(), 400);
    // No clean end: nothing is stored by it.
    drop(b);

    let b = home.start(|_| {}).await;
    let second = Server::honest(&b.address(), &all).await;
    b.has_resumed().await;
    assert_eq!(b.store.len(), 1_000);
    // What the first one gave is confirmed by hashes alone.
    let asked = second.asked().into_iter().map(|(_, request)| request);
    let with_data: Vec<_> = asked.filter(|request| request.include_data).collect();
    let from = with_data[0]
        .time_start
        .and_then(|time| u64::try_from(time).ok());
    assert_eq!(from, Some(all[399].item().timestamp));
    // 601 messages from there, the one that is held included, and a slice in which there is none.
    assert_eq!(with_data.len(), 8);
}

#[tokio::test]
async fn what_retention_has_given_up_is_not_fetched() {
    let now = now();
    let all = messages(now - 3 * HOUR, now, 300);
    let home = Home::new(&[]).await;
    home.was_online_at(now - 3 * HOUR, &[]).await;
    home.keeps_from(now - HOUR).await;
    let b = home.start(|_| {}).await;
    let server = Server::honest(&b.address(), &all).await;
    b.has_resumed().await;
    assert_eq!(server.asked_from(), Some(now - HOUR));
    assert_eq!(b.store.len(), 100);
}

#[tokio::test]
async fn a_hole_of_the_first_server_is_filled_from_the_second() {
    let now = now();
    let all = messages(now - 2 * HOUR, now, 600);
    let home = Home::new(&[]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    let first = Server::honest(&b.address(), &with_holes(&all)).await;
    b.has_resumed().await;
    assert_eq!(b.store.len(), 400);
    let second = Server::honest(&b.address(), &all).await;
    eventually("the second has been asked", || b.unconfirmed() == 0).await;
    assert_eq!(b.store.len(), 600);
    assert!(!first.asked().is_empty());
    // It was asked for hashes, and for the messages that the first one lacks.
    let whole = second.asked().into_iter().map(|(_, request)| request);
    let whole: Vec<_> = whole.filter(|request| request.include_data).collect();
    assert!(
        whole
            .iter()
            .all(|request| !request.message_hashes.is_empty())
    );
    let looked_up: usize = whole
        .iter()
        .map(|request| request.message_hashes.len())
        .sum();
    assert_eq!(looked_up, 200);
}

#[tokio::test]
async fn a_server_that_ends_a_long_search_early_is_asked_on() {
    let now = now();
    let all = messages(now - 2 * HOUR, now - HOUR, 250);
    let home = Home::new(&[]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    // As this program's own server answers where as much as it looks at doesn't match.
    let unfinished = |before: usize, response: StoreQueryResponse| {
        Some(match before {
            0 => StoreQueryResponse {
                request_id: response.request_id,
                status_code: 503,
                status_desc: "SERVICE_UNAVAILABLE".into(),
                pagination_cursor: response.messages[0].message_hash.clone(),
                messages: Vec::new(),
            },
            _ => response,
        })
    };
    let _server = Server::with(&b.address(), &all, unfinished).await;
    b.has_resumed().await;
    assert_eq!(b.counters().refused.get(), 0);
    // What the cursor named was left out by the server.
    assert_eq!(b.store.len(), 249);
}

#[tokio::test]
async fn a_server_that_lies_is_left_for_another_one() {
    let now = now();
    let all = messages(now - 2 * HOUR, now - HOUR, 250);
    let other_content = |mut response: StoreQueryResponse| {
        if let Some(content) = response.messages[50].message.as_mut() {
            content.payload.push(1);
        }
        response
    };
    let of_another_time = |mut response: StoreQueryResponse| {
        let (hash, stored) = (message(5).hash(), &mut response.messages[50]);
        stored.message = Some(message(5).into_parts().1);
        stored.message_hash = Some(hash.0.to_vec());
        response
    };
    let in_a_circle = |mut response: StoreQueryResponse| {
        response.pagination_cursor = response.messages[0].message_hash.clone();
        response
    };
    type Lie = fn(StoreQueryResponse) -> StoreQueryResponse;
    let lies: [Lie; 3] = [other_content, of_another_time, in_a_circle];
    for (number, lie) in lies.into_iter().enumerate() {
        let home = Home::new(&[]).await;
        home.was_online_at(now - 2 * HOUR, &[]).await;
        let b = home.start(|_| {}).await;
        let liar = Server::with(&b.address(), &all, move |_, response| Some(lie(response))).await;
        eventually("the lie is seen", || b.counters().refused.get() == 1).await;
        assert_eq!(b.gaps().len(), 1);
        let asked = liar.asked().len();
        let _honest = Server::honest(&b.address(), &all).await;
        b.has_resumed().await;
        assert_eq!(b.store.len(), 250, "lie {number}");
        assert_eq!(liar.asked().len(), asked, "it isn't asked any more");
    }
}

#[tokio::test]
async fn a_server_that_wants_to_be_asked_less_often_is() {
    let now = now();
    let all = messages(now - 2 * HOUR, now, 250);
    let home = Home::new(&[]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    let server = Server::with(&b.address(), &all, |before, response| {
        let refusal = || StoreQueryResponse::decode(too_many_requests().as_slice()).ok();
        if (1..4).contains(&before) {
            refusal()
        } else {
            Some(response)
        }
    })
    .await;
    b.has_resumed().await;
    assert_eq!(b.store.len(), 250);
    assert_eq!(b.counters().rate_limited.get(), 3);
    let times: Vec<_> = server.asked().into_iter().map(|(time, _)| time).collect();
    let pauses = times.windows(2).map(|pair| pair[1] - pair[0]);
    let pauses: Vec<Duration> = pauses.skip(1).take(3).collect();
    for (pause, least) in pauses.iter().zip([100, 200, 400]) {
        assert!(*pause >= Duration::from_millis(least), "{pauses:?}");
    }
}

#[tokio::test]
async fn shards_that_a_node_does_not_keep_are_not_asked_for() {
    let now = now();
    let all = messages(now - 2 * HOUR, now, 250);
    let home = Home::new(&[]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home
        .start(|config| {
            config.cluster_id = Some(99);
            config.shards = vec![0, 3];
            config.resume = Some(quick(true));
        })
        .await;
    let server = Server::honest(&b.address(), &all).await;
    eventually("pages are asked for", || b.counters().pages.get() > 0).await;
    for (_, request) in server.asked() {
        let topic = request.pubsub_topic.unwrap();
        assert!(["/waku/2/rs/99/0", "/waku/2/rs/99/3"].contains(&&*topic));
    }
}

#[tokio::test]
async fn a_clock_that_was_put_back_fetches_nothing() {
    let now = now();
    let all = messages(now - 2 * HOUR, now, 100);
    let home = Home::new(&[]).await;
    home.was_online_at(now + HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    let server = Server::honest(&b.address(), &all).await;
    eventually("the last time online is put right", || {
        b.last_online().is_some_and(|time| time < now + HOUR / 2)
    })
    .await;
    b.node.stop().await;
    assert_eq!(server.asked().len(), 0);
    // From now on it is as ever.
    let b = home.start(|_| {}).await;
    let [gap] = b.gaps()[..] else {
        unreachable!("one gap: {:?}", b.gaps());
    };
    assert!(gap.since < now && gap.length() < 120 * SECOND, "{gap:?}");
}

#[tokio::test]
async fn messages_that_a_server_names_and_does_not_give_stay_missing() {
    let now = now();
    let all = messages(now - 2 * HOUR, now - HOUR, 50);
    let home = Home::new(&all[..10]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    let bare = |_, mut response: StoreQueryResponse| {
        for stored in &mut response.messages {
            stored.message = None;
        }
        Some(response)
    };
    let _miser = Server::with(&b.address(), &all, bare).await;
    eventually("it has failed twice", || b.counters().failures.get() >= 2).await;
    assert_eq!((b.gaps().len(), b.store.len()), (1, 10));
    let _honest = Server::honest(&b.address(), &all).await;
    b.has_resumed().await;
    assert_eq!(b.store.len(), 50);
}

#[tokio::test]
async fn a_server_cannot_confirm_by_naming_messages_of_other_times() {
    let now = now();
    let all = messages(now - 3 * HOUR, now - HOUR, 200);
    let home = Home::new(&all[..50]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    let _honest = Server::honest(&b.address(), &all).await;
    b.has_resumed().await;
    let before = (b.unconfirmed(), b.store.len());
    let elsewhere = all[10].hash().0.to_vec();
    let naming = move |_, mut response: StoreQueryResponse| {
        if let Some(last) = response.messages.last_mut() {
            last.message_hash = Some(elsewhere.clone());
            response.pagination_cursor = Some(elsewhere.clone());
        }
        Some(response)
    };
    let _liar = Server::with(&b.address(), &all, naming).await;
    eventually("the lie is seen", || b.counters().refused.get() == 1).await;
    assert_eq!((b.unconfirmed(), b.store.len()), before);
}
