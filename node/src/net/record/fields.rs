//! Waku's fields of a node record as bytes: `waku2` and `multiaddrs` of RFC 31, `rs` and `rsv` of
//! RFC 51, as nwaku writes them.

use libp2p::Multiaddr;

/// The field of capabilities.
pub(super) const CAPABILITIES: &str = "waku2";

/// The field of addresses.
pub(super) const MULTIADDRS: &str = "multiaddrs";

/// The field of shards as a list.
pub(super) const INDICES: &str = "rs";

/// The field of shards as bits.
pub(super) const BITS: &str = "rsv";

/// How many bytes the bits of all 1,024 shards take.
const BIT_BYTES: usize = 128;

/// What a node does for others, as its record says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Capabilities {
    /// It relays.
    pub relay: bool,
    /// It answers Store queries.
    pub store: bool,
    /// It reconciles.
    pub sync: bool,
}

impl Capabilities {
    /// The bits of `waku2`. Those of filter (2) and light push (3) are never set: this node has
    /// neither.
    pub(super) fn bits(self) -> u8 {
        u8::from(self.relay) | u8::from(self.store) << 1 | u8::from(self.sync) << 4
    }
}

/// Each address as its length in two bytes, the higher one first, and itself.
pub(super) fn multiaddrs(addresses: &[Multiaddr]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for address in addresses {
        let address = address.as_ref();
        if let Ok(length) = u16::try_from(address.len()) {
            bytes.extend(length.to_be_bytes());
            bytes.extend(address);
        }
    }
    bytes
}

/// The cluster in two bytes, the number of shards in one, and each of them in two, the higher one
/// first.
pub(super) fn indices(cluster_id: u16, shards: &[u16]) -> Vec<u8> {
    let count = u8::try_from(shards.len()).unwrap_or(u8::MAX);
    let mut bytes = cluster_id.to_be_bytes().to_vec();
    bytes.push(count);
    let counted = shards.iter().take(count.into());
    bytes.extend(counted.flat_map(|shard| shard.to_be_bytes()));
    bytes
}

/// The cluster in two bytes, the higher one first, and a bit for each shard: that of shard 0 is the
/// lowest one of the first byte.
pub(super) fn bits(cluster_id: u16, shards: &[u16]) -> Vec<u8> {
    let mut vector = [0; BIT_BYTES];
    for shard in shards {
        if let Some(byte) = vector.get_mut(usize::from(shard / 8)) {
            *byte |= 1 << (shard % 8);
        }
    }
    [&cluster_id.to_be_bytes()[..], &vector].concat()
}
