//! What a node's archive holds, counted by hour, shard and content topic.
//!
//! [`store_adapter::counts`] counts as messages come and go. Here the figures are taken over every second, so
//! that whoever asks has an answer at once, whatever the archive is at: [`CountsHandle`] gives them with
//! their age, and [`Counts`] is what it answers.

mod answer;
mod bucket;
mod handle;
pub mod limits;
mod span;
mod top;
mod upkeep;

pub use answer::{BucketCounts, Counts, ShardCount, TopicCount, TotalCount};
pub use bucket::Bucket;
pub use handle::CountsHandle;
pub use span::CountsSpan;
pub(crate) use upkeep::keep;
