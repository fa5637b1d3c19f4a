//! Whom a node stays connected with, what it knows of peers and what it tells of itself, over
//! loopback.

use enr::Enr;
use enr::k256::ecdsa::SigningKey;
use libp2p::identity::Keypair;
use tokio::time::timeout;
use wakustore::net::{ConnectError, Connectedness, Kept, PeerDirection, PeerInfo, PeerOrigin};
use wakustore::relay::RelayConfig;

use super::*;

/// A node on a free port of loopback, in cluster 99 but for what `change` says.
async fn node_with(change: impl FnOnce(&mut NodeConfig)) -> Node {
    node_at(identity::generate(), 0, change).await
}

async fn node_at(key: Keypair, port: u16, change: impl FnOnce(&mut NodeConfig)) -> Node {
    let mut config =
        NodeConfig::new(key, Some(99)).listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    change(&mut config);
    let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
    Node::start(config, store).await.unwrap()
}

fn port_of(address: &Multiaddr) -> u16 {
    let port = address.iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    port.unwrap()
}

/// What `node` knows of `peer` once that is as `expected` says.
async fn known(node: &Node, peer: PeerId, expected: impl Fn(&PeerInfo) -> bool) -> PeerInfo {
    let waiting = node.peers().wait_until(&peer, expected);
    timeout(PATIENCE, waiting).await.unwrap()
}

#[tokio::test]
async fn a_node_that_starts_again_on_its_port_is_connected_again() {
    let key = identity::generate();
    let first = node_at(key.clone(), 0, |_| ()).await;
    let (peer, address) = (first.peer_id(), first.addresses()[0].clone());
    let staying = node_with(|config| config.stay_with.push(address.clone())).await;
    known(&staying, peer, PeerInfo::is_connected).await;
    first.stop().await;
    let away = known(&staying, peer, |info| !info.is_connected()).await;
    assert_eq!(away.kept, Some(Kept::StaticNode));
    let second = node_at(key, port_of(&address), |_| ()).await;
    let back = known(&staying, peer, PeerInfo::is_connected).await;
    assert_eq!(back.times_connected, 2);
    assert_eq!(back.multiaddr, address);
    second.stop().await;
    staying.stop().await;
}

#[tokio::test]
async fn a_peer_of_another_cluster_is_dropped_and_remembered_as_such() {
    let foreign = node_with(|config| config.cluster_id = Some(16)).await;
    let (peer, address) = (foreign.peer_id(), foreign.addresses()[0].clone());
    let node = node_with(|config| config.stay_with.push(address)).await;
    let dropped = |info: &PeerInfo| info.cluster_id == Some(16) && !info.is_connected();
    known(&node, peer, dropped).await;
    assert!(node.peers().is_foreign(&peer));
    // Who came by itself and isn't wanted is forgotten.
    let own = node.peer_id();
    let gone = foreign.peers().wait_gone(&own);
    timeout(PATIENCE, gone).await.unwrap();
    assert!(foreign.peers().info(&own).is_none());
    node.stop().await;
    foreign.stop().await;
}

#[tokio::test]
async fn a_snapshot_says_what_each_peer_is_and_speaks() {
    let serving = node_with(|config| config.shards = vec![2, 1]).await;
    let reading = node_with(|config| config.serve.store = false).await;
    let peer = reading.connect(&serving.addresses()[0]).await.unwrap();
    let info = known(&reading, peer, |info| !info.shards.is_empty()).await;
    assert_eq!(info.multiaddr, serving.addresses()[0]);
    assert!(info.speaks(&[protocols::STORE]) && info.speaks(&[protocols::RECONCILE]));
    assert_eq!(info.shards, [1, 2]);
    assert_eq!(
        (info.connected, info.connections),
        (Connectedness::Connected, 1)
    );
    assert!(info.agent.starts_with("wakustore/"), "{}", info.agent);
    assert_eq!(info.protocol_version, "ipfs/0.1.0");
    assert_eq!(info.origin, PeerOrigin::UnknownOrigin);
    assert_eq!(info.direction, PeerDirection::Outbound);
    assert_eq!(
        (info.cluster_id, info.kept),
        (Some(99), Some(Kept::Dialled))
    );

    // The other side sees one that came by itself, and serves nothing.
    let told = |info: &PeerInfo| info.cluster_id.is_some() && !info.protocols.is_empty();
    let info = known(&serving, reading.peer_id(), told).await;
    assert_eq!(info.direction, PeerDirection::Inbound);
    assert_eq!(info.kept, None);
    assert!(info.speaks(&[protocols::METADATA]) && !info.speaks(&[protocols::STORE]));
    // It came from some port, but listens on another.
    assert_eq!(info.multiaddr, reading.addresses()[0]);
    assert_eq!(serving.peers().snapshot().len(), 1);
    known(&serving, reading.peer_id(), |info| {
        info.round_trip.is_some()
    })
    .await;
    reading.stop().await;
    serving.stop().await;
}

