//! What a database looks at to answer: indices, and of a certain time only the partitions of that time.

use std::time::Duration;

use postgres_server::Server;
use store_adapter::archive::{Archive, ArchiveOptions, PostgresArchive, PostgresUrl, Scan};
use store_adapter::{Key, Record};
use sync_core::{Bound, Id, Range, TopicFilter};
use tokio::time::{sleep, timeout};

use crate::suite::{TOPIC, record};

const HOUR: u64 = 3_600_000_000_000;
const START: u64 = 480_000 * HOUR;
const HOURS: u64 = 40;
const MESSAGES: u64 = 10_000;
/// Small enough that there are some thirty.
const PARTITION: u64 = 192 << 10;

/// A database in which nothing happens but what the test does.
struct Quiet {
    server: Server,
    url: String,
}

/// What was looked at of one partition.
#[derive(Debug)]
struct Looked {
    first: u64,
    last: u64,
    messages: u64,
    sequential: u64,
    by_index: u64,
    /// Entries of its indices that were read.
    entries: u64,
}

impl Quiet {
    fn new() -> Self {
        let server = Server::start(&[("autovacuum", "off")]).unwrap();
        let url = server.database();
        Self { server, url }
    }

    fn sql(&self, sql: &str) -> String {
        self.server
            .sql(self.server.name_in(&self.url), sql)
            .unwrap()
    }

    async fn open(&self) -> PostgresArchive {
        let url = PostgresUrl::parse(&self.url).unwrap();
        let options = ArchiveOptions {
            max_connections: 2,
            ..ArchiveOptions::default()
        };
        let archive = PostgresArchive::open_sized(&url, &options, true, PARTITION).await;
        archive.unwrap()
    }

    /// Closes an archive, and waits until its sessions have told what they looked at and are gone.
    async fn close(&self, archive: PostgresArchive) {
        drop(archive);
        let gone = async {
            let count =
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wakustore'";
            while self.sql(count) != "0" {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(60), gone).await.unwrap();
    }

    async fn filled(&self) -> Vec<Record> {
        let archive = self.open().await;
        let step = HOURS * HOUR / MESSAGES;
        let records: Vec<Record> = (0..MESSAGES)
            .map(|n| record(i64::try_from(START + n * step).unwrap(), &[7; 500]))
            .collect();
        for batch in records.chunks(1_000) {
            archive.append(batch.to_vec()).await.unwrap();
        }
        // The archive looks after its partitions by itself too, and both at once can't.
        let divided = async {
            while archive.units().await.unwrap().len() < 25 {
                archive.tend_partitions().await.unwrap();
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(60), divided).await.unwrap();
        self.close(archive).await;
        records
    }

    /// What was looked at of each partition while `act` went on with an archive that remembers nothing.
    async fn looked<T>(&self, act: impl AsyncFnOnce(&PostgresArchive) -> T) -> (T, Vec<Looked>) {
        let archive = self.open().await;
        self.sql("SELECT pg_stat_reset()");
        let result = act(&archive).await;
        self.close(archive).await;
        let rows = self.sql(
            "SELECT lower_timestamp, upper_timestamp, messages, seq_scan, idx_scan, (
                 SELECT sum(idx_tup_read) FROM pg_stat_user_indexes AS indices
                 WHERE indices.relid = tables.relid
             )
             FROM wakustore.units JOIN pg_stat_user_tables AS tables
                 ON schemaname = 'wakustore' AND relname = 'messages_' || number",
        );
        let looked = rows.lines().map(|line| {
            let fields: Vec<u64> = line
                .split('|')
                .map(|field| field.parse().unwrap())
                .collect();
            Looked {
                first: fields[0],
                last: fields[1],
                messages: fields[2],
                sequential: fields[3],
                by_index: fields[4],
                entries: fields[5],
            }
        });
        (result, looked.collect())
    }
}

/// That no partition of more than a few messages was read through, neither itself nor an index, when
/// about so many messages were looked for.
fn assert_indexed(looked: &[Looked], messages: u64) {
    for unit in looked {
        assert!(unit.sequential == 0 || unit.messages < 50, "{unit:?}");
    }
    let entries: u64 = looked.iter().map(|unit| unit.entries).sum();
    assert!(entries <= 3 * messages, "{entries} entries: {looked:?}");
    assert!(looked.iter().any(|unit| unit.by_index > 0));
}

/// Hashes from all over the time.
fn scattered(records: &[Record], count: usize) -> Vec<Id> {
    let some = records.iter().step_by(records.len() / count).take(count);
    some.map(Record::hash).collect()
}

async fn page(archive: &PostgresArchive, topics: TopicFilter, backward: bool) -> Vec<Key> {
    let scan = Scan {
        limit: 100,
        backward,
        pubsub_topics: topics,
        ..Scan::of_range(Range::of_times(START + 20 * HOUR, START + 21 * HOUR))
    };
    archive.scan(&scan).await.unwrap().keys
}

#[tokio::test]
async fn hashes_and_hours_are_found_by_indices_in_the_partitions_they_are_in() {
    let quiet = Quiet::new();
    let records = quiet.filled().await;
    // Without statistics, and with them.
    for statistics in ["", "ANALYZE"] {
        quiet.sql(statistics);
        // More often than a server plans a statement for its arguments.
        for (hashes, repeats) in [(10, 1), (100, 1), (10, 12)] {
            let hashes = scattered(&records, hashes);
            let (found, looked) = quiet
                .looked(async |archive| {
                    let mut found = 0;
                    for _ in 0..repeats {
                        found = archive.locate(&hashes).await.unwrap().len();
                    }
                    found
                })
                .await;
            assert_eq!(found, hashes.len());
            assert_indexed(&looked, hashes.len() as u64 * repeats);
            // Everywhere once, and from then on where each is.
            let looks: u64 = looked.iter().map(|unit| unit.by_index).sum();
            let expected = hashes.len() as u64 * (looked.len() as u64 + repeats);
            assert!(looks <= 2 * expected, "{looks} looks, {expected} expected");
        }
        // An index that was read has told where each is.
        let hashes = scattered(&records, 100);
        let (found, looked) = quiet
            .looked(async |archive| {
                archive.items(&Bound::MIN).await.unwrap();
                archive.locate(&hashes).await.unwrap().len()
            })
            .await;
        assert_eq!(found, hashes.len());
        let looks: u64 = looked.iter().map(|unit| unit.by_index).sum();
        let everywhere = (hashes.len() * looked.len()) as u64;
        assert!(looks < everywhere / 4, "{looks} of {everywhere} looks");
        let one_topic = || TopicFilter::from_wire([TOPIC]);
        for (topics, backward) in [
            (TopicFilter::All, false),
            (TopicFilter::All, true),
            (one_topic(), false),
        ] {
            let (found, looked) = quiet
                .looked(async |archive| {
                    let keys = page(archive, topics, backward).await;
                    let hashes: Vec<Id> = keys.iter().map(|key| key.item.id).collect();
                    archive.lookup(&hashes).await.unwrap()
                })
                .await;
            assert_eq!(found.len(), 100);
            // The keys, and then the messages.
            assert_indexed(&looked, 200);
            for unit in looked {
                let of_the_hour = unit.first <= START + 21 * HOUR && unit.last >= START + 20 * HOUR;
                assert!(unit.by_index == 0 || of_the_hour, "{unit:?}");
            }
        }
    }
}
