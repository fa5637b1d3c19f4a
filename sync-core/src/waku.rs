//! Waku's reconciliation 1.0.0 (`/vac/waku/reconciliation/1.0.0`) as nwaku deploys it.
//!
//! A [`Payload`] is a line of adjoining ranges, each of them skipped, fingerprinted (xor of the
//! ids) or listed. Both sides answer what they get range by range until one has nothing but skips
//! to say, and both learn the differences. [`Initiator`] and [`Responder`] are the two sides.
//!
//! Each division leaves a sixteenth of the divider's items in a part, and lists of at most 32 or
//! of 8 ns end it. So over a and b items a session takes at most D(a) + D(b) + 4 frames, and more
//! only where frames are full. D(n), how often n items are divided, is 0 for n up to 32; at most
//! L = log16 n, rounded up, if no 8 ns hold more than 16 items; and at most (L - 1)(L + 6) / 2 if
//! some do, since no bound lies in the last 8 ns of a range. Limits bound it in any case.
//!
//! ```
//! use sync_core::waku::{HeaderForm, Initiator, Responder};
//! use sync_core::{
//!     Id, Item, ItemSet, Range, RangeTree, Scope, Session, SessionLimits, Slice, Source, SourceError,
//! };
//!
//! struct Held(RangeTree);
//!
//! impl Source for Held {
//!     fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
//!         // One topic only, so the window is all there is to a scope.
//!         Ok(Box::new(Slice::new(self.0.snapshot(), scope.window)))
//!     }
//! }
//!
//! let held = |id| Box::new(Held(RangeTree::from_unsorted(vec![Item::new(7, Id([id; 32]))])));
//! let scope = Scope::of_window(Range::of_times(0, 1_000));
//! let (form, limits) = (HeaderForm::Topics, SessionLimits::default());
//! let (mut initiator, frame) = Initiator::start(held(1), scope.clone(), form, limits.clone())?;
//! let mut responder = Responder::new(held(2), scope, form, limits);
//! let (mut have, mut need, mut frame) = (Vec::new(), Vec::new(), Some(frame));
//! while let Some(asked) = frame.take() {
//!     if let Some(answer) = responder.receive(&asked)?.reply {
//!         let step = initiator.receive(&answer)?;
//!         have.extend(step.have);
//!         need.extend(step.need);
//!         frame = step.reply;
//!     }
//! }
//! assert_eq!((have, need), (vec![Id([1; 32])], vec![Id([2; 32])]));
//! # Ok::<(), sync_core::SessionError>(())
//! ```
//!
//! # What the deployed peer makes necessary
//!
//! nwaku reads every lower bound as `(timestamp, 0)`, so bounds lie at timestamps only. It divides
//! by time into eight parts, and drops a fingerprint from its answer when that range is shorter
//! than 8 ns and holds over 100 items of its own; its encoder then lets the next range begin where
//! the dropped one did, which makes it claim things about items it never looked at. All of this
//! follows from a *fingerprint* over less than [`MIN_FINGERPRINT_SPAN`] nanoseconds, and these
//! sessions send none: such a range goes as an item set, whatever its size. Everything else is
//! answered completely by that peer, so the differences named here are the true ones in both
//! roles, whatever the peer learns itself.
//!
//! A range in which nothing is held is answered as *not* reconciled, so that the peer lists what
//! it has there. An upper bound is excluded; nwaku includes an item that equals it, so items
//! outside their range are passed over, and found again in the range that they belong to.
//!
//! # What is refused, and what isn't
//!
//! Ranges of one frame adjoin and ascend by construction of the format. A range other than a skip
//! whose upper bound carries a hash is refused: read the way nwaku reads it, it would overlap the
//! next one. Parts of a range outside the session's window or below the floor of the
//! [`Source`](crate::Source) are answered by a skip, and items there are neither offered nor asked
//! for. Items that aren't in order are put in order. A frame that leaves a part of what was asked
//! unanswered has that part asked again; a peer that ends the session that way is a
//! [`SessionError::Protocol`](crate::SessionError), never a success.
//!
//! The two header forms share a protocol id. A frame of the other form than this side's is refused
//! as such, also where it could be read as one of this side's.
//!
//! # What can't be told from here
//!
//! nwaku treats a filter of topics of which it holds no message as no filter. Such a peer is
//! recognised when more than half of what it lists is held here under topics outside the scope and
//! none of it inside; it then counts as holding nothing in the scope. Where the two archives share
//! nothing at all, its ids are reported as needed, and turn out to be of other topics when fetched.
//!
//! The fingerprint is linear: who may publish messages at will can cancel a message's id with
//! 256 others or so, and hide it from sessions of this dialect.

mod compare;
mod engine;
mod filtering;
mod foreign;
mod header;
mod payload;
mod reply;
mod session;
mod splitting;
mod wire;

pub use header::{Header, HeaderForm};
pub use payload::{Content, Payload, PayloadPart, PayloadRange};
pub use session::{Initiator, Responder};
pub use splitting::{MIN_FINGERPRINT_SPAN, Splitting};

/// The last timestamp that frames carry, in nanoseconds since 1970 (in the year 2262): integers take
/// at most nine bytes of LEB128. As upper bounds are excluded, sessions leave out items from here on.
pub const TIME_END: u64 = i64::MAX as u64;
