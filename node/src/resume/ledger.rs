//! What a node knows of its absences, kept in the archive: when it was last online, the gaps that
//! nobody has filled, and those that one peer alone has filled.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use parking_lot::Mutex;
use store_adapter::{Archive, ArchiveError, Gaps, Span};
use tokio::time::Instant;

use super::absence::Absences;

/// The start of the name of the side state; the node's peer id follows, since several nodes may
/// share an archive.
const STATE: &str = "last-online/";

/// The absences of one node, in memory and in its archive.
#[derive(Debug)]
pub struct Ledger {
    archive: Arc<dyn Archive>,
    name: String,
    absences: Mutex<Absences>,
    /// Held while the archive is written, so that it never goes back; and when that last was.
    saved: tokio::sync::Mutex<Instant>,
}

impl Ledger {
    /// Reads what `archive` keeps of the node `peer`, which starts at `now`, in nanoseconds since
    /// 1970. What came since it was last online counts as missing, `overlap` nanoseconds before
    /// included.
    ///
    /// # Errors
    /// When the archive can't be read.
    pub(crate) async fn open(
        archive: Arc<dyn Archive>,
        peer: PeerId,
        now: u64,
        overlap: u64,
    ) -> Result<Self, ArchiveError> {
        let name = format!("{STATE}{peer}");
        let mut absences = match archive.state(&name).await? {
            None => Absences::default(),
            Some(bytes) => Absences::decode(&bytes).unwrap_or_else(|| {
                let bytes = bytes.len();
                tracing::warn!(bytes, "what is kept of absences is garbled: ignoring it");
                Absences::default()
            }),
        };
        absences.start(now, overlap);
        Ok(Self {
            archive,
            name,
            absences: Mutex::new(absences),
            saved: tokio::sync::Mutex::new(Instant::now()),
        })
    }

    /// The times in which messages are known to be missing.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        self.absences.lock().gaps.clone()
    }

    /// The times that a single peer has filled, which may itself have lacked some.
    #[must_use]
    pub fn unconfirmed(&self) -> Gaps {
        self.absences.lock().unconfirmed.clone()
    }

    /// When the node was last online, in nanoseconds since 1970.
    #[must_use]
    pub fn last_online(&self) -> Option<u64> {
        self.absences.lock().last_online
    }

    /// Looks at the absences, or changes them.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Absences) -> T) -> T {
        act(&mut self.absences.lock())
    }

    /// A peer that holds all of `spans` has given what was missing there; gives whether any of it
    /// was a gap.
    pub(crate) fn fill(&self, spans: &[Span]) -> bool {
        self.with(|absences| {
            let before = absences.gaps.length();
            absences.filled(spans);
            absences.gaps.length() != before
        })
    }

    /// Stores everything. A failure is logged: what isn't stored is done again after the next start.
    pub(crate) async fn save(&self) {
        let mut saved = self.saved.lock().await;
        let Some(bytes) = self.with(|absences| absences.encode()) else {
            return;
        };
        if let Err(error) = self.archive.set_state(&self.name, Some(bytes)).await {
            tracing::warn!(%error, "the last time online can't be stored");
        }
        *saved = Instant::now();
    }

    /// Stores everything unless that was done within `interval`.
    pub(crate) async fn save_every(&self, interval: Duration) {
        let due = self.saved.lock().await.elapsed() >= interval;
        if due {
            self.save().await;
        }
    }
}
