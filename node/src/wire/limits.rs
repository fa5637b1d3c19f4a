//! What the inspector reads at most.

/// Longest frame that is looked at, in bytes: the longest that anything here takes from a peer, and
/// one more, so that a frame past that limit is told from one at it.
pub const FRAME_BYTES: usize = (16 << 20) + 1;

/// Longest input, in bytes: a frame of [`FRAME_BYTES`] in hex with as many spaces and line breaks
/// again.
pub const INPUT_BYTES: usize = 4 * FRAME_BYTES;

/// Most protobuf fields of a frame that are listed; all are looked at.
pub const FIELDS_LISTED: usize = 65_536;

/// Bytes that are shown of a payload, from its start.
pub const PAYLOAD_BYTES_SHOWN: usize = 16;

/// Bytes that are shown of any other field of bytes, from its start; a hash is shown whole.
pub const FIELD_BYTES_SHOWN: usize = 32;

/// Longest text that is shown whole to people, in characters, and how many are shown of a longer
/// one; JSON has all.
pub const TEXT_SHOWN_WHOLE: usize = 40;
/// See [`TEXT_SHOWN_WHOLE`].
pub const TEXT_SHOWN: usize = 24;

/// Ids, items or fields that a text for people has of a list; JSON has all.
pub const LIST_SHOWN: usize = 8;
