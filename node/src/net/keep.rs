//! Staying connected with the peers of the configuration.

use std::collections::BTreeMap;

use libp2p::{Multiaddr, PeerId};
use tokio::time::{Instant, timeout};

use super::backoff::Backoff;
use super::limits::{FOREIGN_REDIAL, LAST_REDIAL};
use super::peer_info::{Kept, peer_of};
use super::{ConnectError, PeerTable, SwarmHandle};

/// A peer to stay connected with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeptPeer {
    pub(crate) peer: PeerId,
    pub(crate) addresses: Vec<Multiaddr>,
    pub(crate) kept: Kept,
}

/// The peers that `addresses` name, each with all of its addresses. `own` is left out, and so are
/// addresses that name no peer.
pub(crate) fn kept_peers(
    own: PeerId,
    addresses: impl IntoIterator<Item = (Kept, Multiaddr)>,
) -> Vec<KeptPeer> {
    let mut peers: BTreeMap<PeerId, KeptPeer> = BTreeMap::new();
    for (kept, address) in addresses {
        let Some(peer) = peer_of(&address).filter(|peer| *peer != own) else {
            tracing::warn!(%address, "not a peer to stay connected with: it is this node, or none");
            continue;
        };
        let entry = peers.entry(peer).or_insert_with(|| KeptPeer {
            peer,
            addresses: Vec::new(),
            kept,
        });
        entry.kept = entry.kept.max(kept);
        if !entry.addresses.contains(&address) {
            entry.addresses.push(address);
        }
    }
    peers.into_values().collect()
}

impl KeptPeer {
    /// Keeps the peer connected, for as long as the swarm is there.
    pub(crate) async fn stay_connected(self, swarm: SwarmHandle) {
        let dial = || swarm.reach(self.peer, &self.addresses);
        stay_connected(self.peer, swarm.peers(), dial).await;
    }
}

/// Calls `dial` whenever the peer isn't connected, with growing pauses between calls that come to
/// nothing. A peer of another cluster is left in peace for much longer.
async fn stay_connected<F>(peer: PeerId, peers: &PeerTable, mut dial: impl FnMut() -> F)
where
    F: Future<Output = Result<(), ConnectError>>,
{
    let (mut backoff, mut outage) = (Backoff::new(), Outage::default());
    loop {
        match dial().await {
            Ok(()) => {
                let since = Instant::now();
                outage.over(peer);
                peers.wait_gone(&peer).await;
                if since.elapsed() >= LAST_REDIAL {
                    backoff.reset();
                    outage.forget();
                }
                let reason = match peers.is_foreign(&peer) {
                    true => "it is of another cluster",
                    false => "the connection was lost",
                };
                outage.goes_on(peer, &reason);
            }
            Err(ConnectError::NoPeerId(_) | ConnectError::Stopped) => return,
            Err(error) => {
                outage.goes_on(peer, &error);
            }
        }
        let pause = match peers.is_foreign(&peer) {
            true => FOREIGN_REDIAL,
            false => backoff.pause(rand::random()),
        };
        // It may come by itself meanwhile.
        let _ = timeout(pause, peers.wait_connected(&peer)).await;
    }
}

/// What the log was told of an outage: its beginning and its end, once each. Connections that don't
/// last don't end it for good.
#[derive(Debug, Default)]
struct Outage {
    told: bool,
    told_end: bool,
}

impl Outage {
    /// The peer isn't connected, for that reason; gives whether that was told.
    fn goes_on(&mut self, peer: PeerId, reason: &dyn std::fmt::Display) -> bool {
        let told = std::mem::replace(&mut self.told, true);
        if told {
            tracing::debug!(%peer, %reason, "still away");
        } else {
            tracing::warn!(%peer, %reason, "away: dialling it until it is back");
        }
        !told
    }

    /// The peer is connected; gives whether that was told.
    fn over(&mut self, peer: PeerId) -> bool {
        let told = std::mem::replace(&mut self.told_end, true);
        if told {
            tracing::debug!(%peer, "connected for now");
        } else {
            tracing::info!(%peer, "connected");
        }
        !told
    }

    /// The connection lasted: what comes next is another outage.
    fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use store_adapter::metadata::WakuMetadata;

