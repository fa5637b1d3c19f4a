//! One peer of the table: what it is kept for, how its connections go, and what it told, within
//! bounds.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, identify};
use store_adapter::metadata::WakuMetadata;

use super::Claims;
use super::limits::{
    ADDRESS_BYTES, AGENT_CHARS, LAST_SHARD, PEER_ADDRESSES, PEER_PROTOCOLS, PROTOCOL_BYTES,
    REASON_CHARS,
};
use super::peer_info::{
    Connectedness, Kept, PeerDirection, PeerFailure, PeerInfo, PeerOrigin, without_peer,
};
use crate::cli::time::now;

const NANOSECONDS: u64 = 1_000_000_000;

/// A peer that is connected, or kept in mind.
#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) kept: Option<Kept>,
    /// Where it was asked for, without the peer id.
    dialled: Vec<Multiaddr>,
    /// The other end of its first connection, and who made that.
    met: Option<(Multiaddr, PeerDirection)>,
    connections: usize,
    connected_since: Option<u64>,
    times_connected: u64,
    failed_dials: u32,
    last_failure: Option<PeerFailure>,
    /// When it was heard of last, in nanoseconds since 1970.
    pub(super) heard: u64,
    /// What it told of itself, on this connection or an earlier one.
    identity: Option<Identity>,
    /// Whether it has told on this connection.
    identified: bool,
    told: Option<Told>,
    /// What it has said of its archive, on this connection.
    pub(super) claims: Option<Claims>,
    pub(super) score: Option<f64>,
    round_trip: Option<Duration>,
}

/// What a peer told of itself by identify.
#[derive(Debug)]
pub(super) struct Identity {
    agent: String,
    protocol_version: String,
    protocols: BTreeSet<String>,
    listens_on: Vec<Multiaddr>,
}

/// What a peer told by metadata.
#[derive(Debug)]
struct Told {
    cluster_id: Option<u32>,
    shards: BTreeSet<u16>,
    /// Whether the cluster is another one than this node's.
    foreign: bool,
}

impl Peer {
    /// It is to be kept in mind, for at least that reason.
    pub(super) fn keep(&mut self, kept: Kept, addresses: &[Multiaddr]) {
        self.kept = self.kept.max(Some(kept));
        self.heard = now();
        for address in addresses.iter().map(without_peer) {
            if !self.dialled.contains(&address) && self.dialled.len() < PEER_ADDRESSES {
                self.dialled.push(address);
            }
        }
    }

    /// A connection was made; gives whether it is the first.
    pub(super) fn connected(&mut self, address: &Multiaddr, direction: PeerDirection) -> bool {
        self.connections += 1;
        if self.connections > 1 {
            return false;
        }
        self.met = Some((without_peer(address), direction));
        self.heard = now();
        self.connected_since = Some(self.heard / NANOSECONDS);
        self.times_connected += 1;
        self.failed_dials = 0;
        self.identified = false;
        true
    }

    /// A connection ended; gives whether it was the last.
    pub(super) fn closed(&mut self, cause: Option<&str>) -> bool {
        self.connections = self.connections.saturating_sub(1);
        if let Some(cause) = cause {
            self.failed(cause);
        }
        if self.connections > 0 {
            return false;
        }
        self.heard = now();
        self.connected_since = None;
        self.identified = false;
        (self.claims, self.score, self.round_trip) = (None, None, None);
        true
    }

    /// An attempt to connect failed.
    pub(super) fn dial_failed(&mut self, reason: &str) {
        self.failed_dials = self.failed_dials.saturating_add(1);
        self.failed(reason);
    }

    fn failed(&mut self, reason: &str) {
        self.last_failure = Some(PeerFailure {
            at: now() / NANOSECONDS,
            reason: printable(reason, REASON_CHARS),
        });
    }

    pub(super) fn identified(&mut self, identity: Identity) {
        self.identity = Some(identity);
        self.identified = true;
    }

    /// It told cluster and shards, to a node of cluster `own`.
    pub(super) fn told(&mut self, metadata: &WakuMetadata, own: Option<u16>) {
        let cluster_id = metadata.cluster_id;
        let shards = metadata.shards.iter();
        let shards = shards.filter_map(|shard| u16::try_from(*shard).ok());
        let foreign = |own: u16| cluster_id.is_some_and(|theirs| theirs != u32::from(own));
        self.told = Some(Told {
            cluster_id,
            shards: shards.filter(|shard| *shard <= LAST_SHARD).collect(),
            foreign: own.is_some_and(foreign),
        });
    }

    pub(super) fn pinged(&mut self, round_trip: Duration) {
        self.round_trip = Some(round_trip);
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connections > 0
    }

    /// Whether it is connected and has told what it speaks.
    pub(super) fn is_identified(&self) -> bool {
        self.is_connected() && self.identified
    }

