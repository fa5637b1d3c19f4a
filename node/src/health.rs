//! How the node is: what `/health` tells.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sync_core::Id;

use crate::net::{PeerTable, protocols};
use crate::node::Services;
use crate::relay::Relay;
use crate::store::Store;

/// How long the archive may take to answer a read before it counts as unreadable.
const ARCHIVE_DEADLINE: Duration = Duration::from_secs(5);

/// Peers that relay from which on a node is well connected: the fewest that nwaku wants in a mesh.
const WELL_RELAYED: usize = 4;

/// Peers of a service from which on a node that relays with nobody is well connected, as nwaku has it.
const WELL_SERVED: usize = 2;

/// How the node, or one of its protocols, is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HealthStatus {
    /// It is starting: the archive is opened, or its index read.
    Initializing,
    /// It does what it is for.
    Ready,
    /// It is there, but can't do what it is for.
    NotReady,
    /// It isn't part of this node.
    NotMounted,
    /// It is ending.
    ShuttingDown,
}

impl HealthStatus {
    /// Its name, as nwaku has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initializing => "INITIALIZING",
            Self::Ready => "READY",
            Self::NotReady => "NOT_READY",
            Self::NotMounted => "NOT_MOUNTED",
            Self::ShuttingDown => "SHUTTING_DOWN",
        }
    }
}

/// How well the node is connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionStatus {
    /// With nobody who matters.
    Disconnected,
    /// With fewer than are good.
    PartiallyConnected,
    /// With enough.
    Connected,
}

impl ConnectionStatus {
    /// Its name, as nwaku has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "Disconnected",
            Self::PartiallyConnected => "PartiallyConnected",
            Self::Connected => "Connected",
        }
    }

    /// With `peers` where `enough` are.
    const fn of(peers: usize, enough: usize) -> Self {
        match peers {
            0 => Self::Disconnected,
            peers if peers < enough => Self::PartiallyConnected,
            _ => Self::Connected,
        }
    }
}

/// How one protocol is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProtocolHealth {
    /// The protocol's name, as nwaku has it.
    pub protocol: &'static str,
    /// How it is.
    pub status: HealthStatus,
    /// Why it is so, if there is something to say.
    pub desc: Option<&'static str>,
}

/// How everything is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HealthReport {
    /// The node; ready if its archive can be read, the last batch of messages could be stored, and it serves.
    pub node: HealthStatus,
    /// Its connections.
    pub connection: ConnectionStatus,
    /// Its protocols; none while it starts or ends.
    pub protocols: Vec<ProtocolHealth>,
}

/// Tells how a node is, from before it starts until it has ended.
#[derive(Default)]
pub struct Health {
    node: OnceLock<Parts>,
    ending: AtomicBool,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("started", &self.node.get().is_some())
            .field("ending", &self.ending)
            .finish()
    }
}

/// What a node's health is seen by.
pub(crate) struct Parts {
    pub(crate) store: Arc<Store>,
    pub(crate) peers: Arc<PeerTable>,
    pub(crate) relay: Option<Relay>,
    pub(crate) services: Services,
}

impl Health {
    /// The node runs.
    pub(crate) fn started(&self, node: Parts) {
        // A node starts once.
        let _ = self.node.set(node);
    }

    /// The node is about to end.
    pub(crate) fn ending(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// How everything is. The archive is asked, for which it has five seconds.
    pub async fn report(&self) -> HealthReport {
        let without_node = |node| HealthReport {
            node,
            connection: ConnectionStatus::Disconnected,
            protocols: Vec::new(),
        };
        if self.ending.load(Ordering::Relaxed) {
            return without_node(HealthStatus::ShuttingDown);
        }
        let Some(node) = self.node.get() else {
            return without_node(HealthStatus::Initializing);
        };
        let archive = node.archive().await;
        let relaying = match &node.relay {
            Some(relay) => Some(relay.peers().await.len()),
            None => None,
        };
        HealthReport {
            node: ready_if(archive.is_none()),
            connection: node.connection(relaying),
            protocols: node.protocols(archive, relaying),
        }
    }
}

const fn ready_if(so: bool) -> HealthStatus {
    if so {
        HealthStatus::Ready
    } else {
        HealthStatus::NotReady
    }
}

impl Parts {
    /// What is wrong with the archive, if anything is.
    async fn archive(&self) -> Option<&'static str> {
        let reading = self.store.archive().locate(&[Id([0; 32])]);
        match tokio::time::timeout(ARCHIVE_DEADLINE, reading).await {
            Ok(Ok(_)) if self.store.observed().is_unwritable() => {
                Some("The archive can't be written")
            }
            Ok(Ok(_)) => None,
            Ok(Err(_)) | Err(_) => Some("The archive can't be read"),
        }
    }

