//! Bounds of what HTTP clients can take of the node.

use std::time::Duration;

/// Longest head of a request, in bytes: method, URL and headers together, as nwaku has it. A longer one
/// is answered 431.
pub const HEAD_BYTES: usize = 64 << 10;

/// Longest body of a request, in bytes; a longer one is answered 413. The longest message takes some
/// 200 KiB in base64.
pub const BODY_BYTES: usize = 1 << 20;

/// How much of a body that is too long is read all the same, in bytes, so that the client is through
/// with sending and reads the answer.
pub(super) const DRAINED_BYTES: usize = 16 << 20;

/// Most connections at a time; others wait until one of them ends.
pub const CONNECTIONS: usize = 256;

/// How long a client may take to send a request's head, and how long a connection may stay idle between
/// two requests.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(30);

/// How long a request may take, from its head to the head of the answer.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(60);

/// How long a client may leave an answer unread before its connection is ended.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// How long requests under way may take when the node ends.
pub(super) const END_DEADLINE: Duration = Duration::from_secs(3);

/// How long to wait before connections are taken again after none could be: there are no file
/// descriptors left, say.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of pages of the archive, made or being sent, up to which pages have their full size. They get
/// shorter as it is approached, down to a single message.
pub(super) const PAGE_BYTES: usize = 32 << 20;

/// Pages of the archive that are made at a time; further requests wait.
pub(super) const PAGES_AT_ONCE: usize = 16;

/// Queries that other nodes are asked at a time; further requests wait.
pub(super) const ASKED_AT_ONCE: usize = 16;

/// How long another node may take to be connected with and to answer a Store query.
pub(super) const STORE_DEADLINE: Duration = Duration::from_secs(20);

/// Most topics in one request.
pub const TOPICS: usize = 1_024;

/// Most peers to connect with in one request.
pub const PEERS: usize = 32;
