//! Reads the figures of a running node, without waiting for anything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use sync_core::{ItemSet, Range, Scope, Source};

use super::figures::{
    ArchiveState, BoundState, GrowthState, HealthState, LimitsState, NodeState, PageState,
    PeerState, PeersState, ProtocolState, RefusedFor, ServiceState,
};
use super::limits::PEERS_LISTED;
use super::spoken;
use crate::cli::time::now;
use crate::forecast::{self, Held, Tally};
use crate::health::HealthStatus;
use crate::metrics::Sources;
use crate::net::{Kept, PeerDirection, PeerInfo};
use crate::rates::{Reason, Service};
use crate::store::Store;
use crate::sync::PeerStanding;

/// A running node, as far as the page shows it.
pub(crate) struct Shown {
    pub(crate) peer_id: PeerId,
    pub(crate) cluster_id: Option<u16>,
    pub(crate) sync_interval: Option<Duration>,
    /// Whether peers' addresses may be told, as calls under `/admin` do.
    pub(crate) admin: bool,
    pub(crate) sources: Arc<Sources>,
}

impl Shown {
    /// All figures of now but those of sessions.
    pub(super) fn state(&self) -> PageState {
        PageState {
            at: now() / 1_000_000,
            node: self.about(),
            health: self.health(),
            peers: self.peers(),
            archive: self.archive(),
            limits: self.limits(),
            sessions: None,
        }
    }

    fn about(&self) -> NodeState {
        NodeState {
            peer_id: self.peer_id.to_string(),
            cluster_id: self.cluster_id,
            version: crate::VERSION,
            uptime: self.sources.started.elapsed().as_secs_f64(),
            sync_interval: self.sync_interval.map(|interval| interval.as_secs_f64()),
        }
    }

    fn health(&self) -> HealthState {
        let latest = self.sources.watched.latest();
        let Some((report, looked)) = latest.health else {
            return HealthState {
                node: HealthStatus::Initializing.name(),
                connection: "Disconnected",
                age: None,
                protocols: Vec::new(),
            };
        };
        let protocols = report.protocols.iter().map(|protocol| ProtocolState {
            name: protocol.protocol,
            status: protocol.status.name(),
            desc: protocol.desc,
        });
        HealthState {
            node: report.node.name(),
            connection: report.connection.name(),
            age: Some(looked.elapsed().as_secs_f64()),
            protocols: protocols.collect(),
        }
    }

    fn peers(&self) -> PeersState {
        let known = self.sources.peers.snapshot();
        let standing: HashMap<PeerId, PeerStanding> =
            self.sources.syncer.standing().into_iter().collect();
        let connected = known.iter().filter(|peer| peer.is_connected()).count();
        let relaying = self.sources.watched.latest().relaying as u64;
        PeersState {
            connected: connected as u64,
            known: known.len() as u64,
            relaying: self.sources.relay.as_ref().map(|_| relaying),
            listed: known
                .into_iter()
                .take(PEERS_LISTED)
                .map(|peer| {
                    let standing = standing.get(&peer.peer_id);
                    self.peer(peer, standing)
                })
                .collect(),
        }
    }

    fn peer(&self, peer: PeerInfo, standing: Option<&PeerStanding>) -> PeerState {
        let failed_at = peer.last_failure.as_ref().map(|failure| failure.at * 1_000);
        let failure = peer.last_failure.map(|failure| failure.reason);
        PeerState {
            peer_id: peer.peer_id.to_string(),
            connected: peer.connected.name(),
            agent: peer.agent,
            speaks: spoken::of(&peer.protocols),
            cluster_id: peer.cluster_id,
            shards: peer.shards,
            is_static: matches!(peer.kept, Some(Kept::StaticNode | Kept::StoreNode)),
            is_inbound: peer.direction == PeerDirection::Inbound,
            since: peer.connected_since.map(|since| since * 1_000),
            round_trip: peer.round_trip.map(|seconds| seconds * 1e3),
            failed_dials: peer.failed_dials,
            failed_at,
            failure: failure.filter(|_| self.admin),
            address: self.admin.then(|| peer.multiaddr.to_string()),
            behind: standing.map(|standing| standing.behind),
            ahead: standing.map(|standing| standing.ahead),
            compared: standing.map(|standing| standing.compared.elapsed().as_secs_f64()),
        }
    }

