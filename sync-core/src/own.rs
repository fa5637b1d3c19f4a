//! This project's own protocol, `/waku-store-sync/reconcile/1.0.0`: a hello each way, negentropy
//! V1 messages, and then the ids that the responder lacks.
//!
//! | first byte | frame | then |
//! |---|---|---|
//! | `0x01` | hello | a [`Hello`] (protobuf) |
//! | `0x61` | reconcile | the rest of a negentropy V1 message |
//! | `0x02` | have | 1 if it is the last of its kind, else 0; then ids of 32 bytes each |
//! | `0x03` | noted | how many ids have been noted so far, LEB128 |
//! | `0x04` | refusal | a [`Refusal`] (protobuf) |
//! | `0x05` | list | nothing, or an item: time in LEB128, then 32 bytes of id |
//! | `0x06` | items | 1 if it is the last of its kind, else 0; then items, their times as differences |
//!
//! ```text
//! initiator                         responder
//!   hello (the scope it wants)  →
//!                               ←   hello (the scope they share) or refusal
//!   reconcile                   →
//!                               ←   reconcile              … as often as it takes
//!   have (ids)                  →
//!                               ←   noted                  … until the last
//! ```
//!
//! After that each side knows what it lacks and pulls it by whatever means; nobody pushes.
//!
//! An initiator that wants to know what the responder holds, and holds nothing itself, lists it instead: with a
//! responder whose hello has the bit [`LISTS`] it sends list frames, each answered by an items frame, and an
//! empty have frame at the end ([`Lister`]).

mod frame;
mod hello;
mod initiator;
mod items;
mod lister;
mod responder;

pub use frame::{Frame, Refusal, refusal};
pub use hello::{Hello, Span};
pub use initiator::Initiator;
pub use lister::{Listed, Lister};
pub use responder::Responder;

/// The protocol's id on libp2p.
pub const PROTOCOL_ID: &str = "/waku-store-sync/reconcile/1.0.0";

/// The bit in a responder's [`Hello::features`] that says that it answers list frames.
pub const LISTS: u64 = 1;

/// Refusal code: another session with this peer goes on, or there are too many of them.
pub const BUSY: u32 = 1;

/// Refusal code: no time or topic is in the scope of both sides.
pub const NOTHING_IN_COMMON: u32 = 2;

/// Refusal code: the frame before was malformed or out of place.
pub const BAD_FRAME: u32 = 3;
