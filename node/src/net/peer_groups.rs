//! Peers by what they are to the node: the groups of the admin calls.

use std::collections::{BTreeMap, HashMap};

use libp2p::PeerId;
use serde::Serialize;
use store_adapter::sharding::Shard;
use utoipa::ToSchema;

use super::peer_info::{Connectedness, PeerInfo};
use super::protocols;

/// Peers of one shard, as nwaku's admin calls about relay and mesh have them.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PeersOfShard {
    /// The shard's index.
    pub shard: u16,
    /// The peers.
    pub peers: Vec<PeerInfo>,
}

/// Counts of peers, by group and name, as nwaku's admin call has them.
pub type PeerStats = BTreeMap<&'static str, BTreeMap<String, usize>>;

/// Groups `peers` by the shard of the topics that `by_topic` has them in. Topics that aren't static
/// shards are left out, and so are peers that aren't known.
#[must_use]
pub fn peers_of_shards(
    peers: &[PeerInfo],
    by_topic: &[(String, Vec<PeerId>)],
) -> Vec<PeersOfShard> {
    let known: HashMap<PeerId, &PeerInfo> = peers.iter().map(|it| (it.peer_id, it)).collect();
    let of_topic = |(topic, members): &(String, Vec<PeerId>)| {
        let shard: Shard = topic.parse().ok()?;
        let members = members.iter().filter_map(|peer| known.get(peer));
        Some(PeersOfShard {
            shard: shard.index,
            peers: members.map(|info| (*info).clone()).collect(),
        })
    };
    by_topic.iter().filter_map(of_topic).collect()
}

/// The peers that serve anything: those that speak one of Waku's protocols.
#[must_use]
pub fn service_peers(peers: Vec<PeerInfo>) -> Vec<PeerInfo> {
    let serves = |info: &PeerInfo| info.speaks(protocols::SERVICES);
    peers.into_iter().filter(serves).collect()
}

/// Counts `peers`, of which `relay` are those that relay with this node and `mesh` those it sends
/// every message to.
#[must_use]
pub fn peer_stats(peers: &[PeerInfo], relay: &[PeersOfShard], mesh: &[PeersOfShard]) -> PeerStats {
    let with = |count: &dyn Fn(&PeerInfo) -> bool| peers.iter().filter(|it| count(it)).count();
    let connectedness = Connectedness::ALL.map(|state| {
        let count = with(&|info| info.connected == state);
        (state.name().to_owned(), count)
    });
    let spoken = protocols::SERVICES.iter().map(|protocol| {
        let count = with(&|info| info.speaks(&[protocol]));
        ((*protocol).to_owned(), count)
    });
    BTreeMap::from([
        ("Sum", BTreeMap::from([("Total peers".into(), peers.len())])),
        ("By Connectedness", BTreeMap::from(connectedness)),
        ("Relay peers", by_shard(relay, "Total relay peers")),
        ("Mesh peers", by_shard(mesh, "Total mesh peers")),
        ("By Protocols", spoken.collect()),
    ])
}

/// The number of peers of each shard, and of all together.
fn by_shard(shards: &[PeersOfShard], total: &str) -> BTreeMap<String, usize> {
    let counts = shards
        .iter()
        .map(|of| (of.shard.to_string(), of.peers.len()));
    let mut counts: BTreeMap<String, usize> = counts.collect();
    let distinct: std::collections::HashSet<PeerId> = shards
        .iter()
        .flat_map(|of| of.peers.iter().map(|info| info.peer_id))
        .collect();
    counts.insert(total.to_owned(), distinct.len());
    counts
}

#[cfg(test)]
mod tests {
    use libp2p::Multiaddr;

    use super::super::PeerTable;
    use super::super::peer::info_of_speaking;
    use super::super::peer_info::{Kept, PeerDirection};
    use super::*;

    /// A table with a peer that relays and stores, one that speaks nothing of Waku's, and one that
    /// is away.
    fn table() -> (PeerTable, [PeerId; 3]) {
        let (table, peers) = (PeerTable::default(), [(); 3].map(|()| PeerId::random()));
        for (peer, protocols) in [
            (peers[0], &[protocols::RELAY, protocols::STORE][..]),
            (peers[1], &["/ipfs/ping/1.0.0"]),
        ] {
            table.connected(peer, &Multiaddr::empty(), PeerDirection::Inbound);
            table.identified(&peer, &info_of_speaking(protocols));
        }
        table.keep(peers[2], &[], Kept::StaticNode);
        (table, peers)
    }

    #[test]
    fn peers_are_counted_by_state_protocol_and_shard() {
        let (table, [relaying, ..]) = table();
        let peers = table.snapshot();
        assert_eq!(service_peers(peers.clone()).len(), 1);
        let by_topic = [
            ("/waku/2/rs/99/3".to_owned(), vec![relaying]),
            (
                "/waku/2/rs/99/4".to_owned(),
                vec![relaying, PeerId::random()],
            ),
            ("/waku/2/named".to_owned(), vec![relaying]),
        ];
        let mesh = peers_of_shards(&peers, &by_topic);
        assert_eq!(mesh.iter().map(|of| of.shard).collect::<Vec<_>>(), [3, 4]);
        let stats = peer_stats(&peers, &[], &mesh);
        let count = |group: &str, name: &str| stats[group][name];
        assert_eq!(count("Sum", "Total peers"), 3);
        assert_eq!(count("By Connectedness", "Connected"), 2);
        assert_eq!(count("By Connectedness", "NotConnected"), 1);
        assert_eq!(count("Mesh peers", "3"), 1);
        assert_eq!(count("Mesh peers", "Total mesh peers"), 1);
        assert_eq!(count("Relay peers", "Total relay peers"), 0);
        assert_eq!(count("By Protocols", protocols::STORE), 1);
        assert_eq!(count("By Protocols", protocols::TRANSFER), 0);
    }

    #[test]
    fn a_peer_is_shown_with_the_keys_that_clients_of_nwaku_read() {
        let (table, [relaying, ..]) = table();
        table.set_scores([(relaying, 0.5)]);
        let shown = serde_json::to_value(table.info(&relaying).unwrap()).unwrap();
        assert_eq!(shown["multiaddr"], format!("/p2p/{relaying}"));
        assert_eq!(shown["peerId"], relaying.to_string());
        assert_eq!(shown["connected"], "Connected");
        assert_eq!(shown["origin"], "UnknownOrigin");
        assert_eq!(shown["direction"], "Inbound");
        assert_eq!(shown["agent"], "nwaku-v0.38.0");
        assert_eq!(shown["score"], 0.5);
        assert_eq!(
            shown["protocols"],
            serde_json::json!([protocols::RELAY, protocols::STORE])
        );
        assert_eq!(shown["shards"], serde_json::json!([]));
    }
}
