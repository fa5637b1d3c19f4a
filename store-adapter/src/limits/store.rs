//! Bounds of Store v3, served and asked.

#[cfg(doc)]
use super::ARCHIVE_SCAN_ROWS;

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
