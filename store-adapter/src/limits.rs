//! Every number that peers, files or users can push against, in one place.
//!
//! Constants are fixed by deployed formats; the fields of [`IngestLimits`], [`StoreLimits`],
//! [`StoreClientLimits`] and [`FetchLimits`] are settable and have the defaults shown.

use std::time::Duration;

/// Longest encoded Waku message that is taken, in bytes: the 150 KiB of the deployed network.
pub const MESSAGE_BYTES: usize = 150 * 1024;

/// Longest `meta` of a message, in bytes, as 14/WAKU2-MESSAGE has it.
pub const META_BYTES: usize = 64;

/// Longest pubsub or content topic, in bytes.
pub const TOPIC_BYTES: usize = 1_024;

/// Longest transfer frame, message and topic together, in bytes: nwaku closes the stream on more.
pub const TRANSFER_FRAME_BYTES: usize = 153_600;

/// Longest metadata message, in bytes.
pub const METADATA_BYTES: usize = 1_024;

/// Longest Store request that is read, in bytes; room for some 7,000 hashes.
pub const STORE_REQUEST_BYTES: usize = 256 << 10;

/// Longest Store response that is read, in bytes. js-waku drops the connection on more than
/// 4 MiB; deployed servers bound a page by its count alone, so that a hundred of the longest
/// messages must pass.
pub const STORE_RESPONSE_BYTES: usize = 16 << 20;

/// Most messages in a Store response that is read. Servers send at most a hundred.
pub const STORE_RESPONSE_MESSAGES: usize = 1_000;

/// Bytes that are kept of what a server says in a Store response in words, for logs and errors.
pub const STORE_WORDS_BYTES: usize = 256;

/// Messages in a Store response when the request names no limit.
pub const STORE_PAGE_DEFAULT: usize = 20;

/// Most messages in a Store response.
pub const STORE_PAGE_MAX: usize = 100;

/// Most hashes asked for in one Store request: nwaku answers a multiple of 100 with unrelated messages.
pub const STORE_HASHES: usize = STORE_PAGE_MAX - 1;

/// Rows of an archive that one Store request may have looked at: some seconds of work.
pub const STORE_QUERY_ROWS: usize = 10_000_000;

/// Longest line of an import, in bytes: the longest message in base64 with room for topics, proof
/// and unknown keys.
pub const LINE_BYTES: usize = 1 << 20;

/// Messages read from a database of nwaku at a time.
pub const NWAKU_ROWS: usize = 200;

/// Batches of so many messages that wait between the reading of a file and the storing.
pub const NWAKU_BATCHES: usize = 8;

/// Deepest nesting of groups in an unknown protobuf field that is kept.
pub const GROUP_DEPTH: usize = 32;

/// Most connections to a database server; 50, as nwaku has it.
pub const ARCHIVE_CONNECTIONS: usize = 50;

/// Rows of an archive that are looked at in one read transaction.
pub const ARCHIVE_SCAN_ROWS: usize = 10_000;

/// Messages that are removed from an archive in one transaction, where no whole unit goes: few
/// enough that what is to be stored never waits long for it.
pub const ARCHIVE_REMOVE_ROWS: usize = 1_000;

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

/// How long a batch waits, at most, for units to be made small enough to go one by one, in milliseconds,
/// where several nodes store faster than that is done under one cap; then there is no room for it.
pub const RETENTION_PATIENCE_MILLISECONDS: u64 = 5_000;

/// How far the system's clock may run ahead of the time that has passed before that counts as a
/// jump, in nanoseconds: ten minutes.
pub const CLOCK_JUMP: u64 = 600_000_000_000;

/// How long a clock that has jumped ahead isn't believed, in nanoseconds: one hour, in which whoever
/// set it wrong may set it right. What is too old goes an hour late at worst.
pub const CLOCK_DOUBT: u64 = 3_600_000_000_000;

/// Topics that a unit of an archive on disk remembers in memory.
pub const ARCHIVE_TOPICS_CACHED: usize = 65_536;

/// Topics that a database keeps by number; what comes later is written in its row, and goes with it.
/// The schema has it too.
pub const TOPICS_NUMBERED: u32 = 4_096;

/// Longest topic that a database keeps by number, in bytes. The schema has it too.
pub const TOPICS_NUMBERED_BYTES: usize = 128;

/// Memory that an archive on disk may take for pages it has read or is to write, in bytes.
pub const ARCHIVE_CACHE_BYTES: usize = 192 << 20;