    /// Given how many peers relay with this node, if it relays.
    fn connection(&self, relaying: Option<usize>) -> ConnectionStatus {
        if let Some(relaying) = relaying.filter(|relaying| *relaying > 0) {
            return ConnectionStatus::of(relaying, WELL_RELAYED);
        }
        let peers = self.peers_of(&[
            protocols::STORE,
            protocols::RECONCILIATION,
            protocols::RECONCILE,
        ]);
        ConnectionStatus::of(peers, WELL_SERVED)
    }

    fn peers_of(&self, protocols: &[&str]) -> usize {
        self.peers.that_speak(protocols).len()
    }

    fn protocols(
        &self,
        archive: Option<&'static str>,
        relaying: Option<usize>,
    ) -> Vec<ProtocolHealth> {
        let absent = |protocol| ProtocolHealth {
            protocol,
            status: HealthStatus::NotMounted,
            desc: None,
        };
        let here = |protocol, ready, otherwise| ProtocolHealth {
            protocol,
            status: ready_if(ready),
            desc: (!ready).then_some(otherwise),
        };
        let relay = relaying.map(|peers| here("Relay", peers > 0, "No connected peers"));
        let mut all = vec![relay.unwrap_or_else(|| absent("Relay"))];
        if self.services.store {
            all.push(here(
                "Store",
                archive.is_none(),
                archive.unwrap_or_default(),
            ));
        } else {
            all.push(absent("Store"));
        }
        let sources = self.services.store || self.peers_of(&[protocols::STORE]) > 0;
        let nobody =
            "No Store service peer available yet, neither Store service set up for the node";
        all.push(here("Store Client", sources, nobody));
        if self.services.store && self.services.sync {
            let others = self.peers_of(&[protocols::RECONCILIATION, protocols::RECONCILE]) > 0;
            all.push(here(
                "Store Sync",
                others,
                "No peer that reconciles is connected",
            ));
        } else {
            all.push(absent("Store Sync"));
        }
        let foreign = [
            "Rln Relay",
            "Lightpush",
            "Filter",
            "Peer Exchange",
            "Rendezvous",
        ];
        all.extend(foreign.map(absent));
        all
    }
}

#[cfg(test)]
mod tests {
    use store_adapter::ArchiveUrl;

    use super::*;

    #[test]
    fn few_peers_connect_partially() {
        let of = |peers| ConnectionStatus::of(peers, 4);
        assert_eq!(of(0), ConnectionStatus::Disconnected);
        assert_eq!(of(1), ConnectionStatus::PartiallyConnected);
        assert_eq!(of(3), ConnectionStatus::PartiallyConnected);
        assert_eq!(of(4), ConnectionStatus::Connected);
    }

    #[tokio::test]
    async fn a_node_is_ready_between_its_start_and_its_end() {
        let health = Health::default();
        assert_eq!(health.report().await.node, HealthStatus::Initializing);
        health.started(Parts {
            store: Store::open(&ArchiveUrl::Memory).await.unwrap(),
            peers: Arc::default(),
            relay: None,
            services: Services {
                store: true,
                sync: true,
            },
        });
        let report = health.report().await;
        assert_eq!(report.node, HealthStatus::Ready);
        assert_eq!(report.connection, ConnectionStatus::Disconnected);
        let status = |name| {
            let of_name = report
                .protocols
                .iter()
                .find(|health| health.protocol == name);
            of_name.unwrap().status
        };
        assert_eq!(status("Store"), HealthStatus::Ready);
        assert_eq!(status("Store Sync"), HealthStatus::NotReady);
        assert_eq!(status("Filter"), HealthStatus::NotMounted);
        health.ending();
        assert_eq!(health.report().await.node, HealthStatus::ShuttingDown);
    }
}
