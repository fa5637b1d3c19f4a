//! A metadata message.

use serde::Serialize;
use store_adapter::WakuMetadata;
use store_adapter::limits::METADATA_BYTES;

use super::fault::Fault;
use super::protobuf::{Fields, METADATA, walk};
use super::rows::Rows;
use super::summary::Summary;
use super::text::counted;

/// Cluster and shards of a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MetadataParts {
    /// The fields.
    #[serde(flatten)]
    pub fields: Fields,
    /// The cluster, if it is told.
    pub cluster_id: Option<u32>,
    /// The shards, as a reader takes them.
    pub shards: Vec<u32>,
}

impl MetadataParts {
    /// Reads a message; gives also what is odd about it.
    pub(super) fn decode(frame: &[u8]) -> Result<(Self, Vec<String>), Fault> {
        Fault::at_most("metadata_bytes", frame.len(), METADATA_BYTES)?;
        let fields = walk(&METADATA, frame, 0)?;
        let metadata = WakuMetadata::decode(frame).map_err(|error| Fault::undecodable(0, error))?;
        let parts = Self {
            fields,
            cluster_id: metadata.cluster_id,
            shards: metadata.shards,
        };
        let notes = match parts.cluster_id {
            None => vec!["no cluster: nwaku disconnects from a node that tells none".into()],
            Some(_) => Vec::new(),
        };
        Ok((parts, notes))
    }

    pub(super) fn rows(&self, rows: &mut Rows) {
        self.fields.rows(rows);
    }

    pub(super) fn summary(&self, summary: &mut Summary) {
        let cluster = self.cluster_id.map(|cluster| cluster.to_string());
        summary.line("cluster", cluster.unwrap_or("none".into()));
        let shards: Vec<String> = self.shards.iter().map(ToString::to_string).collect();
        let named = match shards.len() {
            0 => String::new(),
            _ => format!(": {}", shards.join(", ")),
        };
        summary.line("shards", counted(shards.len(), "shard") + &named);
    }
}
