//! The file that keeps a watch's figures: a redb database with a table of buckets and one of counts.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::task::spawn_blocking;

use super::history::{Change, History, Past, Round};
use super::selection::Selection;
use crate::census::limits::{BUCKETS, ROUNDS};

/// By name: `format`, and `width` of a bucket in nanoseconds.
const SETTINGS: TableDefinition<'_, &str, u64> = TableDefinition::new("settings");

/// By name: `selection`, a [`Selection`] in JSON. Files of before there was one are taken to be of what is asked for.
const SELECTED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("selected");

/// By start: a [`Past`] in JSON.
const PAST: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("buckets");

/// By the time of its begin: a [`Round`] in JSON.
const COUNTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("counts");

/// The format that is read and written.
const FORMAT: u64 = 1;

/// The file, open.
#[derive(Clone, Debug)]
pub(super) struct State {
    database: Arc<Database>,
    file: PathBuf,
}

impl State {
    /// Opens the file, or makes it for what is asked for; gives also what it keeps, and of which messages that is.
    ///
    /// # Errors
    /// When it isn't such a file, is damaged, or is used by another process.
    pub(super) async fn open(
        file: &Path,
        asked: &Selection,
    ) -> anyhow::Result<(Self, History, Selection)> {
        let (file, asked) = (file.to_owned(), asked.clone());
        let shown = file.display().to_string();
        let opening = spawn_blocking(move || -> anyhow::Result<_> {
            let database = Database::create(&file)?;
            let selected = settle(&database, &asked)?;
            let history = read(&database, selected.width)?;
            let state = Self {
                database: Arc::new(database),
                file,
            };
            Ok((state, history, selected))
        });
        // A damaged file may have the database break off.
        let opened = opening
            .await
            .unwrap_or_else(|_| Err(anyhow!("it is damaged")));
        opened.with_context(|| {
            format!(
                "{shown} can't be used as --state: is it such a file, and used by no other process?"
            )
        })
    }

    /// Writes down what a count has changed, as one transaction.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) async fn write(&self, change: Change) -> anyhow::Result<()> {
        let database = Arc::clone(&self.database);
        let written = spawn_blocking(move || write(&database, &change)).await;
        written
            .unwrap_or_else(|_| Err(anyhow!("it is damaged")))
            .with_context(|| format!("{} can't be written", self.file.display()))
    }
}

/// Of which messages the file is. A new one is given its settings.
fn settle(database: &Database, asked: &Selection) -> anyhow::Result<Selection> {
    let transaction = database.begin_write()?;
    let selected = {
        let mut settings = transaction.open_table(SETTINGS)?;
        let setting = |found: Option<redb::AccessGuard<'_, u64>>| found.map(|value| value.value());
        let format = setting(settings.get("format")?);
        match format {
            None => {
                settings.insert("format", FORMAT)?;
                settings.insert("width", asked.width)?;
            }
            Some(FORMAT) => {}
            Some(other) => bail!("its format is {other}, expected {FORMAT}"),
        }
        // Those that hold nothing yet are made.
        transaction.open_table(PAST)?;
        transaction.open_table(COUNTS)?;
        let width = setting(settings.get("width")?);
        let width = width.filter(|width| *width > 0);
        let width = width.context("it doesn't tell the width of its buckets")?;
        let mut selections = transaction.open_table(SELECTED)?;
        let found = selections.get("selection")?;
        let found = found.map(|found| serde_json::from_slice::<Selection>(found.value()));
        let selected = Selection {
            width,
            ..found.transpose()?.unwrap_or_else(|| asked.clone())
        };
        // Who asks for another is refused, and settles nothing.
        if selected == *asked {
            let written = serde_json::to_vec(&selected)?;
            selections.insert("selection", written.as_slice())?;
        }
        selected
    };
    transaction.commit()?;
    Ok(selected)
}

/// What the file keeps.
fn read(database: &Database, width: u64) -> anyhow::Result<History> {
    let transaction = database.begin_read()?;
    let (mut buckets, mut rounds) = (BTreeMap::new(), VecDeque::new());
    let (past, counts) = (
        transaction.open_table(PAST)?,
        transaction.open_table(COUNTS)?,
    );
    for entry in past.iter()?.rev().take(BUCKETS) {
        let (start, past) = entry?;
        buckets.insert(start.value(), serde_json::from_slice::<Past>(past.value())?);
    }
    for entry in counts.iter()?.rev().take(ROUNDS) {
        let (_, round) = entry?;
        rounds.push_front(serde_json::from_slice::<Round>(round.value())?);
    }
    Ok(History::restored(width, buckets, rounds))
}

