//! No cleverness: one side sends all its hashes, the other answers with the difference.

use std::cmp::Ordering;

use benches::{Competitor, Laps, Outcome, Side};
use sync_core::{Id, Item};

const ID_BYTES: usize = size_of::<Id>();

/// All ids of each side in order of their bytes, as an archive's index by hash has them: so no
/// timestamp need be sent, and comparing is one pass.
#[derive(Debug)]
pub(crate) struct EveryHash {
    left: Vec<Id>,
    right: Vec<Id>,
}

impl EveryHash {
    /// `left` is the initiator's set.
    pub(crate) fn new(left: &[Item], right: &[Item]) -> Self {
        let by_id = |items: &[Item]| {
            let mut ids: Vec<Id> = items.iter().map(|item| item.id).collect();
            ids.sort_unstable();
            ids
        };
        Self {
            left: by_id(left),
            right: by_id(right),
        }
    }
}

impl Competitor for EveryHash {
    fn name(&self) -> &str {
        "every hash"
    }

    fn reconcile(&self, laps: &mut Laps) -> Outcome {
        let mut outcome = Outcome::default();
        let mut frame = Vec::with_capacity(ID_BYTES * self.left.len());
        write_ids(&mut frame, &self.left);
        laps.end_turn(Side::Initiator);

        outcome.up.add(&frame);
        let answer = answer(&frame, &self.right);
        laps.end_turn(Side::Responder);

        outcome.down.add(&answer);
        let (count, ids) = answer.split_at(8);
        let count = u64::from_le_bytes(count.try_into().expect("split after eight bytes"));
        let (have, need) = ids.split_at(ID_BYTES * count as usize);
        outcome.have.extend(ids_of(have));
        outcome.need.extend(ids_of(need));
        laps.end_turn(Side::Initiator);
        outcome
    }
}

/// How many ids only the frame has (8 bytes), those, and those that only `ours` has.
fn answer(frame: &[u8], ours: &[Id]) -> Vec<u8> {
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let mut ours = ours.iter().copied().peekable();
    for theirs in ids_of(frame) {
        loop {
            match ours
                .peek()
                .map_or(Ordering::Greater, |our| our.cmp(&theirs))
            {
                Ordering::Less => need.extend(ours.next()),
                Ordering::Equal => {
                    ours.next();
                    break;
                }
                Ordering::Greater => {
                    have.push(theirs);
                    break;
                }
            }
        }
    }
    need.extend(ours);
    let mut answer = Vec::with_capacity(8 + ID_BYTES * (have.len() + need.len()));
    answer.extend((have.len() as u64).to_le_bytes());
    write_ids(&mut answer, &have);
    write_ids(&mut answer, &need);
    answer
}

fn write_ids(out: &mut Vec<u8>, ids: &[Id]) {
    ids.iter().for_each(|id| out.extend_from_slice(&id.0));
}

fn ids_of(bytes: &[u8]) -> impl Iterator<Item = Id> {
    let (ids, _) = bytes.as_chunks::<ID_BYTES>();
    ids.iter().map(|id| Id(*id))
}
