//! Which shard a message is published on: static shards by number, and autosharding by content topic
//! as 51/WAKU2-RELAY-SHARDING has it.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// What is expected of a content topic.
const CONTENT_TOPIC_FORMS: &str =
    "expected /application/version/name/encoding or /0/application/version/name/encoding";

/// A shard of a cluster; its text is the pubsub topic, `/waku/2/rs/CLUSTER/SHARD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Shard {
    /// The cluster.
    pub cluster_id: u16,
    /// The shard's number in it.
    pub index: u16,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/waku/2/rs/{}/{}", self.cluster_id, self.index)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(topic: &str) -> Result<Self, ShardError> {
        let numbers = topic.strip_prefix("/waku/2/rs/");
        let parsed = numbers
            .and_then(|numbers| numbers.split_once('/'))
            .and_then(|(cluster_id, index)| {
                Some(Self {
                    cluster_id: cluster_id.parse().ok()?,
                    index: index.parse().ok()?,
                })
            });
        // Numbers have other forms too, `+1` and `01`, which would be other topics.
        parsed
            .filter(|shard: &Self| shard.to_string() == topic)
            .ok_or_else(|| ShardError(topic.to_owned()))
    }
}

/// A pubsub topic names no shard.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` names no shard: expected /waku/2/rs/CLUSTER/SHARD with two numbers up to 65535")]
pub struct ShardError(pub String);

/// Autosharding: the application and its version decide on the shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Autosharding {
    cluster_id: u16,
    shards_in_network: NonZeroU16,
}

impl Autosharding {
    /// Of a cluster with so many shards; `None` for 0, which stands for static sharding.
    #[must_use]
    pub fn new(cluster_id: u16, shards_in_network: u16) -> Option<Self> {
        NonZeroU16::new(shards_in_network).map(|shards_in_network| Self {
            cluster_id,
            shards_in_network,
        })
    }

    /// All shards of the cluster.
    pub fn shards(self) -> impl Iterator<Item = Shard> {
        (0..self.shards_in_network.get()).map(move |index| Shard {
            cluster_id: self.cluster_id,
            index,
        })
    }

    /// The shard of a content topic: the last 8 bytes, big-endian, of SHA-256(application ‖ version),
    /// modulo the number of shards.
    ///
    /// # Errors
    /// When the content topic isn't of the form that autosharding wants.
    pub fn shard(self, content_topic: &str) -> Result<Shard, ContentTopicError> {
        let topic = ContentTopic::parse(content_topic)?;
        let digest = Sha256::new()
            .chain_update(topic.application)
            .chain_update(topic.version)
            .finalize();
        let modulus = u64::from(self.shards_in_network.get());
        // By Horner's rule, so that there is no array to be cut out of the digest.
        let index = digest.iter().skip(24).fold(0, |remainder, byte| {
            (remainder * 256 + u64::from(*byte)) % modulus
        });
        Ok(Shard {
            cluster_id: self.cluster_id,
            index: u16::try_from(index).expect("it is less than the modulus, which is a u16"),
        })
    }

    /// The pubsub topic of a content topic's shard.
    ///
    /// # Errors
    /// As [`Autosharding::shard`].
    pub fn pubsub_topic(self, content_topic: &str) -> Result<String, ContentTopicError> {
        self.shard(content_topic).map(|shard| shard.to_string())
    }
}

/// What of a content topic decides on its shard.
struct ContentTopic<'a> {
    application: &'a str,
    version: &'a str,
}

impl<'a> ContentTopic<'a> {
    fn parse(topic: &'a str) -> Result<Self, ContentTopicError> {
        let error = |fault| ContentTopicError {
            topic: topic.to_owned(),
            fault,
        };
        let Some(rest) = topic.strip_prefix('/') else {
            return Err(error(ContentTopicFault::NoSlash));
        };
        // One more than the longest form has, so that a topic of slashes makes no long list.
        let parts: Vec<&str> = rest.splitn(6, '/').collect();
        let (generation, parts) = match parts.as_slice() {
            [_, _, _, _] => (None, &parts[..]),
            [generation, named @ ..] if named.len() == 4 => (Some(*generation), named),
            _ => return Err(error(ContentTopicFault::Parts)),
        };
        if let Some(generation) = generation {
            match generation.parse::<u64>() {
                Ok(0) => {}
                Ok(_) => return Err(error(ContentTopicFault::LaterGeneration)),
                Err(_) => return Err(error(ContentTopicFault::NoGeneration)),
            }
        }
        let names = ["application", "version", "name", "encoding"];
        if let Some((name, _)) = names.iter().zip(parts).find(|(_, part)| part.is_empty()) {
            return Err(error(ContentTopicFault::Empty(name)));
        }
        Ok(Self {
            application: parts[0],
            version: parts[1],
        })
    }
}

/// A content topic has no shard.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the content topic `{topic}` has no shard: {fault}; {CONTENT_TOPIC_FORMS}")]
pub struct ContentTopicError {
    /// The topic.
    pub topic: String,
    /// What is wrong with it.
    pub fault: ContentTopicFault,
}

