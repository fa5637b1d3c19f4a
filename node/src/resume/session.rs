//! Filling a slice of a gap by a reconciliation, and what a reconciliation proves.

use store_adapter::{Gaps, Span};
use sync_core::{PeerState, Range, Scope, TopicFilter};

use crate::net::lacks_of;
use crate::sync::Synced;

/// The times that a range of items covers whole.
pub(crate) fn span_of(range: &Range) -> Span {
    Span::new(range.lower.timestamp(), range.upper.timestamp())
}

/// The times in which this side lacks nothing any more that the peer of a sync held, and the peer
/// vouches that it held everything: those that both agreed on and the peer doesn't say that it
/// lacks. None if a message stays owed, or the peer doesn't keep all the topics of `served`.
pub(crate) fn vouched(synced: &Synced, served: &Scope) -> Vec<Span> {
    match (&synced.session.peer, &synced.session.agreed) {
        (Some(peer), Some(agreed)) if synced.job.fetch.owed() == 0 => {
            vouched_by(peer, agreed, served)
        }
        _ => Vec::new(),
    }
}

fn vouched_by(peer: &PeerState, agreed: &Scope, served: &Scope) -> Vec<Span> {
    // A node that has no list of its topics takes the peer's for one.
    let keeps = |own: &TopicFilter, agreed: &TopicFilter| *own == TopicFilter::All || own == agreed;
    let all_topics = keeps(&served.pubsub_topics, &agreed.pubsub_topics)
        && keeps(&served.content_topics, &agreed.content_topics);
    // One that holds nothing and doesn't say since when it would, was perhaps never online before.
    let knows = peer.oldest.is_some() || peer.items > 0;
    if !all_topics || !knows {
        return Vec::new();
    }
    let lacks: Gaps = lacks_of(peer);
    lacks.outside(span_of(&agreed.window))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_vouches_for_what_it_holds_of_what_was_agreed_on() {
        let all = Scope::of_window(Range::of_times(10, 100));
        let topics = |topics: &[&str]| Scope {
            pubsub_topics: TopicFilter::from_wire(topics.iter().copied()),
            ..all.clone()
        };
        let mut peer = PeerState {
            oldest: Some(20),
            gaps: vec![Range::of_times(30, 40)],
            ..PeerState::default()
        };
        let held = [Span::new(20, 30), Span::new(40, 100)];
        assert_eq!(vouched_by(&peer, &all, &all), held);
        assert_eq!(vouched_by(&peer, &topics(&["a"]), &all), held);
        let (a, both) = (topics(&["a"]), topics(&["a", "b"]));
        assert_eq!(vouched_by(&peer, &a, &a), held);
        assert_eq!(vouched_by(&peer, &a, &both), [], "it doesn't keep b");
        peer.oldest = None;
        assert_eq!(vouched_by(&peer, &all, &all), [], "it holds nothing");
        peer.items = 1;
        assert_eq!(
            vouched_by(&peer, &all, &all),
            [Span::new(10, 30), Span::new(40, 100)]
        );
    }
}
