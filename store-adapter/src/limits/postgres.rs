//! Bounds of archives in a database, and of waiting for its server and for other nodes.

use std::time::Duration;

/// Most connections to a database server; 50, as nwaku has it.
pub const ARCHIVE_CONNECTIONS: usize = 50;

/// Topics that a database keeps by number; what comes later is written in its row, and goes with it.
/// The schema has it too.
pub const TOPICS_NUMBERED: u32 = 4_096;

/// Longest topic that a database keeps by number, in bytes. The schema has it too.
pub const TOPICS_NUMBERED_BYTES: usize = 128;

/// How long a connection to a database server may take to be made.
pub const ARCHIVE_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a database server may leave sent bytes unacknowledged before the connection is given up.
pub const ARCHIVE_UNANSWERED_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection to a database server is idle before it is probed.
pub const ARCHIVE_KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// How long a statement in a database may take, in milliseconds.
pub const ARCHIVE_STATEMENT_MILLISECONDS: u32 = 60_000;

/// How long a statement in a database may wait for a lock, in milliseconds.
pub const ARCHIVE_LOCK_MILLISECONDS: u32 = 20_000;

/// How long whoever changes the partitions of a database may wait for a lock, in milliseconds: those
/// who come after wait behind. It is tried again later.
pub const PARTITION_LOCK_MILLISECONDS: u32 = 250;

/// How long a partition is waited for that the server itself is at, to vacuum it, in milliseconds: longer
/// than its `deadlock_timeout` of a second, after which it gives way. Nobody else is held up by that.
pub const MAINTENANCE_MILLISECONDS: u32 = 1_500;

/// How long a partition that is to be emptied is waited for while somebody reads it, in milliseconds:
/// what is to be stored may wait for that. It is tried again later.
pub const PARTITION_REMOVAL_MILLISECONDS: u32 = 100;

/// How long whoever raises the retention floor of a database waits for the batches that are being
/// stored, in milliseconds, each time that it is tried.
pub const FLOOR_LOCK_MILLISECONDS: u32 = 1_000;

/// Pauses before an operation on a database is tried again that failed since the connection was lost
/// or another node was in the way, in milliseconds; it has failed when they are used up.
pub const ARCHIVE_RETRY_MILLISECONDS: [u64; 6] = [20, 100, 300, 600, 1_000, 2_000];

/// Bytes of messages that are sent to a database in one statement, about.
pub const ARCHIVE_STATEMENT_BYTES: usize = 16 << 20;

/// Bytes of the partitions of a database are counted anew after this time, in milliseconds, if
/// something asks.
pub const DISK_COUNT_MILLISECONDS: u64 = 1_000;

/// Bytes of the partitions of a database are counted anew after so many bytes of messages were
/// stored, if something asks.
pub const DISK_COUNT_BYTES: u64 = 16 << 20;

/// Under a cap the bytes of the partitions of a database are counted anew after this time, in
/// milliseconds, if something asks: other nodes may store as well.
pub const DISK_COUNT_CAPPED_MILLISECONDS: u64 = 100;

/// Under a cap the bytes of the partitions of a database are counted anew after messages of about one
/// part of the cap in so many were stored, if something asks.
pub const DISK_COUNT_CAPPED_PART: u64 = 256;

/// Smallest partition of a database that is divided, in bytes, without a cap.
pub const PARTITION_BYTES: u64 = 64 << 20;

/// Smallest partition of a database that is divided, in bytes, under a cap.
pub const PARTITION_BYTES_LEAST: u64 = 1 << 20;

/// As how many full partitions a database holds its history: partitions are made as large as that
/// takes, so that a hash isn't looked for in too many.
pub const PARTITIONS: u64 = 64;

/// Partitions of a database from which on none is made ahead: what grows while there are so many is
/// divided.
pub const PARTITIONS_MOST: u64 = 4 * PARTITIONS;

/// The last partition of a database is cut, to have empty ones behind it, if it takes no more bytes than
/// this: it is read through while everybody waits, some 60 ms.
pub const PARTITION_CUT_BYTES: u64 = 256 << 20;

/// How often it is seen to that there are some ahead while a partition is divided, in milliseconds.
pub const PARTITION_AHEAD_MILLISECONDS: u64 = 500;

/// Messages of a partition of a database that are counted, at most, to divide it evenly; of more a
/// sample is taken.
pub const PARTITION_COUNTED_ROWS: u64 = 20_000;

/// Messages in such a sample, about.
pub const PARTITION_SAMPLE_ROWS: u64 = 20_000;

/// Items that are copied out of a database in one statement, for an index.
pub const ARCHIVE_COPY_ROWS: usize = 500_000;

/// Spans of a database that are copied out side by side, each over a connection.
pub const ARCHIVE_COPY_SPANS: usize = 4;

/// Most messages that are moved in one statement while a partition is divided.
pub const PARTITION_MOVE_ROWS: u64 = 5_000;

/// Bytes that are moved in one statement while a partition is divided, about.
pub const PARTITION_MOVE_BYTES: u64 = 8 << 20;

/// How long storing under a cap waits for the partitions to be looked after, in milliseconds.
pub const PARTITION_WAIT_MILLISECONDS: u64 = 200;

/// A partition that takes so many times the bytes that it is to take under a cap is divided before more
/// is stored.
pub const PARTITION_OUTGROWN: u64 = 3;

/// How long storing waits for that, in milliseconds, about.
pub const PARTITION_SETTLE_MILLISECONDS: u64 = 200;

/// How long a node that looks after the partitions is waited for at a time, in milliseconds.
pub const PARTITION_PAUSE_MILLISECONDS: u64 = 20;

/// How long whoever looks after the partitions on demand waits for another who is at it, in seconds.
pub const PARTITION_TURN_SECONDS: u64 = 60;

/// Longest span of time of a partition that is made ahead, in nanoseconds; a day.
pub const PARTITION_SPAN: u64 = 86_400_000_000_000;

/// How long the partitions of a database are left alone if nothing calls for a look, in milliseconds.
pub const PARTITION_LOOK_MILLISECONDS: u64 = 30_000;

/// How long after a look that others were in the way of the next one is, in milliseconds. Doubled every
/// time in a row.
pub const PARTITION_LOOK_AGAIN_MILLISECONDS: u64 = 200;

/// The longest such pause, in milliseconds: each look may make others wait for
/// [`PARTITION_LOCK_MILLISECONDS`].
pub const PARTITION_LOOK_AGAIN_MOST_MILLISECONDS: u64 = 5_000;

/// How long other nodes are told of a removal from a shared database, in seconds; one that asks later
/// compares everything.
pub const REMOVALS_KEPT_SECONDS: u32 = 86_400;

/// Changes of other nodes that are read from a shared database at a time, about.
pub const ARCHIVE_CHANGES: usize = 10_000;

/// How often a node looks for the changes of others in a shared database, in milliseconds.
pub const FOLLOW_MILLISECONDS: u64 = 500;

/// Longest file of certificates that servers are verified by, in bytes.
pub const TLS_ROOTS_BYTES: u64 = 4 << 20;
