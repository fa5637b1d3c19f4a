//! How a payload names its topics.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::scope::{Scope, TopicFilter};
use crate::session::SessionError;

/// The two layouts that payload headers have had under one protocol id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum HeaderForm {
    /// Pubsub topics, then content topics, by name (nwaku from 0.37 on).
    #[default]
    Topics,
    /// The number of a cluster and of some of its shards, then content topics (nwaku 0.36). A
    /// session in this form is about shards of this cluster; peers of another one share nothing.
    Cluster(u16),
}

/// The topics of a payload. An empty list stands for "all".
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Header {
    /// See [`HeaderForm::Topics`].
    Topics {
        /// Names of pubsub topics, in any order.
        pubsub: Vec<String>,
        /// Names of content topics, in any order.
        content: Vec<String>,
    },
    /// See [`HeaderForm::Cluster`].
    Cluster {
        /// The cluster.
        cluster: u16,
        /// The shards, in any order.
        shards: Vec<u16>,
        /// Names of content topics, in any order.
        content: Vec<String>,
    },
}

impl Header {
    /// A header that names no topic and so stands for all of them.
    #[must_use]
    pub const fn all(form: HeaderForm) -> Self {
        let content = Vec::new();
        match form {
            HeaderForm::Topics => Self::Topics {
                pubsub: Vec::new(),
                content,
            },
            HeaderForm::Cluster(cluster) => Self::Cluster {
                cluster,
                shards: Vec::new(),
                content,
            },
        }
    }

    /// The header for `scope`.
    ///
    /// # Errors
    /// When a filter of the scope lets nothing through, which a header can't say (no names mean
    /// all), or, in the cluster form, when a pubsub topic isn't a shard of the cluster.
    pub fn of_scope(form: HeaderForm, scope: &Scope) -> Result<Self, SessionError> {
        if scope.pubsub_topics.is_nothing() || scope.content_topics.is_nothing() {
            return Err(SessionError::Scope("it has no topic"));
        }
        let content = scope.content_topics.iter().map(String::from).collect();
        let pubsub = scope.pubsub_topics.iter();
        Ok(match form {
            HeaderForm::Topics => Self::Topics {
                pubsub: pubsub.map(String::from).collect(),
                content,
            },
            HeaderForm::Cluster(cluster) => Self::Cluster {
                cluster,
                shards: pubsub
                    .map(|topic| shard_of(topic, cluster))
                    .collect::<Option<_>>()
                    .ok_or(SessionError::Scope(
                        "one of its pubsub topics is no shard of the cluster, and the cluster form \
                         of the header can name nothing else: leave it out, or use the topics form",
                    ))?,
                content,
            },
        })
    }

    /// What of `scope` the header's topics let through.
    #[must_use]
    pub fn restrict(&self, form: HeaderForm, scope: &Scope) -> Scope {
        let (pubsub, content) = match self {
            Self::Topics { pubsub, content } => {
                (TopicFilter::from_wire(pubsub.iter().cloned()), content)
            }
            Self::Cluster {
                cluster,
                shards,
                content,
            } if form == HeaderForm::Cluster(*cluster) => {
                let topics = shards.iter().map(|shard| topic_of(*cluster, *shard));
                (TopicFilter::from_wire(topics), content)
            }
            Self::Cluster { content, .. } => (TopicFilter::Only(BTreeSet::new()), content),
        };
        Scope {
            window: scope.window,
            pubsub_topics: scope.pubsub_topics.intersect(&pubsub),
            content_topics: scope
                .content_topics
                .intersect(&TopicFilter::from_wire(content.iter().cloned())),
        }
    }
}

/// The pubsub topic of a shard, as the relay sharding specification (WAKU2-RELAY-SHARDING) names it.
fn topic_of(cluster: u16, shard: u16) -> String {
    format!("/waku/2/rs/{cluster}/{shard}")
}

/// The shard that `topic` names, if it is one of `cluster`.
fn shard_of(topic: &str, cluster: u16) -> Option<u16> {
    let shard = topic.rsplit('/').next()?.parse().ok()?;
    (topic_of(cluster, shard) == topic).then_some(shard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Range;

    fn scope(topics: &[&str]) -> Scope {
        Scope {
            pubsub_topics: TopicFilter::from_wire(topics.iter().copied()),
            ..Scope::of_window(Range::ALL)
        }
    }

    #[test]
    fn the_cluster_form_names_shards_and_refuses_what_is_none() {
        let form = HeaderForm::Cluster(99);
        let ours = scope(&["/waku/2/rs/99/0", "/waku/2/rs/99/7"]);
        let header = Header::of_scope(form, &ours).unwrap();
        assert!(
            matches!(&header, Header::Cluster { cluster: 99, shards, .. } if *shards == [0, 7])
        );
        assert_eq!(header.restrict(form, &Scope::of_window(Range::ALL)), ours);
        for topic in [
            "/waku/2/rs/98/0",
            "/waku/2/rs/99/00",
            "/other",
            "/waku/2/rs/99/65536",
        ] {
            assert!(Header::of_scope(form, &scope(&[topic])).is_err(), "{topic}");
        }
    }

    #[test]
    fn peers_of_another_cluster_share_nothing() {
        let header = Header::all(HeaderForm::Cluster(1));
        let ours = Scope::of_window(Range::ALL);
        assert!(header.restrict(HeaderForm::Cluster(2), &ours).is_nothing());
        assert!(!header.restrict(HeaderForm::Cluster(1), &ours).is_nothing());
    }

    #[test]
    fn a_scope_without_topics_is_refused_and_not_sent_as_all() {
        let nothing = Scope {
            content_topics: TopicFilter::Only(BTreeSet::new()),
            ..Scope::of_window(Range::ALL)
        };
        assert!(Header::of_scope(HeaderForm::Topics, &nothing).is_err());
    }
}
