//! The `negentropy` crate as a speaker of the line protocol.

use std::collections::BTreeSet;

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use sync_core::Item;

use crate::driver::Speaker;

/// The crate may name an id again when frames are limited, which the suite takes for a fault: only what
/// is new is passed on.
pub(crate) struct Peer {
    session: Negentropy<'static, NegentropyStorageVector>,
    told: BTreeSet<Id>,
}

impl Peer {
    pub(crate) fn new(items: &[Item], frame_limit: usize) -> Self {
        let mut storage = NegentropyStorageVector::with_capacity(items.len());
        for item in items {
            let id = Id::from_byte_array(item.id.0);
            storage.insert(item.timestamp, id).unwrap();
        }
        storage.seal().unwrap();
        Self {
            session: Negentropy::owned(storage, frame_limit as u64).unwrap(),
            told: BTreeSet::new(),
        }
    }
}

impl Speaker for Peer {
    fn ask(&mut self, command: &str) -> Vec<String> {
        let line = |message: Vec<u8>| format!("msg,{}", hex::encode(message));
        let Some(message) = command.strip_prefix("msg,") else {
            assert_eq!(command, "initiate");
            return vec![line(self.session.initiate().unwrap())];
        };
        let message = hex::decode(message).unwrap();
        if !self.session.is_initiator() {
            return vec![line(self.session.reconcile(&message).unwrap())];
        }
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let next = self
            .session
            .reconcile_with_ids(&message, &mut have, &mut need);
        let mut lines = Vec::new();
        for (what, ids) in [("have", have), ("need", need)] {
            let fresh = ids.into_iter().filter(|id| self.told.insert(*id));
            lines.extend(fresh.map(|id| format!("{what},{}", hex::encode(id.to_bytes()))));
        }
        lines.push(next.unwrap().map_or_else(|| "done".to_owned(), line));
        lines
    }
}
