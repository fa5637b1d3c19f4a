//! Bounds of messages, of the formats that they come in, and of the one door.

/// Longest encoded Waku message that is taken, in bytes: the 150 KiB of the deployed network.
pub const MESSAGE_BYTES: usize = 150 * 1024;

/// The most that an operator may set for [`MESSAGE_BYTES`], in bytes: the 1 MiB of Status' network. What
/// is longer than [`TRANSFER_FRAME_BYTES`] can't be pushed, and peers with nwaku's default refuse it.
pub const MESSAGE_BYTES_MOST: usize = 1 << 20;

/// Longest `meta` of a message, in bytes, as 14/WAKU2-MESSAGE has it.
pub const META_BYTES: usize = 64;

/// Longest pubsub or content topic, in bytes.
pub const TOPIC_BYTES: usize = 1_024;

/// Longest transfer frame, message and topic together, in bytes: nwaku closes the stream on more.
pub const TRANSFER_FRAME_BYTES: usize = 153_600;

/// Longest metadata message, in bytes.
pub const METADATA_BYTES: usize = 1_024;

/// Longest line of an import, in bytes: the longest message in base64 with room for topics, proof
/// and unknown keys.
pub const LINE_BYTES: usize = 2 << 20;

/// Messages read from a database of nwaku at a time.
pub const NWAKU_ROWS: usize = 200;

/// Batches of so many messages that wait between the reading of a file and the storing.
pub const NWAKU_BATCHES: usize = 8;

/// Deepest nesting of groups in an unknown protobuf field that is kept.
pub const GROUP_DEPTH: usize = 32;

/// Bounds of what comes through the one door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IngestLimits {
    /// Longest encoded message, in bytes; [`MESSAGE_BYTES`].
    pub message_bytes: usize,
    /// Longest `meta`, in bytes; [`META_BYTES`].
    pub meta_bytes: usize,
    /// Longest topic, pubsub and content topic each, in bytes; [`TOPIC_BYTES`].
    pub topic_bytes: usize,
    /// How far the timestamp of a live message may lie from now, either way, in nanoseconds;
    /// 20 s, as the deployed network has it.
    pub live_tolerance: u64,
    /// Announcements of settled hashes that wait for a slow listener; 1,024. A listener that
    /// falls behind is told so and looks the hashes up.
    pub settled_queue: usize,
}

impl Default for IngestLimits {
    fn default() -> Self {
        Self {
            message_bytes: MESSAGE_BYTES,
            meta_bytes: META_BYTES,
            topic_bytes: TOPIC_BYTES,
            live_tolerance: 20_000_000_000,
            settled_queue: 1_024,
        }
    }
}
