//! Bounds of what the node does for its peers.

use std::time::Duration;

/// How long a peer may take to answer a metadata request.
pub(super) const METADATA_DEADLINE: Duration = Duration::from_secs(20);

/// Inbound streams of requests that wait to be taken up, of each protocol; more are refused.
pub(crate) const REQUEST_STREAMS_WAITING: usize = 128;

/// A page of a Store response takes at most this part of the bytes that are left for responses.
pub(super) const PART_OF_THE_REST: usize = 8;

/// Bytes that a peer was given lately from which on its requests count as bulk; 8 MiB. Two full pages
/// are less.
pub(super) const BULK_BYTES: u64 = 8 << 20;

/// How long it takes until half of what a peer was given is forgotten; 5 s. So peers that are given
/// 1.2 MB a second or more come to [`BULK_BYTES`].
pub(super) const BULK_HALVED: Duration = Duration::from_secs(5);

/// Peers of which it is remembered what they were given, of each protocol; 1,024.
pub(super) const PEERS_REMEMBERED: usize = 1_024;

/// Most bytes read and thrown away from a stream whose request is refused; 1 MiB.
pub(super) const REFUSED_BYTES: usize = 1 << 20;

/// Responses of so many bytes or more are encoded where computing for long is allowed; 64 KiB.
pub(super) const LONG_RESPONSE: usize = 64 << 10;

/// Messages of one stream of pushes that wait while earlier ones are stored: then the peer waits
/// too.
pub(super) const PUSHES_WAITING: usize = 256;

/// Bounds of Store queries, metadata and pushed messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceLimits {
    /// Most streams for requests that one peer may have open, of each protocol; 100. js-waku opens
    /// streams long before it uses them.
    pub request_streams_per_peer: usize,
    /// How long a peer may keep such a stream open before it sends its request; 5 minutes.
    pub request_pause: Duration,
    /// Most streams that wait for their request, of each protocol; 1,024. One more takes the place
    /// of the oldest one of the peer that has the most.
    pub requests_awaited: usize,
    /// Most requests of one peer that are read, answered and their answers sent at a time, of each
    /// protocol; 8.
    pub requests_per_peer: usize,
    /// Most requests of one peer that wait for that; 100, so that each of its streams may. js-waku asks
    /// 64 at once. More are refused.
    pub requests_queued_per_peer: usize,
    /// Most requests of all peers answered at a time, of each protocol; 32.
    pub answers: usize,
    /// Of those, most for peers that were given 8 MiB or more in the last seconds; half of the processors,
    /// one at least. So reading a history leaves room for those who ask now and then.
    pub bulk_answers: usize,
    /// Bytes of Store responses, made or being sent, up to which pages have their full size;
    /// 32 MiB. Pages get shorter as it is approached, down to a single message.
    pub response_bytes: usize,
    /// Most streams of pushes that one peer may have open; 4.
    pub push_streams_per_peer: usize,
    /// How long a peer may keep such a stream open without pushing; 12 hours. nwaku opens one and
    /// keeps it.
    pub push_pause: Duration,
    /// Most streams of pushes that wait for a message; 1,024. One more takes the place of the
    /// longest waiting one of the peer that has the most.
    pub pushes_awaited: usize,
    /// Most bytes of pushed messages that wait to be stored; 16 MiB. Then peers wait.
    pub push_bytes: usize,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            request_streams_per_peer: 100,
            request_pause: Duration::from_secs(300),
            requests_awaited: 1_024,
            requests_per_peer: 8,
            requests_queued_per_peer: 100,
            answers: 32,
            bulk_answers: half_of_the_processors(),
            response_bytes: 32 << 20,
            push_streams_per_peer: 4,
            push_pause: Duration::from_secs(12 * 3_600),
            pushes_awaited: 1_024,
            push_bytes: 16 << 20,
        }
    }
}

fn half_of_the_processors() -> usize {
    let processors = std::thread::available_parallelism();
    processors.map_or(1, |processors| (processors.get() / 2).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_is_refused_for_those_on_the_other_streams_that_a_peer_may_have() {
        let limits = ServiceLimits::default();
        let answered = limits.requests_per_peer + limits.requests_queued_per_peer;
        assert!(answered >= limits.request_streams_per_peer, "{answered}");
    }
}
