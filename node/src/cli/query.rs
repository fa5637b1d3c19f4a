//! Arguments of `query`: which messages, of whom, and how they are shown.

use std::str::FromStr;

use clap::{Args, value_parser};
use store_adapter::limits::{STORE_PAGE_MAX, TOPIC_BYTES};
use store_adapter::store::{ContentCriteria, StoreCriteria};
use sync_core::Id;

use super::time::{DurationArg, TimeArg, nanoseconds};

/// Arguments of `query`.
#[derive(Debug, Args)]
#[command(after_help = QUERY_HELP)]
pub struct QueryArgs {
    /// The multiaddresses of peers, each with its peer id: /ip4/1.2.3.4/tcp/60000/p2p/16Uiu2HAm...
    /// The first one is asked; the next ones where it fails
    #[arg(value_name = "PEER", required = true)]
    pub peers: Vec<String>,
    /// Which messages.
    #[command(flatten)]
    pub wanted: WantedArgs,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Ask for so many messages at a time
    #[arg(long, value_name = "N", default_value_t = STORE_PAGE_MAX as u64,
          value_parser = value_parser!(u64).range(1..=STORE_PAGE_MAX as u64))]
    pub page_size: u64,
    /// Ask for the hashes alone
    #[arg(long)]
    pub no_data: bool,
    /// The cluster of the network; by default each peer's
    #[arg(long, value_name = "ID")]
    pub cluster_id: Option<u16>,
    /// Print one JSON object a line, as `export` does, instead of the table
    #[arg(long)]
    pub json: bool,
}

const QUERY_HELP: &str = "\
Times: RFC 3339, nanoseconds since 1970, -2h, or now; both ends are included. Topics and times narrow the
messages down together; of several content topics any will do. One --hash shows that message in full.

Exit codes: 0 all that matches was read, or as much as --limit asks for; 1 a hash that no peer has, or
no peer left that answers; 2 wrong usage; 4 no peer could be reached.";

/// Which messages: by hash, or by topics and times.
#[derive(Debug, Args)]
pub struct WantedArgs {
    /// The message of this hash, in hex; may be repeated
    #[arg(long, value_name = "HASH", value_delimiter = ',', conflicts_with_all = [
        "pubsub_topic", "content_topic", "range", "since", "until", "backward", "cursor",
    ])]
    pub hash: Vec<HashArg>,
    /// Messages published on this topic, like /waku/2/rs/1/0
    #[arg(long, value_name = "TOPIC", value_parser = topic)]
    pub pubsub_topic: Option<String>,
    /// Messages of this content topic, like /app/1/chat/proto; may be repeated
    #[arg(long, value_name = "TOPIC", value_parser = topic)]
    pub content_topic: Vec<String>,
    /// How far back from now, instead of --since and --until
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["since", "until"])]
    pub range: Option<DurationArg>,
    /// Not before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<TimeArg>,
    /// Not after this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<TimeArg>,
    /// From the newest message to the oldest
    #[arg(long)]
    pub backward: bool,
    /// Begin behind the message of this hash, to go on where an earlier query ended
    #[arg(long, value_name = "HASH")]
    pub cursor: Option<HashArg>,
}

/// The hash of a message as given: 64 hex digits, with or without 0x in front.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HashArg(pub Id);

impl FromStr for HashArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .unwrap_or(text);
        let bytes = hex::decode(digits).ok();
        let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(|bytes| Self(Id(bytes))).ok_or_else(|| {
            format!(
                "`{text}` is no hash of a message: expected 64 hex digits, with or without 0x in \
                 front, got {} characters",
                digits.chars().count()
            )
        })
    }
}

pub(super) fn topic(text: &str) -> Result<String, String> {
    match text.len() {
        1..=TOPIC_BYTES => Ok(text.to_owned()),
        bytes => Err(format!(
            "expected a topic of 1 to {TOPIC_BYTES} bytes, got {bytes}"
        )),
    }
}

impl QueryArgs {
    /// What to ask for, given the time of the present in nanoseconds since 1970; `None` if the times
    /// leave nothing.
    #[must_use]
    pub fn criteria(&self, now: u64) -> Option<StoreCriteria> {
        let wanted = &self.wanted;
        let mut criteria = if wanted.hash.is_empty() {
            StoreCriteria::of_content(wanted.content(now)?)
        } else {
            StoreCriteria::of_hashes(wanted.hash.iter().map(|hash| hash.0))
        };
        if let Some(topic) = &wanted.pubsub_topic {
            criteria = criteria.pubsub_topic(topic);
        }
        if self.no_data {
            criteria = criteria.hashes_only();
        }
        if let Some(most) = self.limit {
            criteria = criteria.at_most(most);
        }
        let page = usize::try_from(self.page_size);
        Some(criteria.page(page.unwrap_or(STORE_PAGE_MAX)))
    }

