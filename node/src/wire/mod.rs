//! Frames taken apart for people and programs: what `wakustore wire decode` shows.
//!
//! Whether a frame is taken, and what it means, is for the decoders that a node reads its peers
//! with; what is here adds where each part stands, and why a node refuses a well-formed frame.
//! [`inspect`] gives a frame as data, from which both the text and the JSON are made.

mod fault;
mod inspection;
pub mod limits;
mod metadata;
mod negentropy;
mod own;
mod protobuf;
mod ranges;
mod reconciliation;
mod rows;
mod store;
mod summary;
mod text;
mod transfer;

use clap::ValueEnum;
use serde::Serialize;

pub use fault::{Around, Fault};
pub use inspection::{Description, Inspection, Outcome, Parts, inspect};
pub use metadata::MetadataParts;
pub use negentropy::NegentropyParts;
pub use own::{HelloParts, OwnParts, ScopeParts, StateParts};
pub use protobuf::{Field, FieldValue, Fields};
pub use ranges::{ItemParts, Position, RangeContent, RangeParts};
pub use reconciliation::{Head, Placed, ReconciliationParts, Topics};
pub use store::{QueryParts, StoreRequestParts, StoreResponseParts, StoredHashes};
pub use transfer::TransferParts;

/// A format of frames.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Waku's reconciliation 1.0.0
    Reconciliation,
    /// A negentropy V1 message
    Negentropy,
    /// This project's own protocol: hello, reconcile, have, noted, refusal
    Own,
    /// A message and its topic, as pushed after a reconciliation
    Transfer,
    /// A Store v3 query
    StoreRequest,
    /// The answer to a Store v3 query
    StoreResponse,
    /// Cluster and shards, request and response alike
    Metadata,
}

impl Protocol {
    /// Its value on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reconciliation => "reconciliation",
            Self::Negentropy => "negentropy",
            Self::Own => "own",
            Self::Transfer => "transfer",
            Self::StoreRequest => "store-request",
            Self::StoreResponse => "store-response",
            Self::Metadata => "metadata",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_has_one_name_on_the_command_line_and_in_json() {
        for protocol in Protocol::value_variants() {
            let value = protocol.to_possible_value().unwrap();
            assert_eq!(value.get_name(), protocol.name());
            let json = serde_json::to_value(protocol).unwrap();
            assert_eq!(json, protocol.name());
        }
    }
}
