//! Who holds what, and what of that is missing where. Pure: nodes and buckets are numbers.

use std::collections::HashMap;

use sync_core::Id;

use super::node_set::NodeSet;

/// Who holds which messages, as far as nodes have answered.
#[derive(Clone, Debug)]
pub(crate) struct Roll {
    entries: HashMap<Id, Entry>,
    /// For each node whether it has told all that it holds of each bucket.
    answered: Vec<Vec<bool>>,
    most: usize,
}

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    bucket: u32,
    held: NodeSet,
    /// Who seemed to lack it and couldn't be asked again.
    unsure: NodeSet,
}

/// More messages than there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("more than {0} messages: count less time, or fewer topics")]
pub(crate) struct TooMany(pub(crate) usize);

/// What a node holds of a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cell {
    /// Messages that it holds.
    pub(crate) messages: u64,
    /// Messages that others hold and it doesn't.
    pub(crate) missing: u64,
    /// Messages that it seemed to lack, when it couldn't be asked again.
    pub(crate) unsure: u64,
}

/// A bucket.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Row {
    /// Messages that any node is known to hold.
    pub(crate) messages: u64,
    /// For each node what it holds; `None` if it didn't answer.
    pub(crate) cells: Vec<Option<Cell>>,
}

/// A message that is missing somewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Missing {
    pub(crate) bucket: usize,
    pub(crate) id: Id,
    /// Who lacks it.
    pub(crate) lacking: NodeSet,
    /// Who may lack it.
    pub(crate) unsure: NodeSet,
    /// Who holds it.
    pub(crate) held: NodeSet,
}

impl Roll {
    /// Nobody has answered yet; at most `most` messages will be held.
    pub(crate) fn new(nodes: usize, buckets: usize, most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            answered: vec![vec![false; buckets]; nodes],
            most,
        }
    }

    /// A node holds this message, which is of `bucket` unless it is known already.
    pub(crate) fn holds(&mut self, node: usize, bucket: usize, id: Id) -> Result<(), TooMany> {
        if self.entries.len() >= self.most && !self.entries.contains_key(&id) {
            return Err(TooMany(self.most));
        }
        let entry = self.entries.entry(id).or_insert(Entry {
            bucket: u32::try_from(bucket).unwrap_or(u32::MAX),
            held: NodeSet::default(),
            unsure: NodeSet::default(),
        });
        entry.held.insert(node);
        Ok(())
    }

    /// A node holds all that is known so far, but for what `lacks` has.
    pub(crate) fn holds_all_but(&mut self, node: usize, lacks: &dyn Fn(&Id) -> bool) {
        for (id, entry) in &mut self.entries {
            if !lacks(id) {
                entry.held.insert(node);
            }
        }
    }

    /// Forgets what a node has told, and what nobody else holds.
    pub(crate) fn withdraw(&mut self, node: usize) {
        self.answered[node].fill(false);
        self.entries.retain(|_, entry| {
            entry.held.remove(node);
            entry.unsure.remove(node);
            !entry.held.is_empty()
        });
    }

    /// A node has told all that it holds of a bucket.
    pub(crate) fn answered(&mut self, node: usize, bucket: usize) {
        if let Some(answered) = self.answered[node].get_mut(bucket) {
            *answered = true;
        }
    }

    /// A node has told all that it holds.
    pub(crate) fn answered_all(&mut self, node: usize) {
        self.answered[node].fill(true);
    }

    /// What others hold and a node lacks, of the buckets from `first` on that it has answered for: `most` of it, in
    /// order, any others being noted as unsure; and how many these are.
    pub(crate) fn absent(&mut self, node: usize, first: usize, most: usize) -> (Vec<Id>, usize) {
        let (mut ids, mut others) = (Vec::new(), 0);
        for (id, entry) in &mut self.entries {
            let bucket = entry.bucket as usize;
            let answered = self.answered[node].get(bucket) == Some(&true);
            if bucket < first || !answered || entry.held.contains(node) {
                continue;
            }
            if ids.len() < most {
                ids.push(*id);
            } else {
                entry.unsure.insert(node);
                others += 1;
            }
        }
        ids.sort_unstable();
        (ids, others)
    }

    /// A node holds these after all.
    pub(crate) fn turned_up(&mut self, node: usize, ids: &[Id]) {
        self.each(ids, |entry| entry.held.insert(node));
    }

    /// A node couldn't be asked again for these.
    pub(crate) fn unsure(&mut self, node: usize, ids: &[Id]) {
        self.each(ids, |entry| entry.unsure.insert(node));
    }

    /// Each bucket, and in it each node.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let nodes = self.answered.len();
        let buckets = self.answered.first().map_or(0, Vec::len);
        let cell = |node: &Vec<bool>, bucket: usize| node[bucket].then(Cell::default);
        let mut rows: Vec<Row> = (0..buckets)
            .map(|bucket| Row {
                messages: 0,
                cells: self
                    .answered
                    .iter()
                    .map(|node| cell(node, bucket))
                    .collect(),
            })
            .collect();
        for entry in self.entries.values() {
            let Some(row) = rows.get_mut(entry.bucket as usize) else {
                continue;
            };
            row.messages += 1;
            for node in 0..nodes {
                if let Some(cell) = &mut row.cells[node] {
                    cell.add(entry, node);
                }
            }
        }
        rows
    }

    /// What is missing anywhere, or may be, by bucket and id.
    pub(crate) fn missing(&self) -> Vec<Missing> {
        let of = |(id, entry): (&Id, &Entry)| {
            let mut lacking = NodeSet::default();
            let absent = (0..self.answered.len())
                .filter(|node| !entry.held.contains(*node) && !entry.unsure.contains(*node))
                .filter(|node| self.has_answered(*node, entry));
            absent.for_each(|node| lacking.insert(node));
            let mut unsure = entry.unsure;
            entry.held.iter().for_each(|node| unsure.remove(node));
            (!lacking.is_empty() || !unsure.is_empty()).then_some(Missing {
                bucket: entry.bucket as usize,
                id: *id,
                lacking,
                unsure,
                held: entry.held,
            })
        };
        let mut missing: Vec<Missing> = self.entries.iter().filter_map(of).collect();
        missing.sort_unstable_by_key(|missing| (missing.bucket, missing.id));
        missing
    }

    fn has_answered(&self, node: usize, entry: &Entry) -> bool {
        let answered = self.answered[node].get(entry.bucket as usize);
        answered.is_some_and(|answered| *answered)
    }

    fn each(&mut self, ids: &[Id], change: impl Fn(&mut Entry)) {
        for id in ids {
            self.entries.get_mut(id).into_iter().for_each(&change);
        }
    }
}

impl Cell {
    fn add(&mut self, entry: &Entry, node: usize) {
        if entry.held.contains(node) {
            self.messages += 1;
        } else if entry.unsure.contains(node) {
            self.unsure += 1;
        } else {
            self.missing += 1;
        }
    }
}

#[cfg(test)]
#[path = "roll_tests.rs"]
mod tests;
