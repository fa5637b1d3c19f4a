//! Range-based set reconciliation over `(timestamp, id)` items.
//!
//! Two parties that each hold a set of [`Item`]s find out which ids only one of them has, by
//! exchanging fingerprints of ever smaller ranges. This crate is the engine: the sets, their
//! summaries, the session state machines and the wire codecs. It has no clock, no randomness, no
//! I/O and no async; frames go in as bytes and come out as bytes.
#![no_std]

extern crate alloc;

pub mod cut;
pub mod digest;
mod fetch;
pub mod item;
mod limbs;
pub mod limits;
pub mod negentropy;
pub mod own;
pub mod scope;
pub mod session;
pub mod set;
pub mod sha256;
pub mod sorted;
pub mod summary;
pub mod tree;
pub mod varint;
pub mod view;
pub mod waku;

pub use cut::{Cut, Part, Section, Share};
pub use digest::{SetDigest, digest};
pub use item::{Bound, Id, Item, Range};
pub use limits::SessionLimits;
pub use scope::{Scope, Source, SourceError, TopicFilter};
pub use session::{Dialect, PeerState, Pool, Session, SessionError, Step};
pub use set::{ItemSet, ItemSetMut, Slice};
pub use sorted::SortedItems;
pub use summary::{Summary, Tally};
pub use tree::RangeTree;
pub use view::View;
