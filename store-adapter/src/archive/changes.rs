//! What other writers of a shared archive have changed.

use sync_core::Range;

use crate::record::Key;

/// How far a reader has read the changes of an archive; only the archive that gave it understands it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangePosition(pub(super) String);

/// Some changes of an archive, the reader's own among them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changes {
    /// The keys of messages that were stored. Each was there when it was read.
    pub inserted: Vec<Key>,
    /// Spans from which messages were removed, perhaps not all: what they hold now is to be read anew.
    pub removed: Vec<Range>,
    /// Where to go on.
    pub position: ChangePosition,
    /// Whether there are more already.
    pub more: bool,
}
