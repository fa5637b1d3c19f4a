//! What goes wrong between a node and its database: connections that are cut, servers that end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use postgres_server::Server;
use store_adapter::Record;
use store_adapter::archive::{Archive, ArchiveError, PostgresArchive, PostgresUrl};
use tokio::time::{sleep, timeout};

use crate::postgres::few_connections;
use crate::suite::{all_items, record};

/// A server that a test may end, with an archive in it.
async fn own() -> (Server, String, PostgresArchive) {
    let server = Server::start(&[]).unwrap();
    let database = server.database();
    let url = PostgresUrl::parse(&database).unwrap();
    let archive = PostgresArchive::open_or_create(&url, &few_connections()).await;
    (server, database, archive.unwrap())
}

fn batch(number: i64) -> Vec<Record> {
    let times = 1_000 * number..1_000 * number + 300;
    times.map(|time| record(time, &[7; 1_000])).collect()
}

fn is_told(error: &ArchiveError) {
    assert!(matches!(error, ArchiveError::Database { .. }), "{error:?}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(postgres_server::PASSWORD), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_in_mid_batch_lose_nothing_and_repeat_nothing() {
    let (server, database, archive) = own().await;
    let (server, over) = (Arc::new(server), Arc::new(AtomicBool::new(false)));
    let cut = Arc::new(AtomicU64::new(0));
    let cutter = std::thread::spawn({
        let (server, over) = (Arc::clone(&server), Arc::clone(&over));
        let (name, cut) = (server.name_in(&database).to_owned(), Arc::clone(&cut));
        move || {
            while !over.load(Ordering::Relaxed) {
                let killed = server.sql(
                    &name,
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE application_name = 'wakustore' AND state = 'active'",
                );
                cut.fetch_add(killed.unwrap().parse().unwrap(), Ordering::Relaxed);
            }
        }
    });
    let mut stored = Vec::new();
    // A busy machine cuts less often.
    let enough = |number| number >= 60 && cut.load(Ordering::Relaxed) >= 5;
    for number in (0..2_000).take_while(|number| !enough(*number)) {
        // With bad luck all attempts are cut; then the caller gives the batch again.
        let mut fresh = archive.append(batch(number)).await;
        while let Err(error) = fresh {
            is_told(&error);
            fresh = archive.append(batch(number)).await.map(|fresh| {
                // That it is there already is known only to those who didn't see the error.
                vec![true; fresh.len()]
            });
        }
        assert_eq!(fresh.unwrap(), [true; 300], "batch {number}");
        stored.extend(batch(number).iter().map(Record::item));
    }
    over.store(true, Ordering::Relaxed);
    cutter.join().unwrap();
    let cut = cut.load(Ordering::Relaxed);
    assert!(cut >= 5, "only {cut} connections were cut");
    stored.sort();
    assert_eq!(all_items(&archive).await, stored);
    let counted = archive.stats().await.unwrap().messages;
    assert_eq!(counted, stored.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_told_and_the_next_call_after_it_works() {
    let (server, database, archive) = own().await;
    archive.append(batch(0)).await.unwrap();
    for stop in [Server::stop, Server::kill] {
        stop(&server);
        is_told(&archive.append(batch(1)).await.unwrap_err());
        is_told(&archive.lookup(&[batch(0)[0].hash()]).await.unwrap_err());
        let url = PostgresUrl::parse(&database).unwrap();
        let error = PostgresArchive::open(&url, &few_connections()).await;
        is_told(&error.unwrap_err());
        server.start_again().unwrap();
        assert_eq!(
            archive.lookup(&[batch(0)[0].hash()]).await.unwrap().len(),
            1
        );
    }
    assert_eq!(archive.append(batch(1)).await.unwrap(), [true; 300]);
    assert_eq!(all_items(&archive).await.len(), 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_call_is_waited_for() {
    let (server, _, archive) = own().await;
    for number in 0..4 {
        let append = archive.append(batch(number));
        let restart = async {
            sleep(Duration::from_millis(10 * number.unsigned_abs())).await;
            server.kill();
            tokio::task::block_in_place(|| server.start_again()).unwrap();
        };
        let (fresh, ()) = tokio::join!(append, restart);
        match fresh {
            Ok(fresh) => assert_eq!(fresh, [true; 300]),
            // It took longer than calls wait.
            Err(error) => {
                is_told(&error);
                archive.append(batch(number)).await.unwrap();
            }
        }
    }
    assert_eq!(all_items(&archive).await.len(), 1_200);
    assert_eq!(archive.stats().await.unwrap().messages, 1_200);
}

/// Has an archive refuse to write by `refuse`, for a reason that errors name, and write again by `allow`.
async fn refusing_loses_nothing(
    refuse: impl Fn(&Server),
    allow: impl Fn(&Server),
    reasons: &[&str],
) {
    let (server, _, archive) = own().await;
    let mut stored = Vec::new();
    let mut number = 0;
    for _ in 0..2 {
        refuse(&server);
        // There may be some room left in files.
        let error = loop {
            assert!(number < 500, "writing goes on and on");
            match archive.append(batch(number)).await {
                Ok(fresh) => assert_eq!(fresh, [true; 300]),
                Err(error) => break error,
            }
            stored.extend(batch(number).iter().map(Record::item));
            number += 1;
        };
        is_told(&error);
        let shown = error.to_string();
        assert!(
            reasons.iter().all(|reason| shown.contains(reason)),
            "{shown}"
        );
        stored.sort();
        assert_eq!(all_items(&archive).await, stored);
        allow(&server);
        // The processes of a server hear of a setting one after the other.
        let again = async {
            loop {
                match archive.append(batch(number)).await {
                    Ok(fresh) => break fresh,
                    Err(error) => is_told(&error),
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        let fresh = timeout(Duration::from_secs(60), again).await.unwrap();
        assert_eq!(fresh, [true; 300]);
        stored.extend(batch(number).iter().map(Record::item));
        number += 1;
    }
    server.kill();
    server.start_again().unwrap();
    stored.sort();
    assert_eq!(all_items(&archive).await, stored);
    let counted = archive.stats().await.unwrap().messages;
    assert_eq!(counted, stored.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_told_and_what_was_acknowledged_stays() {
    let full = AtomicU64::new(20 << 20);
    refusing_loses_nothing(
        |server| {
            let bytes = full.fetch_add(2 << 20, Ordering::Relaxed);
            server.limit_files(Some(bytes)).unwrap();
        },
        |server| server.limit_files(None).unwrap(),
        &["could not extend file", "Check free disk space"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_read_only_is_told_and_reading_goes_on() {
    let set = |server: &Server, value: &str| {
        let sql = format!(
            "SET default_transaction_read_only = off;
             ALTER SYSTEM SET default_transaction_read_only = {value};
             SELECT pg_reload_conf()"
        );
        server.sql("postgres", &sql).unwrap();
    };
    refusing_loses_nothing(
        |server| set(server, "on"),
        |server| set(server, "off"),
        &["read-only", "primary"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_half_way_leaves_no_connection_in_a_transaction() {
    let (server, database, archive) = own().await;
    let sql = |text: &str| server.sql(server.name_in(&database), text).unwrap();
    sql("ALTER TABLE wakustore.incarnation ADD CONSTRAINT none CHECK (id IS NULL)");
    is_told(&archive.changes(None).await.unwrap_err());
    for _ in 0..4 {
        assert_eq!(archive.stats().await.unwrap().messages, 0);
    }
    sql("ALTER TABLE wakustore.incarnation DROP CONSTRAINT none");
    assert!(archive.changes(None).await.unwrap().is_some());
}
