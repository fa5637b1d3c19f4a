//! Gaps that peers fill by sessions.

use std::time::Duration;

use store_adapter::Span;
use sync_core::Range;
use wakustore::cli::DialectArg;
use wakustore::sync::Schedule;

use crate::support::{HOUR, Home, SECOND, eventually, messages, now, quick, with_holes};

#[tokio::test]
async fn what_came_while_a_node_was_down_is_fetched_at_its_start() {
    let now = now();
    let old = messages(now - HOUR, now - HOUR / 2, 100);
    let a = Home::new(&old).await.start(|_| {}).await;
    let home = Home::new(&old).await;
    let b = home.start(|_| {}).await;
    b.meet(&a).await;
    eventually("b is online", || b.last_online().is_some()).await;
    assert_eq!(b.gaps(), [], "its first start");
    b.node.stop().await;

    let missed = messages(now, now + SECOND, 50).into_iter();
    let missed = missed.map(|record| {
        let (topic, message) = record.into_parts();
        (topic.to_string(), message)
    });
    a.store.put(missed.collect()).await.unwrap();
    let b = home.start(|_| {}).await;
    assert_eq!(b.gaps().len(), 1, "it knows before it has any peer");
    b.meet(&a).await;
    eventually("b has what it missed", || b.store.len() == 150).await;
    b.has_resumed().await;
    assert_eq!(b.counters().messages.get(), 50);
}

