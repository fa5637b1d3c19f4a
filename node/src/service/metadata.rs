//! Cluster and shards: told to whoever asks, and asked of every new peer.

use std::sync::Arc;

use libp2p::{PeerId, StreamProtocol};
use store_adapter::limits::METADATA_BYTES;
use store_adapter::metadata::WakuMetadata;
use sync_net::{Control, Inbound, warn_of_peer};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::limits::METADATA_DEADLINE;
use super::one_shot::{self, Answer, Desk};
use crate::net::limits::IDENTIFY_DEADLINE;
use crate::net::{CurrentShards, SwarmHandle, protocols};
use crate::sync::Syncer;

/// Tells `own` to whoever asks, until the queue closes. A node that has no cluster of its own is of
/// the cluster of whoever asks.
pub(crate) async fn serve(
    inbound: mpsc::Receiver<Inbound>,
    own: Option<Arc<CurrentShards>>,
    syncer: Arc<Syncer>,
    desk: Arc<Desk>,
) {
    let answer = move |peer: PeerId, request: Vec<u8>| {
        let (own, syncer) = (own.clone(), Arc::clone(&syncer));
        async move {
            match WakuMetadata::decode(&request) {
                Ok(theirs) => {
                    learn(&syncer, &peer, &theirs, own.as_deref());
                    Some(Answer {
                        frame: own.map_or(theirs, |own| own.metadata()).encode(),
                        taken: None,
                        bulk: false,
                    })
                }
                Err(error) => {
                    syncer.counters().malformed_requests.increment();
                    warn_of_peer!(
                        syncer.warnings,
                        &peer,
                        %error,
                        "a metadata request that can't be read"
                    );
                    None
                }
            }
        }
    };
    one_shot::serve(inbound, desk, answer).await;
}

/// Asks every newly met peer for its cluster, and parts with those of another one.
pub(crate) async fn ask_new_peers(
    mut met: mpsc::Receiver<PeerId>,
    own: Arc<CurrentShards>,
    control: Control,
    swarm: SwarmHandle,
    syncer: Arc<Syncer>,
) {
    while let Some(peer) = met.recv().await {
        let (own, control, swarm) = (Arc::clone(&own), control.clone(), swarm.clone());
        let syncer = Arc::clone(&syncer);
        tokio::spawn(async move {
            let peers = syncer.peers();
            if !peers.wait_identified(&peer, IDENTIFY_DEADLINE).await
                || !peers.speaks(&peer, protocols::METADATA)
            {
                return;
            }
            match ask(peer, &own, &control).await {
                Ok(theirs) => {
                    tracing::debug!(%peer, shards = ?theirs.shards, "metadata");
                    if learn(&syncer, &peer, &theirs, Some(&own)) == Membership::Foreign {
                        swarm.disconnect(peer).await;
                    }
                }
                Err(error) => tracing::debug!(%peer, %error, "no metadata"),
            }
        });
    }
}

/// Whether a peer may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Membership {
    Own,
    Foreign,
}

/// Keeps what a peer tells of itself, asked or by asking, and warns of one that is of another cluster. Either side
/// may be the first to know: the other may have parted before its own question is answered.
fn learn(
    syncer: &Syncer,
    peer: &PeerId,
    theirs: &WakuMetadata,
    own: Option<&CurrentShards>,
) -> Membership {
    let ours = own.map(CurrentShards::cluster_id);
    syncer.peers().told_metadata(peer, theirs, ours);
    if !syncer.peers().is_foreign(peer) {
        return Membership::Own;
    }
    warn_of_peer!(
        syncer.warnings,
        peer,
        ours,
        theirs = theirs.cluster_id,
        "the peer is of another cluster: parting with it"
    );
    Membership::Foreign
}

async fn ask(peer: PeerId, own: &CurrentShards, control: &Control) -> anyhow::Result<WakuMetadata> {
    let protocol = StreamProtocol::new(protocols::METADATA);
    let request = own.metadata().encode();
    let asking = control.request(peer, protocol, &request, METADATA_BYTES);
    let response = timeout(METADATA_DEADLINE, asking).await??;
    Ok(WakuMetadata::decode(&response)?)
}
