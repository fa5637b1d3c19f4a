//! What the node is subscribed to, by pubsub topic or by content topic.

use std::collections::{BTreeMap, BTreeSet};

use store_adapter::limits::TOPIC_BYTES;
use store_adapter::sharding::Autosharding;

use super::cache::Readers;
use super::error::RelayError;

/// A change of subscriptions. Those that are there already, and those that aren't, don't matter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Subscribe to pubsub topics.
    Subscribe(Vec<String>),
    /// Unsubscribe from pubsub topics.
    Unsubscribe(Vec<String>),
    /// Subscribe to content topics, each with the pubsub topic of its shard.
    SubscribeContent(Vec<(String, String)>),
    /// Unsubscribe from content topics.
    UnsubscribeContent(Vec<String>),
}

/// What the node is subscribed to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Subscriptions {
    pubsub: BTreeSet<String>,
    /// Content topics with the pubsub topics of their shards.
    content: BTreeMap<String, String>,
}

impl Subscriptions {
    /// Makes a change, or none of it.
    ///
    /// # Errors
    /// When a topic can't be one, or there would be more than `most` of a kind.
    pub(super) fn change(&mut self, change: Change, most: usize) -> Result<(), RelayError> {
        let mut changed = self.clone();
        match change {
            Change::Subscribe(topics) => {
                topics.iter().try_for_each(|topic| check(topic))?;
                changed.pubsub.extend(topics);
            }
            Change::Unsubscribe(topics) => {
                topics
                    .iter()
                    .for_each(|topic| drop(changed.pubsub.take(topic)));
            }
            Change::SubscribeContent(topics) => changed.content.extend(topics),
            Change::UnsubscribeContent(topics) => {
                topics
                    .iter()
                    .for_each(|topic| drop(changed.content.remove(topic)));
            }
        }
        if changed.pubsub.len() > most || changed.content.len() > most {
            return Err(RelayError::TooMany { most });
        }
        *self = changed;
        Ok(())
    }

    /// The pubsub topics, those of content topics too.
    pub(super) fn topics(&self) -> BTreeSet<String> {
        let of_content = self.content.values();
        self.pubsub.iter().chain(of_content).cloned().collect()
    }

    /// Whether messages of this pubsub topic are taken.
    pub(super) fn takes(&self, topic: &str) -> bool {
        self.pubsub.contains(topic) || self.content.values().any(|shard| shard == topic)
    }

    /// Whether the pubsub topic was subscribed to as such.
    pub(super) fn has_pubsub(&self, topic: &str) -> bool {
        self.pubsub.contains(topic)
    }

    /// Whether the content topic was subscribed to.
    pub(super) fn has_content(&self, topic: &str) -> bool {
        self.content.contains_key(topic)
    }

    /// Who may ask for a message of these topics.
    pub(super) fn readers(&self, pubsub_topic: &str, content_topic: &str) -> Readers {
        Readers {
            by_pubsub: self.has_pubsub(pubsub_topic),
            by_content: self.content.get(content_topic).map(String::as_str) == Some(pubsub_topic),
        }
    }
}

/// Content topics with the pubsub topics of their shards.
pub(super) fn sharded(
    autosharding: Option<Autosharding>,
    topics: &[String],
) -> Result<Vec<(String, String)>, RelayError> {
    let sharding = autosharding.ok_or(RelayError::StaticSharding)?;
    let with_shard = |topic: &String| Ok((topic.clone(), sharding.pubsub_topic(topic)?));
    topics.iter().map(with_shard).collect()
}

fn check(topic: &str) -> Result<(), RelayError> {
    if topic.is_empty() || topic.len() > TOPIC_BYTES {
        return Err(RelayError::Topic { bytes: topic.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_shard_is_left_when_neither_it_nor_a_content_topic_of_it_is_subscribed_to() {
        let mut subscriptions = Subscriptions::default();
        let mut change = |change| {
            subscriptions.change(change, 9).unwrap();
            subscriptions.clone()
        };
        change(Change::Subscribe(topics(&["/s0", "/s1"])));
        let now = change(Change::SubscribeContent(vec![
            ("/a".into(), "/s1".into()),
            ("/b".into(), "/s2".into()),
        ]));
        assert_eq!(Vec::from_iter(now.topics()), ["/s0", "/s1", "/s2"]);
        assert!(now.takes("/s2") && !now.has_pubsub("/s2") && now.has_content("/b"));
        let now = change(Change::Unsubscribe(topics(&["/s1", "/s2", "/never"])));
        assert_eq!(Vec::from_iter(now.topics()), ["/s0", "/s1", "/s2"]);
        let now = change(Change::UnsubscribeContent(topics(&["/a", "/never"])));
        assert_eq!(Vec::from_iter(now.topics()), ["/s0", "/s2"]);
        assert!(!now.takes("/s1"));
    }

    #[test]
    fn a_content_topic_is_read_on_its_own_shard_only() {
        let mut subscriptions = Subscriptions::default();
        let content = vec![("/a".to_owned(), "/s1".to_owned())];
        subscriptions
            .change(Change::SubscribeContent(content), 9)
            .unwrap();
        subscriptions
            .change(Change::Subscribe(topics(&["/s0"])), 9)
            .unwrap();
        let readers = |pubsub, content| {
            let readers = subscriptions.readers(pubsub, content);
            (readers.by_pubsub, readers.by_content)
        };
        assert_eq!(readers("/s1", "/a"), (false, true));
        assert_eq!(readers("/s0", "/a"), (true, false));
        assert_eq!(readers("/s1", "/b"), (false, false));
    }

    #[test]
    fn too_many_topics_and_bad_ones_change_nothing() {
        let mut subscriptions = Subscriptions::default();
        let mut change = |names: &[&str]| {
            let result = subscriptions.change(Change::Subscribe(topics(names)), 2);
            (result, subscriptions.topics().len())
        };
        assert!(matches!(change(&["/a", "/b"]), (Ok(()), 2)));
        assert!(matches!(change(&["/a", "/b"]), (Ok(()), 2)));
        let too_many = change(&["/c"]);
        assert!(matches!(
            too_many,
            (Err(RelayError::TooMany { most: 2 }), 2)
        ));
        let empty = change(&["/a", ""]);
        assert!(matches!(empty, (Err(RelayError::Topic { bytes: 0 }), 2)));
        let long = "t".repeat(1_025);
        let long = change(&[&long]);
        assert!(matches!(long, (Err(RelayError::Topic { bytes: 1_025 }), 2)));
        let content = (0..3).map(|n| (format!("/c{n}"), "/s".to_owned()));
        let content = Change::SubscribeContent(content.collect());
        assert!(subscriptions.change(content, 2).is_err());
    }
}