/// What is wrong with a content topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentTopicFault {
    /// It doesn't start with a slash.
    #[error("it doesn't start with a slash")]
    NoSlash,
    /// It has too few parts, or too many.
    #[error("it has neither 4 parts nor 5")]
    Parts,
    /// One of its parts is empty.
    #[error("its {0} is empty")]
    Empty(&'static str),
    /// The first of its five parts is no number.
    #[error("its generation is no number")]
    NoGeneration,
    /// It is of a generation of which nobody knows the rule yet.
    #[error("generations after 0 aren't defined yet")]
    LaterGeneration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(content_topic: &str, shards: u16) -> Result<u16, ContentTopicFault> {
        let sharding = Autosharding::new(1, shards).unwrap();
        match sharding.shard(content_topic) {
            Ok(shard) => Ok(shard.index),
            Err(error) => Err(error.fault),
        }
    }

    #[test]
    fn content_topics_have_the_shards_that_other_implementations_give_them() {
        // Of the tests of nwaku and js-waku.
        for (topic, shards, expected) in [
            ("/toychat/2/huilong/proto", 8, 3),
            ("/0/toychat/2/huilong/proto", 8, 3),
            ("/toychat2/2/huilong/proto", 8, 6),
            ("/0/toychat2/2/huilong/proto", 8, 6),
            ("/toychat/2/huilong/proto2", 8, 3),
            ("/0/toychat/4/huilong/proto2", 8, 7),
            ("/myapp/1/latest/proto", 8, 0),
            ("/waku/2/content/test.js", 8, 1),
            ("/statusim/1/community/cbor", 8, 4),
            ("/0/statusim/1/community/cbor", 8, 4),
            ("/app/22/sometopic/someencoding", 8, 2),
            ("/app/27/sometopic/someencoding", 8, 5),
            ("/app/20/sometopic/someencoding", 8, 7),
            ("/app/29/sometopic/someencoding", 8, 6),
            ("/app/20/sometopic/someencoding", 16, 15),
            ("/app/20/sometopic/someencoding", 2, 1),
            ("/app/20/sometopic/someencoding", 1, 0),
            // By Python's hashlib, for moduli that are no powers of two.
            ("/toychat/2/huilong/proto", 3, 1),
            ("/toychat/2/huilong/proto", 1_000, 971),
        ] {
            assert_eq!(shard(topic, shards), Ok(expected), "{topic} of {shards}");
        }
    }

    #[test]
    fn the_pubsub_topic_names_cluster_and_shard() {
        let sharding = Autosharding::new(99, 8).unwrap();
        let topic = sharding.pubsub_topic("/toychat/2/huilong/proto").unwrap();
        assert_eq!(topic, "/waku/2/rs/99/3");
        let shards: Vec<String> = sharding.shards().map(|shard| shard.to_string()).collect();
        assert_eq!(shards.len(), 8);
        assert_eq!(shards[7], "/waku/2/rs/99/7");
        assert_eq!(Autosharding::new(99, 0), None);
    }

    #[test]
    fn a_content_topic_of_another_form_is_told_what_was_expected() {
        use ContentTopicFault as Fault;
        for (topic, fault) in [
            ("", Fault::NoSlash),
            (" ", Fault::NoSlash),
            ("toychat/2/huilong/proto", Fault::NoSlash),
            ("/", Fault::Parts),
            ("/myapp/1/mytopic", Fault::Parts),
            ("/0/myapp/1/mytopic/cbor/extra", Fault::Parts),
            ("/a/myapp/1/mytopic/cbor", Fault::NoGeneration),
            ("/-1/myapp/1/mytopic/cbor", Fault::NoGeneration),
            ("//myapp/1/mytopic/cbor", Fault::NoGeneration),
            ("/1/myapp/1/mytopic/cbor", Fault::LaterGeneration),
            ("/0//1/mytopic/cbor", Fault::Empty("application")),
            ("/myapp//mytopic/cbor", Fault::Empty("version")),
            ("/0/myapp/1//cbor", Fault::Empty("name")),
            ("/myapp/1/mytopic/", Fault::Empty("encoding")),
        ] {
            assert_eq!(shard(topic, 8), Err(fault), "{topic}");
        }
        let error = Autosharding::new(1, 8).unwrap().shard("/a/b").unwrap_err();
        let words = error.to_string();
        assert!(words.contains("`/a/b`") && words.contains("/application/version/"));
        let slashes = "/".repeat(1 << 20);
        assert_eq!(shard(&slashes, 8), Err(Fault::Parts));
    }

    #[test]
    fn a_pubsub_topic_is_a_shard_in_one_form_only() {
        let shard = Shard {
            cluster_id: 99,
            index: 65_535,
        };
        assert_eq!("/waku/2/rs/99/65535".parse(), Ok(shard));
        for topic in [
            "",
            "/waku/2/rs/99",
            "/waku/2/rs/99/",
            "/waku/2/rs/99/1/2",
            "/waku/2/rs/099/1",
            "/waku/2/rs/99/+1",
            "/waku/2/rs/99/65536",
            "/waku/2/rs/x/1",
            "/waku/2/default-waku/proto",
        ] {
            let error = topic.parse::<Shard>().unwrap_err();
            assert!(error.to_string().contains("/waku/2/rs/CLUSTER/SHARD"));
        }
    }
}
