//! A rust-libp2p program with a swarm and items of its own learns what a Waku Store node lacks
//! (`have`) and what it lacks itself (`need`), and prints both counts:
//! `cargo run -p sync-net --example embed -- /ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAm...`
use std::{error::Error, sync::Arc};

use libp2p::futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, identify, multiaddr::Protocol};
use sync_core::{Id, ItemSet, Range, RangeTree, Scope, Slice, Source, SourceError};
use sync_net::{Behaviour, ConnectionLimits, DialectChoice, NetLimits, Outcome, ReconcileConfig};
use sync_net::{ReconcileError, Reconciler, SessionInfo, Storage, build_swarm, identity};

/// The items: here a tree that stays empty, so everything is needed.
#[derive(Clone, Default)]
struct Items(RangeTree);

impl Source for Items {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.snapshot(), scope.window)))
    }
}

#[async_trait::async_trait]
impl Storage for Items {
    fn source(&self) -> Box<dyn Source> {
        Box::new(self.clone())
    }

    /// A real program would fetch what it needs, and offer what it has.
    async fn found(&self, session: &SessionInfo, have: Vec<Id>, need: Vec<Id>) {
        let peer = session.peer;
        eprintln!(
            "{peer}: {} ids to offer, {} to fetch",
            have.len(),
            need.len()
        );
    }

    async fn ended(&self, _: &SessionInfo, _: &Result<Outcome, ReconcileError>) {}
}

#[derive(NetworkBehaviour)]
struct Program {
    identify: identify::Behaviour,
    sync: Behaviour,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: embed /ip4/.../tcp/.../p2p/PEER_ID";
    let address: Multiaddr = std::env::args().nth(1).ok_or(usage)?.parse()?;
    let Some(Protocol::P2p(peer)) = address.iter().last() else {
        return Err(usage.into());
    };
    let key = identity::generate();
    let (local, storage) = (key.public().to_peer_id(), Arc::new(Items::default()));
    let mut sync = Behaviour::new(NetLimits::default());
    let config = ReconcileConfig::default();
    let (reconciler, serving) = Reconciler::mount(&mut sync, local, storage, config);
    tokio::spawn(serving);
    let control = sync.control();
    let identify = identify::Config::new("/embed/1.0.0".into(), key.public());
    let identify = identify::Behaviour::new(identify);
    let program = Program { identify, sync };
    let mut swarm = build_swarm(&key, program, &ConnectionLimits::default())?;
    swarm.dial(address)?;
    while !control.is_connected(&peer) {
        let event = swarm.select_next_some().await;
        if let SwarmEvent::OutgoingConnectionError { error, .. } = event {
            return Err(error.into());
        }
    }
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    let scope = Scope::of_window(Range::ALL);
    let outcome = reconciler
        .reconcile(peer, scope, DialectChoice::Auto)
        .await?;
    println!(r#"{{"have":{},"need":{}}}"#, outcome.have, outcome.need);
    Ok(())
}
