//! Counts a node by this project's protocol.

use std::collections::HashSet;

use libp2p::PeerId;
use store_adapter::store::StoreCriteria;
use sync_core::{Id, Item, ItemSetMut, PeerState, RangeTree, Scope};

use super::asker::{Asker, Walked};
use super::session::{self, Differences, Trouble};
use crate::census::limits::{MESSAGES, TIMES_ASKED};
use crate::census::roll::Roll;
use crate::census::span::Span;
use crate::net::protocols::STORE;
use crate::sync::report::grouped;

/// What came of it, besides what the node holds.
pub(super) struct Reconciled {
    pub(super) state: PeerState,
    /// Whether it says that it has nothing to do with what was asked for.
    pub(super) apart: bool,
    /// How many messages it holds that nobody else does, and of which it has told no time of the span.
    untimed: usize,
}

impl Reconciled {
    /// Why what is known of it isn't all, if so.
    pub(super) fn doubt(&self) -> Option<String> {
        (self.untimed > 0).then(|| {
            format!(
                "it has told no time within the span of {} of the messages that it says to hold: they are left out",
                grouped(self.untimed as u64)
            )
        })
    }
}

/// Lists the node if nothing is known yet, else reconciles it with what is; `known` and `roll` have afterwards what
/// it holds.
pub(super) async fn count(
    asker: &Asker<'_>,
    number: usize,
    peer: PeerId,
    known: &mut RangeTree,
    roll: &mut Roll,
) -> Result<Reconciled, Trouble> {
    let scope = asker.wanted.scope();
    let (items, reconciled) = if known.first().is_none() {
        let listing = session::list(asker.control, peer, &scope, MESSAGES).await?;
        let reconciled = Reconciled {
            state: listing.state,
            apart: listing.apart,
            untimed: 0,
        };
        (listing.items, reconciled)
    } else {
        let found = session::compare(asker.control, peer, &scope, known).await?;
        let need: HashSet<Id> = found.need.iter().copied().collect();
        let mut items = with_times(asker, peer, &scope, &need).await?;
        let untimed = keep_timed(&mut items, need, &asker.wanted.span);
        let lacks = lacks(&found, known);
        roll.holds_all_but(number, &|id| lacks.contains(id));
        let reconciled = Reconciled {
            apart: found.agreed.is_none(),
            state: found.state,
            untimed,
        };
        (items, reconciled)
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
    Ok(reconciled)
}

/// Leaves those that were needed and lie in the span, each once; gives how many of those needed aren't among them.
fn keep_timed(items: &mut Vec<Item>, mut needed: HashSet<Id>, span: &Span) -> usize {
    items.retain(|item| span.bucket_of(item.timestamp).is_some() && needed.remove(&item.id));
    needed.len()
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

/// Items of these ids, which the node holds, as far as it tells their times; perhaps others too. Few are asked for by
/// Store queries, which tell times with the data; for many, or if these don't tell all, the node is listed.
async fn with_times(
    asker: &Asker<'_>,
    peer: PeerId,
    scope: &Scope,
    ids: &HashSet<Id>,
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
        // What a Store query gives is among what it asked for, each once.
        if matches!(walked.await?, Walked::Complete) && items.len() >= ids.len() {
            return Ok(items);
        }
    }
    let mut listing = session::list(asker.control, peer, scope, MESSAGES).await?;
    listing.items.retain(|item| ids.contains(&item.id));
    Ok(listing.items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(timestamp: u64, number: u8) -> Item {
        Item {
            timestamp,
            id: Id([number; 32]),
        }
    }

    #[test]
    fn messages_of_which_no_time_was_told_are_told_of() {
        let span = Span::new(100, 200, 50).unwrap().unwrap();
        let needed = || (1..=4).map(|number| Id([number; 32])).collect();
        // One of them twice, one outside the span, one not at all, one that wasn't asked for.
        let mut items = vec![
            item(100, 1),
            item(199, 2),
            item(150, 1),
            item(200, 3),
            item(120, 9),
        ];
        assert_eq!(keep_timed(&mut items, needed(), &span), 2);
        assert_eq!(items, [item(100, 1), item(199, 2)]);
        let mut all: Vec<Item> = (1..=4).map(|number| item(150, number)).collect();
        assert_eq!(keep_timed(&mut all, needed(), &span), 0);
        assert_eq!(all.len(), 4);

        let reconciled = |untimed| Reconciled {
            state: PeerState::default(),
            apart: false,
            untimed,
        };
        assert_eq!(reconciled(0).doubt(), None);
        let doubt = reconciled(2).doubt().unwrap();
        assert!(doubt.contains("no time within the span of 2 of"), "{doubt}");
    }
}
