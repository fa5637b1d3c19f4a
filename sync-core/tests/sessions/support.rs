//! What the session tests share: sets, their true difference, and the run of a session.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sync_core::{Id, Item, RangeTree, Session, View};

pub(crate) use crate::items::{id, true_differences};

/// So many items of one timestamp.
pub(crate) fn items_at(timestamp: u64, count: u64) -> Vec<Item> {
    (0..count)
        .map(|number| Item::new(timestamp, id(number)))
        .collect()
}

/// Two sets without a common item, `each` items a side.
pub(crate) fn split_pair(each: u64) -> (Vec<Item>, Vec<Item>) {
    let items: Vec<Item> = (0..2 * each).map(|n| Item::new(n, id(n))).collect();
    items.into_iter().partition(|item| item.timestamp % 2 == 0)
}

/// Two overlapping sets of up to `most` items: spread, clustered and equal timestamps, ids that
/// share long prefixes.
pub(crate) fn arbitrary_pair(most: usize) -> impl Strategy<Value = (Vec<Item>, Vec<Item>)> {
    let spread = prop_oneof![Just(1u64), Just(3), Just(50), Just(u64::MAX / 4)];
    let only_one_in = prop_oneof![Just(2u64), Just(10), Just(300), Just(u64::MAX)];
    (0..most, spread, only_one_in, any::<u64>(), any::<bool>()).prop_map(
        |(count, spread, only_one_in, seed, similar)| {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for number in 0..count as u64 {
                let random = id(seed.wrapping_add(number)).0;
                let word = |at: usize| u64::from_le_bytes(random[at..at + 8].try_into().unwrap());
                let mut id = id(word(0));
                if similar {
                    id.0[..20].fill(7);
                }
                let item = Item::new(word(8) % spread, id);
                match word(16) % only_one_in {
                    0 => ours.push(item),
                    1 => theirs.push(item),
                    _ => {
                        ours.push(item);
                        theirs.push(item);
                    }
                }
            }
            (ours, theirs)
        },
    )
}

/// What both sides of a session reported.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The initiator's `have` and `need`.
    pub(crate) initiator: (Vec<Id>, Vec<Id>),
    /// The responder's `have` and `need`.
    pub(crate) responder: (Vec<Id>, Vec<Id>),
    /// How many frames each side sent.
    pub(crate) frames: (usize, usize),
    /// How many bytes each side sent.
    pub(crate) bytes: (usize, usize),
}

/// Runs a session to its end.
pub(crate) fn sync(
    initiator: &mut dyn Session,
    first: Vec<u8>,
    responder: &mut dyn Session,
) -> Told {
    let mut told = Told::default();
    let mut frame = first;
    loop {
        told.frames.0 += 1;
        told.bytes.0 += frame.len();
        let step = responder.receive(&frame).unwrap();
        told.responder.0.extend(step.have);
        told.responder.1.extend(step.need);
        let Some(answer) = step.reply else { break };
        told.frames.1 += 1;
        told.bytes.1 += answer.len();
        let step = initiator.receive(&answer).unwrap();
        told.initiator.0.extend(step.have);
        told.initiator.1.extend(step.need);
        let Some(next) = step.reply else { break };
        frame = next;
        assert!(told.frames.0 < 10_000, "a session without end");
    }
    told
}

/// The items as several trees: by id, or by time, which the shards then share very unevenly.
pub(crate) fn view(items: &[Item], shards: usize, by_time: bool) -> View<RangeTree> {
    let latest = items.iter().map(|item| item.timestamp).max().unwrap_or(0);
    let shard_of = |item: &Item| {
        if by_time {
            (item.timestamp as u128 * shards as u128 / (u128::from(latest) + 1)) as usize
        } else {
            usize::from(item.id.0[31]) % shards
        }
    };
    (0..shards)
        .map(|shard| {
            let of_shard = items.iter().filter(|item| shard_of(item) == shard);
            of_shard.copied().collect::<RangeTree>()
        })
        .collect()
}

/// Each difference is there, and once.
pub(crate) fn assert_differences(ours: &[Item], theirs: &[Item], have: Vec<Id>, need: Vec<Id>) {
    let (true_have, true_need) = true_differences(ours, theirs);
    assert_eq!((have.len(), need.len()), (true_have.len(), true_need.len()));
    assert_eq!(have.into_iter().collect::<BTreeSet<_>>(), true_have);
    assert_eq!(need.into_iter().collect::<BTreeSet<_>>(), true_need);
}
