//! Negentropy V1 (version byte `0x61`): codec and sessions.
//!
//! The format and the splitting are those of the negentropy protocol V1
//! (<https://github.com/hoytech/negentropy>): frames are the same, byte for byte, as those of the
//! reference implementations without a frame limit, and of the `negentropy` crate 0.5.3 with one.
//! Only the initiator learns the differences.

mod batch;
mod compare;
mod engine;
mod initiator;
mod responder;
mod wire;

pub use engine::MIN_FRAME_BYTES;
pub(crate) use engine::{Engine, Role};
pub use initiator::Initiator;
pub use responder::Responder;
pub use wire::{
    Decoder, Encoder, FINGERPRINT_BYTES, Mode, PROTOCOL_VERSION, PrefixBound, RangeHead,
};
