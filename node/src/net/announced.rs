//! The addresses that the node tells others to reach it at.

use std::net::IpAddr;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use parking_lot::RwLock;

use super::limits::ANNOUNCED_ADDRESSES;
use super::peer_info::without_peer;

/// What the node is to tell of its addresses, beyond where it listens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AnnounceConfig {
    /// Its address on the Internet: told instead of those that it listens on, with their ports.
    pub external_ip: Option<IpAddr>,
    /// Its domain name: the same.
    pub dns4_domain_name: Option<String>,
    /// More addresses, as they are.
    pub extra: Vec<Multiaddr>,
    /// Whether only those are told.
    pub extra_only: bool,
}

/// The addresses that the node tells: in identify, in its node record and to whoever asks by REST.
/// What peers say that they see of it isn't believed.
#[derive(Debug)]
pub struct Announced {
    config: AnnounceConfig,
    listening: RwLock<Vec<Multiaddr>>,
}

impl AnnounceConfig {
    /// The host that is told instead of those that the node listens on.
    fn host(&self) -> Option<Protocol<'static>> {
        let name = self.dns4_domain_name.clone();
        name.map(|name| Protocol::Dns4(name.into()))
            .or(self.external_ip.map(Protocol::from))
    }
}

impl Announced {
    pub(crate) fn new(config: AnnounceConfig) -> Self {
        Self {
            config,
            listening: RwLock::default(),
        }
    }

    /// The node listens on `address` from now on.
    pub(super) fn listens(&self, address: &Multiaddr) {
        let mut listening = self.listening.write();
        let address = without_peer(address);
        if !listening.contains(&address) && listening.len() < ANNOUNCED_ADDRESSES {
            listening.push(address);
        }
    }

    /// The node doesn't listen on `address` any more.
    pub(super) fn ceases(&self, address: &Multiaddr) {
        let address = without_peer(address);
        self.listening.write().retain(|other| *other != address);
    }

    /// Whether others are told where the node listens.
    pub(super) fn tells_listening(&self) -> bool {
        self.config.host().is_none() && !self.config.extra_only
    }

    /// What others are told beyond that.
    pub(super) fn beyond_listening(&self) -> Vec<Multiaddr> {
        let mut addresses = Vec::new();
        if let Some(host) = self.config.host().filter(|_| !self.config.extra_only) {
            let listening = self.listening.read();
            let told = listening.iter();
            addresses.extend(told.filter_map(|address| address.replace(0, |_| Some(host.clone()))));
        }
        addresses.extend(self.config.extra.iter().map(without_peer));
        distinct(addresses)
    }

    /// Every address that is told, without the peer id.
    #[must_use]
    pub fn addresses(&self) -> Vec<Multiaddr> {
        let mut addresses = self.beyond_listening();
        if self.tells_listening() {
            let listening = self.listening.read().clone();
            addresses = distinct(listening.into_iter().chain(addresses));
        }
        addresses
    }

    /// Every address that is told, with the peer id of the node.
    #[must_use]
    pub fn addresses_of(&self, peer: PeerId) -> Vec<Multiaddr> {
        let named = |address: Multiaddr| address.with(Protocol::P2p(peer));
        self.addresses().into_iter().map(named).collect()
    }
}

fn distinct(addresses: impl IntoIterator<Item = Multiaddr>) -> Vec<Multiaddr> {
    let mut all = Vec::new();
    for address in addresses {
        if !all.contains(&address) && all.len() < ANNOUNCED_ADDRESSES {
            all.push(address);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    /// What a node tells that listens on all addresses of its host.
    fn told(config: AnnounceConfig) -> Vec<String> {
        let announced = Announced::new(config);
        for listened in [
            "/ip4/127.0.0.1/tcp/60000",
            "/ip4/10.0.0.5/tcp/60000",
            "/ip4/10.0.0.5/tcp/8000/ws",
            "/ip4/10.0.0.6/tcp/1",
        ] {
            announced.listens(&address(listened));
        }
        announced.ceases(&address("/ip4/10.0.0.6/tcp/1"));
        let addresses = announced.addresses();
        addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn where_the_node_listens_is_told_unless_something_else_is_to_be() {
        let extra = || vec![address("/dns4/example.org/tcp/443/wss")];
        let with_extra = || AnnounceConfig {
            extra: extra(),
            ..AnnounceConfig::default()
        };
        assert_eq!(
            told(AnnounceConfig::default()),
            [
                "/ip4/127.0.0.1/tcp/60000",
                "/ip4/10.0.0.5/tcp/60000",
                "/ip4/10.0.0.5/tcp/8000/ws"
            ]
        );
        assert_eq!(told(with_extra()).len(), 4);
        assert_eq!(
            told(AnnounceConfig {
                external_ip: Some("203.0.113.7".parse().unwrap()),
                ..with_extra()
            }),
            [
                "/ip4/203.0.113.7/tcp/60000",
                "/ip4/203.0.113.7/tcp/8000/ws",
                "/dns4/example.org/tcp/443/wss"
            ]
        );
        assert_eq!(
            told(AnnounceConfig {
                external_ip: Some("203.0.113.7".parse().unwrap()),
                dns4_domain_name: Some("node.example.org".into()),
                ..AnnounceConfig::default()
            }),
            [
                "/dns4/node.example.org/tcp/60000",
                "/dns4/node.example.org/tcp/8000/ws"
            ]
        );
        assert_eq!(
            told(AnnounceConfig {
                external_ip: Some("203.0.113.7".parse().unwrap()),
                extra_only: true,
                ..with_extra()
            }),
            ["/dns4/example.org/tcp/443/wss"]
        );
    }
}
