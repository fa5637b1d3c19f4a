//! What to read from an archive in order, and what came of it.

use sync_core::{Bound, Range, TopicFilter};

use crate::limits::ARCHIVE_SCAN_ROWS;
use crate::record::Key;

/// A walk over the keys of an archive, one page at a time.
///
/// A page ends after `limit` matches or after `rows` keys looked at, whichever comes first, and
/// tells what is left of the range; continue with [`Scan::on`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scan {
    /// The times.
    pub range: Range,
    /// Pubsub topics that match.
    pub pubsub_topics: TopicFilter,
    /// Content topics that match.
    pub content_topics: TopicFilter,
    /// Whether to walk from the newest key to the oldest, and give keys in that order.
    pub backward: bool,
    /// Most keys given.
    pub limit: usize,
    /// Most keys looked at; [`ARCHIVE_SCAN_ROWS`] bounds it further.
    pub rows: usize,
}

impl Scan {
    /// Every key in `range`, oldest first, in the largest pages.
    #[must_use]
    pub const fn of_range(range: Range) -> Self {
        Self {
            range,
            pubsub_topics: TopicFilter::All,
            content_topics: TopicFilter::All,
            backward: false,
            limit: ARCHIVE_SCAN_ROWS,
            rows: ARCHIVE_SCAN_ROWS,
        }
    }

    /// The same walk over what is left.
    #[must_use]
    pub fn on(self, range: Range) -> Self {
        Self { range, ..self }
    }

    /// Most keys to look at in one page; at least one, so that every walk gets on.
    pub(super) fn row_bound(&self) -> usize {
        self.rows.clamp(1, ARCHIVE_SCAN_ROWS)
    }

    /// What is left of the range behind `key`, in the direction of the walk.
    pub(super) fn rest_behind(&self, key: &sync_core::Item) -> Option<Range> {
        let rest = if self.backward {
            Range::new(self.range.lower, Bound::Before(*key))
        } else {
            Range::new(Bound::after(key), self.range.upper)
        };
        (!rest.is_empty()).then_some(rest)
    }
}

/// A page of a [`Scan`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScanPage {
    /// The keys that matched, in the direction of the walk.
    pub keys: Vec<Key>,
    /// What hasn't been looked at; `None` at the end of the walk.
    pub rest: Option<Range>,
}

/// Collects a page from keys that are shown in the direction of the walk.
#[derive(Clone, Debug)]
pub(super) struct PageBuilder<'a> {
    scan: &'a Scan,
    rows: usize,
    page: ScanPage,
}

impl<'a> PageBuilder<'a> {
    pub(super) fn new(scan: &'a Scan) -> Self {
        Self {
            scan,
            rows: 0,
            page: ScanPage::default(),
        }
    }

    /// Whether the page takes no further row; `last` is the one looked at last.
    pub(super) fn is_full(&mut self, last: &sync_core::Item) -> bool {
        self.rows += 1;
        let full = self.rows >= self.scan.row_bound() || self.page.keys.len() >= self.scan.limit;
        if full {
            self.page.rest = self.scan.rest_behind(last);
        }
        full
    }

    pub(super) fn push(&mut self, key: Key) {
        self.page.keys.push(key);
    }

    /// Ends the page before the rest of the range is looked at.
    pub(super) fn stop_before(&mut self, rest: Range) {
        self.page.rest = Some(rest);
    }

    pub(super) fn finish(self) -> ScanPage {
        self.page
    }
}
