//! Arguments of `run` about the relay: the names are nwaku's.

use clap::{ArgAction, Args};
use store_adapter::limits::{IngestLimits, MESSAGE_BYTES_MOST};
use store_adapter::sharding::{Autosharding, Shard};

use super::SizeArg;
use crate::relay::RelayConfig;

/// Clusters of public networks, which have 8 shards.
const PUBLIC_CLUSTERS: [u16; 2] = [1, 2];

/// How many shards public networks have.
const PUBLIC_SHARDS: u16 = 8;

/// Arguments of `run` about the relay.
#[derive(Debug, Args)]
pub struct RelayArgs {
    /// Take part in the relay: messages are archived as they are published
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = true, action = ArgAction::Set)]
    pub relay: bool,
    /// How many shards the network has, for content topics to be spread over; 0 for static sharding.
    /// By default 8 in clusters 1 and 2, and 1 in others; or static sharding, if a --shard is beyond
    /// that
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(0..=1_024))]
    pub num_shards_in_network: Option<u16>,
    /// A content topic whose shard to subscribe to, as often as there are
    #[arg(long, value_name = "TOPIC")]
    pub content_topic: Vec<String>,
    /// Longest message that is taken
    #[arg(long, value_name = "SIZE", default_value = "150KiB", value_parser = message_size)]
    pub max_msg_size: SizeArg,
}

impl RelayArgs {
    /// The relay of a node in this cluster that keeps these shards, if it is to have one. Without a
    /// shard it subscribes to all of the network, or, where shards are static, to none.
    ///
    /// # Errors
    /// When a shard or a content topic isn't one of this network.
    pub fn config(&self, cluster_id: u16, shards: &[u16]) -> Result<Option<RelayConfig>, String> {
        let autosharding =
            Autosharding::new(cluster_id, self.shards_in_network(cluster_id, shards));
        if let (Some(count), Some(beyond)) = (
            self.num_shards_in_network.filter(|count| *count > 0),
            shards.iter().max(),
        ) && *beyond >= count
        {
            let last = count - 1;
            return Err(format!(
                "--shard={beyond} isn't one of the network's: --num-shards-in-network={count} has \
                 shards 0 to {last}"
            ));
        }
        for topic in &self.content_topic {
            let sharding = autosharding.ok_or_else(|| {
                format!(
                    "--content-topic={topic} has no shard, since shards are static: name the shard by \
                     --shard, or how many there are by --num-shards-in-network"
                )
            })?;
            sharding.shard(topic).map_err(|error| error.to_string())?;
        }
        let named = shards.iter().map(|&index| Shard { cluster_id, index });
        let all = autosharding.into_iter().flat_map(Autosharding::shards);
        let topics: Vec<String> = if shards.is_empty() {
            all.map(|shard| shard.to_string()).collect()
        } else {
            named.map(|shard| shard.to_string()).collect()
        };
        Ok(self.relay.then(|| RelayConfig {
            content_topics: self.content_topic.iter().cloned().collect(),
            autosharding,
            ..RelayConfig::of_topics(topics)
        }))
    }

    /// What the archive's door lets in.
    #[must_use]
    pub fn ingest_limits(&self) -> IngestLimits {
        IngestLimits {
            message_bytes: usize::try_from(self.max_msg_size.0).unwrap_or(MESSAGE_BYTES_MOST),
            ..IngestLimits::default()
        }
    }

    fn shards_in_network(&self, cluster_id: u16, shards: &[u16]) -> u16 {
        let usual = if PUBLIC_CLUSTERS.contains(&cluster_id) {
            PUBLIC_SHARDS
        } else {
            1
        };
        let beyond = shards.iter().any(|shard| *shard >= usual);
        self.num_shards_in_network
            .unwrap_or(if beyond { 0 } else { usual })
    }
}

fn message_size(text: &str) -> Result<SizeArg, String> {
    let size: SizeArg = text.parse()?;
    if size.0 == 0 || size.0 > MESSAGE_BYTES_MOST as u64 {
        return Err(format!(
            "expected 1 to {MESSAGE_BYTES_MOST} bytes, such as 150KiB or 1024KiB"
        ));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        relay: RelayArgs,
    }

    fn args(line: &str) -> RelayArgs {
        let words = std::iter::once("run").chain(line.split_whitespace());
        Line::try_parse_from(words).unwrap().relay
    }

    fn topics(line: &str, cluster_id: u16, shards: &[u16]) -> Vec<String> {
        let config = args(line).config(cluster_id, shards).unwrap().unwrap();
        config.pubsub_topics.into_iter().collect()
    }

    #[test]
    fn without_a_shard_all_of_the_network_are_subscribed_to() {
        assert_eq!(topics("", 99, &[]), ["/waku/2/rs/99/0"]);
        assert_eq!(topics("", 1, &[]).len(), 8);
        assert_eq!(topics("--num-shards-in-network=3", 99, &[]).len(), 3);
        assert_eq!(
            topics("--num-shards-in-network=0", 99, &[]),
            [""; 0],
            "of static shards none is known"
        );
        assert_eq!(
            topics("--num-shards-in-network=8", 99, &[5, 2]),
            ["/waku/2/rs/99/2", "/waku/2/rs/99/5"]
        );
        assert!(args("--relay=false").config(99, &[1]).unwrap().is_none());
    }

    #[test]
    fn a_shard_beyond_the_default_makes_sharding_static_and_one_beyond_the_given_is_refused() {
        let config = args("").config(99, &[5]).unwrap().unwrap();
        assert_eq!(config.autosharding, None);
        assert!(config.pubsub_topics.contains("/waku/2/rs/99/5"));
        let config = args("").config(99, &[0]).unwrap().unwrap();
        assert!(config.autosharding.is_some());
        let args = args("--num-shards-in-network=5");
        assert!(args.config(99, &[4]).is_ok());
        let error = args.config(99, &[1, 5]).unwrap_err();
        assert!(
            error.contains("--shard=5") && error.contains("0 to 4"),
            "{error}"
        );
    }

    #[test]
    fn content_topics_need_a_form_and_autosharding() {
        let line = "--num-shards-in-network=8 --content-topic=/toychat/2/huilong/proto";
        let config = args(line).config(99, &[0]).unwrap().unwrap();
        let shards: Vec<u16> = config.shards().map(|shard| shard.index).collect();
        assert_eq!(shards, [0, 3]);
        let error = args("--content-topic=/a/b").config(99, &[]).unwrap_err();
        assert!(
            error.contains("/application/version/name/encoding"),
            "{error}"
        );
        let line = "--num-shards-in-network=0 --content-topic=/a/1/b/proto";
        let error = args(line).config(99, &[]).unwrap_err();
        assert!(error.contains("static"), "{error}");
    }

    #[test]
    fn the_longest_message_is_bounded() {
        assert_eq!(args("").ingest_limits(), IngestLimits::default());
        assert_eq!(args("--max-msg-size=1024KiB").max_msg_size.0, 1 << 20);
        for size in ["0", "1025KiB", "2MB", "many"] {
            let line = ["run", "--max-msg-size", size];
            assert!(Line::try_parse_from(line).is_err(), "{size}");
        }
    }
}
