//! What happens on a walk besides messages.

use std::fmt;

use sync_core::Id;

use crate::store::StoreAnswerError;

/// Something that whoever reads stores should be told.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Notice<P> {
    /// A peer isn't asked for a while.
    BackedOff {
        /// Which one.
        peer: P,
        /// Until when, in nanoseconds of the caller's clock.
        until: u64,
        /// Why.
        why: Trouble,
    },
    /// A peer is asked for less at a time.
    AskedForLess {
        /// Which one.
        peer: P,
        /// How many messages, or hashes.
        page: usize,
        /// Why.
        why: Trouble,
    },
    /// A peer isn't asked any more.
    Left {
        /// Which one.
        peer: P,
        /// Why.
        why: Trouble,
    },
    /// Another peer is asked from here on.
    Turned {
        /// The one asked before.
        from: P,
        /// The one asked now.
        to: P,
    },
    /// A peer doesn't know the message that was read last, so that the walk goes on there without
    /// it: from the time of that message, or from the beginning. What was given isn't given again.
    WithoutCursor {
        /// Which one.
        peer: P,
        /// The time, in nanoseconds since 1970, if it is known.
        time: Option<u64>,
    },
}

impl<P: fmt::Display> fmt::Display for Notice<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BackedOff { peer, why, .. } => write!(f, "{peer} is asked again later: {why}"),
            Self::AskedForLess { peer, page, why } => {
                write!(f, "{peer} is asked for {page} at a time: {why}")
            }
            Self::Left { peer, why } => write!(f, "{peer} isn't asked any more: {why}"),
            Self::Turned { from, to } => write!(f, "going on at {to} instead of {from}"),
            Self::WithoutCursor { peer, time } => {
                write!(
                    f,
                    "{peer} doesn't know the message read last; going on there from "
                )?;
                match time {
                    Some(time) => write!(f, "its time, {time} ns"),
                    None => f.write_str("the beginning"),
                }
            }
        }
    }
}

/// Why a peer gives nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// No answer came.
    #[error("it gave no answer: {0}")]
    NoAnswer(String),
    /// It can't be asked.
    #[error("{0}")]
    Unfit(String),
    /// An answer came that gives no page.
    #[error("{0}")]
    Answer(#[from] StoreAnswerError),
    /// A message isn't that of its hash.
    #[error("it gave a message of hash 0x{actual} as that of 0x{stated}")]
    WrongHash {
        /// The hash that it stated.
        stated: Id,
        /// The hash of what it gave.
        actual: Id,
    },
    /// A message lacks its data, which were asked for, or has a time before 1970.
    #[error("it gave no message of hash 0x{0}, only the hash")]
    NoData(Id),
    /// A message wasn't asked for.
    #[error("it gave the message of hash 0x{0}, which wasn't asked for")]
    Unasked(Id),
    /// It says that more follows, and gives the same or nothing.
    #[error("it says that more follows, but gives nothing new")]
    NoProgress,
    /// It can't go on from where the walk is.
    #[error("it doesn't know the message to go on from")]
    UnknownCursor,
}

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// A peer has said that nothing more matches; by hashes, every peer that still answers has been
    /// asked for every hash that none before had.
    Complete,
    /// As many messages were read as were asked for, or as are read at most.
    Enough,
    /// No peer is left to be asked.
    NobodyLeft,
}