    /// Whether one message is to be shown in full.
    #[must_use]
    pub fn is_about_one(&self) -> bool {
        self.wanted.hash.len() == 1 && !self.no_data && !self.json
    }
}

impl WantedArgs {
    /// Topics, times and direction; `None` if the times leave nothing.
    fn content(&self, now: u64) -> Option<ContentCriteria> {
        let (since, until) = match self.range {
            Some(range) => (Some(now.saturating_sub(nanoseconds(range.0))), Some(now)),
            None => (
                self.since.map(|time| time.resolve(now)),
                self.until.map(|time| time.resolve(now)),
            ),
        };
        let topics = self.content_topic.iter();
        let mut content = topics.fold(ContentCriteria::all(), ContentCriteria::content_topic);
        if let Some(since) = since {
            content = content.since(since);
        }
        if let Some(until) = until {
            content = content.until(until);
        }
        if self.backward {
            content = content.backward();
        }
        if let Some(HashArg(hash)) = self.cursor {
            content = content.behind(hash);
        }
        let empty = since.zip(until).is_some_and(|(since, until)| since > until);
        (!empty).then_some(content)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    const NOW: u64 = 7_200_000_000_000;

    fn parse(arguments: &[&str]) -> Result<QueryArgs, String> {
        let mut line = vec!["wakustore", "query", "/ip4/127.0.0.1/tcp/1"];
        line.extend(arguments);
        match Cli::try_parse_from(line) {
            Ok(Cli {
                command: Command::Query(args),
            }) => Ok(*args),
            other => Err(format!("{other:?}")),
        }
    }

    fn criteria(arguments: &[&str]) -> Option<StoreCriteria> {
        parse(arguments).unwrap().criteria(NOW)
    }

    fn content(content: ContentCriteria) -> Option<StoreCriteria> {
        Some(StoreCriteria::of_content(content).page(STORE_PAGE_MAX))
    }

    #[test]
    fn every_criterion_is_asked_for() {
        let all = ContentCriteria::all;
        assert_eq!(criteria(&[]), content(all()));
        let last_hour = all().since(3_600_000_000_000);
        assert_eq!(criteria(&["--since", "-1h"]), content(last_hour.clone()));
        assert_eq!(
            criteria(&["--since=1970-01-01T01:00:00Z"]),
            content(last_hour.clone())
        );
        assert_eq!(criteria(&["--range=1h"]), content(last_hour.until(NOW)));
        assert_eq!(
            criteria(&["--until=5", "--backward"]),
            content(all().until(5).backward())
        );
        assert_eq!(
            criteria(&["--content-topic=/a", "--content-topic=/b,c"]),
            content(all().content_topic("/b,c").content_topic("/a"))
        );
        let (one, other) = ("ab".repeat(32), format!("0x{}", "cd".repeat(32)));
        let cursor = format!("--cursor={one}");
        assert_eq!(criteria(&[&cursor]), content(all().behind(Id([0xab; 32]))));
        assert_eq!(
            criteria(&["--hash", &one, "--hash", &other, "--no-data", "--limit=1"]),
            Some(
                StoreCriteria::of_hashes([Id([0xab; 32]), Id([0xcd; 32])])
                    .hashes_only()
                    .at_most(1)
                    .page(STORE_PAGE_MAX)
            )
        );
        assert_eq!(
            criteria(&["--pubsub-topic=/t", "--page-size=7"]),
            Some(StoreCriteria::of_content(all()).pubsub_topic("/t").page(7))
        );
    }

    #[test]
    fn times_that_leave_nothing_are_told_from_one_moment() {
        assert_eq!(criteria(&["--since=2", "--until=1"]), None);
        let moment = ContentCriteria::all().since(1).until(1);
        assert_eq!(criteria(&["--since=1", "--until=1"]), content(moment));
    }

    #[test]
    fn what_can_not_be_asked_for_is_refused() {
        let hash = format!("--hash={}", "ab".repeat(32));
        for others in [
            "--since=1",
            "--range=1h",
            "--content-topic=/a",
            "--backward",
        ] {
            assert!(parse(&[&hash, others]).is_err(), "{others}");
        }
        for wrong in [
            "--hash=abc",
            "--content-topic=",
            "--limit=0",
            "--page-size=101",
            "--page-size=0",
        ] {
            assert!(parse(&[wrong]).is_err(), "{wrong}");
        }
        assert!(parse(&["--range=1h", "--since=1"]).is_err());
        let error = "0xabc".parse::<HashArg>().unwrap_err();
        assert!(
            error.contains("64 hex digits") && error.contains("got 3"),
            "{error}"
        );
    }
}
