//! The protocols that a node speaks beside libp2p's own.

/// Messages as they are sent: gossipsub.
pub const RELAY: &str = "/vac/waku/relay/2.0.0";

/// Store v3 queries: one request, one response.
pub const STORE: &str = "/vac/waku/store-query/3.0.0";

/// Messages pushed after a reconciliation: a one-way stream.
pub const TRANSFER: &str = "/vac/waku/transfer/1.0.0";

/// Cluster and shards of a peer: one request, one response.
pub const METADATA: &str = "/vac/waku/metadata/1.0.0";

/// Waku's reconciliation: many rounds.
pub const RECONCILIATION: &str = "/vac/waku/reconciliation/1.0.0";

/// This project's own reconciliation: many rounds.
pub const RECONCILE: &str = sync_core::own::PROTOCOL_ID;

/// What peers are counted by: services of Waku's, those included that this node doesn't have.
pub const SERVICES: &[&str] = &[
    RELAY,
    STORE,
    "/vac/waku/store/2.0.0-beta4",
    "/vac/waku/filter-subscribe/2.0.0-beta1",
    "/vac/waku/filter-push/2.0.0-beta1",
    "/vac/waku/lightpush/3.0.0",
    "/vac/waku/lightpush/2.0.0-beta1",
    "/vac/waku/peer-exchange/2.0.0-alpha1",
    RECONCILIATION,
    TRANSFER,
    RECONCILE,
];
