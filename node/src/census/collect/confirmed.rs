//! Asks a node for what it seems to lack.

use libp2p::PeerId;
use parking_lot::Mutex;
use sync_core::Id;

use super::asker::{Asker, Walked};
use crate::census::limits::{CONFIRMATION_PAUSE, CONFIRMATIONS};
use crate::census::roll::Roll;
use crate::net::protocols::STORE;

/// Asks three times by hash; gives why it couldn't be asked, if that is so.
///
/// A message may have been on its way when the node was listed, and some stores answer one query less truly than the
/// next.
pub(super) async fn ask(
    asker: &Asker<'_>,
    number: usize,
    peer: PeerId,
    roll: &Mutex<Roll>,
) -> Option<String> {
    let mut absent = roll.lock().absent(number);
    if absent.is_empty() {
        return None;
    }
    if !asker.speaks(&peer, STORE) {
        roll.lock().unsure(number, &absent);
        return Some(format!(
            "it can't be asked by hash: it doesn't speak {STORE}"
        ));
    }
    for round in 0..CONFIRMATIONS {
        if round > 0 {
            tokio::time::sleep(CONFIRMATION_PAUSE).await;
        }
        let (present, walked) = asker.present(peer, &absent).await;
        let (here, rest): (Vec<Id>, Vec<Id>) = absent.iter().partition(|id| present.contains(id));
        roll.lock().turned_up(number, &here);
        absent = rest;
        if let Walked::Left(reason) = walked {
            roll.lock().unsure(number, &absent);
            return Some(reason);
        }
        if absent.is_empty() {
            return None;
        }
    }
    None
}
