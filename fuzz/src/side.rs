//! One side of a session: how it holds its items, and what it bounds.

use arbitrary::Arbitrary;
use sync_core::{Bound, Item, Range, Scope, SessionLimits, TopicFilter};

use crate::source::{Held, Kind, TOPICS, topic};

/// A side as far as it isn't its items.
#[derive(Arbitrary, Debug)]
pub struct Side {
    /// How its set is held.
    pub kind: Kind,
    /// So much longer than the shortest, if frames are bounded.
    pub frame_bytes: Option<u16>,
    /// The first and the last item that the window reaches, by rank.
    window: Option<(u16, u16)>,
    /// The first item that isn't below the floor, by rank.
    floor: Option<u16>,
    /// A bit for each topic; none for all topics.
    topics: u8,
}

impl Side {
    /// Limits under which frames are of at least `shortest` bytes, or not bounded.
    pub fn limits(&self, shortest: usize) -> SessionLimits {
        let frame_bytes = self
            .frame_bytes
            .map(|bytes| shortest + usize::from(bytes) % 20_000);
        SessionLimits {
            frame_bytes_sent: frame_bytes.unwrap_or_default(),
            ..SessionLimits::default()
        }
    }

    /// The items, which are in order, and the floor among them.
    pub fn held(&self, items: &[Item]) -> Held {
        let floor = self.floor.and_then(|rank| items.get(usize::from(rank)));
        let floor = floor.map_or(Bound::MIN, |item| Bound::Before(*item));
        Held::new(items, self.kind, floor)
    }

    /// What it wants to talk about, by these items.
    pub fn scope(&self, items: &[Item]) -> Scope {
        let at = |rank: u16| items.get(usize::from(rank)).copied();
        let (lower, upper) = self.window.unwrap_or((0, u16::MAX));
        // The end of a window is a time.
        let upper = at(upper).map_or(Bound::Infinity, |item| Bound::at_time(item.timestamp));
        let lower = at(lower).map_or(Bound::MIN, Bound::Before);
        let named = (0..TOPICS).filter(|shard| self.topics >> shard & 1 == 1);
        Scope {
            pubsub_topics: TopicFilter::from_wire(named.map(topic)),
            ..Scope::of_window(Range::new(lower, upper))
        }
    }
}
