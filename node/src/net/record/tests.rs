//! Records of the fleets, and our own read back by the `enr` crate.

use std::collections::BTreeSet;

use super::super::announced::AnnounceConfig;
use super::super::limits::ANNOUNCED_ADDRESSES;
use super::*;

/// A node of Waku's sandbox fleet: one of nwaku's bootstrap nodes of cluster 1.
const SANDBOX: &str = "enr:-QESuED0qW1BCmF-oH_ARGPr97Nv767bl_43uoy70vrbah3EaCAdK3Q0iRQ6wkSTTpdrg_dU_NC2ydO8\
    leSlRpBX4pxiAYJpZIJ2NIJpcIRA4VDAim11bHRpYWRkcnO4XAArNiZub2RlLTAxLmRvLWFtczMud2FrdS5zYW5kYm94LnN0YXR1\
    cy5pbQZ2XwAtNiZub2RlLTAxLmRvLWFtczMud2FrdS5zYW5kYm94LnN0YXR1cy5pbQYfQN4DgnJzkwABCAAAAAEAAgADAAQABQAGA\
    AeJc2VjcDI1NmsxoQOTd-h5owwj-cx7xrmbvQKU8CV3Fomfdvcv1MBc-67T5oN0Y3CCdl-DdWRwgiMohXdha3UyDw";

type Record = Enr<SigningKey>;

fn field(record: &Record, name: &str) -> Option<Vec<u8>> {
    let rlp = record.get_raw_rlp(name)?;
    // A single low byte is itself; up to 55 bytes follow one of length, up to 255 two.
    let skipped = match rlp[0] {
        0..0x80 => 0,
        0x80..0xb8 => 1,
        _ => 2,
    };
    Some(rlp[skipped..].to_vec())
}

fn address(text: &str) -> Multiaddr {
    text.parse().unwrap()
}

/// The topics that a node is subscribed to.
type Topics = Arc<Mutex<BTreeSet<String>>>;

/// A node that listens on `addresses`, with the shards of cluster 99 that it keeps.
fn record(addresses: &[&str], shards: impl IntoIterator<Item = u16>) -> (NodeRecord, Topics) {
    let announced = Announced::new(AnnounceConfig::default());
    addresses
        .iter()
        .for_each(|listened| announced.listens(&address(listened)));
    let topics = Topics::default();
    let subscribed = Arc::clone(&topics);
    let shards = CurrentShards::new(99, shards, move || subscribed.lock().clone()).unwrap();
    let capabilities = Capabilities {
        relay: true,
        store: true,
        sync: true,
    };
    let keypair = Keypair::generate_secp256k1();
    let of = Some(Arc::new(shards));
    let record = NodeRecord::new(&keypair, capabilities, Arc::new(announced), of).unwrap();
    (record, topics)
}

fn read(record: &NodeRecord) -> Record {
    let uri = record.uri();
    assert!(uri.starts_with("enr:-"), "{uri}");
    uri.parse().unwrap()
}

#[test]
fn fields_are_the_bytes_that_the_fleet_has() {
    let fleet: Record = SANDBOX.parse().unwrap();
    assert_eq!(fleet.tcp4(), Some(30_303));
    let shards: Vec<u16> = (0..8).collect();
    assert_eq!(field(&fleet, INDICES).unwrap(), fields::indices(1, &shards));
    let addresses = [
        address("/dns4/node-01.do-ams3.waku.sandbox.status.im/tcp/30303"),
        address("/dns4/node-01.do-ams3.waku.sandbox.status.im/tcp/8000/wss"),
    ];
    assert_eq!(
        field(&fleet, MULTIADDRS).unwrap(),
        fields::multiaddrs(&addresses)
    );
    // Relay, store, filter and light push.
    assert_eq!(field(&fleet, CAPABILITIES).unwrap(), [0b1111]);
    let relays_and_stores = Capabilities {
        relay: true,
        store: true,
        sync: false,
    };
    assert_eq!(relays_and_stores.bits(), 0b11);
}

#[test]
fn shards_as_bits_are_those_of_nwaku_s_tests() {
    let mut expected = vec![0, 73, 2, 4];
    expected.resize(130, 0);
    assert_eq!(fields::bits(73, &[1, 10]), expected);
    assert_eq!(fields::indices(73, &[1, 10]), [0, 73, 2, 0, 1, 0, 10]);
    let last = fields::bits(73, &[1_023]);
    assert_eq!(last.last(), Some(&0x80));
}

