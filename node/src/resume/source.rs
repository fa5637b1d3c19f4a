//! What sessions read and tell of a node that knows its gaps.

use store_adapter::{Gaps, IndexSnapshot, Span};
use sync_core::{Bound, ItemSet, Range, Scope, Source, SourceError};

/// One state of the index, with the gaps that the node knows of.
pub(crate) struct KnowingSource {
    snapshot: IndexSnapshot,
    gaps: Gaps,
}

impl KnowingSource {
    /// A source over `snapshot` that tells of `gaps`.
    pub(crate) fn new(snapshot: IndexSnapshot, gaps: Gaps) -> Self {
        Self { snapshot, gaps }
    }
}

impl Source for KnowingSource {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        self.snapshot.open(scope)
    }

    fn floor(&self) -> Bound {
        self.snapshot.floor()
    }

    fn oldest(&self) -> Option<u64> {
        self.snapshot.oldest()
    }

    /// Not only those of the session's scope: who is told of all knows whom to ask for what.
    fn gaps(&self) -> Vec<Range> {
        let above = Span::new(self.floor().timestamp(), u64::MAX);
        let gaps = self.gaps.within(above).into_iter();
        gaps.map(|gap| Range::of_times(gap.since, gap.until))
            .collect()
    }
}
