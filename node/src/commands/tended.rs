//! An archive that is held to a retention policy, and followed, while a command writes to it.

use std::sync::Arc;

use store_adapter::archive::{self, ArchiveOptions};
use store_adapter::limits::{ARCHIVE_CONNECTIONS, IngestLimits, MESSAGE_BYTES_MOST};
use store_adapter::{ArchiveUrl, RetentionPolicy};
use tokio::task::JoinSet;

use super::db::refused;
use crate::exit::Failure;
use crate::retention;
use crate::store::Store;

/// Opens the archive at `url`, which is made if it isn't there, by at most so many connections where it
/// is a server's, and holds it to `policy` and what comes in to `limits`.
pub(super) async fn open_kept(
    url: &ArchiveUrl,
    policy: RetentionPolicy,
    limits: IngestLimits,
    max_connections: usize,
) -> Result<Arc<Store>, Failure> {
    let options = ArchiveOptions {
        disk_cap: policy.size,
        max_connections,
    };
    let archive = archive::open(url, &options).await?;
    Store::kept_with(archive, policy, limits)
        .await
        .map_err(refused)
}

/// Such an archive, looked after until this is dropped.
pub(super) struct Tended {
    pub(super) store: Arc<Store>,
    _tasks: JoinSet<()>,
}

impl Tended {
    pub(super) async fn open(url: &ArchiveUrl, policy: RetentionPolicy) -> Result<Self, Failure> {
        // It may be an archive of a network with longer messages than most.
        let limits = IngestLimits {
            message_bytes: MESSAGE_BYTES_MOST,
            ..IngestLimits::default()
        };
        let store = open_kept(url, policy, limits, ARCHIVE_CONNECTIONS).await?;
        let mut tasks = JoinSet::new();
        if let Some(keeper) = store.take_keeper() {
            tasks.spawn(retention::run(keeper, Arc::clone(store.observed())));
        }
        tasks.spawn(Arc::clone(&store).follow());
        Ok(Self {
            store,
            _tasks: tasks,
        })
    }
}