#[test]
fn a_record_reads_back_with_every_field() {
    let (ours, _) = record(
        &[
            "/ip4/127.0.0.1/tcp/60000",
            "/ip4/203.0.113.7/tcp/60000",
            "/ip4/10.0.0.5/tcp/60000",
            "/ip4/203.0.113.7/tcp/8000/ws",
            "/ip4/10.0.0.5/tcp/8000/ws",
            "/ip6/2001:db8::1/tcp/60001",
        ],
        [3, 4],
    );
    let read = read(&ours);
    assert_eq!(read.ip4(), Some(Ipv4Addr::new(203, 0, 113, 7)));
    assert_eq!((read.tcp4(), read.tcp6()), (Some(60_000), Some(60_001)));
    assert_eq!(read.ip6(), Some("2001:db8::1".parse().unwrap()));
    assert_eq!(read.id().as_deref(), Some("v4"));
    assert_eq!(field(&read, CAPABILITIES).unwrap(), [0b1_0011]);
    assert_eq!(field(&read, INDICES).unwrap(), [0, 99, 2, 0, 3, 0, 4]);
    assert_eq!(field(&read, BITS), None);
    // The length, and /ip4/203.0.113.7/tcp/8000/ws.
    let websocket = [0, 10, 4, 203, 0, 113, 7, 6, 0x1f, 0x40, 0xdd, 3];
    assert_eq!(field(&read, MULTIADDRS).unwrap(), websocket);
    let public = read.public_key();
    let encoded = enr::EnrPublicKey::encode(&public);
    assert_eq!(field(&read, "secp256k1").unwrap(), encoded.as_slice());
}

#[test]
fn a_record_is_made_anew_with_a_higher_number_when_the_shards_change() {
    let (ours, topics) = record(&["/ip4/10.0.0.5/tcp/60000"], [3]);
    let before = read(&ours);
    assert_eq!(ours.uri(), before.to_base64(), "nothing changed");
    topics.lock().insert("/waku/2/rs/99/7".into());
    let after = read(&ours);
    assert!(after.seq() > before.seq());
    assert_eq!(field(&after, INDICES).unwrap(), [0, 99, 2, 0, 3, 0, 7]);
    let many = (0..64).map(|shard| format!("/waku/2/rs/99/{shard}"));
    topics.lock().extend(many);
    let bits = read(&ours);
    assert_eq!(field(&bits, INDICES), None);
    let all: Vec<u16> = (0..64).collect();
    assert_eq!(field(&bits, BITS).unwrap(), fields::bits(99, &all));
}

#[test]
fn a_record_that_would_be_too_long_leaves_addresses_out() {
    let websockets: Vec<String> = (0..ANNOUNCED_ADDRESSES - 2)
        .map(|port| format!("/ip4/203.0.113.7/tcp/{}/ws", 8_000 + port))
        .collect();
    let mut addresses = vec!["/ip4/203.0.113.7/tcp/60000", "/ip6/2001:db8::1/tcp/60000"];
    addresses.extend(websockets.iter().map(String::as_str));
    let (few, _) = record(&addresses, [1]);
    let few = read(&few);
    assert!(field(&few, MULTIADDRS).unwrap().len() >= 5 * 12);
    assert_eq!(few.tcp6(), Some(60_000));
    let (many, _) = record(&addresses, 0..100);
    let many = read(&many);
    assert_eq!(field(&many, MULTIADDRS), None);
    assert_eq!(many.tcp6(), None);
    assert_eq!(many.tcp4(), Some(60_000));
    assert!(field(&many, BITS).is_some());
}

#[test]
fn a_node_that_listens_nowhere_and_has_no_cluster_has_a_record_too() {
    let announced = Arc::new(Announced::new(AnnounceConfig::default()));
    let keypair = Keypair::generate_secp256k1();
    let ours = NodeRecord::new(&keypair, Capabilities::default(), announced, None).unwrap();
    let read = read(&ours);
    assert_eq!((read.ip4(), read.tcp4()), (None, None));
    assert_eq!(field(&read, INDICES), None);
    assert_eq!(field(&read, CAPABILITIES).unwrap(), [0]);
    let key = Keypair::generate_ed25519();
    let announced = Arc::new(Announced::new(AnnounceConfig::default()));
    let error = NodeRecord::new(&key, Capabilities::default(), announced, None);
    assert!(error.is_err_and(|error| error.to_string().contains("Ed25519")));
}
