//! An archive that is held to a retention policy, and followed, while a command writes to it.

use std::sync::Arc;

use store_adapter::archive::{self, ArchiveOptions};
use store_adapter::{ArchiveUrl, RetentionPolicy};
use tokio::task::JoinSet;

use super::db::refused;
use crate::exit::Failure;
use crate::retention;
use crate::store::Store;

/// Opens the archive at `url`, which is made if it isn't there, and holds it to `policy`.
pub(super) async fn open_kept(
    url: &ArchiveUrl,
    policy: RetentionPolicy,
) -> Result<Arc<Store>, Failure> {
    let options = ArchiveOptions {
        disk_cap: policy.size,
        ..ArchiveOptions::default()
    };
    let archive = archive::open(url, &options).await?;
    Store::kept(archive, policy).await.map_err(refused)
}

/// Such an archive, looked after until this is dropped.
pub(super) struct Tended {
    pub(super) store: Arc<Store>,
    _tasks: JoinSet<()>,
}

impl Tended {
    pub(super) async fn open(url: &ArchiveUrl, policy: RetentionPolicy) -> Result<Self, Failure> {
        let store = open_kept(url, policy).await?;
        let mut tasks = JoinSet::new();
        if let Some(keeper) = store.take_keeper() {
            tasks.spawn(retention::run(keeper));
        }
        tasks.spawn(Arc::clone(&store).follow());
        Ok(Self {
            store,
            _tasks: tasks,
        })
    }
}
