//! What a peer has said of the times that it holds.

use std::time::Duration;

use store_adapter::{Gaps, Span};
use sync_core::{Bound, PeerState};
use tokio::time::Instant;

/// What a peer's last hello said that it lacks.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    lacks: Gaps,
    learned: Instant,
}

impl Claims {
    /// What a hello says that came just now.
    pub(crate) fn of(state: &PeerState) -> Self {
        Self {
            lacks: lacks_of(state),
            learned: Instant::now(),
        }
    }

    /// The times that the peer lacks, unless that was learned longer than `fresh` ago.
    pub(super) fn lacks(&self, fresh: Duration) -> Option<&Gaps> {
        (self.learned.elapsed() <= fresh).then_some(&self.lacks)
    }
}

/// The times in which a peer doesn't hold everything, as it says: those before its oldest message,
/// those below its floor, and its gaps.
pub(crate) fn lacks_of(state: &PeerState) -> Gaps {
    let floor = state.floor.map_or(0, |floor| match floor {
        Bound::Infinity => u64::MAX,
        floor if floor > Bound::at_time(floor.timestamp()) => floor.timestamp().saturating_add(1),
        floor => floor.timestamp(),
    });
    let begins = state.oldest.unwrap_or_default().max(floor);
    let gaps = state.gaps.iter();
    let gaps = gaps.map(|gap| Span::new(gap.lower.timestamp(), gap.upper.timestamp()));
    gaps.chain([Span::new(0, begins)]).collect()
}

#[cfg(test)]
mod tests {
    use sync_core::{Id, Item, Range};

    use super::*;

    fn lacks(state: &PeerState) -> Vec<Span> {
        lacks_of(state).iter().collect()
    }

    #[test]
    fn a_peer_lacks_what_is_before_its_oldest_below_its_floor_and_in_its_gaps() {
        let silent = PeerState::default();
        assert_eq!(lacks(&silent), []);
        let mut state = PeerState {
            oldest: Some(10),
            floor: Some(Bound::at_time(8)),
            gaps: vec![Range::of_times(20, 30)],
            ..silent
        };
        assert_eq!(lacks(&state), [Span::new(0, 10), Span::new(20, 30)]);
        // Of the nanosecond of its floor it holds a part only.
        state.floor = Some(Bound::Before(Item::new(14, Id([1; 32]))));
        assert_eq!(lacks(&state), [Span::new(0, 15), Span::new(20, 30)]);
        state.floor = Some(Bound::Infinity);
        assert_eq!(lacks(&state), [Span::ALL]);
    }
}
