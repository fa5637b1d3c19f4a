//! Every number that a peer's frames can push against, in one place.

use crate::session::Pool;

/// Bounds of one session. A peer that breaks one gets an error, never memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionLimits {
    /// Longest frame taken from a peer, in bytes.
    pub frame_bytes_received: usize,
    /// Longest frame sent, in bytes; 0 for no bound. The negentropy dialect splits its answers to
    /// fit; the `waku` dialect can't split a run of one timestamp and fails when it doesn't fit.
    pub frame_bytes_sent: usize,
    /// Most ranges taken in one frame.
    pub ranges_per_frame: usize,
    /// Most items taken in one frame.
    pub items_per_frame: usize,
    /// Most frames taken in one session.
    pub rounds: usize,
    /// Most bytes taken in one session.
    pub session_bytes: u64,
    /// Most bytes sent in one session, without length prefixes: a frame of a few bytes can ask for
    /// the longest answer, and do so in every round.
    pub session_bytes_sent: u64,
    /// Most ids that a session reports as `have` and `need` together; they are remembered so that
    /// each is reported once.
    pub differences: usize,
    /// What several sessions may report together, if that is bounded.
    pub differences_pool: Option<Pool>,
    /// Most topics, pubsub and content topics each, named in one frame.
    pub topics: usize,
    /// Longest topic, in bytes.
    pub topic_bytes: usize,
    /// Longest hello of this project's own protocol, in bytes.
    pub hello_bytes: usize,
    /// Most gaps taken from a peer's hello.
    pub gaps: usize,
}

impl SessionLimits {
    /// The defaults, but for the longest frame sent: `frame_bytes` bytes, 0 for no bound.
    #[must_use]
    pub fn with_frame_limit(frame_bytes: usize) -> Self {
        Self {
            frame_bytes_sent: frame_bytes,
            ..Self::default()
        }
    }
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            frame_bytes_received: 16 << 20,
            frame_bytes_sent: 4 << 20,
            ranges_per_frame: 400_000,
            items_per_frame: 500_000,
            rounds: 10_000,
            session_bytes: 1 << 30,
            session_bytes_sent: 1 << 30,
            differences: 10_000_000,
            differences_pool: None,
            topics: 1_024,
            topic_bytes: 1_024,
            hello_bytes: 256 << 10,
            gaps: 1_000,
        }
    }
}
