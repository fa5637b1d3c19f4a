//! What the page shows of a node at one moment, as JSON: all but sessions and messages by hour.

use serde::Serialize;
use utoipa::ToSchema;

use super::session::SessionSummary;

/// A node at one moment. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageState {
    /// When these figures were taken.
    pub at: u64,
    /// The node.
    pub node: NodeState,
    /// How it is.
    pub health: HealthState,
    /// Its peers.
    pub peers: PeersState,
    /// Its archive.
    pub archive: ArchiveState,
    /// What is limited, and how often that was reached.
    pub limits: LimitsState,
    /// Sessions of now and of late, those first that began last. Left out of events, since these tell of
    /// sessions by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sessions: Option<Vec<SessionSummary>>,
}

/// Who the node is.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeState {
    /// Its peer id.
    pub peer_id: String,
    /// Its cluster, if it is of one.
    pub cluster_id: Option<u16>,
    /// The program's version.
    pub version: &'static str,
    /// For how many seconds it has run.
    pub uptime: f64,
    /// How many seconds lie between two syncs by schedule, if it syncs so.
    pub sync_interval: Option<f64>,
}

/// How the node is, as `/health` tells it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthState {
    /// READY, INITIALIZING, NOT_READY or SHUTTING_DOWN.
    pub node: &'static str,
    /// Connected, PartiallyConnected or Disconnected.
    pub connection: &'static str,
    /// Seconds since that was looked at; absent if it wasn't yet.
    pub age: Option<f64>,
    /// Its protocols.
    pub protocols: Vec<ProtocolState>,
}

/// How one protocol is.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ProtocolState {
    /// Its name.
    pub name: &'static str,
    /// READY, NOT_READY or NOT_MOUNTED.
    pub status: &'static str,
    /// Why it is so, if there is something to say.
    pub desc: Option<&'static str>,
}

/// The peers.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PeersState {
    /// How many are connected.
    pub connected: u64,
    /// How many are known.
    pub known: u64,
    /// How many of the relay pass messages on to this node, if it relays.
    pub relaying: Option<u64>,
    /// Those that are listed: the connected ones first.
    pub listed: Vec<PeerState>,
}

/// A peer.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeerState {
    /// Its peer id.
    pub peer_id: String,
    /// Connected, NotConnected, CannotConnect or CanConnect.
    pub connected: &'static str,
    /// What program it says it is.
    pub agent: String,
    /// What it speaks of what the page has names for; `null` if it hasn't said.
    pub speaks: Option<Vec<&'static str>>,
    /// Its cluster.
    pub cluster_id: Option<u32>,
    /// Its shards.
    pub shards: Vec<u16>,
    /// Whether the configuration names it.
    pub is_static: bool,
    /// Whether it made the connection.
    pub is_inbound: bool,
    /// Since when it is connected.
    pub since: Option<u64>,
    /// How long the last ping took to and fro, in milliseconds.
    pub round_trip: Option<f64>,
    /// How many dials failed since the last connection.
    pub failed_dials: u32,
    /// When something went wrong with it last.
    pub failed_at: Option<u64>,
    /// What went wrong; told only where calls under `/admin` are answered, since addresses are in it.
    pub failure: Option<String>,
    /// Where it is reached; told only where calls under `/admin` are answered.
    pub address: Option<String>,
    /// Messages that it holds and this node doesn't, by their last session.
    pub behind: Option<u64>,
    /// Messages that this node holds and it isn't known to, by their last session.
    pub ahead: Option<u64>,
    /// Seconds since that session.
    pub compared: Option<f64>,
}

/// The archive.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveState {
    /// Messages held.
    pub messages: u64,
    /// When the oldest message is of.
    pub oldest: Option<u64>,
    /// When the newest message is of.
    pub newest: Option<u64>,
    /// Bytes on disk.
    pub disk_bytes: Option<u64>,
    /// Seconds since that was measured.
    pub disk_age: Option<f64>,
    /// What it is held to, as `--store-message-retention-policy` has it.
    pub policy: String,
    /// The cap in bytes on disk, if there is one.
    pub cap: Option<u64>,
    /// What comes in a day; absent while less than an hour is held, or the disk wasn't measured yet.
    pub growth: Option<GrowthState>,
    /// What comes of each bound of the policy.
    pub bounds: Vec<BoundState>,
    /// Messages removed to keep to the policy since the start.
    pub pruned: u64,
}

/// What comes in a day.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrowthState {
    /// Hours that this was measured over, the newest.
    pub hours: u64,
    /// Messages a day.
    pub messages_per_day: f64,
    /// Bytes on disk a day.
    pub disk_bytes_per_day: f64,
}

/// What comes of one bound of the policy.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoundState {
    /// `time`, `capacity` or `size`.
    pub bound: &'static str,
    /// Seconds, messages or bytes on disk.
    pub limit: u64,
    /// When it will be met; in the past if it is met; absent where nothing comes in.
    pub met: Option<u64>,
    /// Whether it is met now.
    pub is_met: bool,
    /// Days of history that are left when it is met.
    pub history_days: Option<f64>,
}

/// What is limited.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsState {
    /// Each service that peers and clients ask for.
    pub services: Vec<ServiceState>,
    /// Connections now.
    pub connections: u64,
    /// Most connections that others may have to this node.
    pub most_inbound: u64,
    /// Bytes a second that history may take in each direction, if that is bounded.
    pub bandwidth: Option<u64>,
}

/// A service, with totals since the start.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceState {
    /// Its name, as `--rate-limit` has it.
    pub name: &'static str,
    /// Requests served.
    pub served: u64,
    /// How often something waited since a rate was reached.
    pub paced: u64,
    /// Requests refused, by reason; only those that there were.
    pub refused: Vec<RefusedFor>,
    /// Bytes received.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Requests a second that all together may make, if that is bounded.
    pub allowed: Option<f64>,
}

/// How often something was refused.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct RefusedFor {
    /// `peer_requests`, `peer_bytes`, `all_requests`, `all_bytes` or `no_place`.
    pub reason: &'static str,
    /// How often.
    pub count: u64,
}
