//! Bounds of the counts that are given, and of the work on them.

use std::time::Duration;

/// Most content topics that an answer names; the others are counted together.
pub const TOPICS_TOLD: usize = 20;

/// Most pubsub topics of a bucket that an answer names.
pub const SHARDS_TOLD: usize = 256;

/// Most buckets in an answer; older ones are left out.
pub const BUCKETS_TOLD: usize = 1_000;

/// Most rows in an answer, of shards and content topics in all buckets together, about; older buckets are
/// left out.
pub const ROWS_TOLD: usize = 50_000;

/// Answers that REST makes at a time; further requests wait.
pub(crate) const MADE_AT_ONCE: usize = 4;

/// How often the figures are taken over.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// How long hours that lost messages are left before they are counted anew, at least.
pub(super) const RECOUNT: Duration = Duration::from_secs(5);

/// The pause after an hour was counted anew, against the time that took: so the archive is read for that no
/// more than a tenth of the time.
pub(super) const RECOUNT_PAUSE: u32 = 10;

/// The longest such pause.
pub(super) const RECOUNT_MOST: Duration = Duration::from_secs(600);
