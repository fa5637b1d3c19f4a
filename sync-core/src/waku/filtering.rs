//! Whether a peer minds the topics of the session.

use super::compare::within;
use super::payload::{Content, Payload};
use super::reply::contains;
use super::splitting::Span;
use crate::item::{Item, Range};
use crate::scope::{Scope, Source, TopicFilter};
use crate::session::SessionError;
use crate::set::ItemSet;

/// What is known about it. nwaku takes a filter as none when it holds no message of its topics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Filtering {
    /// Nothing yet.
    Unknown,
    /// It listed an item that is in the scope.
    Minded,
    /// It lists what is outside: it holds nothing in the scope.
    Ignored,
}

impl Filtering {
    /// Learns from the items that the peer lists in `payload`, which are in order.
    ///
    /// A hash commits to its topic, so what is held here outside the scope can't be inside it at
    /// the peer's. It takes more than half of the list to conclude from that, because somebody who
    /// publishes can make two messages of different topics share a hash, and must not be able to
    /// hide a peer's items by one such pair.
    pub(super) fn observe(
        &mut self,
        payload: &Payload,
        scope: &Scope,
        set: &dyn ItemSet,
        source: &dyn Source,
    ) -> Result<(), SessionError> {
        let filtered = [&scope.pubsub_topics, &scope.content_topics]
            .into_iter()
            .any(|filter| *filter != TopicFilter::All);
        if !filtered || *self != Self::Unknown || listed(payload, &scope.window).next().is_none() {
            return Ok(());
        }
        if listed(payload, &scope.window).any(|item| contains(set, item)) {
            *self = Self::Minded;
            return Ok(());
        }
        let everything = source.open(&Scope::of_window(scope.window))?;
        let (outside, all) = listed(payload, &scope.window).fold((0, 0), |(outside, all), item| {
            (outside + usize::from(contains(&everything, item)), all + 1)
        });
        if outside > all / 2 {
            *self = Self::Ignored;
        }
        Ok(())
    }
}

fn listed<'a>(payload: &'a Payload, window: &Range) -> impl Iterator<Item = &'a Item> {
    let whole = Span::new(payload.start.timestamp, payload.end().timestamp);
    let window = *window;
    payload
        .ranges
        .iter()
        .filter_map(|range| match &range.content {
            Content::Items { items, .. } => Some(items),
            Content::Skip | Content::Fingerprint(_) => None,
        })
        .flat_map(move |items| within(items, &whole, &window))
}