    /// Whether its metadata said last that it is of another cluster.
    pub(super) fn is_foreign(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.foreign)
    }

    pub(super) fn speaks(&self, protocol: &str) -> bool {
        let identity = self.identity.as_ref().filter(|_| self.is_identified());
        identity.is_some_and(|identity| identity.protocols.contains(protocol))
    }

    /// The other end of its connection.
    pub(super) fn met_at(&self) -> Option<&Multiaddr> {
        let met = self.met.as_ref().filter(|_| self.is_connected());
        met.map(|(address, _)| address)
    }

    fn connectedness(&self) -> Connectedness {
        match (self.connections, self.failed_dials, self.times_connected) {
            (1.., _, _) => Connectedness::Connected,
            (0, 1.., _) => Connectedness::CannotConnect,
            (0, 0, 1..) => Connectedness::CanConnect,
            (0, 0, 0) => Connectedness::NotConnected,
        }
    }

    /// Every address, the best first: where this node reached it; else where it says it listens on
    /// the host that it came from, since the port that it came from leads nowhere; else where it
    /// came from; else where it was asked for in vain.
    fn addresses(&self) -> Vec<Multiaddr> {
        let listens_on = self.identity.iter().flat_map(|it| &it.listens_on);
        let met = self.met.as_ref();
        let reached = met.filter(|(_, by)| *by == PeerDirection::Outbound);
        let host = met.and_then(|(address, _)| ip_of(address));
        let same_host = listens_on
            .clone()
            .filter(|address| host.is_some() && ip_of(address) == host);
        let mut all: Vec<Multiaddr> = Vec::new();
        let reached = reached.into_iter().map(|(address, _)| address);
        let met = met.into_iter().map(|(address, _)| address);
        let dialled = self.dialled.iter();
        for address in reached
            .chain(same_host)
            .chain(met)
            .chain(dialled)
            .chain(listens_on)
        {
            if !all.contains(address) {
                all.push(address.clone());
            }
        }
        all
    }

    pub(super) fn info(&self, peer_id: PeerId) -> PeerInfo {
        let named = |address: Multiaddr| address.with(Protocol::P2p(peer_id));
        let addresses: Vec<Multiaddr> = self.addresses().into_iter().map(named).collect();
        let best = addresses.first().cloned();
        let identity = self.identity.as_ref();
        let text = |of: fn(&Identity) -> &String| identity.map(of).cloned().unwrap_or_default();
        let protocols = identity.iter().flat_map(|identity| &identity.protocols);
        let shards = self.told.iter().flat_map(|told| &told.shards);
        let origin = match self.kept {
            Some(Kept::StaticNode | Kept::StoreNode) => PeerOrigin::Static,
            Some(Kept::Dialled) | None => PeerOrigin::UnknownOrigin,
        };
        PeerInfo {
            multiaddr: best.unwrap_or_else(|| named(Multiaddr::empty())),
            protocols: protocols.cloned().collect(),
            shards: shards.copied().collect(),
            connected: self.connectedness(),
            agent: text(|identity| &identity.agent),
            origin,
            score: self.score,
            peer_id,
            addresses,
            protocol_version: text(|identity| &identity.protocol_version),
            cluster_id: self.told.as_ref().and_then(|told| told.cluster_id),
            direction: self
                .met
                .as_ref()
                .map_or(PeerDirection::UnknownDirection, |(_, direction)| *direction),
            kept: self.kept,
            connections: self.connections,
            connected_since: self.connected_since,
            times_connected: self.times_connected,
            failed_dials: self.failed_dials,
            last_failure: self.last_failure.clone(),
            round_trip: self.round_trip.map(|round_trip| round_trip.as_secs_f64()),
        }
    }
}

impl Identity {
    /// What is kept of what a peer told: so many addresses, protocols and characters, and none that
    /// would garble a log.
    pub(super) fn of(info: &identify::Info) -> Self {
        let protocols = info.protocols.iter().map(AsRef::as_ref);
        let listens_on = info.listen_addrs.iter();
        Self {
            agent: printable(&info.agent_version, AGENT_CHARS),
            protocol_version: printable(&info.protocol_version, AGENT_CHARS),
            protocols: protocols
                .filter(|protocol: &&str| protocol.len() <= PROTOCOL_BYTES)
                .take(PEER_PROTOCOLS)
                .map(str::to_owned)
                .collect(),
            listens_on: listens_on
                .filter(|address| address.len() <= ADDRESS_BYTES)
                .take(PEER_ADDRESSES)
                .map(without_peer)
                .collect(),
        }
    }
}

