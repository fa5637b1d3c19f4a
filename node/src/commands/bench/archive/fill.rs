//! Messages through the door of an archive, batch by batch, with and without retention.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use indicatif::ProgressBar;
use store_adapter::limits::IngestLimits;
use store_adapter::{Archive, Arrival, Index, Ingest, Origin};
use sync_core::Bound;

use super::corpus::Corpus;
use super::report::IngestFigures;

/// Messages in a batch, each of which is durable before the next begins.
pub(super) const BATCH: u64 = 10_000;

/// An archive that is being filled, through the same door as a node's.
pub(super) struct Filling<'a> {
    corpus: &'a Corpus,
    door: Ingest,
    /// The numbers of the messages that the archive holds.
    held: Range<u64>,
}

impl<'a> Filling<'a> {
    /// Into an archive that is empty.
    pub(super) async fn new(
        archive: &Arc<dyn Archive>,
        corpus: &'a Corpus,
    ) -> anyhow::Result<Self> {
        let index = Index::rebuild(Arc::clone(archive)).await?;
        let limits = IngestLimits::default();
        Ok(Self {
            corpus,
            door: Ingest::new(Arc::clone(archive), Arc::new(index), limits),
            held: 0..0,
        })
    }

    /// Puts the next `count` messages in. Making them isn't part of the time.
    pub(super) async fn fill(
        &mut self,
        count: u64,
        bar: &ProgressBar,
    ) -> anyhow::Result<IngestFigures> {
        let mut times = Vec::new();
        let end = self.held.end + count;
        while self.held.end < end {
            times.push(self.batch(end, bar).await?);
        }
        Ok(IngestFigures::of(&times, 0))
    }

    /// As [`Filling::fill`], while retention keeps the archive from growing: after each batch the oldest
    /// messages are removed through the door, and that is part of the batch's time.
    pub(super) async fn fill_under_retention(
        &mut self,
        count: u64,
        bar: &ProgressBar,
    ) -> anyhow::Result<IngestFigures> {
        let (most, first) = (self.held.end - self.held.start, self.held.start);
        let mut times = Vec::new();
        let end = self.held.end + count;
        while self.held.end < end {
            let (rows, ingest) = self.batch(end, bar).await?;
            let start = Instant::now();
            self.retain(most).await?;
            times.push((rows, ingest + start.elapsed()));
        }
        Ok(IngestFigures::of(&times, self.held.start - first))
    }

    /// The numbers of the messages that the archive holds.
    pub(super) fn held(&self) -> Range<u64> {
        self.held.clone()
    }

    /// Puts the next batch in; gives how many messages that were, and how long it took.
    async fn batch(&mut self, end: u64, bar: &ProgressBar) -> anyhow::Result<(u64, Duration)> {
        let numbers = self.held.end..end.min(self.held.end + BATCH);
        let count = numbers.end - numbers.start;
        let batch = self.corpus.batch(numbers.clone());
        let arrivals = batch
            .into_iter()
            .map(|(topic, message)| Arrival::new(topic, message))
            .collect();
        let start = Instant::now();
        let report = self.door.ingest(Origin::Imported, arrivals).await?;
        let taken = start.elapsed();
        ensure!(
            report.new as u64 == count,
            "expected {count} new messages to be stored, got {} of them",
            report.new
        );
        self.held.end = numbers.end;
        bar.inc(count);
        Ok((count, taken))
    }

    /// Removes what is over `most` messages.
    async fn retain(&mut self, most: u64) -> anyhow::Result<()> {
        while let Some(floor) = self.floor_for(most).await? {
            self.held.start += self.door.retain_from(floor).await?;
        }
        Ok(())
    }

    /// The floor that takes the excess away: whole units, where the archive has several, and never a
    /// part of one; single messages where it hasn't. None while nothing is to go.
    async fn floor_for(&self, most: u64) -> anyhow::Result<Option<Bound>> {
        let excess = (self.held.end - self.held.start).saturating_sub(most);
        if excess == 0 {
            return Ok(None);
        }
        match &self.door.archive().units().await?[..] {
            [oldest, _, ..] => Ok((oldest.messages <= excess).then_some(oldest.span.upper)),
            _ => {
                let first = self.corpus.record(self.held.start + excess)?;
                Ok(Some(Bound::Before(first.item())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use store_adapter::archive::MemoryArchive;

    use super::*;

    #[tokio::test]
    async fn retention_keeps_the_newest_and_the_count() {
        let archive: Arc<dyn Archive> = Arc::new(MemoryArchive::new());
        let corpus = Corpus::new(100, 1);
        let mut filling = Filling::new(&archive, &corpus).await.unwrap();
        let bar = ProgressBar::hidden();
        filling.fill(100, &bar).await.unwrap();
        assert_eq!(filling.held(), 0..100);
        let figures = filling.fill_under_retention(30, &bar).await.unwrap();
        assert_eq!((figures.rows, figures.removed), (30, 30));
        assert_eq!(filling.held(), 30..130);
        let stats = archive.stats().await.unwrap();
        assert_eq!(stats.messages, 100);
        assert_eq!(stats.first, Some(corpus.record(30).unwrap().item()));
    }
}
