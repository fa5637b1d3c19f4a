//! Who may connect: bounds of the connections that others make to this node.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::task::{Context, Poll};

use libp2p::PeerId;
use libp2p::core::multiaddr::Protocol;
use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::behaviour::{ConnectionClosed, ListenFailure};
use libp2p::swarm::{ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, ToSwarm, dummy};
use tracing::debug;

use crate::counters::Counters;
use crate::limits::AdmissionLimits;

/// Denies inbound connections beyond its limits. Connections that this side makes aren't bounded:
/// peers can't make it dial.
///
/// A connection has a place from the moment it is accepted, before anything is known of the peer,
/// until it ends; what hasn't said who it is counts towards
/// [`pending`](AdmissionLimits::pending) too.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    inbound: HashMap<ConnectionId, Guest>,
    pending: usize,
    by_origin: Shares<Origin>,
    by_peer: Shares<PeerId>,
    counters: Arc<Counters>,
}

/// An inbound connection that has a place.
#[derive(Debug)]
struct Guest {
    origin: Option<Origin>,
    /// `None` while it is pending.
    peer: Option<PeerId>,
}

/// What one host can have many of without owning many: an IPv4 address, or an IPv6 network of 64
/// bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Origin(IpAddr);

impl Admission {
    /// Admits within `limits`, and counts what it denies.
    #[must_use]
    pub fn new(limits: AdmissionLimits, counters: Arc<Counters>) -> Self {
        Self {
            limits,
            inbound: HashMap::new(),
            pending: 0,
            by_origin: Shares::default(),
            by_peer: Shares::default(),
            counters,
        }
    }

    fn take_place(&mut self, id: ConnectionId, address: &Multiaddr) -> Result<(), Denied> {
        let origin = Origin::of(address);
        self.check("pending", self.pending, self.limits.pending)?;
        self.check("inbound", self.inbound.len(), self.limits.inbound)?;
        if let (Some(origin), Some(most)) = (&origin, self.limits.inbound_per_ip) {
            self.check("inbound_per_ip", self.by_origin.of(origin), most)?;
        }
        if let Some(origin) = origin {
            self.by_origin.add(origin);
        }
        self.pending += 1;
        self.inbound.insert(id, Guest { origin, peer: None });
        Ok(())
    }

    fn introduce(&mut self, id: ConnectionId, peer: PeerId) -> Result<(), Denied> {
        let held = self.by_peer.of(&peer);
        self.check("inbound_per_peer", held, self.limits.inbound_per_peer)?;
        if let Some(guest) = self.inbound.get_mut(&id)
            && guest.peer.is_none()
        {
            guest.peer = Some(peer);
            self.pending = self.pending.saturating_sub(1);
            self.by_peer.add(peer);
        }
        Ok(())
    }

    fn leave(&mut self, id: ConnectionId) {
        let Some(guest) = self.inbound.remove(&id) else {
            return;
        };
        if let Some(origin) = &guest.origin {
            self.by_origin.remove(origin);
        }
        match &guest.peer {
            Some(peer) => self.by_peer.remove(peer),
            None => self.pending = self.pending.saturating_sub(1),
        }
    }

    fn check(&self, limit: &'static str, held: usize, most: usize) -> Result<(), Denied> {
        if held < most {
            return Ok(());
        }
        self.counters.connections_denied.increment();
        Err(Denied { limit, most })
    }
}

impl NetworkBehaviour for Admission {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.take_place(id, remote)
            .inspect_err(|denied| debug!(address = %remote, %denied, "connection denied"))
            .map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<dummy::ConnectionHandler, ConnectionDenied> {
        self.introduce(id, peer)
            .inspect_err(|denied| debug!(%peer, address = %remote, %denied, "connection denied"))
            .map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<dummy::ConnectionHandler, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. })
            | FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) => {
                self.leave(connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: Infallible) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, Infallible>> {
        Poll::Pending
    }
}

/// Why a connection was denied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("limit {limit} of {most} connections reached")]
pub struct Denied {
    /// The name of the field in [`AdmissionLimits`].
    pub limit: &'static str,
    /// Its value.
    pub most: usize,
}

impl Origin {
    /// That of an address.
    #[must_use]
    pub fn of_ip(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(ip) => Self(network_of(ip).into()),
            ip => Self(ip),
        }
    }

    /// Whether it is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0 {
            IpAddr::V4(ip) => ip.is_loopback(),
            IpAddr::V6(ip) => ip == network_of(Ipv6Addr::LOCALHOST),
        }
    }

    fn of(address: &Multiaddr) -> Option<Self> {
        address.iter().find_map(|part| match part {
            Protocol::Ip4(ip) => Some(Self::of_ip(ip.into())),
            Protocol::Ip6(ip) => Some(Self::of_ip(ip.into())),
            _ => None,
        })
    }
}