    fn archive(&self) -> ArchiveState {
        let store = &self.sources.store;
        let disk = self.sources.watched.latest().disk;
        let (messages, times) = held(store);
        let policy = store.policy();
        let (hours, _) = self.sources.counts.latest();
        let held_now = Held {
            total: Tally {
                messages,
                bytes: estimated(messages, hours.total()),
            },
            disk_bytes: disk.map_or(0, |(bytes, _)| bytes),
            times,
        };
        let since = |since| {
            hours
                .within(since, u64::MAX)
                .map(|(_, hour)| hour.total())
                .sum()
        };
        let growth = forecast::growth(&held_now, since).filter(|_| disk.is_some());
        let bounds = growth.map(|growth| forecast::forecasts(&policy, &held_now, growth, now()));
        let pruned = store.door().pruned();
        ArchiveState {
            messages,
            oldest: times.map(|(oldest, _)| oldest / 1_000_000),
            newest: times.map(|(_, newest)| newest / 1_000_000),
            disk_bytes: disk.map(|(bytes, _)| bytes),
            disk_age: disk.map(|(_, asked)| asked.elapsed().as_secs_f64()),
            policy: policy.to_string(),
            cap: policy.size,
            growth: growth.map(|growth| GrowthState {
                hours: growth.hours,
                messages_per_day: growth.messages_per_day,
                disk_bytes_per_day: growth.disk_bytes_per_day,
            }),
            bounds: bounds.into_iter().flatten().map(bound).collect(),
            pruned: [pruned.time, pruned.capacity, pruned.size]
                .iter()
                .map(|total| total.messages)
                .sum(),
        }
    }

    fn limits(&self) -> LimitsState {
        let peers = self.sources.peers.snapshot();
        LimitsState {
            services: Service::ALL.map(|service| self.service(service)).into(),
            connections: peers.iter().map(|peer| peer.connections as u64).sum(),
            most_inbound: self.sources.admission.inbound as u64,
            bandwidth: self.sources.rates.bandwidth,
        }
    }

    fn service(&self, service: Service) -> ServiceState {
        let counters = self.sources.limiter.counters(service);
        let refused = Reason::ALL.map(|reason| RefusedFor {
            reason: reason.name(),
            count: counters.refused_for(reason),
        });
        let allowed = self.sources.limiter.requests(service);
        ServiceState {
            name: service.name(),
            served: counters.served.get(),
            paced: counters.paced.get(),
            refused: refused
                .into_iter()
                .filter(|refused| refused.count > 0)
                .collect(),
            received: counters.received.get() + counters.own_received.get(),
            sent: counters.sent.get() + counters.own_sent.get(),
            allowed: allowed.map(|rate| rate.a_second()),
        }
    }
}

/// How many bytes so many messages have, where `counted` are: older ones than are counted are taken to be as
/// long as those.
fn estimated(messages: u64, counted: Tally) -> u64 {
    let bytes = u128::from(counted.bytes) * u128::from(messages);
    u64::try_from(bytes / u128::from(counted.messages.max(1))).unwrap_or(u64::MAX)
}

/// How many messages are held, and the times of the first and the last, by the index.
fn held(store: &Store) -> (u64, Option<(u64, u64)>) {
    let set = store.index().snapshot().open(&Scope::of_window(Range::ALL));
    // Without content topics it is answered from memory, which doesn't fail.
    let Ok(set) = set else {
        return (0, None);
    };
    let last = set.len().checked_sub(1);
    let time = |rank| Some(set.select(rank)?.timestamp);
    let times = last.and_then(|last| time(0).zip(time(last)));
    (set.len() as u64, times)
}

fn bound(forecast: forecast::Forecast) -> BoundState {
    BoundState {
        bound: forecast.bound,
        limit: forecast.limit,
        met: forecast.met.map(|met| met / 1_000_000),
        is_met: forecast.is_met,
        history_days: forecast.history_days,
    }
}
