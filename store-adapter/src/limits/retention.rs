//! Bounds of what is kept, and of making room for it.

/// Smallest cap on the bytes of an archive on disk, in bytes: room for several units of any backend.
pub const RETENTION_CAP_MIN: u64 = 32 << 20;

/// What part of the cap the archive may take beyond it for a moment: one in so many, 5 %. It is for
/// files that grow otherwise than foreseen.
pub const RETENTION_EXCESS: u64 = 20;

/// The most of a cap that is kept free for growth that wasn't foreseen: one part in so many.
pub const RETENTION_RESERVE: u64 = 8;

/// How much later than its time is over, or beyond the capacity, a message may go, so that more go
/// together: one part in so many of the time or capacity, 5 %.
pub const RETENTION_SLACK: u64 = 20;

/// The most that [`RETENTION_SLACK`] comes to for times, in nanoseconds: one hour.
pub const RETENTION_SLACK_TIME: u64 = 3_600_000_000_000;

/// The most that [`RETENTION_SLACK`] comes to for a capacity, in messages.
pub const RETENTION_SLACK_MESSAGES: u64 = 10_000;

/// How often units are looked at anew to make room for one batch.
pub const RETENTION_ROUNDS: usize = 3;

/// How long a batch waits, about, for other nodes to leave it room under a common cap, and for units to be made small enough to go one by one, in milliseconds,
/// where several nodes store faster than that is done under one cap; then there is no room for it.
pub const RETENTION_PATIENCE_MILLISECONDS: u64 = 5_000;

/// How far the system's clock may run ahead of the time that has passed before that counts as a
/// jump, in nanoseconds: ten minutes.
pub const CLOCK_JUMP: u64 = 600_000_000_000;

/// How long a clock that has jumped ahead isn't believed, in nanoseconds: one hour, in which whoever
/// set it wrong may set it right. What is too old goes an hour late at worst.
pub const CLOCK_DOUBT: u64 = 3_600_000_000_000;

/// Most spans in which an archive is known to be incomplete, of one's own and of a peer's each. Those
/// beyond it widen others.
pub const GAPS: usize = 128;

/// How often one batch is stored anew since another node has raised the retention floor meanwhile.
pub const FLOOR_ROUNDS: usize = 8;

/// How soon after what is read for long couldn't be removed that is tried again, in milliseconds.
pub const RETENTION_HELD_MILLISECONDS: u64 = 1_000;

/// How soon room that other nodes have taken is looked for again, in milliseconds.
pub const RETENTION_PAUSE_MILLISECONDS: u64 = 20;