/// The first 64 bits, which is what one customer gets.
fn network_of(ip: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)
}

/// How many places each has; those that have none take no memory.
#[derive(Debug)]
struct Shares<K>(HashMap<K, usize>);

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash + fmt::Debug> Shares<K> {
    fn of(&self, key: &K) -> usize {
        self.0.get(key).copied().unwrap_or_default()
    }

    fn add(&mut self, key: K) {
        *self.0.entry(key).or_default() += 1;
    }

    fn remove(&mut self, key: &K) {
        if let Some(held) = self.0.get_mut(key) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.0.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(limits: AdmissionLimits) -> Admission {
        Admission::new(limits, Arc::default())
    }

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    fn denied(limit: &'static str, most: usize) -> Result<(), Denied> {
        Err(Denied { limit, most })
    }

    #[test]
    fn connections_that_have_not_said_who_they_are_are_bounded() {
        let mut admission = admission(AdmissionLimits {
            pending: 2,
            ..AdmissionLimits::default()
        });
        let from = address("/ip4/192.0.2.1/tcp/1");
        assert_eq!(admission.take_place(id(1), &from), Ok(()));
        assert_eq!(admission.take_place(id(2), &from), Ok(()));
        assert_eq!(admission.take_place(id(3), &from), denied("pending", 2));
        admission.introduce(id(1), PeerId::random()).unwrap();
        assert_eq!(admission.take_place(id(3), &from), Ok(()));
        admission.leave(id(2));
        assert_eq!(admission.take_place(id(4), &from), Ok(()));
        assert_eq!(admission.counters.connections_denied.get(), 1);
    }

    #[test]
    fn connections_are_bounded_in_all_and_for_each_address() {
        let mut admission = admission(AdmissionLimits {
            inbound: 3,
            inbound_per_ip: Some(2),
            ..AdmissionLimits::default()
        });
        let (one, other) = (
            address("/ip4/192.0.2.1/tcp/1"),
            address("/ip4/192.0.2.2/tcp/1"),
        );
        assert_eq!(admission.take_place(id(1), &one), Ok(()));
        let same = address("/ip6/::ffff:192.0.2.1/tcp/9/ws");
        assert_eq!(admission.take_place(id(2), &same), Ok(()));
        assert_eq!(
            admission.take_place(id(3), &one),
            denied("inbound_per_ip", 2)
        );
        assert_eq!(admission.take_place(id(3), &other), Ok(()));
        assert_eq!(admission.take_place(id(4), &other), denied("inbound", 3));
        admission.leave(id(1));
        assert_eq!(admission.take_place(id(4), &one), Ok(()));
        (2..=4).for_each(|number| admission.leave(id(number)));
        assert!(admission.by_origin.0.is_empty() && admission.pending == 0);
    }

    #[test]
    fn a_network_of_version_6_is_one_address_and_no_bound_means_none() {
        let neighbours = [
            address("/ip6/2001:db8::1/tcp/1"),
            address("/ip6/2001:db8::ffff:2/tcp/1"),
        ];
        let mut narrow = admission(AdmissionLimits {
            inbound_per_ip: Some(1),
            ..AdmissionLimits::default()
        });
        assert_eq!(narrow.take_place(id(1), &neighbours[0]), Ok(()));
        assert_eq!(
            narrow.take_place(id(2), &neighbours[1]),
            denied("inbound_per_ip", 1)
        );
        let elsewhere = address("/ip6/2001:db8:0:1::1/tcp/1");
        assert_eq!(narrow.take_place(id(2), &elsewhere), Ok(()));
        let mut wide = admission(AdmissionLimits {
            inbound_per_ip: None,
            ..AdmissionLimits::default()
        });
        for number in 0..100 {
            wide.take_place(id(number), &neighbours[0]).unwrap();
            wide.introduce(id(number), PeerId::random()).unwrap();
        }
    }

    #[test]
    fn connections_of_one_peer_are_bounded() {
        let mut admission = admission(AdmissionLimits {
            inbound_per_peer: 2,
            ..AdmissionLimits::default()
        });
        let (from, peer) = (address("/ip4/192.0.2.1/tcp/1"), PeerId::random());
        for number in 1..=3 {
            admission.take_place(id(number), &from).unwrap();
        }
        assert_eq!(admission.introduce(id(1), peer), Ok(()));
        assert_eq!(admission.introduce(id(2), peer), Ok(()));
        assert_eq!(
            admission.introduce(id(3), peer),
            denied("inbound_per_peer", 2)
        );
        assert_eq!(admission.introduce(id(3), PeerId::random()), Ok(()));
        admission.leave(id(1));
        admission.take_place(id(4), &from).unwrap();
        assert_eq!(admission.introduce(id(4), peer), Ok(()));
    }
}
