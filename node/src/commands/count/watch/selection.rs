//! Which messages the figures of a watch are of.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cli::CountArgs;
use crate::cli::time::nanoseconds;
use crate::commands::query::text::escaped;

/// Which messages are counted, and by what. Figures of one selection can't go on with those of another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selection {
    /// Of a bucket, in nanoseconds.
    pub(super) width: u64,
    pub(super) cluster_id: Option<u16>,
    pub(super) pubsub_topic: Option<String>,
    /// Any of these; none for all.
    pub(super) content_topics: BTreeSet<String>,
}

impl Selection {
    /// All messages, by buckets of this width.
    #[cfg(test)]
    pub(super) const fn all(width: u64) -> Self {
        Self {
            width,
            cluster_id: None,
            pubsub_topic: None,
            content_topics: BTreeSet::new(),
        }
    }

    /// What is asked for.
    pub(super) fn of(args: &CountArgs) -> Self {
        Self {
            width: nanoseconds(args.counted.bucket.0),
            cluster_id: args.cluster_id,
            pubsub_topic: args.counted.pubsub_topic.clone(),
            content_topics: args.counted.content_topic.iter().cloned().collect(),
        }
    }
}

/// As the arguments that ask for it.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.width {
            width if width.is_multiple_of(1_000_000_000) => {
                write!(f, "--bucket {} s", width / 1_000_000_000)?;
            }
            width => write!(f, "--bucket {} ms", width as f64 / 1e6)?,
        }
        if let Some(cluster) = self.cluster_id {
            write!(f, " --cluster-id {cluster}")?;
        }
        if let Some(topic) = &self.pubsub_topic {
            write!(f, " --pubsub-topic {}", escaped(topic))?;
        }
        let mut topics = self.content_topics.iter();
        topics.try_for_each(|topic| write!(f, " --content-topic {}", escaped(topic)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_told_as_the_arguments_that_ask_for_it() {
        let hour = Selection::all(3_600_000_000_000);
        assert_eq!(hour.to_string(), "--bucket 3600 s");
        let narrow = Selection {
            width: 1_500_000_000,
            cluster_id: Some(1),
            pubsub_topic: Some("/waku/2/rs/1/0".into()),
            content_topics: ["/b", "/a\u{1b}"].map(String::from).into(),
        };
        let words = "--bucket 1500 ms --cluster-id 1 --pubsub-topic /waku/2/rs/1/0 \
                     --content-topic /a\\u{1b} --content-topic /b";
        assert_eq!(narrow.to_string(), words);
    }
}
