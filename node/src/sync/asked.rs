//! What is being asked of peers, so that two sessions that owe a hash don't both fetch it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sync_core::Id;
use tokio::time::Instant;

/// Hashes that some job asks a peer for, and since when.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    overlap: Duration,
    hashes: Arc<Mutex<HashMap<Id, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    since: Instant,
    /// How many queries are about it: after the overlap there may be several.
    queries: usize,
}

impl Asked {
    /// Nothing yet; a hash keeps others from asking for `overlap`, or a peer that never answers
    /// would keep what others could deliver from being fetched.
    pub(super) fn new(overlap: Duration) -> Self {
        Self {
            overlap,
            hashes: Arc::default(),
        }
    }

    /// Has `choose` choose a batch among the hashes that aren't asked for, and takes them.
    pub(super) fn choose(
        &self,
        choose: impl FnOnce(&mut dyn FnMut(&Id) -> bool) -> Option<Vec<Id>>,
    ) -> Option<Asking> {
        let mut hashes = self.hashes.lock();
        let mut free = |hash: &Id| {
            hashes
                .get(hash)
                .is_none_or(|entry| entry.since.elapsed() >= self.overlap)
        };
        let chosen = choose(&mut free)?;
        let since = Instant::now();
        for hash in &chosen {
            let entry = hashes.entry(*hash).or_insert(Entry { since, queries: 0 });
            entry.since = since;
            entry.queries += 1;
        }
        Some(Asking {
            asked: self.clone(),
            hashes: chosen,
        })
    }
}

/// A batch that is asked for; free for others when dropped.
#[derive(Debug)]
pub(super) struct Asking {
    asked: Asked,
    pub(super) hashes: Vec<Id>,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut hashes = self.asked.hashes.lock();
        for hash in &self.hashes {
            if let Some(entry) = hashes.get_mut(hash) {
                entry.queries -= 1;
                if entry.queries == 0 {
                    hashes.remove(hash);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(asked: &Asked, hash: Id) -> Option<Asking> {
        asked.choose(|free| free(&hash).then(|| vec![hash]))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_is_free_after_the_answer_or_the_overlap() {
        let asked = Asked::new(Duration::from_secs(1));
        let (one, other) = (Id([1; 32]), Id([2; 32]));
        let first = choose(&asked, one).unwrap();
        assert!(choose(&asked, one).is_none());
        assert!(choose(&asked, other).is_some());
        tokio::time::advance(Duration::from_millis(999)).await;
        assert!(choose(&asked, one).is_none());
        tokio::time::advance(Duration::from_millis(1)).await;
        let second = choose(&asked, one).unwrap();
        drop(first);
        assert!(choose(&asked, one).is_none(), "the second one still asks");
        drop(second);
        assert!(choose(&asked, one).is_some());
        assert!(asked.hashes.lock().is_empty());
    }
}
