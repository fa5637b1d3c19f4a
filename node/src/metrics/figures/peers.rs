//! Who is connected.

use super::{bounded, label};
use crate::metrics::Sources;
use crate::metrics::collector::Figures;
use crate::metrics::families::{LIBP2P_PEERS, SERVICE_PEERS, STORE_PEERS};
use crate::metrics::limits::PEERS_NAMED;
use crate::net::protocols;

pub(super) fn add(figures: &mut Figures, node: &Sources) {
    figures.one(LIBP2P_PEERS, node.peers.connected_peers().len());
    figures.one(
        STORE_PEERS,
        node.peers.that_speak(&[protocols::STORE]).len(),
    );
    let services = [
        protocols::RELAY,
        protocols::STORE,
        protocols::RECONCILIATION,
        protocols::RECONCILE,
        protocols::TRANSFER,
    ];
    let by_protocol = services.into_iter().flat_map(|protocol| {
        let mut speakers = node.peers.that_speak(&[protocol]);
        // The same ones are named each time.
        speakers.sort_unstable();
        let speakers = speakers.iter().map(|peer| (label(&peer.to_base58()), 1.0));
        let named = bounded(speakers, PEERS_NAMED, |a, b| a + b);
        let labelled = named.into_iter();
        labelled.map(move |(peer, count)| (vec![protocol.into(), peer], count))
    });
    figures.many(SERVICE_PEERS, by_protocol);
}
