//! The messages of `/vac/waku/metadata/1.0.0`: cluster and shards of a node.
//!
//! Request and response have one form. Shards are sent twice, unpacked in field 2, which is all
//! that js-waku reads, and packed in field 3, which nwaku reads.

use prost::DecodeError;
use prost::encoding::{self, DecodeContext, WireType};

use crate::limits::METADATA_BYTES;

const CLUSTER: u32 = 1;
const SHARDS_UNPACKED: u32 = 2;
const SHARDS: u32 = 3;

/// What a node tells of itself, in request and response alike.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct WakuMetadata {
    /// The cluster; nwaku disconnects from a peer that tells none or another.
    pub cluster_id: Option<u32>,
    /// The shards.
    pub shards: Vec<u32>,
}

impl WakuMetadata {
    /// What a node of this cluster and these shards tells.
    ///
    /// # Errors
    /// When there are so many shards that the message is longer than [`METADATA_BYTES`].
    pub fn new(cluster_id: Option<u32>, shards: Vec<u32>) -> Result<Self, MetadataError> {
        let metadata = Self { cluster_id, shards };
        check_length(metadata.encode().len())?;
        Ok(metadata)
    }

    /// The message, without the stream's length prefix.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(cluster_id) = &self.cluster_id {
            encoding::uint32::encode(CLUSTER, cluster_id, &mut out);
        }
        for shard in &self.shards {
            encoding::uint32::encode(SHARDS_UNPACKED, shard, &mut out);
        }
        let mut packed = Vec::new();
        for shard in &self.shards {
            encoding::encode_varint(u64::from(*shard), &mut packed);
        }
        encoding::bytes::encode(SHARDS, &packed, &mut out);
        out
    }

    /// Reads a message, without the stream's length prefix.
    ///
    /// Shards are those of field 3, and only if it names none those of field 2, which may be packed
    /// or not. Unknown fields and shards in a field 3 that isn't packed are skipped, as nwaku does.
    ///
    /// # Errors
    /// When it is longer than [`METADATA_BYTES`] or isn't of the format.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, MetadataError> {
        check_length(bytes.len())?;
        let buf = &mut bytes;
        let (mut cluster_id, mut unpacked, mut shards) = (None, Vec::new(), Vec::new());
        while !buf.is_empty() {
            let (tag, wire_type) = encoding::decode_key(buf)?;
            let ctx = DecodeContext::default();
            match (tag, wire_type) {
                (CLUSTER, _) => {
                    let cluster = cluster_id.get_or_insert_default();
                    encoding::uint32::merge(wire_type, cluster, buf, ctx)?;
                }
                (SHARDS_UNPACKED, _) => {
                    encoding::uint32::merge_repeated(wire_type, &mut unpacked, buf, ctx)?;
                }
                (SHARDS, WireType::LengthDelimited) => {
                    encoding::uint32::merge_repeated(wire_type, &mut shards, buf, ctx)?;
                }
                _ => encoding::skip_field(wire_type, tag, buf, ctx)?,
            }
        }
        if shards.is_empty() {
            shards = unpacked;
        }
        Ok(Self { cluster_id, shards })
    }
}

fn check_length(bytes: usize) -> Result<(), MetadataError> {
    if bytes > METADATA_BYTES {
        return Err(MetadataError::TooLong { bytes });
    }
    Ok(())
}

/// Why a metadata message can't be sent or read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// It is longer than deployed nodes take.
    #[error("a metadata message has at most {METADATA_BYTES} bytes, this one {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It isn't of the format.
    #[error("expected a metadata message: {0}")]
    Malformed(#[from] DecodeError),
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::{bytes_of, vectors};

    fn metadata_of(fields: &Value) -> WakuMetadata {
        let as_u32 = |value: &Value| value.as_u64().map(|number| u32::try_from(number).unwrap());
        WakuMetadata {
            cluster_id: as_u32(&fields["clusterId"]),
            shards: fields["shards"]
                .as_array()
                .unwrap()
                .iter()
                .map(|shard| as_u32(shard).unwrap())
                .collect(),
        }
    }

    #[test]
    fn recorded_messages_decode_and_encode_to_the_same_bytes() {
        let vectors = vectors("store_query.json");
        let recorded = vectors["metadata"].as_array().unwrap();
        assert!(recorded.len() >= 6);
        for vector in recorded {
            let metadata = metadata_of(vector);
            for wire in ["requestWire", "responseWire"] {
                let wire = bytes_of(&vector[wire]).unwrap();
                assert_eq!(metadata.encode(), wire, "{vector}");
                assert_eq!(WakuMetadata::decode(&wire).unwrap(), metadata, "{vector}");
            }
        }
    }

    #[test]
    fn foreign_encodings_are_read_as_nwaku_reads_them() {
        let vectors = vectors("store_query.json");
        let recorded = vectors["metadataDecode"].as_array().unwrap();
        assert!(recorded.len() >= 7);
        for vector in recorded {
            let wire = bytes_of(&vector["wire"]).unwrap();
            let decoded = WakuMetadata::decode(&wire).unwrap();
            assert_eq!(decoded, metadata_of(&vector["decoded"]["ok"]), "{vector}");
        }
    }

    #[test]
    fn a_message_past_the_limit_is_neither_sent_nor_read() {
        let of_shards = |count| WakuMetadata::new(Some(99), vec![1; count]);
        let longest = of_shards((METADATA_BYTES - 5) / 3).unwrap().encode();
        assert!(longest.len() > METADATA_BYTES - 3);
        assert!(WakuMetadata::decode(&longest).is_ok());
        assert!(matches!(
            of_shards(METADATA_BYTES / 3),
            Err(MetadataError::TooLong { .. })
        ));
        assert!(matches!(
            WakuMetadata::decode(&[0x10; METADATA_BYTES + 1]),
            Err(MetadataError::TooLong { bytes: 1_025 })
        ));
    }

    #[test]
    fn bytes_that_are_no_message_are_refused() {
        for wire in [&b"\xff\xff"[..], b"\x1a\x05\x00", b"\x0a\x01a", b"\x08"] {
            assert!(WakuMetadata::decode(wire).is_err(), "{wire:x?}");
        }
    }
}
