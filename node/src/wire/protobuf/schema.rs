//! The messages, as tables of their fields.

use prost::encoding::WireType;
use store_adapter::limits::GROUP_DEPTH;

/// Deepest nesting of groups in fields that `prost` skips.
const SKIPPED_GROUP_DEPTH: usize = 100;

/// A message type.
#[derive(Debug)]
pub(in crate::wire) struct Schema {
    pub(super) name: &'static str,
    pub(super) fields: &'static [FieldType],
    /// Deepest nesting of groups in fields that the type doesn't know.
    pub(super) group_depth: usize,
}

/// A field of a message type.
#[derive(Debug)]
pub(super) struct FieldType {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Uint32,
    Uint64,
    Bool,
    /// uint64, nanoseconds since 1970.
    Time,
    /// sint64, nanoseconds since 1970.
    SignedTime,
    Text,
    Bytes,
    /// Bytes that are the application's.
    Payload,
    Message(&'static Schema),
    /// Bytes that should be a message, and are taken if they aren't.
    PerhapsMessage(&'static Schema),
    /// Numbers of 32 bits, packed or one by one.
    Uint32s,
    /// The same, packed; a field of this number that isn't is skipped.
    PackedUint32s,
}

impl Kind {
    /// Whether a decoder that knows the field takes it in this form.
    pub(super) const fn takes(self, wire_type: WireType) -> bool {
        match self {
            Self::Uint32 | Self::Uint64 | Self::Bool | Self::Time | Self::SignedTime => {
                matches!(wire_type, WireType::Varint)
            }
            Self::Uint32s => matches!(wire_type, WireType::Varint | WireType::LengthDelimited),
            _ => matches!(wire_type, WireType::LengthDelimited),
        }
    }

    /// The forms that are taken, for people.
    pub(super) const fn form(self) -> &'static str {
        match self {
            Self::Uint32s => "as a varint (wire type 0) or packed (wire type 2)",
            kind if kind.takes(WireType::Varint) => "as a varint (wire type 0)",
            _ => "with a length (wire type 2)",
        }
    }
}

impl Schema {
    /// The field of this number, unless it is skipped in this form.
    pub(super) fn field(&self, number: u32, wire_type: WireType) -> Option<&'static FieldType> {
        let field = self.fields.iter().find(|field| field.number == number)?;
        match field.kind {
            Kind::PackedUint32s if !field.kind.takes(wire_type) => None,
            _ => Some(field),
        }
    }
}

const fn one(number: u32, name: &'static str, kind: Kind) -> FieldType {
    FieldType {
        number,
        name,
        kind,
        repeated: false,
    }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> FieldType {
    FieldType {
        number,
        name,
        kind,
        repeated: true,
    }
}

const fn message(name: &'static str, fields: &'static [FieldType]) -> Schema {
    Schema {
        name,
        fields,
        group_depth: SKIPPED_GROUP_DEPTH,
    }
}

static SPAN: Schema = message(
    "a gap",
    &[one(1, "since", Kind::Time), one(2, "until", Kind::Time)],
);

pub(in crate::wire) static HELLO: Schema = message(
    "a hello",
    &[
        one(1, "since", Kind::Time),
        one(2, "since_id", Kind::Bytes),
        one(3, "until", Kind::Time),
        many(4, "pubsub_topics", Kind::Text),
        many(5, "content_topics", Kind::Text),
        one(6, "frame_bytes", Kind::Uint64),
        one(7, "items", Kind::Uint64),
        one(8, "oldest", Kind::Time),
        many(9, "gaps", Kind::Message(&SPAN)),
        one(10, "floor", Kind::Time),
        one(11, "floor_id", Kind::Bytes),
        one(12, "features", Kind::Uint64),
    ],
);

pub(in crate::wire) static REFUSAL: Schema = message(
    "a refusal",
    &[one(1, "code", Kind::Uint32), one(2, "reason", Kind::Text)],
);

static RATE_LIMIT_PROOF: Schema = message(
    "a rate limit proof",
    &[
        one(1, "proof", Kind::Bytes),
        one(2, "merkle_root", Kind::Bytes),
        one(3, "epoch", Kind::Bytes),
        one(4, "share_x", Kind::Bytes),
        one(5, "share_y", Kind::Bytes),
        one(6, "nullifier", Kind::Bytes),
        one(7, "rln_identifier", Kind::Bytes),
    ],
);

static WAKU_MESSAGE: Schema = Schema {
    name: "a Waku message",
    fields: &[
        one(1, "payload", Kind::Payload),
        one(2, "content_topic", Kind::Text),
        one(3, "version", Kind::Uint32),
        one(10, "timestamp", Kind::SignedTime),
        one(11, "meta", Kind::Bytes),
        one(
            21,
            "rate_limit_proof",
            Kind::PerhapsMessage(&RATE_LIMIT_PROOF),
        ),
        one(31, "ephemeral", Kind::Bool),
    ],
    group_depth: GROUP_DEPTH,
};

pub(in crate::wire) static TRANSFER: Schema = message(
    "a transfer frame",
    &[
        one(1, "pubsub_topic", Kind::Text),
        one(2, "message", Kind::Message(&WAKU_MESSAGE)),
    ],
);

pub(in crate::wire) static STORE_REQUEST: Schema = message(
    "a store request",
    &[
        one(1, "request_id", Kind::Text),
        one(2, "include_data", Kind::Bool),
        one(10, "pubsub_topic", Kind::Text),
        many(11, "content_topics", Kind::Text),
        one(12, "time_start", Kind::SignedTime),
        one(13, "time_end", Kind::SignedTime),
        many(20, "message_hashes", Kind::Bytes),
        one(51, "pagination_cursor", Kind::Bytes),
        one(52, "pagination_forward", Kind::Bool),
        one(53, "pagination_limit", Kind::Uint64),
    ],
);

/// The number of the field of a store response in which its messages are.
pub(in crate::wire) const STORE_RESPONSE_MESSAGES: u32 = 20;

static STORED_MESSAGE: Schema = message(
    "a stored message",
    &[
        one(1, "message_hash", Kind::Bytes),
        one(2, "message", Kind::Message(&WAKU_MESSAGE)),
        one(3, "pubsub_topic", Kind::Text),
    ],
);

pub(in crate::wire) static STORE_RESPONSE: Schema = message(
    "a store response",
    &[
        one(1, "request_id", Kind::Text),
        one(10, "status_code", Kind::Uint32),
        one(11, "status_desc", Kind::Text),
        many(
            STORE_RESPONSE_MESSAGES,
            "messages",
            Kind::Message(&STORED_MESSAGE),
        ),
        one(51, "pagination_cursor", Kind::Bytes),
    ],
);

pub(in crate::wire) static METADATA: Schema = message(
    "a metadata message",
    &[
        one(1, "cluster_id", Kind::Uint32),
        many(2, "shards_unpacked", Kind::Uint32s),
        many(3, "shards", Kind::PackedUint32s),
    ],
);
