//! How Waku's reconciliation writes topics.

use clap::ValueEnum;
use sync_core::waku::HeaderForm;

/// The form of the headers of Waku's reconciliation 1.0.0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum SyncWireArg {
    /// Names of pubsub topics, as nwaku 0.37 and later have it
    #[default]
    Topics,
    /// The cluster and its shards, as nwaku 0.36 has it
    Cluster,
}

impl SyncWireArg {
    /// The form, in a network of this cluster.
    #[must_use]
    pub fn form(self, cluster_id: u16) -> HeaderForm {
        match self {
            Self::Topics => HeaderForm::Topics,
            Self::Cluster => HeaderForm::Cluster(cluster_id),
        }
    }
}
