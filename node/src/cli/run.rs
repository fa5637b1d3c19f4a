//! Arguments of `run`: the names are nwaku's.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args};
use store_adapter::RetentionPolicy;
use store_adapter::limits::ARCHIVE_CONNECTIONS;
use sync_net::AdmissionLimits;

use super::time::DurationArg;
use super::{
    ArchiveArgs, ConfigArgs, LogArgs, MetricsArgs, NetArgs, RateArgs, RelayArgs, RestArgs, SizeArg,
    SyncWireArg,
};

/// The smallest limit of a recording, in bytes: there is room for a session without differences.
const RECORD_LIMIT_MIN: SizeArg = SizeArg(4_096);

/// More connections than any database server takes.
const CONNECTIONS_MOST: usize = 10_000;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The configuration itself.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
    /// The archive.
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// Most connections to the database server of an archive at postgres://, at least 2
    #[arg(long, value_name = "COUNT", default_value_t = ARCHIVE_CONNECTIONS,
          value_parser = connections)]
    pub store_max_num_db_connections: usize,
    /// Address to listen on
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub listen_address: IpAddr,
    /// TCP port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 60_000)]
    pub tcp_port: u16,
    /// Listen for websockets too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    pub websocket_support: bool,
    /// Port to listen on for websockets; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8_000)]
    pub websocket_port: u16,
    /// The node's secp256k1 key in 64 hex digits; by default kept in the file `nodekey` in the
    /// data directory, made at the first start
    #[arg(long, value_name = "HEX")]
    pub nodekey: Option<String>,
    /// The cluster of the network
    #[arg(long, value_name = "ID", default_value_t = 0)]
    pub cluster_id: u16,
    /// A shard that the node keeps and relays, as often as there are; without any it keeps all, and
    /// relays those of the network
    #[arg(long, value_name = "INDEX", value_parser = clap::value_parser!(u16).range(0..1_024))]
    pub shard: Vec<u16>,
    /// The relay.
    #[command(flatten)]
    pub relay: RelayArgs,
    /// Most connections that others may have to this node
    #[arg(long, value_name = "COUNT",
          default_value_t = AdmissionLimits::default().inbound)]
    pub max_connections: usize,
    /// Most connections from one IPv4 address or IPv6 network of 64 bits; 0 for no bound
    #[arg(long, value_name = "COUNT",
          default_value_t = AdmissionLimits::default().inbound_per_ip.unwrap_or_default())]
    pub ip_colocation_limit: usize,
    /// Where it is reached, and whom it stays connected with.
    #[command(flatten)]
    pub net: NetArgs,
    /// Serve Store queries
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = true, action = ArgAction::Set)]
    pub store: bool,
    /// What to keep: time:SECONDS, capacity:MESSAGES, size:XGB or size:XMB (1024³ and 1024² bytes on
    /// disk), several joined by `;`, or none. The oldest messages go first
    #[arg(long, value_name = "POLICY", default_value = RetentionPolicy::DEFAULT)]
    pub store_message_retention_policy: RetentionPolicy,
    /// Reconcile the archive with those of other nodes
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = true, action = ArgAction::Set)]
    pub store_sync: bool,
    /// How often to reconcile with a random peer
    #[arg(long, value_name = "DURATION", default_value = "300")]
    pub store_sync_interval: DurationArg,
    /// How far back to reconcile
    #[arg(long, value_name = "DURATION", default_value = "3600")]
    pub store_sync_range: DurationArg,
    /// How long messages may be under way: the newest of this age are left to the relay
    #[arg(long, value_name = "DURATION", default_value = "20")]
    pub store_sync_relay_jitter: DurationArg,
    /// Fetch from other nodes what came while this one was away
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = true, action = ArgAction::Set)]
    pub store_resume: bool,
    /// How far back that is fetched, at most; 0 for no bound
    #[arg(long, value_name = "DURATION", default_value = "6h")]
    pub store_resume_limit: DurationArg,
    /// How topics are written in Waku's reconciliation
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub sync_wire: SyncWireArg,
    /// How much peers may have in a time.
    #[command(flatten)]
    pub rates: RateArgs,
    /// Record the frames of all sync sessions to a new file, for `wire replay`, one JSON object a
    /// line
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// How large that file gets at most; from then on nothing is recorded
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = record_limit)]
    pub record_limit: SizeArg,
    /// About REST.
    #[command(flatten)]
    pub rest: RestArgs,
    /// About metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// The pool needs two: one of them may wait for the other.
fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (2..=CONNECTIONS_MOST).contains(&number) => Ok(number),
        _ => Err(format!(
            "expected a number from 2 to {CONNECTIONS_MOST}, such as {ARCHIVE_CONNECTIONS}"
        )),
    }
}

fn record_limit(text: &str) -> Result<SizeArg, String> {
    let limit: SizeArg = text.parse()?;
    if limit < RECORD_LIMIT_MIN {
        let least = RECORD_LIMIT_MIN.0;
        return Err(format!(
            "expected at least {least} bytes, such as 4096 or 1GB"
        ));
    }
    Ok(limit)
}
