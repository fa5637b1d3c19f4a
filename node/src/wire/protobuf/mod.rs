//! Protobuf messages field by field, with offsets: the project's own decoders of them say only that
//! something is wrong. What a node makes of a message is still for those to say.

mod field;
mod schema;
#[cfg(test)]
mod tests;
mod walk;

pub use field::{Field, FieldValue, Fields};
pub(super) use schema::{
    HELLO, METADATA, REFUSAL, STORE_REQUEST, STORE_RESPONSE, STORE_RESPONSE_MESSAGES, TRANSFER,
};
pub(super) use walk::walk;
