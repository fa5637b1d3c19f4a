//! Store v3 requests to an archive, answered as a client gets them: from the bytes of the request to
//! those of the response.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::HOUR;
use indicatif::ProgressBar;
use prost::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store_adapter::Archive;
use store_adapter::limits::{STORE_PAGE_MAX, StoreLimits};
use store_adapter::store::{StoreAnswer, StoreQueryRequest, serve};
use sync_core::Id;

use super::corpus::Corpus;
use super::report::Percentiles;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Ten random messages by their hashes.
    Lookup,
    /// The first hundred messages of a random hour.
    Page,
    /// Which of a hundred hashes are there; every other one is.
    Presence,
}

/// Hashes of a lookup.
const LOOKUP_HASHES: usize = 10;

/// Hashes of a presence query.
const PRESENCE_HASHES: usize = 100;

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Lookup, Self::Page, Self::Presence];

    /// How many are asked to tell percentiles.
    fn count(self) -> usize {
        match self {
            Self::Lookup => 1_000,
            Self::Page => 500,
            Self::Presence => 200,
        }
    }
}

/// Asks about the messages `held`.
pub(super) struct Questions<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) held: Range<u64>,
    pub(super) bar: &'a ProgressBar,
}

/// A request, and what is to come of it.
struct Question {
    request: Vec<u8>,
    /// The hashes that must come, in any order, if they are known.
    hashes: Option<Vec<Id>>,
    /// Fewest messages that must come.
    fewest: usize,
}

/// The id of every request.
const REQUEST_ID: &str = "bench";

impl Questions<'_> {
    /// Asks as often as percentiles need, each time something else; gives the times.
    pub(super) async fn ask(
        &self,
        archive: &dyn Archive,
        kind: Kind,
        seed: u64,
    ) -> anyhow::Result<Percentiles> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut times = Vec::new();
        for _ in 0..kind.count() {
            let question = self.question(kind, &mut rng);
            times.push(question.ask(archive).await?);
            self.bar.inc(1);
        }
        Percentiles::of(times).context("questions were asked")
    }

    /// How many steps of the bar all kinds take.
    pub(super) fn steps() -> u64 {
        Kind::ALL.iter().map(|kind| kind.count() as u64).sum()
    }

    fn question(&self, kind: Kind, rng: &mut StdRng) -> Question {
        match kind {
            Kind::Lookup => {
                let hashes = self.random_hashes(LOOKUP_HASHES, rng);
                Question::by_hashes(&hashes, hashes.clone(), true)
            }
            Kind::Presence => {
                let known = self.random_hashes(PRESENCE_HASHES / 2, rng);
                let unknown = (known.len()..PRESENCE_HASHES).map(|_| Id(rng.random()));
                let asked: Vec<Id> = known.iter().copied().chain(unknown).collect();
                Question::by_hashes(&asked, known, false)
            }
            Kind::Page => self.page(rng),
        }
    }

    fn random_hashes(&self, count: usize, rng: &mut StdRng) -> Vec<Id> {
        let numbers = (0..count).map(|_| rng.random_range(self.held.clone()));
        let mut hashes: Vec<Id> = numbers.map(|number| self.corpus.hash(number)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    fn page(&self, rng: &mut StdRng) -> Question {
        let [first, end] = [self.held.start, self.held.end].map(|number| self.corpus.time(number));
        let latest = end.saturating_sub(HOUR).max(first);
        let start = rng.random_range(first..=latest);
        let last = start.saturating_add(HOUR - 1);
        let [start, last] = [start, last].map(|time| i64::try_from(time).unwrap_or(i64::MAX));
        let request = StoreQueryRequest::by_times(REQUEST_ID, start, last, true);
        let fewest = self.corpus.fewest_in(HOUR.min(end - first));
        Question {
            request: request.encode_to_vec(),
            hashes: None,
            fewest: usize::try_from(fewest).map_or(STORE_PAGE_MAX, |few| few.min(STORE_PAGE_MAX)),
        }
    }
}

impl Question {
    fn by_hashes(asked: &[Id], expected: Vec<Id>, include_data: bool) -> Self {
        let request = StoreQueryRequest::by_hashes(REQUEST_ID, asked, include_data);
        Self {
            request: request.encode_to_vec(),
            fewest: expected.len(),
            hashes: Some(expected),
        }
    }

    /// Asks; gives how long the answer took. A wrong answer is an error.
    async fn ask(&self, archive: &dyn Archive) -> anyhow::Result<Duration> {
        let limits = StoreLimits::default();
        let start = Instant::now();
        let response = serve(archive, &limits, &self.request).await;
        let taken = start.elapsed();
        let answer = StoreAnswer::decode(&response, REQUEST_ID)?;
        let mut hashes: Vec<Id> = answer.entries.iter().map(|entry| entry.hash).collect();
        hashes.sort_unstable();
        let right = match &self.hashes {
            Some(expected) => *expected == hashes,
            None => hashes.len() >= self.fewest,
        };
        ensure!(
            right,
            "the archive answered wrongly: expected {} messages that were stored, got {}",
            self.fewest,
            hashes.len()
        );
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store_adapter::archive::MemoryArchive;
    use sync_core::{Bound, Range};

    use super::super::fill::Filling;
    use super::*;

    #[tokio::test]
    async fn every_kind_is_answered_and_a_message_that_is_missing_is_noticed() {
        let archive: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
        let (corpus, bar) = (Corpus::new(2_000, 1), ProgressBar::hidden());
        let mut filling = Filling::new(&archive, &corpus).await.unwrap();
        filling.fill(2_000, &bar).await.unwrap();
        let questions = Questions {
            corpus: &corpus,
            held: filling.held(),
            bar: &bar,
        };
        for kind in Kind::ALL {
            let times = questions.ask(&*archive, kind, 1).await.unwrap();
            assert_eq!(times.count, kind.count());
        }
        let tenth = Bound::Before(corpus.record(200).unwrap().item());
        let below = Range::new(Bound::MIN, tenth);
        assert_eq!(archive.remove(&below, 200).await.unwrap(), 200);
        for kind in Kind::ALL {
            assert!(questions.ask(&*archive, kind, 1).await.is_err(), "{kind:?}");
        }
    }
}
