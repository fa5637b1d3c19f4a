//! The node record (ENR, EIP-778) that others find the node by, with Waku's fields (RFC 31 and 51).

mod fields;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use enr::Enr;
use enr::k256::ecdsa::SigningKey;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use parking_lot::Mutex;

pub use fields::Capabilities;
use fields::{BITS, CAPABILITIES, INDICES, MULTIADDRS};

use super::limits::SHARDS_LISTED;
use super::{Announced, CurrentShards};
use crate::cli::time::now;

/// Why there is no node record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The node's key isn't one that records are signed with.
    #[error("expected a secp256k1 key for the node record, got {0}")]
    Key(String),
    /// The record can't be made.
    #[error("no node record: {0:?}")]
    Record(enr::Error),
}

/// The record of this node. It is made anew, with a higher sequence number, whenever it is asked for
/// and its addresses or shards have changed.
pub struct NodeRecord {
    key: SigningKey,
    capabilities: Capabilities,
    announced: Arc<Announced>,
    shards: Option<Arc<CurrentShards>>,
    last: Mutex<Made>,
}

struct Made {
    of: Content,
    record: Enr<SigningKey>,
}

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Content {
    ip4: Option<(Ipv4Addr, u16)>,
    ip6: Option<(Ipv6Addr, u16)>,
    /// What the fields above can't say.
    multiaddrs: Vec<Multiaddr>,
    cluster_id: u16,
    shards: Vec<u16>,
}

impl NodeRecord {
    /// A record of the node with this key.
    ///
    /// # Errors
    /// When the key isn't a secp256k1 key.
    pub(crate) fn new(
        keypair: &Keypair,
        capabilities: Capabilities,
        announced: Arc<Announced>,
        shards: Option<Arc<CurrentShards>>,
    ) -> Result<Self, RecordError> {
        let secret = keypair.clone().try_into_secp256k1();
        let secret = secret.map_err(|_| RecordError::Key(keypair.key_type().to_string()))?;
        let key = SigningKey::from_slice(&secret.secret().to_bytes())
            .map_err(|error| RecordError::Key(error.to_string()))?;
        let of = Content::of(&announced.addresses(), shards.as_deref());
        let record = of.sign(&key, capabilities, sequence_number(0))?;
        Ok(Self {
            key,
            capabilities,
            announced,
            shards,
            last: Mutex::new(Made { of, record }),
        })
    }

    /// The record as it is now, as a text that begins with `enr:`.
    #[must_use]
    pub fn uri(&self) -> String {
        let mut last = self.last.lock();
        let of = Content::of(&self.announced.addresses(), self.shards.as_deref());
        if of != last.of {
            let seq = sequence_number(last.record.seq());
            match of.sign(&self.key, self.capabilities, seq) {
                Ok(record) => *last = Made { of, record },
                Err(error) => tracing::warn!(%error, "the node record stays as it was"),
            }
        }
        last.record.to_base64()
    }
}

/// A number above `last`: the time in milliseconds, so that a node that starts again has a higher one
/// than before without keeping it.
fn sequence_number(last: u64) -> u64 {
    (now() / 1_000_000).max(last.saturating_add(1))
}

impl Content {
    fn of(addresses: &[Multiaddr], shards: Option<&CurrentShards>) -> Self {
        let ip4 = best(addresses.iter().filter_map(plain_ip4), |(ip, _)| rank4(*ip));
        let ip6 = best(addresses.iter().filter_map(plain_ip6), |(ip, _)| rank6(*ip));
        let hosts = [
            ip4.map(|(ip, _)| Protocol::from(ip)),
            ip6.map(|(ip, _)| Protocol::from(ip)),
        ];
        // Of the host's other networks nothing is told.
        let told = |address: &&Multiaddr| match address.iter().next() {
            Some(host @ (Protocol::Ip4(_) | Protocol::Ip6(_))) => {
                let only = hosts.iter().all(Option::is_none);
                !is_plain_tcp(address) && (only || hosts.contains(&Some(host)))
            }
            _ => true,
        };
        Self {
            ip4,
            ip6,
            multiaddrs: addresses.iter().filter(told).cloned().collect(),
            cluster_id: shards.map(CurrentShards::cluster_id).unwrap_or_default(),
            shards: shards.map_or_else(Vec::new, |shards| shards.all().into_iter().collect()),
        }
    }

    /// The record of this, of which the last addresses are left out if it gets too long otherwise.
    fn sign(
        &self,
        key: &SigningKey,
        capabilities: Capabilities,
        seq: u64,
    ) -> Result<Enr<SigningKey>, RecordError> {
        let mut fitting = self.clone();
        loop {
            match fitting.builder(capabilities, seq).build(key) {
                Err(enr::Error::ExceedsMaxSize) if fitting.shorten() => {}
                built => return built.map_err(RecordError::Record),
            }
        }
    }

    /// Leaves out what can be done without best; gives whether there was something.
    fn shorten(&mut self) -> bool {
        self.multiaddrs.pop().is_some() || self.ip6.take().is_some()
    }

    fn builder(&self, capabilities: Capabilities, seq: u64) -> enr::Builder<SigningKey> {
        let mut builder = Enr::builder();
        builder.seq(seq);
        let mut bytes = |field: &str, value: Vec<u8>| {
            builder.add_value(field, &value.as_slice());
        };
        bytes(CAPABILITIES, vec![capabilities.bits()]);
        if !self.multiaddrs.is_empty() {
            bytes(MULTIADDRS, fields::multiaddrs(&self.multiaddrs));
        }
        match self.shards.len() {
            0 => {}
            1..SHARDS_LISTED => bytes(INDICES, fields::indices(self.cluster_id, &self.shards)),
            _ => bytes(BITS, fields::bits(self.cluster_id, &self.shards)),
        }
        if let Some((ip, port)) = self.ip4 {
            builder.ip4(ip).tcp4(port);
        }
        if let Some((ip, port)) = self.ip6 {
            builder.ip6(ip).tcp6(port);
        }
        builder
    }
}

/// The first of those with the highest rank.
fn best<T>(all: impl Iterator<Item = T>, rank: impl Fn(&T) -> u8) -> Option<T> {
    all.reduce(|best, next| {
        if rank(&next) > rank(&best) {
            next
        } else {
            best
        }
    })
}

const fn rank4(ip: Ipv4Addr) -> u8 {
    match ip {
        ip if ip.is_loopback() || ip.is_unspecified() => 0,
        ip if ip.is_link_local() => 1,
        ip if ip.is_private() => 2,
        _ => 3,
    }
}

const fn rank6(ip: Ipv6Addr) -> u8 {
    match ip {
        ip if ip.is_loopback() || ip.is_unspecified() => 0,
        ip if ip.is_unicast_link_local() => 1,
        ip if ip.is_unique_local() => 2,
        _ => 3,
    }
}

fn plain_ip4(address: &Multiaddr) -> Option<(Ipv4Addr, u16)> {
    match address.iter().collect::<Vec<_>>()[..] {
        [Protocol::Ip4(ip), Protocol::Tcp(port)] => Some((ip, port)),
        _ => None,
    }
}

fn plain_ip6(address: &Multiaddr) -> Option<(Ipv6Addr, u16)> {
    match address.iter().collect::<Vec<_>>()[..] {
        [Protocol::Ip6(ip), Protocol::Tcp(port)] => Some((ip, port)),
        _ => None,
    }
}

fn is_plain_tcp(address: &Multiaddr) -> bool {
    plain_ip4(address).is_some() || plain_ip6(address).is_some()
}

#[cfg(test)]
mod tests;