fn printable(text: &str, most: usize) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(most)
        .collect()
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// What a peer tells of itself that speaks these protocols.
#[cfg(test)]
pub(super) fn info_of_speaking(protocols: &[&'static str]) -> identify::Info {
    use libp2p::StreamProtocol;
    identify::Info {
        public_key: libp2p::identity::Keypair::generate_secp256k1().public(),
        protocol_version: "ipfs/0.1.0".into(),
        agent_version: "nwaku-v0.38.0".into(),
        listen_addrs: Vec::new(),
        protocols: protocols.iter().map(|it| StreamProtocol::new(it)).collect(),
        observed_addr: Multiaddr::empty(),
        signed_peer_record: None,
    }
}

#[cfg(test)]
mod tests {
    use libp2p::StreamProtocol;

    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_hostile_peer_tells_of_itself_is_kept_within_bounds() {
        let long: &'static str = "/x".repeat(PROTOCOL_BYTES).leak();
        let protocol =
            |number| StreamProtocol::try_from_owned(format!("/protocol/{number}")).unwrap();
        let mut info = info_of_speaking(&[]);
        info.agent_version = format!("\u{1b}[31mred\n{}", "a".repeat(10_000));
        info.protocols = (0..1_000).map(protocol).collect();
        info.protocols.insert(0, StreamProtocol::new(long));
        info.listen_addrs = (0..1_000)
            .map(|port| address(&format!("/ip4/192.0.2.1/tcp/{port}")))
            .collect();
        let huge = format!("/dns4/{}/tcp/1", "a".repeat(ADDRESS_BYTES));
        info.listen_addrs.insert(0, address(&huge));
        let mut peer = Peer::default();
        peer.connected(&address("/ip4/192.0.2.1/tcp/5"), PeerDirection::Inbound);
        peer.identified(Identity::of(&info));
        let metadata = WakuMetadata::new(Some(9), vec![1, 70_000, 1_024, 1_023, 1]).unwrap();
        peer.told(&metadata, None);
        peer.dial_failed(&"why\n".repeat(1_000));

        let info = peer.info(PeerId::random());
        assert!(info.agent.starts_with("[31mreda"));
        assert_eq!(info.agent.len(), AGENT_CHARS);
        assert_eq!(info.protocols.len(), PEER_PROTOCOLS);
        assert!(!info.protocols.contains(&long.to_owned()));
        // Port 5 is where it was met at, and among those that it told.
        assert_eq!(info.addresses.len(), PEER_ADDRESSES);
        assert_eq!(info.shards, [1, 1_023]);
        let reason = info.last_failure.unwrap().reason;
        assert!(reason.starts_with("whywhy") && reason.len() == REASON_CHARS);
    }

    #[test]
    fn the_best_address_is_one_that_leads_somewhere() {
        let id = PeerId::random();
        let mut info = info_of_speaking(&[]);
        info.listen_addrs = vec![
            address("/ip4/127.0.0.1/tcp/60000"),
            address("/ip4/192.0.2.1/tcp/60000"),
        ];
        let mut inbound = Peer::default();
        let came_from = address("/ip4/192.0.2.1/tcp/41234");
        inbound.connected(&came_from, PeerDirection::Inbound);
        let named = |text: &str| address(&format!("{text}/p2p/{id}"));
        assert_eq!(
            inbound.info(id).multiaddr,
            named("/ip4/192.0.2.1/tcp/41234")
        );
        inbound.identified(Identity::of(&info));
        assert_eq!(
            inbound.info(id).addresses,
            [
                named("/ip4/192.0.2.1/tcp/60000"),
                named("/ip4/192.0.2.1/tcp/41234"),
                named("/ip4/127.0.0.1/tcp/60000")
            ]
        );
        let mut outbound = Peer::default();
        let dialled = named("/dns4/example.org/tcp/60000");
        outbound.keep(Kept::Dialled, std::slice::from_ref(&dialled));
        assert_eq!(outbound.info(id).multiaddr, dialled);
        outbound.connected(&dialled, PeerDirection::Outbound);
        outbound.identified(Identity::of(&info));
        assert_eq!(outbound.info(id).multiaddr, dialled);
        assert_eq!(outbound.info(id).addresses.len(), 3);
    }

    #[test]
    fn connectedness_follows_dials_and_connections() {
        let mut peer = Peer::default();
        let state = |peer: &Peer| peer.info(PeerId::random()).connected;
        assert_eq!(state(&peer), Connectedness::NotConnected);
        peer.dial_failed("refused");
        assert_eq!(state(&peer), Connectedness::CannotConnect);
        peer.connected(&address("/ip4/192.0.2.1/tcp/1"), PeerDirection::Outbound);
        assert_eq!(state(&peer), Connectedness::Connected);
        assert!(peer.closed(None));
        assert_eq!(state(&peer), Connectedness::CanConnect);
        peer.dial_failed("refused");
        assert_eq!(state(&peer), Connectedness::CannotConnect);
    }

    #[test]
    fn a_peer_is_foreign_if_it_names_another_cluster() {
        let mut peer = Peer::default();
        let told = |cluster| WakuMetadata::new(cluster, vec![1]).unwrap();
        peer.told(&told(Some(16)), Some(1));
        assert!(peer.is_foreign());
        peer.told(&told(None), Some(1));
        assert!(!peer.is_foreign());
        peer.told(&told(Some(65_537)), Some(1));
        assert!(peer.is_foreign(), "clusters are compared as a whole");
        peer.told(&told(Some(16)), None);
        assert!(!peer.is_foreign(), "a node without a cluster takes any");
    }
}
