//! Bounds of the connections and requests that this side makes, and of what is kept of peers.

use std::time::Duration;

/// The first pause before a lost peer is dialled again; doubled each time.
pub(crate) const FIRST_REDIAL: Duration = Duration::from_secs(1);

/// The longest pause between dials, and how long a connection has to last for the pauses to start
/// over.
pub(crate) const LAST_REDIAL: Duration = Duration::from_secs(60);

/// The pause before a peer is dialled again that said it is of another cluster. It won't change its
/// mind soon: only its operator, or this node's, can.
pub(crate) const FOREIGN_REDIAL: Duration = Duration::from_secs(600);

/// How many requests may wait for the swarm's task.
pub(crate) const COMMANDS: usize = 64;

/// How long a new peer may take to say what it speaks.
pub(crate) const IDENTIFY_DEADLINE: Duration = Duration::from_secs(10);

/// How long dialling may take in all.
pub(crate) const DIAL_DEADLINE: Duration = Duration::from_secs(15);

/// How many of the peers of one request are dialled at a time.
pub(crate) const DIALS_AT_ONCE: usize = 10;

/// How long a peer may take to answer a Store query, from the opening of its stream on.
pub(crate) const STORE_QUERY_DEADLINE: Duration = Duration::from_secs(60);

/// How long a peer that was just connected with may take to tell its cluster, before it is asked for
/// messages without.
pub(crate) const CLUSTER_AWAITED: Duration = Duration::from_secs(5);

/// How often each connection is pinged.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(15);

/// How long the answer to a ping may take.
pub(crate) const PING_DEADLINE: Duration = Duration::from_secs(20);

/// How many pings in a row have to stay unanswered for a connection to be closed as dead: some two
/// minutes. TCP alone takes a quarter of an hour to notice that the other host is gone.
pub(crate) const PINGS_LOST: u32 = 4;

/// Most peers kept in the table that were dialled by hand and aren't connected; then the one goes
/// that was heard of longest ago. Those of the configuration aren't counted and stay.
pub(crate) const KNOWN_PEERS: usize = 256;

/// Most addresses kept of one peer of each kind: those it was dialled at, and those it told.
pub(crate) const PEER_ADDRESSES: usize = 16;

/// Longest address kept that a peer told of itself, in bytes: that of a relayed websocket behind
/// the longest domain name.
pub(crate) const ADDRESS_BYTES: usize = 400;

/// Most protocols kept that a peer says it speaks; nwaku speaks some twenty.
pub(crate) const PEER_PROTOCOLS: usize = 128;

/// Longest name of a protocol kept, in bytes.
pub(crate) const PROTOCOL_BYTES: usize = 140;

/// Longest agent and protocol version kept, in characters.
pub(crate) const AGENT_CHARS: usize = 100;

/// Longest reason of a failure kept, in characters.
pub(crate) const REASON_CHARS: usize = 300;

/// The largest index of a shard (RFC 51).
pub(crate) const LAST_SHARD: u16 = 1_023;

/// From so many shards on, a node record has them as a vector of bits, as nwaku's do.
pub(crate) const SHARDS_LISTED: usize = 64;

/// Most addresses that the node tells of itself; libp2p keeps no more.
pub(crate) const ANNOUNCED_ADDRESSES: usize = 20;

/// How long it is believed what a peer has said that it lacks.
pub(crate) const CLAIMS_BELIEVED: Duration = Duration::from_secs(300);
