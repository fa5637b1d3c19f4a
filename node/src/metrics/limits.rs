//! Bounds of the page and of what is read for it.

use std::time::Duration;

/// Most peers that the page names in one metric; the others are shown together as `other`.
pub const PEERS_NAMED: usize = 50;

/// Most pubsub topics that the page names in one metric; the others are shown together as `other`.
pub const TOPICS_NAMED: usize = 64;

/// How often the archive's health and the relay's peers are looked at.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// How often the archive's size on disk is asked for.
pub(super) const MEASURE: Duration = Duration::from_secs(15);