    use super::super::peer_info::PeerDirection;
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn refused(address: &Multiaddr) -> ConnectError {
        ConnectError::Unreachable {
            address: address.clone(),
            reason: "refused".into(),
        }
    }

    /// Dials for a day; gives how often.
    async fn dials_of_a_day<F>(
        peer: PeerId,
        table: &PeerTable,
        mut dial: impl FnMut(u32) -> F,
    ) -> u32
    where
        F: Future<Output = Result<(), ConnectError>>,
    {
        let dials = Cell::new(0);
        let counted = || {
            dials.set(dials.get() + 1);
            dial(dials.get())
        };
        let _ = timeout(DAY, stay_connected(peer, table, counted)).await;
        dials.get()
    }

    fn connect(table: &PeerTable, peer: PeerId) {
        table.connected(peer, &Multiaddr::empty(), PeerDirection::Outbound);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_is_away_is_dialled_about_once_a_minute() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        let dials = dials_of_a_day(peer, &table, async |_| Err(refused(&Multiaddr::empty()))).await;
        let minutes = 24 * 60;
        assert!((minutes..minutes * 2 + 10).contains(&dials), "{dials}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connected_peer_is_not_dialled_and_a_lost_one_is_at_once() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        table.keep(peer, &[], Kept::StaticNode);
        let begun = Instant::now();
        let redialled = Cell::new(None);
        let dial = async |number| {
            if number == 2 {
                redialled.set(Some(begun.elapsed()));
            }
            connect(&table, peer);
            Ok(())
        };
        let losing = async {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            table.closed(&peer, None);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            dials = dials_of_a_day(peer, &table, dial) => assert_eq!(dials, 2),
            () = losing => unreachable!(),
        }
        let since = redialled.get().unwrap().as_secs_f64() - 3_600.0;
        assert!((0.5..=1.0).contains(&since), "{since}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_of_another_cluster_is_not_hammered() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        table.keep(peer, &[], Kept::StaticNode);
        let theirs = WakuMetadata::new(Some(16), Vec::new()).unwrap();
        let dials = dials_of_a_day(peer, &table, async |_| {
            connect(&table, peer);
            table.told_metadata(&peer, &theirs, Some(1));
            table.closed(&peer, None);
            Ok(())
        })
        .await;
        assert!((140..=145).contains(&dials), "{dials}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_comes_by_itself_is_not_waited_for() {
        let (table, peer) = (PeerTable::default(), PeerId::random());
        table.keep(peer, &[], Kept::StaticNode);
        let dial = async |_| match table.is_connected(&peer) {
            true => Ok(()),
            false => Err(refused(&Multiaddr::empty())),
        };
        let coming = async {
            // Pauses are a minute by now.
            tokio::time::sleep(Duration::from_secs(600)).await;
            connect(&table, peer);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            dials = dials_of_a_day(peer, &table, dial) => assert!(dials < 30, "{dials}"),
            () = coming => unreachable!(),
        }
    }

    #[test]
    fn an_outage_is_told_once_until_a_connection_lasts() {
        let (mut outage, peer) = (Outage::default(), PeerId::random());
        assert!(outage.goes_on(peer, &"refused"));
        assert!(!outage.goes_on(peer, &"refused"));
        assert!(outage.over(peer));
        assert!(!outage.goes_on(peer, &"lost") && !outage.over(peer));
        outage.forget();
        assert!(outage.goes_on(peer, &"lost") && outage.over(peer));
    }

    #[test]
    fn addresses_of_one_peer_are_dialled_together_and_the_node_not_at_all() {
        let (own, other) = (PeerId::random(), PeerId::random());
        let at = |port: u16, peer: PeerId| -> Multiaddr {
            format!("/ip4/192.0.2.1/tcp/{port}/p2p/{peer}")
                .parse()
                .unwrap()
        };
        let peers = kept_peers(
            own,
            [
                (Kept::StaticNode, at(1, other)),
                (Kept::StaticNode, at(1, own)),
                (Kept::StoreNode, at(2, other)),
                (Kept::StoreNode, at(1, other)),
                (Kept::StaticNode, "/ip4/192.0.2.1/tcp/1".parse().unwrap()),
            ],
        );
        let expected = KeptPeer {
            peer: other,
            addresses: vec![at(1, other), at(2, other)],
            kept: Kept::StoreNode,
        };
        assert_eq!(peers, [expected]);
    }
}
