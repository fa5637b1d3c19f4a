//! Topics of messages in a database: a bounded number by number, all others by name in the rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use store_adapter::archive::{Archive, PostgresArchive, PostgresUrl, Scan};
use store_adapter::limits::{TOPICS_NUMBERED, TOPICS_NUMBERED_BYTES};
use store_adapter::{Index, Record};
use sync_core::{Bound, Item, Range, TopicFilter};

use crate::postgres::{few_connections, url};
use crate::suite::counting::{naive, told};
use crate::suite::record_of;

fn sql(url: &PostgresUrl, sql: &str) -> String {
    let name = url.to_string().rsplit('/').next().unwrap().to_owned();
    postgres_server::shared().sql(&name, sql).unwrap()
}

async fn open(url: &PostgresUrl) -> PostgresArchive {
    let archive = PostgresArchive::open_or_create(url, &few_connections()).await;
    archive.unwrap()
}

/// Every number is given out, to nobody.
pub(crate) async fn without_numbers() -> (PostgresArchive, ()) {
    let url = url();
    let archive = open(&url).await;
    let all = format!("SELECT setval('wakustore.topics_number_seq', {TOPICS_NUMBERED})");
    sql(&url, &all);
    (archive, ())
}

mod of_names_in_rows {
    conformance_suite!(super::without_numbers());
}

fn content(number: u32) -> String {
    format!("/made-up/1/{number}/proto")
}

async fn found_by_topics(archive: &PostgresArchive, topics: [&str; 2]) -> Vec<Item> {
    let only = |topic: &str| TopicFilter::Only(BTreeSet::from([topic.to_owned()]));
    let scan = Scan {
        pubsub_topics: only(topics[0]),
        content_topics: only(topics[1]),
        ..Scan::of_range(Range::ALL)
    };
    let (mut items, mut rest) = (Vec::new(), Some(scan));
    while let Some(scan) = rest {
        let page = archive.scan(&scan).await.unwrap();
        items.extend(page.keys.iter().map(|key| key.item));
        rest = page.rest.map(|range| Scan { range, ..scan });
    }
    items
}

/// Checks that every record is found by its topics and comes back with them.
async fn all_are_found(archive: &PostgresArchive, records: &[Record]) {
    for record in records {
        let topics = [&**record.pubsub_topic(), &record.message().content_topic];
        let found = found_by_topics(archive, topics).await;
        assert_eq!(found, [record.item()], "{topics:?}");
        let held = archive.lookup(&[record.hash()]).await.unwrap();
        assert_eq!(&held[0], record);
        let key = &archive.locate(&[record.hash()]).await.unwrap()[0];
        assert_eq!(
            [&*key.pubsub_topic, &*key.content_topic],
            topics,
            "{topics:?}"
        );
    }
}

#[tokio::test]
async fn a_bounded_number_of_topics_gets_numbers_and_every_other_is_found_by_its_name() {
    let url = url();
    let nodes = [open(&url).await, open(&url).await];
    let records: Vec<Record> = (0..TOPICS_NUMBERED + 800)
        .map(|n| record_of("/t", &content(n), i64::from(n), b"x"))
        .collect();
    let halves = records.split_at(records.len() / 2);
    let pour = async |node: &PostgresArchive, records: &[Record]| {
        for batch in records.chunks(300) {
            let fresh = node.append(batch.to_vec()).await.unwrap();
            assert!(fresh.iter().all(|fresh| *fresh));
        }
    };
    tokio::join!(pour(&nodes[0], halves.0), pour(&nodes[1], halves.1));
    let numbered: u32 = sql(&url, "SELECT count(*) FROM wakustore.topics")
        .parse()
        .unwrap();
    assert!(
        numbered <= TOPICS_NUMBERED && numbered > TOPICS_NUMBERED / 2,
        "{numbered}"
    );
    let some: Vec<Record> = records.iter().step_by(97).cloned().collect();
    all_are_found(&nodes[1], &some).await;
    assert_eq!(
        found_by_topics(&nodes[0], ["/t", "/nobody/1/has/proto"]).await,
        []
    );
}

#[tokio::test]
async fn a_long_topic_gets_no_number() {
    let url = url();
    let archive = open(&url).await;
    let long = "/l".repeat(TOPICS_NUMBERED_BYTES / 2 + 1);
    let records = [
        record_of(&long, "/c", 1, b"x"),
        record_of("/t", &long, 2, b"x"),
    ];
    archive.append(records.to_vec()).await.unwrap();
    all_are_found(&archive, &records).await;
    let names = "SELECT string_agg(convert_from(name, 'UTF8'), ' ' ORDER BY name)
                 FROM wakustore.topics";
    assert_eq!(sql(&url, names), "/c /t");
}