fn write(database: &Database, change: &Change) -> anyhow::Result<()> {
    let transaction = database.begin_write()?;
    {
        let mut past = transaction.open_table(PAST)?;
        for (start, bucket) in &change.buckets {
            past.insert(start, serde_json::to_vec(bucket)?.as_slice())?;
        }
        past.retain(|start, _| start >= change.first_bucket)?;
        let mut counts = transaction.open_table(COUNTS)?;
        let round = serde_json::to_vec(&change.round)?;
        counts.insert(change.round.at, round.as_slice())?;
        counts.retain(|at, _| at >= change.first_round)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::report::tests::three_nodes;

    const HOUR: u64 = 3_600_000_000_000;

    #[tokio::test]
    async fn a_watch_goes_on_with_what_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state");
        let (state, mut history, _) = State::open(&file, &Selection::all(HOUR)).await.unwrap();
        assert_eq!(history, History::new(HOUR));
        let mut report = three_nodes();
        report.complete = true;
        for (number, whole) in [true, false, false].into_iter().enumerate() {
            let at = report.until + number as u64;
            let change = history.note(&report, Round::new(&report, at, whole));
            state.write(change).await.unwrap();
        }
        drop(state);
        let (_, restored, _) = State::open(&file, &Selection::all(2 * HOUR)).await.unwrap();
        assert_eq!(restored, history, "its own width too");
        assert_eq!(restored.last_full(), Some(report.until));
    }

    #[tokio::test]
    async fn a_file_tells_of_which_messages_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state");
        let first = Selection {
            cluster_id: Some(1),
            content_topics: ["/app/1/chat/proto".to_owned()].into(),
            ..Selection::all(HOUR)
        };
        for asked in [first.clone(), Selection::all(2 * HOUR), first.clone()] {
            let (_, _, told) = State::open(&file, &asked).await.unwrap();
            assert_eq!(told, first);
        }
    }

    #[tokio::test]
    async fn a_file_of_before_selections_is_taken_to_be_of_what_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state");
        let asked = Selection {
            cluster_id: Some(1),
            ..Selection::all(HOUR)
        };
        drop(State::open(&file, &asked).await.unwrap());
        let database = Database::create(&file).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.delete_table(SELECTED).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let other = Selection::all(2 * HOUR);
        for (asked, kept) in [
            (&other, &Selection::all(HOUR)),
            (&asked, &asked),
            (&other, &asked),
        ] {
            let (_, _, told) = State::open(&file, asked).await.unwrap();
            assert_eq!(told, *kept);
        }
    }

    #[tokio::test]
    async fn what_is_forgotten_leaves_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state");
        let (state, mut history, _) = State::open(&file, &Selection::all(HOUR)).await.unwrap();
        let report = three_nodes();
        let later = report.until + 30 * 24 * HOUR;
        for at in [report.until, later] {
            let change = history.note(&report, Round::new(&report, at, false));
            state.write(change).await.unwrap();
        }
        drop(state);
        let (_, restored, _) = State::open(&file, &Selection::all(HOUR)).await.unwrap();
        assert_eq!(restored, history);
        let round = Round::new(&report, later, false);
        let expected = History::restored(HOUR, BTreeMap::new(), VecDeque::from([round]));
        assert_eq!(restored, expected);
    }

    #[tokio::test]
    async fn a_file_that_is_another_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("other");
        let text = "something else ".repeat(1_000);
        std::fs::write(&file, &text).unwrap();
        let error = State::open(&file, &Selection::all(HOUR)).await.unwrap_err();
        assert!(format!("{error:#}").contains("other"), "{error:#}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }

    #[tokio::test]
    async fn two_watches_do_not_share_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state");
        let held = State::open(&file, &Selection::all(HOUR)).await.unwrap();
        let error = State::open(&file, &Selection::all(HOUR)).await.unwrap_err();
        assert!(
            format!("{error:#}").contains("no other process"),
            "{error:#}"
        );
        drop(held);
    }
}
