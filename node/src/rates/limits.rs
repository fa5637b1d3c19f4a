//! Bounds of the buckets themselves.

use std::time::Duration;

/// Peers, or hosts, whose buckets are kept, of each service; those that were heard of last. One that is
/// forgotten has a full bucket again, and the bucket of all binds it still. Many more than may be
/// connected at a time.
pub(crate) const BUCKETS: usize = 4_096;

/// Bytes are counted in units of so many, rounded up, so that rates up to 64 GB/s are told apart.
pub(crate) const BYTES_PER_CELL: u64 = 64;

/// Longest period of a rate; a year.
pub(crate) const LONGEST_PERIOD: Duration = Duration::from_secs(365 * 86_400);

/// Least speed that history may be held to, in bytes a second: pages of the longest messages get through
/// in time.
pub(crate) const LEAST_BANDWIDTH: u64 = 500_000;

/// So much of the time's bytes may go at once: a tenth of a second's.
pub(crate) const BANDWIDTH_BURST: u64 = 10;

/// What part of a rate overall one peer has, if nothing is said of it: three quarters, as in nwaku.
pub(crate) const PEER_SHARE: (u64, u64) = (3, 4);

/// Bytes of history that may be under way at a time, for which a query under a cap waits longer.
pub(crate) const BULK_UNDER_WAY: u64 = 64 << 20;