#[tokio::test]
async fn dialling_by_hand_says_of_each_address_what_came_of_it() {
    let (there, gone) = (node_with(|_| ()).await, node_with(|_| ()).await);
    let unreachable = gone.addresses()[0].clone();
    let gone_id = gone.peer_id();
    gone.stop().await;
    let node = node_with(|_| ()).await;
    let nobody: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
    let addresses = vec![
        unreachable.clone(),
        there.addresses()[0].clone(),
        nobody.clone(),
        node.addresses()[0].clone(),
        // Twice at the same time.
        there.addresses()[0].clone(),
    ];
    let results = node.network().connect_all(addresses.clone()).await;
    let dialled: Vec<_> = results.iter().map(|(address, _)| address.clone()).collect();
    assert_eq!(dialled, addresses);
    let [refused, met, nameless, own, again] = &results[..] else {
        unreachable!()
    };
    assert!(matches!(refused.1, Err(ConnectError::Unreachable { .. })));
    assert_eq!(*met.1.as_ref().unwrap(), there.peer_id());
    assert!(matches!(nameless.1, Err(ConnectError::NoPeerId(_))));
    assert!(matches!(own.1, Err(ConnectError::Own(_))));
    assert_eq!(*again.1.as_ref().unwrap(), there.peer_id());
    let info = node.peers().info(&gone_id).unwrap();
    assert_eq!(info.connected, Connectedness::CannotConnect);
    assert_eq!((info.failed_dials, info.multiaddr), (1, unreachable));
    assert!(info.last_failure.is_some());
    assert!(node.peers().info(&node.peer_id()).is_none());
    node.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn who_waits_for_the_dial_of_another_hears_that_it_failed() {
    let node = node_with(|_| ()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = identity::generate().public().to_peer_id();
    let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}")
        .parse()
        .unwrap();
    let network = node.network();
    let both = network.connect_all(vec![address.clone(), address]);
    let hanging_up = async {
        // Both have asked by now, and one dial is under way.
        let (connection, _) = listener.accept().await.unwrap();
        drop((connection, listener));
    };
    // Each alone would give up after fifteen seconds.
    let (results, ()) = timeout(PATIENCE / 2, async { tokio::join!(both, hanging_up) })
        .await
        .unwrap();
    for (_, result) in results {
        assert!(
            matches!(result, Err(ConnectError::Unreachable { .. })),
            "{result:?}"
        );
    }
    node.stop().await;
}

#[tokio::test]
async fn a_store_node_that_is_away_is_known_all_the_same() {
    let gone = node_with(|_| ()).await;
    let (peer, address) = (gone.peer_id(), gone.addresses()[0].clone());
    gone.stop().await;
    let node = node_with(|config| config.store_nodes.push(address)).await;
    let info = known(&node, peer, |info| info.failed_dials > 0).await;
    assert_eq!(info.kept, Some(Kept::StoreNode));
    assert_eq!(info.origin, PeerOrigin::Static);
    assert_eq!(info.connected, Connectedness::CannotConnect);
    node.stop().await;
}

#[tokio::test]
async fn the_node_record_says_where_the_node_is_and_what_it_does() {
    let node = node_with(|config| {
        config.shards = vec![3];
        config.relay = Some(RelayConfig::default());
    })
    .await;
    let read = |node: &Node| -> Enr<SigningKey> { node.enr_uri().parse().unwrap() };
    let before = read(&node);
    assert_eq!(before.ip4(), Some(Ipv4Addr::LOCALHOST));
    assert_eq!(before.tcp4(), Some(port_of(&node.addresses()[0])));
    // Relay, store and sync; a byte below 128 stands for itself.
    assert_eq!(before.get_raw_rlp("waku2"), Some(&[0b1_0011][..]));
    let list = |shards: &[u8]| {
        let mut rlp = vec![0x83 + u8::try_from(shards.len()).unwrap() * 2, 0, 99];
        rlp.push(u8::try_from(shards.len()).unwrap());
        shards.iter().for_each(|shard| rlp.extend([0, *shard]));
        rlp
    };
    assert_eq!(before.get_raw_rlp("rs"), Some(&list(&[3])[..]));
    let topic = "/waku/2/rs/99/5".to_owned();
    node.relay().unwrap().subscribe(&[topic]).await.unwrap();
    let after = read(&node);
    assert!(after.seq() > before.seq());
    assert_eq!(after.get_raw_rlp("rs"), Some(&list(&[3, 5])[..]));
    node.stop().await;
}

#[tokio::test]
async fn peers_are_told_the_external_address_instead_of_where_the_node_listens() {
    let hidden = node_with(|config| {
        config.announce.external_ip = Some("203.0.113.7".parse().unwrap());
        config.announce.extra = vec!["/dns4/example.org/tcp/443/wss".parse().unwrap()];
    })
    .await;
    let port = port_of(&hidden.addresses()[0]);
    let external = [
        format!("/ip4/203.0.113.7/tcp/{port}/p2p/{}", hidden.peer_id()),
        format!("/dns4/example.org/tcp/443/wss/p2p/{}", hidden.peer_id()),
    ]
    .map(|address| address.parse::<Multiaddr>().unwrap());
    assert_eq!(hidden.announced().addresses_of(hidden.peer_id()), external);
    let record: Enr<SigningKey> = hidden.enr_uri().parse().unwrap();
    assert_eq!(record.ip4(), Some(Ipv4Addr::new(203, 0, 113, 7)));
    assert!(record.get_raw_rlp("multiaddrs").is_some());

    let asking = node_with(|_| ()).await;
    // It comes by itself, so that nothing is known of it but what it tells.
    hidden.connect(&asking.addresses()[0]).await.unwrap();
    let told = |info: &PeerInfo| !info.protocols.is_empty();
    let info = known(&asking, hidden.peer_id(), told).await;
    let mut told: Vec<_> = info.addresses[1..].to_vec();
    told.sort();
    let mut expected = external.to_vec();
    expected.sort();
    assert_eq!(told, expected);
    hidden.stop().await;
    asking.stop().await;
}