#[tokio::test]
async fn a_long_gap_is_filled_slice_by_slice_and_no_further_back_than_the_limit() {
    let now = now();
    let all = messages(now - 9 * HOUR, now, 900);
    let a = Home::new(&all).await.start(|_| {}).await;
    let home = Home::new(&[]).await;
    home.was_online_at(now - 8 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    b.meet(&a).await;
    // What is before the last six hours stays missing.
    eventually("the last six hours are filled", || {
        b.gaps().iter().all(|gap| gap.until < now - 5 * HOUR)
    })
    .await;
    assert!((598..=601).contains(&b.store.len()), "{}", b.store.len());
    assert!(b.counters().sessions.get() >= 6);
    let [left] = b.gaps()[..] else {
        unreachable!("one gap is left: {:?}", b.gaps());
    };
    assert_eq!(left.since, now - 8 * HOUR - 60 * SECOND);
    b.node.stop().await;

    // An operator who allows more gets it by the next start.
    let b = home
        .start(|config| {
            let mut resume = quick(true);
            resume.limit = None;
            config.resume = Some(resume);
        })
        .await;
    b.meet(&a).await;
    b.has_resumed().await;
    // All but the first hour, save what the overlap reaches of it.
    assert!((800..=802).contains(&b.store.len()), "{}", b.store.len());
}

#[tokio::test]
async fn a_gap_that_the_peer_has_too_stays_until_another_one_fills_it() {
    let now = now();
    let all = messages(now - 3 * HOUR, now, 300);
    let hole = Span::new(now - 2 * HOUR, now - HOUR);
    let outside = |time: u64| time < hole.since || time >= hole.until;
    let holed: Vec<_> = all
        .iter()
        .filter(|record| outside(record.item().timestamp))
        .cloned()
        .collect();
    let (a, c) = (Home::new(&holed).await, Home::new(&all).await);
    a.was_online_at(now, &[hole]).await;
    // It tells of its gap, and has nobody to fill it.
    let a = a.start(|config| config.resume = Some(quick(false))).await;
    let c = c.start(|_| {}).await;
    let home = Home::new(&all[..50]).await;
    home.was_online_at(now - 2 * HOUR - HOUR / 2, &[]).await;
    let b = home
        .start(|config| {
            let mut resume = quick(true);
            resume.limits.claims = Duration::from_secs(300);
            config.resume = Some(resume);
        })
        .await;
    b.meet(&a).await;
    // The last minute is a gap of the peer too, since it has nobody itself.
    let recent = |gap: &Span| gap.since >= now - 61 * SECOND;
    eventually("all but the hole is filled", || {
        let gaps = b.gaps();
        gaps[0] == hole && gaps[1..].iter().all(recent)
    })
    .await;
    assert!((198..=200).contains(&b.store.len()), "{}", b.store.len());
    b.meet(&c).await;
    b.has_resumed().await;
    assert_eq!(b.store.len(), 300);
    eventually("the other confirms what it can", || {
        b.unconfirmed() < HOUR + 100 * SECOND
    })
    .await;
}

#[tokio::test]
async fn what_a_peer_lacks_without_knowing_comes_from_the_second_one() {
    let now = now();
    let all = messages(now - 3 * HOUR, now, 300);
    let a = Home::new(&with_holes(&all)).await.start(|_| {}).await;
    let home = Home::new(&[]).await;
    home.was_online_at(now - 2 * HOUR, &[]).await;
    let b = home.start(|_| {}).await;
    b.meet(&a).await;
    b.has_resumed().await;
    assert!(b.unconfirmed() > 2 * HOUR, "nobody else has been asked");
    let c = Home::new(&all).await.start(|_| {}).await;
    b.meet(&c).await;
    eventually("the second peer has been asked", || b.unconfirmed() == 0).await;
    assert!((200..=202).contains(&b.store.len()), "{}", b.store.len());
}

#[tokio::test]
async fn a_sync_of_the_schedule_closes_the_gap_that_it_fills() {
    let now = now();
    let all = messages(now - 2 * HOUR, now, 200);
    let a = Home::new(&all).await.start(|_| {}).await;
    let home = Home::new(&[]).await;
    home.was_online_at(now - 2 * HOUR + 61 * SECOND, &[]).await;
    let b = home
        .start(|config| {
            config.resume = Some(quick(false));
            config.schedule = Some(Schedule {
                interval: Duration::from_millis(200),
                range: Duration::from_secs(3_600),
                jitter: Duration::ZERO,
            });
        })
        .await;
    b.meet(&a).await;
    eventually("the last hour is no gap any more", || {
        b.counters().gaps.get() > 0 && b.gaps().iter().all(|gap| gap.until < now - HOUR / 2)
    })
    .await;
    let [left] = b.gaps()[..] else {
        unreachable!("one gap is left: {:?}", b.gaps());
    };
    assert_eq!(left.since, now - 2 * HOUR + SECOND);
    assert!((98..=102).contains(&b.store.len()), "{}", b.store.len());
}

#[tokio::test]
async fn a_session_tells_the_oldest_time_and_the_gaps_above_the_floor() {
    let now = now();
    let all = messages(now - 3 * HOUR, now - 2 * HOUR, 60);
    let a = Home::new(&all).await;
    let gaps = [
        Span::new(now - 4 * HOUR, now - 2 * HOUR),
        Span::new(now - HOUR, now - HOUR / 2),
    ];
    a.keeps_from(all[30].item().timestamp).await;
    // Its last time online is as good as now, so that no further gap opens.
    a.was_online_at(now + 70 * SECOND, &gaps).await;
    let a = a.start(|_| {}).await;
    let b = Home::new(&[]).await.start(|_| {}).await;
    b.meet(&a).await;
    let window = Range::of_times(now - SECOND, now);
    let syncer = b.node.syncer();
    let peer = a.node.peer_id();
    let synced = syncer.sync(peer, window, DialectArg::Auto).await.unwrap();
    let told = synced.session.peer.unwrap();
    assert_eq!(told.oldest, Some(all[30].item().timestamp));
    let expected = [
        Range::of_times(all[30].item().timestamp, now - 2 * HOUR),
        Range::of_times(now - HOUR, now - HOUR / 2),
    ];
    assert_eq!(told.gaps, expected, "those outside the window too");
}

#[tokio::test]
async fn a_running_node_that_loses_its_peers_for_long_has_a_gap() {
    let now_at_first = now();
    let old = messages(now_at_first - HOUR, now_at_first, 10);
    let isolation = Duration::from_millis(1_500);
    let b = Home::new(&old)
        .await
        .start(|config| {
            let mut resume = quick(true);
            resume.limits.isolation = isolation;
            config.resume = Some(resume);
        })
        .await;
    let a = Home::new(&old).await.start(|_| {}).await;
    b.meet(&a).await;
    eventually("b is online", || b.last_online().is_some()).await;
    let peer = a.node.peer_id();
    a.node.stop().await;
    eventually("b is alone", || {
        !b.node.syncer().peers().is_connected(&peer)
    })
    .await;
    let last = b.last_online().unwrap();
    tokio::time::sleep(isolation).await;
    assert_eq!(b.last_online(), Some(last), "nobody is there to hear from");

    let missed = messages(last, now(), 10);
    let c = Home::new(&[old, missed].concat()).await.start(|_| {}).await;
    b.meet(&c).await;
    b.has_resumed().await;
    assert_eq!((b.counters().gaps.get(), b.store.len()), (1, 20));
    assert!(b.last_online() > Some(last));
}
