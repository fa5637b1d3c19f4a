//! Counts a node by this project's protocol.

use std::collections::HashSet;

use libp2p::PeerId;
use store_adapter::store::StoreCriteria;
use sync_core::{Id, Item, ItemSetMut, PeerState, RangeTree, Scope};

use super::asker::{Asker, Walked};
use super::session::{self, Differences, Trouble};
use crate::census::limits::{MESSAGES, TIMES_ASKED};
use crate::census::roll::Roll;
use crate::net::protocols::STORE;

/// Lists the node if nothing is known yet, else reconciles it with what is; `known` and `roll` have afterwards what
/// it holds.
pub(super) async fn count(
    asker: &Asker<'_>,
    number: usize,
    peer: PeerId,
    known: &mut RangeTree,
    roll: &mut Roll,
) -> Result<PeerState, Trouble> {
    let scope = asker.wanted.scope();
    let (items, state) = if known.first().is_none() {
        let listing = session::list(asker.control, peer, &scope, MESSAGES).await?;
        (listing.items, listing.state)
    } else {
        let found = session::compare(asker.control, peer, &scope, known).await?;
        let items = with_times(asker, peer, &scope, &found.need).await?;
        let lacks = lacks(&found, known);
        roll.holds_all_but(number, &|id| lacks.contains(id));
        (items, found.state)
    };
    for item in &items {
        if let Some(bucket) = asker.wanted.span.bucket_of(item.timestamp) {
            roll.holds(number, bucket, item.id)?;
        }
    }
    if known.first().is_none() {
        *known = RangeTree::from_unsorted(items);
    } else {
        items.into_iter().for_each(|item| {
            known.insert(item);
        });
    }
    roll.answered_all(number);
    Ok(state)
}

/// What the node lacks of what is known: what the session found, and all that it wasn't about, since the node keeps
/// nothing there.
fn lacks(found: &Differences, known: &RangeTree) -> HashSet<Id> {
    let mut lacks: HashSet<Id> = found.have.iter().copied().collect();
    let window = found.agreed.as_ref().map(|agreed| agreed.window);
    let outside = |item: &Item| window.is_none_or(|window| !window.contains(item));
    lacks.extend(known.iter().filter(outside).map(|item| item.id));
    lacks
}

/// Items of these ids, which the node holds. Few are asked for by Store queries, which tell times with the data; for
/// many the node is listed.
async fn with_times(
    asker: &Asker<'_>,
    peer: PeerId,
    scope: &Scope,
    ids: &[Id],
) -> Result<Vec<Item>, Trouble> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    if ids.len() <= TIMES_ASKED && asker.speaks(&peer, STORE) {
        let mut items = Vec::with_capacity(ids.len());
        let criteria = StoreCriteria::of_hashes(ids.iter().copied());
        let walked = asker.walk(peer, criteria, |found| {
            let records = found.iter().filter_map(|found| found.record.as_ref());
            items.extend(records.map(|record| record.item()));
            Ok::<_, Trouble>(())
        });
        if let Walked::Complete = walked.await? {
            return Ok(items);
        }
    }
    let wanted: HashSet<Id> = ids.iter().copied().collect();
    let mut listing = session::list(asker.control, peer, scope, MESSAGES).await?;
    listing.items.retain(|item| wanted.contains(&item.id));
    Ok(listing.items)
}
