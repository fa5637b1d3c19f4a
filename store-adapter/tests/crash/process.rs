//! The process that writes to an archive and says what it does, and how it is killed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use store_adapter::Record;
use store_adapter::archive::{Archive, RedbOptions, Scan};
use sync_core::{Id, Range};

const PATH: &str = "CRASH_ARCHIVE";
const FIRST: &str = "CRASH_FIRST_BATCH";

pub(crate) fn options() -> RedbOptions {
    RedbOptions {
        unit_bytes: 600_000,
        open_units: 4,
    }
}

pub(crate) fn tell(what: &str, number: i64) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n{what} {number}").unwrap();
    output.flush().unwrap();
}

/// In the process that is killed: the archive that it was told of, and the first batch.
pub(crate) fn told() -> (PathBuf, i64) {
    let path = std::env::var(PATH).expect("the archive's path, as the test gives it");
    let first = std::env::var(FIRST).expect("the first batch");
    (path.into(), first.parse().unwrap())
}

fn spawn(child: &str, path: &Path, first: i64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", child, "--nocapture"])
        .env(PATH, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the process has said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) begun: i64,
    pub(crate) stored: i64,
    pub(crate) begun_state: i64,
    pub(crate) state: i64,
    pub(crate) begun_removal: i64,
    pub(crate) removal: i64,
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

/// Moments to kill at, and how many batches before; the same in every run.
pub(crate) fn moments(rounds: u64) -> impl Iterator<Item = (u64, Duration)> {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    (0..rounds).map(move |round| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(round + 1);
        let pause = Duration::from_micros((seed >> 40) % 40_000);
        (1 + (seed >> 33) % 60, pause)
    })
}

/// Lets the process `child` write until so many batches are stored, and kills it in the midst of another.
pub(crate) fn run_and_kill(
    child: &str,
    path: &Path,
    said: &mut Said,
    (batches, pause): (u64, Duration),
) {
    let mut child = spawn(child, path, said.begun + 1);
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

pub(crate) async fn everything(archive: &dyn Archive) -> Vec<Record> {
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
