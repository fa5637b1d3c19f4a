//! What the page is read from.

use std::sync::Arc;

use sync_net::{AdmissionLimits, Control};
use tokio::time::Instant;

use super::Watched;
use crate::counts::CountsHandle;
use crate::health::Health;
use crate::net::PeerTable;
use crate::rates::{Limiter, RateConfig};
use crate::relay::Relay;
use crate::resume::Resume;
use crate::store::Store;
use crate::sync::Syncer;

/// The parts of a running node that the page is read from.
pub(crate) struct Sources {
    /// Its archive.
    pub(crate) store: Arc<Store>,
    /// What the archive holds, counted.
    pub(crate) counts: CountsHandle,
    /// Its sync.
    pub(crate) syncer: Arc<Syncer>,
    /// What peers had.
    pub(crate) limiter: Arc<Limiter>,
    /// What they may have.
    pub(crate) rates: RateConfig,
    /// How many of them there may be.
    pub(crate) admission: AdmissionLimits,
    /// The network layer.
    pub(crate) control: Control,
    /// Who is there.
    pub(crate) peers: Arc<PeerTable>,
    /// Its relay, if it takes part.
    pub(crate) relay: Option<Relay>,
    /// How it makes up for absences, if it does.
    pub(crate) resume: Option<Arc<Resume>>,
    /// How it is.
    pub(crate) health: Arc<Health>,
    /// What is read by a task.
    pub(crate) watched: Arc<Watched>,
    /// When it started.
    pub(crate) started: Instant,
}

impl Sources {
    /// The task that reads what can't be read without waiting.
    pub(crate) fn watch(&self) -> impl Future<Output = ()> + Send + use<> {
        let watched = Arc::clone(&self.watched);
        let (health, archive) = (Arc::clone(&self.health), Arc::clone(self.store.archive()));
        watched.watch(health, archive, self.relay.clone())
    }
}
