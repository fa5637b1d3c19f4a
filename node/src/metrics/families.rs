//! Every metric of this program's. Those that libp2p registers by itself aren't here.

use super::{Family, Kind};

macro_rules! families {
    ($($constant:ident: $kind:ident $prefix:ident $name:literal [$($label:literal),*] = $help:literal;)*) => {
        $(pub(super) const $constant: Family = Family {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
            prefixed: families!(@ $prefix),
        };)*

        /// Every metric of this program's, in the order of the documentation.
        pub const FAMILIES: &[Family] = &[$($constant),*];
    };
    (@ own) => { true };
    (@ bare) => { false };
}

families! {
    VERSION: Gauge own "version" ["version"]
        = "1, with the program's version and commit";
    NODE_HEALTH: Gauge own "node_health" ["status"]
        = "1 for the status that the node has and 0 for the others: INITIALIZING, READY, NOT_READY, SHUTTING_DOWN";
    CONNECTION: Gauge own "connection_status" ["status"]
        = "1 for how the node is connected and 0 for the others: Disconnected, PartiallyConnected, Connected";
    UPTIME: Gauge own "uptime_seconds" []
        = "Seconds since the node started";
    RESIDENT: Gauge bare "process_resident_memory_bytes" []
        = "Memory that the process has in use, in bytes";
    ARCHIVE_MESSAGES: Gauge own "archive_messages" ["type"]
        = "Messages in the archive; type is stored";
    ARCHIVE_PER_SHARD: Gauge own "archive_messages_per_shard" ["shard"]
        = "Messages in the archive by pubsub topic; beyond 64 topics all others as other";
    ARCHIVE_BYTES_PER_SHARD: Gauge own "archive_message_bytes_per_shard" ["shard"]
        = "Bytes of the messages in the archive, encoded, by pubsub topic; beyond 64 topics all others as other";
    ARCHIVE_RECENT: Gauge own "archive_recent_messages_per_shard" ["shard", "span"]
        = "Messages in the archive with a timestamp of the last hour or the last day (span: hour, day), by pubsub topic; beyond 64 topics all others as other";
    ARCHIVE_RECENT_TOPICS: Gauge own "archive_recent_messages_per_content_topic" ["contentTopic"]
        = "Messages in the archive of the last 24 whole hours and the present one, by content topic; the 20 topics with the most, and all others as other";
    ARCHIVE_COUNTS_AGE: Gauge own "archive_counts_age_seconds" []
        = "How old the figures of archive_message_bytes_per_shard and archive_recent_messages_per_content_topic are";
    ARCHIVE_ERRORS: Counter own "archive_errors" ["type"]
        = "Messages refused at the archive's door by reason; batches that couldn't be stored as insert_failure, and prunings that failed as retpolicy_failure";
    INSERT_DURATION: Histogram own "archive_insert_duration_seconds" []
        = "How long it took to store a batch of messages";
    QUERY_DURATION: Histogram own "archive_query_duration_seconds" []
        = "How long the archive took to answer a Store query, of peers and of REST";
    ARCHIVE_INGESTED: Counter own "archive_ingested" ["outcome"]
        = "Messages brought to the archive's door by what became of them: new, duplicate, refused";
    ARCHIVE_DISK: Gauge own "archive_disk_bytes" []
        = "Bytes that the archive takes on disk; 0 in memory";
    ARCHIVE_DISK_AGE: Gauge own "archive_disk_age_seconds" []
        = "How old the figure of archive_disk_bytes is";
    ARCHIVE_LIMIT: Gauge own "archive_limit" ["bound"]
        = "What the retention policy holds the archive to: bytes, messages, seconds; absent bounds are absent here";
    ARCHIVE_OLDEST: Gauge own "archive_oldest_timestamp_seconds" []
        = "Timestamp of the oldest message, in seconds since 1970; 0 without one";
    ARCHIVE_PRUNED: Counter own "archive_pruned_messages" ["reason"]
        = "Messages removed by the retention policy: time, capacity, size";
    ARCHIVE_PRUNED_BYTES: Counter own "archive_pruned_bytes" ["reason"]
        = "Bytes on disk that the retention policy gave back";
    STORE_ERRORS: Counter own "store_errors" ["type"]
        = "Store queries that weren't answered by a page: decode_rpc_failure, archive_failure, too_much_work, other";
    STORE_QUERIES: Counter own "store_queries" []
        = "Store queries answered, of peers and of REST";
    STORE_TIME: Gauge own "store_time_seconds" ["phase"]
        = "Seconds spent on Store queries in all, by phase: query-db, send-store-resp";
    FLEET_SIZE: Gauge own "store_fleet_msg_size_bytes" ["shard"]
        = "Bytes of messages stored since the start, by pubsub topic";
    FLEET_COUNT: Gauge own "store_fleet_msg_count" ["shard"]
        = "Messages stored since the start, by pubsub topic";
    RECONCILIATION_ROUNDTRIPS: Histogram own "reconciliation_roundtrips" []
        = "Frames received in a session that came to a good end";
    RECONCILIATION_DIFFERENCES: Histogram own "reconciliation_differences" []
        = "Messages that one side of a session lacked, of sessions that came to a good end";
    BYTES_EXCHANGED: Counter own "total_bytes_exchanged" ["protocol", "direction"]
        = "Bytes of sync by protocol (reconciliation, transfer) and direction (sent, receive)";
    MESSAGES_EXCHANGED: Counter own "total_transfer_messages_exchanged" ["direction"]
        = "Messages pushed to peers (sent) and by peers (receive)";
    MESSAGES_CACHED: Gauge own "total_messages_cached" []
        = "Messages in the index that sessions read";
    SYNC_SESSIONS: Counter own "sync_sessions" ["result"]
        = "Sessions by result: done, failed, yielded, busy; malformed are among the failed";
    SYNC_SESSIONS_STARTED: Counter own "sync_sessions_started" []
        = "Sessions begun, in either role";
    SYNC_MESSAGES: Counter own "sync_messages" ["outcome"]
        = "Messages found missing here by what became of them: missing (all of them), fetched, unfilled, refused; and undelivered ones that peers lack";
    SYNC_REFUSED: Counter own "sync_refused_messages" ["reason"]
        = "Messages that were asked for, came, and were refused";
    SYNC_FAULTS: Counter own "sync_peer_faults" ["fault"]
        = "What peers sent against the rules: malformed_requests, malformed_pushes, unsolicited_pushes";
    SYNC_OWED: Gauge own "sync_owed_hashes" []
        = "Hashes that sessions have announced and whose messages aren't here yet";
    SYNC_JOBS: Gauge own "sync_jobs" []
        = "Sessions whose differences are being filled";
    SYNC_BEHIND: Gauge own "sync_peer_behind_messages" ["peerId"]
        = "Messages that the peer holds and this node lacks, by the last session and what was fetched since; beyond 50 peers all others as other";
    SYNC_AHEAD: Gauge own "sync_peer_ahead_messages" ["peerId"]
        = "Messages that this node holds and the peer isn't known to";
    SYNC_AGE: Gauge own "sync_peer_lag_seconds" ["peerId"]
        = "Seconds since the last session with the peer that came to a good end; of others the longest";
    SERVICE_REQUESTS: Counter own "service_requests" ["service", "state"]
        = "Requests by service and state: served, rejected";
    SERVICE_REFUSED: Counter own "service_refused_requests" ["service", "reason"]
        = "Requests refused: peer_requests, peer_bytes, all_requests, all_bytes (rates), no_place (queue or places full)";
    SERVICE_PACED: Counter own "service_paced" ["service"]
        = "How often a peer was slowed down by a rate or the bandwidth of history";
    SERVICE_LIMIT: Gauge own "service_requests_limit" ["service"]
        = "Requests a second that all together may have, where that is limited";
    SERVICE_RATE_LIMIT: Gauge own "service_rate_limit" ["service", "scope", "unit"]
        = "Requests or bytes a second by scope (peer, all), where that is limited";
    SERVICE_BYTES: Counter own "service_network_bytes" ["service", "direction"]
        = "Bytes by service and direction (in, out)";
    SERVICE_DURATION: Histogram own "service_request_handling_duration_seconds" ["service"]
        = "From when a request was admitted until its answer was sent";
    BANDWIDTH_LIMIT: Gauge own "sync_bandwidth_limit_bytes" []
        = "Bytes a second that sync may take in each direction; 0 without a limit";
    CONNECTIONS_LIMIT: Gauge own "inbound_connections_limit" []
        = "Connections that others may have to this node";
    NETWORK_EVENTS: Counter own "network_events" ["event"]
        = "What the network layer counts: connections denied, streams accepted and refused, frames, deadlines missed";
    NETWORK_BYTES: Counter own "network_frame_bytes" ["direction"]
        = "Bytes in frames by direction (in, out), relay apart";
    STORE_PEERS: Gauge own "store_peers" []
        = "Connected peers that serve Store";
    SERVICE_PEERS: Gauge own "service_peers" ["protocol", "peerId"]
        = "Connected peers by protocol of theirs: 1 for each; beyond 50 the number of all others as other";
    LIBP2P_PEERS: Gauge bare "libp2p_peers" []
        = "Connected peers";
    RELAY_PEERS: Gauge own "relay_peers" []
        = "Peers that relay with this node";
    NODE_MESSAGES: Counter own "node_messages" ["type"]
        = "Messages that came by relay; type is relay";
    RELAY_MESSAGES: Counter own "relay_messages" ["outcome"]
        = "Relayed messages: published, unsent, archived, duplicate, ephemeral, dropped, unstored";
    RELAY_BYTES: Counter own "relay_bytes" ["direction"]
        = "Bytes of relayed messages by direction (in, out)";
    RELAY_REFUSED: Counter own "relay_refused_messages" ["reason"]
        = "Relayed messages that were not passed on or not archived";
    RESUME_GAPS: Gauge own "resume_gap_seconds" ["state"]
        = "Time in which messages are missing: open, or unconfirmed when a single peer has filled it";
    RESUME_ONLINE: Gauge own "resume_last_online_timestamp_seconds" []
        = "When the node last had a peer that messages can come from, in seconds since 1970; 0 if never";
    RESUME_EVENTS: Counter own "resume_events" ["event"]
        = "What resuming did: gaps, sessions, pages, refused, rate_limited, failures";
    RESUME_MESSAGES: Counter own "resume_messages" []
        = "Messages that were missing since an absence and came";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_there_once_and_fits_prometheus() {
        let names: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), FAMILIES.len());
        for family in FAMILIES {
            let fits = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            assert!(
                fits(family.name) && !family.name.ends_with("_total"),
                "{family:?}"
            );
            assert!(family.labels.iter().all(|label| fits(label)), "{family:?}");
            assert!(
                !family.help.is_empty() && !family.help.contains(['|', '\n']),
                "{family:?}"
            );
        }
    }
}
