//! Real swarms on loopback for the tests.

use std::sync::Arc;
use std::time::Duration;

use libp2p::futures::StreamExt;
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm};
use sync_net::swarm::build_swarm_with;
use sync_net::{Behaviour, ConnectionLimits, Control, Counters, Muxers};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A swarm that a task drives.
pub(crate) struct Node {
    pub(crate) peer: PeerId,
    pub(crate) control: Control,
    pub(crate) counters: Arc<Counters>,
    pub(crate) address: Multiaddr,
    dial: mpsc::Sender<Multiaddr>,
    task: JoinHandle<()>,
}

impl Node {
    /// Listens on loopback; `kind` is `/tcp/0` or `/tcp/0/ws`.
    pub(crate) async fn start(
        key: &Keypair,
        behaviour: Behaviour,
        muxers: Muxers,
        kind: &str,
    ) -> Self {
        let limits = ConnectionLimits::default();
        Self::start_with(key, behaviour, muxers, kind, &limits).await
    }

    pub(crate) async fn start_with(
        key: &Keypair,
        behaviour: Behaviour,
        muxers: Muxers,
        kind: &str,
        limits: &ConnectionLimits,
    ) -> Self {
        let (control, counters) = (behaviour.control(), behaviour.counters());
        let mut swarm = build_swarm_with(key, behaviour, limits, muxers).unwrap();
        let listen: Multiaddr = format!("/ip4/127.0.0.1{kind}").parse().unwrap();
        swarm.listen_on(listen).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        let (dial, dials) = mpsc::channel(8);
        Self {
            peer: *swarm.local_peer_id(),
            control,
            counters,
            address,
            dial,
            task: tokio::spawn(drive(swarm, dials)),
        }
    }

    /// Dials `other` and waits until both sides see the connection.
    pub(crate) async fn connect(&self, other: &Self) {
        self.dial.send(other.address.clone()).await.unwrap();
        let both =
            || self.control.is_connected(&other.peer) && other.control.is_connected(&self.peer);
        eventually("the nodes are connected", both).await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn drive(mut swarm: Swarm<Behaviour>, mut dials: mpsc::Receiver<Multiaddr>) {
    loop {
        tokio::select! {
            Some(address) = dials.recv() => swarm.dial(address).unwrap(),
            _ = swarm.select_next_some() => {}
        }
    }
}

/// Waits for `condition`, and fails if it doesn't come true within some seconds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("didn't come true in 10 s: {what}");
}
