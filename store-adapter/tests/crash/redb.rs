//! The redb archive, killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::batches::{number_of, records, span_below};
use crate::rounds;
use store_adapter::Record;
use store_adapter::archive::{Archive, RedbArchive, RedbOptions, Scan};
use sync_core::{Bound, Id, Item, Range};

const PATH: &str = "CRASH_ARCHIVE";
const FIRST: &str = "CRASH_FIRST_BATCH";
const STATE: &str = "online";

fn options() -> RedbOptions {
    RedbOptions {
        unit_bytes: 600_000,
        open_units: 4,
    }
}

fn tell(what: &str, number: i64) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n{what} {number}").unwrap();
    output.flush().unwrap();
}

/// The process that is killed. It says what it begins, and what it was told to be done.
#[tokio::test]
#[ignore = "runs as a child of the test below, which tells it where the archive is"]
async fn child() {
    let path = std::env::var(PATH).expect("the archive's path, as the test below gives it");
    let first = std::env::var(FIRST)
        .expect("the first batch")
        .parse()
        .unwrap();
    let archive = RedbArchive::open_or_create_with(Path::new(&path), &options())
        .await
        .unwrap();
    for number in first.. {
        tell("begin", number);
        archive.append(records(number)).await.unwrap();
        tell("stored", number);
        if number % 5 == 0 {
            tell("begin-state", number);
            let value = number.to_be_bytes().to_vec();
            archive.set_state(STATE, Some(value)).await.unwrap();
            tell("state", number);
        }
        if number % 10 == 0 {
            tell("begin-removal", number);
            while archive.remove(&span_below(number), 50).await.unwrap() >= 50 {}
            tell("removal", number);
        }
    }
}

fn spawn(path: &Path, first: i64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "redb::child", "--nocapture"])
        .env(PATH, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the process has said.
#[derive(Debug, Default)]
struct Said {
    begun: i64,
    stored: i64,
    begun_state: i64,
    state: i64,
    begun_removal: i64,
    removal: i64,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let Some((what, number)) = line.split_once(' ') else {
            return;
        };
        let Ok(number) = number.parse() else {
            return;
        };
        *match what {
            "begin" => &mut self.begun,
            "stored" => &mut self.stored,
            "begin-state" => &mut self.begun_state,
            "state" => &mut self.state,
            "begin-removal" => &mut self.begun_removal,
            "removal" => &mut self.removal,
            _ => return,
        } = number;
    }
}

/// Lets a process write until so many batches are stored, and kills it in the midst of another.
fn run_and_kill(path: &Path, said: &mut Said, batches: u64, pause: Duration) {
    let mut child = spawn(path, said.begun + 1);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let enough = said.stored + batches as i64;
    while said.stored < enough {
        let line = lines.next().expect("the child has ended by itself");
        said.hear(&line.unwrap());
    }
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines {
        // A word that was cut off by the end isn't said.
        said.hear(&line.unwrap());
    }
}

async fn everything(archive: &RedbArchive) -> Vec<Record> {
    let (mut found, mut scan) = (Vec::new(), Scan::of_range(Range::ALL));
    loop {
        let page = archive.scan(&scan).await.unwrap();
        for keys in page.keys.chunks(500) {
            let hashes: Vec<Id> = keys.iter().map(|key| key.item.id).collect();
            let records = archive.lookup(&hashes).await.unwrap();
            assert_eq!(records.len(), keys.len(), "keys without messages");
            found.extend(records);
        }
        match page.rest {
            Some(rest) => scan = scan.on(rest),
            None => return found,
        }
    }
}

/// Checks the archive against what was said; `lost` are batches that never were stored.
async fn check(path: &Path, said: &mut Said, lost: &mut Vec<i64>) -> usize {
    let archive = RedbArchive::open_with(path, &options()).await.unwrap();
    let found = everything(&archive).await;
    assert!(found.iter().all(Record::is_intact));
    let mut held: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
    for record in &found {
        held.entry(number_of(record))
            .or_default()
            .push(record.item());
        assert!(
            span_below(said.removal).upper <= Bound::Before(record.item()),
            "what was removed is back"
        );
    }
    if said.begun > said.stored && !held.contains_key(&said.begun) {
        lost.push(said.begun);
    }
    let removed = span_below(said.begun_removal);
    let kept = |item: &Item| !removed.contains(item);
    for number in 1..=said.begun {
        let mut expected: Vec<Item> = records(number).iter().map(Record::item).collect();
        expected.retain(kept);
        expected.sort();
        let mut found = held.remove(&number).unwrap_or_default();
        found.retain(kept);
        if lost.contains(&number) {
            expected.clear();
        }
        assert!(found == expected, "batch {number}: {said:?}");
    }
    assert!(held.is_empty(), "batches that were never begun: {held:?}");
    let state = archive.state(STATE).await.unwrap();
    let state = state.map_or(0, |value| i64::from_be_bytes(value.try_into().unwrap()));
    assert!(
        state == said.state || state == said.begun_state,
        "{state}: {said:?}"
    );
    said.state = state;
    archive.units().await.unwrap().len()
}

#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_that_it_was_told_to_be_stored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive");
    let (mut said, mut lost, mut units) = (Said::default(), Vec::new(), 0);
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..rounds() {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(round + 1);
        let (batches, pause) = (
            1 + (seed >> 33) % 60,
            Duration::from_micros((seed >> 40) % 40_000),
        );
        run_and_kill(&path, &mut said, batches, pause);
        units = units.max(check(&path, &mut said, &mut lost).await);
    }
    assert!(units > 2, "everything fell into {units} units");
}