#[tokio::test]
async fn what_others_store_with_names_in_rows_is_told() {
    let (archive, ()) = without_numbers().await;
    let start = archive.changes(None).await.unwrap().unwrap().position;
    let record = record_of("/unheard-of", "/c", 7, b"x");
    archive.append(vec![record.clone()]).await.unwrap();
    let changes = archive.changes(Some(&start)).await.unwrap().unwrap();
    assert_eq!(changes.inserted, [record.key()]);
}

#[tokio::test]
async fn names_in_rows_are_counted_by_another_look() {
    let (archive, ()) = without_numbers().await;
    let records = [
        record_of("/t", "/c", 7, b"x"),
        record_of("/unheard-of", "/c", 7, b"xy"),
        record_of("/t", "/unheard/of/too", 8, b"xyz"),
    ];
    archive.append(records.to_vec()).await.unwrap();
    let archive: Arc<dyn Archive> = Arc::new(archive);
    let index = Index::rebuild(Arc::clone(&archive)).await.unwrap();
    assert_eq!(index.len(), 3);
    assert_eq!(index.recount().await.unwrap(), 1);
    let expected = naive(&*archive, Bound::MIN).await;
    assert_eq!(told(&index.counts().hours), expected);
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_its_messages_and_gives_up_the_rest_of_its_topics() {
    let url = url();
    let first = include_str!("../../src/archive/postgres/migrations/1.sql");
    sql(
        &url,
        &format!(
            "CREATE SCHEMA wakustore; SET search_path = wakustore;
             CREATE TABLE schema_version (version integer NOT NULL);
             INSERT INTO schema_version VALUES (1); {first}"
        ),
    );
    let long = format!("/long/{}", "x".repeat(TOPICS_NUMBERED_BYTES));
    let topics = [(1, "/t"), (2, "/c"), (3, &*long), (5_000, "/late")];
    for (number, name) in topics {
        sql(
            &url,
            &format!(
                "INSERT INTO wakustore.topics OVERRIDING SYSTEM VALUE
                 VALUES ({number}, convert_to('{name}', 'UTF8'));
                 SELECT setval('wakustore.topics_number_seq', {number})"
            ),
        );
    }
    let number = |name: &str| topics.iter().find(|topic| topic.1 == name).unwrap().0;
    let records = [
        record_of("/t", "/c", 1, b"x"),
        record_of("/t", &long, 2, b"x"),
        record_of("/late", "/c", 3, b"x"),
        record_of("/late", &long, 4, b"x"),
    ];
    for record in &records {
        sql(
            &url,
            &format!(
                "INSERT INTO wakustore.messages (timestamp, hash, pubsub_topic, content_topic,
                     message_bytes, has_timestamp, payload)
                 VALUES ({}, decode('{}', 'hex'), {}, {}, {}, true, 'x');
                 UPDATE wakustore.units SET messages = messages + 1",
                record.item().timestamp,
                record.hash(),
                number(record.pubsub_topic()),
                number(&record.message().content_topic),
                record.encoded_len()
            ),
        );
    }
    let archive = open(&url).await;
    all_are_found(&archive, &records).await;
    let left = sql(&url, "SELECT count(*) FROM wakustore.topics");
    assert_eq!(left, "2");
    let again = archive.append(records.to_vec()).await.unwrap();
    assert_eq!(again, [false; 4]);
    // There are no numbers left.
    let more = [record_of("/new", "/c", 5, b"x")];
    archive.append(more.to_vec()).await.unwrap();
    all_are_found(&archive, &more).await;
    assert_eq!(sql(&url, "SELECT count(*) FROM wakustore.topics"), "2");
}

#[tokio::test]
async fn a_migration_that_moves_much_takes_longer_than_other_statements_may() {
    let url = url();
    let name = url.to_string().rsplit('/').next().unwrap().to_owned();
    let config: tokio_postgres::Config = postgres_server::shared().url(&name).parse().unwrap();
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let run = async |sql: &str| client.batch_execute(sql).await;
    run("CREATE SCHEMA wakustore; SET search_path = wakustore")
        .await
        .unwrap();
    run(include_str!("../../src/archive/postgres/migrations/1.sql"))
        .await
        .unwrap();
    run("INSERT INTO topics OVERRIDING SYSTEM VALUE VALUES (5000, '/late');
         INSERT INTO messages (timestamp, hash, pubsub_topic, content_topic, message_bytes,
             has_timestamp, payload) VALUES (1, decode(repeat('ab', 32), 'hex'), 5000, 5000, 1, true, '');
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
             AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END';
         CREATE TRIGGER slow BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION slow();
         SET statement_timeout = 100; BEGIN")
        .await
        .unwrap();
    run(include_str!("../../src/archive/postgres/migrations/2.sql"))
        .await
        .unwrap();
    run("COMMIT").await.unwrap();
    let left = sql(&url, "SELECT count(*) FROM wakustore.topics");
    assert_eq!(left, "0");
    let others = client.query_one("SELECT pg_sleep(0.3)", &[]).await;
    assert!(others.is_err(), "the limit holds for what comes after it");
    drop(client);
    connection.abort();
}
