//! An archive that is busy, or that can't be written.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use wakustore::metrics::Prefix;

use crate::faulty::Faulty;
use crate::page::{Page, get, page_with};
use crate::support::{Measured, messages};

#[tokio::test]
async fn the_page_comes_within_a_second_while_the_archive_answers_nothing() {
    let archive = Arc::new(Faulty::default());
    let node =
        Measured::start_with(Arc::<Faulty>::clone(&archive), Prefix::default(), |_| {}).await;
    node.store.put(messages(50, 1)).await.unwrap();
    page_with(node.page, |page| {
        page.has("logos_delivery_archive_disk_bytes")
    })
    .await;
    archive.busy.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let page = Page::of(node.page).await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(page.sum("logos_delivery_archive_messages"), 50.0);
    let age = page.value("logos_delivery_archive_disk_age_seconds");
    page_with(node.page, |page| {
        page.value("logos_delivery_archive_disk_age_seconds") > age
    })
    .await;
    let not_ready = "logos_delivery_node_health{status=\"NOT_READY\"}";
    page_with(node.page, |page| page.value(not_ready) == 1.0).await;
    archive.busy.store(false, Ordering::SeqCst);
    node.node.stop().await;
}

#[tokio::test]
async fn a_node_that_cannot_store_is_not_ready_until_it_can() {
    let archive = Arc::new(Faulty::default());
    let node =
        Measured::start_with(Arc::<Faulty>::clone(&archive), Prefix::default(), |_| {}).await;
    archive.full.store(true, Ordering::SeqCst);
    node.store.put(messages(1, 1)).await.unwrap_err();
    let (status, word) = get(node.page, "/health").await;
    assert_eq!((status, word.as_str()), (503, "NOT_READY"));
    let page = Page::of(node.page).await;
    let failures = "logos_delivery_archive_errors_total{type=\"insert_failure\"}";
    assert_eq!(page.value(failures), 1.0);
    archive.full.store(false, Ordering::SeqCst);
    node.store.put(messages(1, 1)).await.unwrap();
    assert_eq!(get(node.page, "/health").await.0, 200);
    node.node.stop().await;
}
