//! Bounds of the counts of an archive by hour, shard and content topic.

/// Hours with messages that are counted, the newest of them: three years.
pub const HOURS_COUNTED: usize = 26_304;

/// Most pubsub topics of an hour that are counted apart; the others are counted together.
pub const HOUR_SHARDS: usize = 256;

/// Content topics of an hour that are counted apart while messages of it come in; up to twice as many for
/// a moment. The others are counted together.
pub const HOUR_TOPICS: usize = 256;

/// Content topics of an hour that are counted apart once nothing comes in: those with the most messages.
pub const HOUR_TOPICS_KEPT: usize = 64;

/// Hours that messages may come into by turns without one of them losing topics.
pub const HOURS_OPEN: usize = 4;

/// Longest content topic that is counted apart, in bytes.
pub const COUNTED_TOPIC_BYTES: usize = 256;

/// Names of content topics that hours share the memory of.
pub const COUNTED_NAMES: usize = 4_096;