/// The catalogue's share of [`ARCHIVE_CACHE_BYTES`].
pub const CATALOGUE_CACHE_BYTES: usize = ARCHIVE_CACHE_BYTES / 24;

/// The newest unit's share of [`ARCHIVE_CACHE_BYTES`].
pub const NEWEST_UNIT_CACHE_BYTES: usize = ARCHIVE_CACHE_BYTES * 7 / 24;

/// What the unit that is being split has of [`ARCHIVE_CACHE_BYTES`] for its parts.
pub const SPLIT_CACHE_BYTES: usize = ARCHIVE_CACHE_BYTES / 12;

/// What all other open units together have of [`ARCHIVE_CACHE_BYTES`]: for each of [`OPEN_UNITS`] room
/// for the branches of its tables, so that a lookup reads little more than leaves.
pub const OTHER_UNITS_CACHE_BYTES: usize = ARCHIVE_CACHE_BYTES * 14 / 24;

/// Most units of an archive on disk that are open at a time; each takes a file descriptor.
pub const OPEN_UNITS: usize = 128;

/// Most units that are verified at a time when an archive is opened.
pub const VERIFYING_THREADS: usize = 8;

/// Bytes of the disk that a unit of an archive is to take, unless a cap on the whole says otherwise.
pub const UNIT_BYTES: u64 = 256 << 20;

/// Fewest bytes of the disk that a unit is to take. An empty one takes some 60 KiB.
pub const UNIT_BYTES_LEAST: u64 = 4 << 20;

/// Into so many units a cap on the disk is divided.
pub const UNITS_UNDER_CAP: u64 = 32;

/// A unit that takes so many times the bytes it is to take is split.
pub const UNIT_OUTGROWN: u64 = 2;

/// Bytes of messages that are copied in one step of splitting a unit, at least; steps go on between
/// batches.
pub const SPLIT_STEP_BYTES: usize = 4 << 20;

/// Bytes of messages that are copied in one step of splitting a unit, at most.
pub const SPLIT_STEP_BYTES_MOST: usize = 24 << 20;

/// Bytes of a journal that are read at a time while its digest is checked.
pub const JOURNAL_BLOCK_BYTES: usize = 1 << 20;

/// Units that are walked through for one page.
pub const ARCHIVE_SCAN_UNITS: usize = 64;

/// Bits that the filter of a unit spends for each hash: one unknown hash in some 300 seems known.
pub const FILTER_BITS_PER_KEY: usize = 12;

/// Hashes that the smallest filter is made for.
pub const FILTER_KEYS_LEAST: usize = 1_024;

/// Changes that the rehearsal before an archive is opened may hold in memory, in bytes. Recovery
/// after a crash makes some kilobytes of them.
pub const REHEARSAL_BYTES: usize = 256 << 20;

/// Most spans in which an archive is known to be incomplete, of one's own and of a peer's each. Those
/// beyond it widen others.
pub const GAPS: usize = 128;

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

/// How long a partition that is to be emptied is waited for while somebody reads it, in milliseconds:
/// what is to be stored may wait for that. It is tried again later.
pub const PARTITION_REMOVAL_MILLISECONDS: u32 = 100;

/// How long whoever raises the retention floor of a database waits for the batches that are being
/// stored, in milliseconds, each time that it is tried.
pub const FLOOR_LOCK_MILLISECONDS: u32 = 1_000;

/// How often one batch is stored anew since another node has raised the retention floor meanwhile.
pub const FLOOR_ROUNDS: usize = 8;

/// How soon after what is read for long couldn't be removed that is tried again, in milliseconds.
pub const RETENTION_HELD_MILLISECONDS: u64 = 1_000;

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

/// How often room is made anew for one batch, since other nodes have stored meanwhile.
pub const CAP_ROUNDS: usize = 16;

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

/// Timestamps of hashes that an archive in a database remembers in memory.
pub const ARCHIVE_HASHES_CACHED: usize = 65_536;

/// Changes of other nodes that are read from a shared database at a time, about.
pub const ARCHIVE_CHANGES: usize = 10_000;

/// How often a node looks for the changes of others in a shared database, in milliseconds.
pub const FOLLOW_MILLISECONDS: u64 = 500;

/// Longest name of a side state, in bytes.
pub const STATE_NAME_BYTES: usize = 256;

