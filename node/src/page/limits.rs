//! Bounds of what the page keeps and sends.

use std::time::Duration;

/// Most ranges kept of one frame, to be drawn; of more the narrowest neighbours are drawn as one.
pub const RANGES_DRAWN: usize = 160;

/// Most frames kept of one session, to be drawn: the first ones. Those that follow are counted.
pub const FRAMES_DRAWN: usize = 40;

/// Longest frame whose ranges are read to be drawn, in bytes; a longer one is told by its size.
pub const FRAME_BYTES_DRAWN: usize = 4 << 20;

/// Most sessions watched at a time, until what they found is filled; others aren't shown.
pub const SESSIONS_WATCHED: usize = 32;

/// Past sessions kept, the newest.
pub const SESSIONS_KEPT: usize = 32;

/// Characters kept of a text that a peer may have had a part in: why a session failed, say.
pub const TEXT_KEPT: usize = 240;

/// Most peers that the page lists; of the others it tells how many there are.
pub const PEERS_LISTED: usize = 100;

/// Most pages that are sent events at a time; a further one is answered 503.
pub const LISTENERS: usize = 32;

/// Most pages of one host that are sent events at a time: as many as a browser opens connections to one server.
/// A further one is answered 503.
pub const LISTENERS_OF_HOST: usize = 6;

/// Events that wait for a page that reads slowly. One that falls behind further is told to load anew.
pub const EVENTS_QUEUED: usize = 32;

/// How often what has changed of sessions is sent.
pub(super) const SESSIONS_EVERY: Duration = Duration::from_millis(250);

/// How often all other figures are sent.
pub(super) const STATE_EVERY: Duration = Duration::from_secs(2);

/// How often something is sent at least, so that what lies between doesn't end an idle connection.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
