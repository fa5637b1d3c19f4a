//! The nodes that are counted.

use std::collections::HashSet;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::limits::NODES;
use crate::net::peer_of;

/// A node to be counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Subject {
    /// What it is called: its host and port, as far as that tells it from the others.
    pub(crate) name: String,
    /// Where it is reached, with its peer id at the end.
    pub(crate) address: Multiaddr,
    /// Its peer id.
    pub(crate) peer: PeerId,
}

/// The nodes to be counted, each with another peer id and name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Subjects(Vec<Subject>);

/// Why nodes can't be counted together.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum SubjectsError {
    /// An address without a peer id.
    #[error("{0} names no peer: expected a multiaddress that ends in /p2p/ and the peer id")]
    NoPeer(Multiaddr),
    /// The same node again.
    #[error("{0} is named twice: name each node once")]
    Twice(PeerId),
    /// More than there may be.
    #[error("{0} nodes are more than {NODES}: count some of them, and then the others")]
    TooMany(usize),
}

impl Subjects {
    /// The nodes at these addresses.
    ///
    /// # Errors
    /// When there are too many, or one is no other than one before it.
    pub(crate) fn new(addresses: Vec<Multiaddr>) -> Result<Self, SubjectsError> {
        if addresses.len() > NODES {
            return Err(SubjectsError::TooMany(addresses.len()));
        }
        let (mut peers, mut names, mut subjects) = (HashSet::new(), HashSet::new(), Vec::new());
        for address in addresses {
            let peer = peer_of(&address).ok_or_else(|| SubjectsError::NoPeer(address.clone()))?;
            if !peers.insert(peer) {
                return Err(SubjectsError::Twice(peer));
            }
            let id = peer.to_string();
            let end = &id[id.len().saturating_sub(8)..];
            let mut name = place(&address).unwrap_or_else(|| end.to_owned());
            if !names.insert(name.clone()) {
                name = format!("{name}~{end}");
            }
            subjects.push(Subject {
                name,
                address,
                peer,
            });
        }
        Ok(Self(subjects))
    }

    /// All of them, in the order in which they were named.
    pub(crate) fn as_slice(&self) -> &[Subject] {
        &self.0
    }
}

/// Host and port.
fn place(address: &Multiaddr) -> Option<String> {
    let mut parts = address.iter();
    let host = match parts.next()? {
        Protocol::Ip4(ip) => ip.to_string(),
        Protocol::Ip6(ip) => format!("[{ip}]"),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => name.into_owned(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(format!("{host}:{port}")),
        _ => Some(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(addresses: &[&str]) -> Result<Vec<String>, SubjectsError> {
        let peers: Vec<PeerId> = addresses.iter().map(|_| PeerId::random()).collect();
        let addresses = addresses.iter().zip(&peers);
        let addresses = addresses.map(|(text, peer)| format!("{text}/p2p/{peer}").parse().unwrap());
        let subjects = Subjects::new(addresses.collect())?;
        Ok(subjects.0.into_iter().map(|subject| subject.name).collect())
    }

    #[test]
    fn nodes_are_called_by_host_and_port() {
        let names = named(&[
            "/ip4/127.0.0.1/tcp/1",
            "/dns4/a.example/tcp/30303/wss",
            "/ip6/::1/tcp/2",
            "/ip4/127.0.0.1/tcp/1",
        ])
        .unwrap();
        assert_eq!(names[..3], ["127.0.0.1:1", "a.example:30303", "[::1]:2"]);
        assert!(names[3].starts_with("127.0.0.1:1~"), "{names:?}");
    }

    #[test]
    fn no_node_is_counted_twice_and_there_are_no_more_than_may_be() {
        let address: Multiaddr = format!("/ip4/1.2.3.4/tcp/1/p2p/{}", PeerId::random())
            .parse()
            .unwrap();
        let twice = Subjects::new(vec![address.clone(), address]);
        assert!(matches!(twice, Err(SubjectsError::Twice(_))));
        assert_eq!(named(&["/ip4/1.2.3.4/tcp/1"; NODES]).unwrap().len(), NODES);
        assert!(matches!(
            named(&["/ip4/1.2.3.4/tcp/1"; NODES + 1]),
            Err(SubjectsError::TooMany(_))
        ));
        let nobody = Subjects::new(vec!["/ip4/1.2.3.4/tcp/1".parse().unwrap()]);
        assert!(matches!(nobody, Err(SubjectsError::NoPeer(_))));
    }
}
