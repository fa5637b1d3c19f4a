//! Negentropy V1 (version byte `0x61`): codec and sessions.
//!
//! The format is that of the negentropy protocol V1 (<https://github.com/hoytech/negentropy>), which
//! leaves open how ranges are split. With [`Division::Reference`] frames are the same, byte for byte, as
//! those of the reference implementations without a frame limit, and of the `negentropy` crate 0.5.3
//! with one; by default they are split so that a session takes less time and fewer bytes, and either
//! side may do the one or the other. Only the initiator learns the differences.
//!
//! # Coming from the `negentropy` crate
//!
//! The loop around a session stays as it is; what changes is where sessions come from:
//!
//! | the crate | here |
//! |---|---|
//! | `NegentropyStorageVector`, filled and sealed for each session | a [`RangeTree`](crate::RangeTree) that is kept and changes, a [`snapshot`](crate::RangeTree::snapshot) of it for each session, a [`Slice`](crate::Slice) for a window |
//! | `Negentropy::borrowed(&storage, limit)?`, then `initiate()?` | [`Initiator::start`]`(set, SessionLimits::with_frame_limit(limit))?` gives the session and its first frame |
//! | `reconcile_with_ids(&frame, &mut have, &mut need)?` | [the same](Initiator::reconcile_with_ids) |
//! | `Negentropy::borrowed(&storage, limit)?`, not initiated | [`Responder::new`]`(set, SessionLimits::with_frame_limit(limit))?` |
//! | `reconcile(&frame)?` | [the same](Responder::reconcile) |
//!
//! A fingerprint then takes O(log n) instead of O(n), and each id is told once in a session, where the
//! crate may repeat it. Frames that a hostile peer could send are bounded by
//! [`SessionLimits`](crate::SessionLimits).
//!
//! ```
//! use negentropy::{Negentropy, NegentropyStorageVector};
//! use sync_core::negentropy::Responder;
//! use sync_core::{Id, Item, ItemSetMut, RangeTree, SessionLimits};
//!
//! // A client that uses the crate ...
//! let mut storage = NegentropyStorageVector::new();
//! storage.insert(1, negentropy::Id::from_byte_array([1; 32]))?;
//! storage.seal()?;
//! let mut initiator = Negentropy::owned(storage, 60_000)?;
//!
//! // ... and a relay that has moved.
//! let mut events = RangeTree::new();
//! events.insert(Item::new(2, Id([2; 32])));
//! let limits = SessionLimits::with_frame_limit(60_000);
//! let mut responder = Responder::new(events.snapshot(), limits)?;
//! events.insert(Item::new(3, Id([3; 32]))); // The session doesn't see it.
//!
//! let (mut have, mut need) = (Vec::new(), Vec::new());
//! let mut frame = initiator.initiate()?;
//! loop {
//!     let answer = responder.reconcile(&frame)?;
//!     match initiator.reconcile_with_ids(&answer, &mut have, &mut need)? {
//!         Some(next) => frame = next,
//!         None => break,
//!     }
//! }
//! assert_eq!(have, [negentropy::Id::from_byte_array([1; 32])]);
//! assert_eq!(need, [negentropy::Id::from_byte_array([2; 32])]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/migrate.rs` has the same program with either.

mod batch;
mod compare;
mod division;
mod engine;
mod initiator;
mod lists;
mod responder;
mod splits;
mod wire;

pub use division::Division;
pub use engine::MIN_FRAME_BYTES;
pub(crate) use engine::{Engine, Role};
pub use initiator::Initiator;
pub use responder::Responder;
pub use wire::{
    Decoder, Encoder, FINGERPRINT_BYTES, Mode, PROTOCOL_VERSION, PrefixBound, RangeHead,
};
