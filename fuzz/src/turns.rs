//! What an adversary does in its turn: says what is well formed, out of place, bent, or said before.

use arbitrary::Arbitrary;

/// What an adversary does in its turn.
#[derive(Arbitrary, Clone, Debug)]
pub enum Turn {
    /// Sends bytes.
    Raw(Vec<u8>),
    /// Sends a negentropy message, of this version if it isn't version 1.
    Negentropy(Option<u8>, Vec<Told>),
    /// Sends a payload of the `waku` dialect.
    Waku(Topics, Position, Vec<Told>),
    /// Sends a hello of the own protocol.
    Hello(Greeting),
    /// Sends ids of the own protocol.
    Have(bool, Vec<Listed>),
    /// Notes as many ids as there are, or so many.
    Noted(Option<u64>),
    /// Declines.
    Refusal(u32, String),
    /// Sends back what the session has sent last.
    Echo,
    /// Sends again what was sent so many turns ago.
    Again(u8),
    /// Sends what the session has sent last, or what was sent last, bent.
    Bent {
        own: bool,
        at: u16,
        flip: u8,
        cut: Option<u16>,
    },
}

/// What is said about a range that begins where the one before ended.
#[derive(Arbitrary, Clone, Debug)]
pub struct Told {
    pub(crate) upper: Position,
    pub(crate) content: Said,
    /// Whether it is said over and over, each time a bit further on.
    pub(crate) repeated: bool,
}

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Said {
    Skip,
    Fingerprint(u8),
    Items {
        listed: Vec<Listed>,
        reconciled: bool,
    },
}

/// A position.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Position {
    /// Where the one before is.
    Same,
    /// So many nanoseconds behind the one before.
    Further(u8),
    /// At the item of the session's set that has this rank.
    Item(u8),
    /// At any time, with an id of which one byte isn't zero.
    Any(u64, u8),
    /// Past everything.
    End,
}

/// An item of a list.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Listed {
    /// Of the session's set, by rank.
    Held(u8),
    /// Another one.
    Foreign(u8),
}

/// Topics that a payload names.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Topics {
    pub(crate) pubsub: u8,
    pub(crate) content: bool,
    pub(crate) cluster: Option<u16>,
}

/// What a hello says.
#[derive(Arbitrary, Clone, Debug)]
pub struct Greeting {
    pub(crate) since: Position,
    pub(crate) until: Option<Position>,
    pub(crate) topics: u8,
    pub(crate) content_topic: bool,
    pub(crate) frame_bytes: u32,
    pub(crate) items: u64,
    pub(crate) gaps: u8,
    pub(crate) floor: Option<Position>,
    pub(crate) id_bytes: u8,
}
