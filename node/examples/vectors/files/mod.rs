//! The vectors, a file for each format.

mod hash;
mod metadata;
mod negentropy;
mod own;
mod own_hello;
mod reconciliation;
mod reconciliation_invalid;
mod store_request;
mod store_response;
mod transfer;
pub(crate) mod vector;

use sync_core::waku::HeaderForm;
use vector::File;

/// All files, in the order of their names.
pub(crate) fn all() -> Vec<File> {
    vec![
        hash::file(),
        metadata::file(),
        negentropy::file(),
        own::file(),
        reconciliation::file("reconciliation-cluster.json", HeaderForm::Cluster(99)),
        reconciliation::file("reconciliation-topics.json", HeaderForm::Topics),
        store_request::file(),
        store_response::file(),
        transfer::file(),
    ]
}