/// Longest value of a side state, in bytes.
pub const STATE_VALUE_BYTES: usize = 1 << 20;

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

/// Bounds of the Store v3 service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreLimits {
    /// Longest request, in bytes; [`STORE_REQUEST_BYTES`].
    pub request_bytes: usize,
    /// Messages in a page when the request names no limit; [`STORE_PAGE_DEFAULT`].
    pub page_default: usize,
    /// Most messages in a page; [`STORE_PAGE_MAX`].
    pub page_max: usize,
    /// Most bytes of messages in a page; 64 KiB under the 4 MiB at which js-waku drops the
    /// connection. A single message is sent whatever its length.
    pub page_bytes: usize,
    /// Most rows of the archive that are looked at for one request, rounded up to
    /// [`ARCHIVE_SCAN_ROWS`]; [`STORE_QUERY_ROWS`]. What was found by then is answered, with a cursor
    /// to go on from; if that is nothing, the answer is an error, so that no client takes it for the
    /// end.
    pub query_rows: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            request_bytes: STORE_REQUEST_BYTES,
            page_default: STORE_PAGE_DEFAULT,
            page_max: STORE_PAGE_MAX,
            page_bytes: (4 << 20) - (64 << 10),
            query_rows: STORE_QUERY_ROWS,
        }
    }
}

/// Bounds of reading the stores of peers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreClientLimits {
    /// Most messages asked for in one request; [`STORE_PAGE_MAX`], which is what servers give at most.
    pub page: usize,
    /// Most hashes asked for in one request; [`STORE_HASHES`].
    pub hashes: usize,
    /// How often a peer may fail in a row before it is left; 3.
    pub attempts: u32,
    /// How often a peer may ask for patience in a row before it is left; 8.
    pub refusals: u32,
    /// How long a peer isn't asked again after it failed or asked for patience, in nanoseconds; 1 s.
    /// Doubled every time in a row.
    pub first_backoff: u64,
    /// The longest such pause, in nanoseconds; 60 s.
    pub longest_backoff: u64,
    /// Pages in a row that bring nothing new though more is said to follow, before a peer is left; 100.
    pub idle_pages: u32,
    /// Most messages read in all; 100,000,000.
    pub messages: u64,
    /// Hashes remembered of a walk without data, to go on at a peer that doesn't know the last one;
    /// 100,000, which take some 10 MB. A longer walk can't go on at such a peer.
    pub remembered: usize,
}

impl Default for StoreClientLimits {
    fn default() -> Self {
        Self {
            page: STORE_PAGE_MAX,
            hashes: STORE_HASHES,
            attempts: 3,
            refusals: 8,
            first_backoff: 1_000_000_000,
            longest_backoff: 60_000_000_000,
            idle_pages: 100,
            messages: 100_000_000,
            remembered: 100_000,
        }
    }
}

/// Hashes that nobody has delivered that are looked at, to find some for a peer that might.
pub const ORPHANS_OFFERED: usize = 1_000;

/// Bounds of a fetch plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchLimits {
    /// Most hashes owed at once; 150,000, which take some 50 MiB. Hashes announced past it aren't
    /// taken on; they are counted, and the next reconciliation names them again.
    pub owed: usize,
    /// Most peers remembered for one hash; 8.
    pub holders: usize,
    /// Most hashes in one query; [`STORE_HASHES`]. A full answer with messages of [`MESSAGE_BYTES`] fits
    /// [`STORE_RESPONSE_BYTES`]; servers that cut pages by bytes are asked on for the rest.
    pub batch: usize,
    /// Most hashes in the first query to a peer, and in the next one after a peer has delivered
    /// something else or nothing; 16. It is doubled by every answer that is as it should be. So a
    /// peer that only claims to hold messages has 2.4 MiB at most read of it at a time.
    pub first_batch: usize,
    /// How often one peer is asked for one hash; 3.
    pub attempts: u32,
    /// How long a peer isn't asked for a hash again after its first failure, in nanoseconds; 1 s.
    /// Doubled with every further failure.
    pub backoff: u64,
    /// How long a hash that all its holders failed to deliver is kept for another peer or another
    /// door, in nanoseconds; 5 s.
    pub patience: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            owed: 150_000,
            holders: 8,
            batch: STORE_HASHES,
            first_batch: 16,
            attempts: 3,
            backoff: 1_000_000_000,
            patience: 5_000_000_000,
        }
    }
}
