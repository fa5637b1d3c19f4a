//! Arguments of `count`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::query::topic;
use super::time::{DurationArg, TimeArg, nanoseconds};
use crate::census::limits::{BUCKETS, SHORTEST_WATCH, WEEK};
use crate::census::{Span, SpanError};

/// The port that the figures of a watch are served on.
const METRICS_PORT: u16 = 8_009;

/// Arguments of `count`.
#[derive(Debug, Args)]
#[command(after_help = COUNT_HELP)]
pub struct CountArgs {
    /// The multiaddress of a node with its peer id, /ip4/1.2.3.4/tcp/60000/p2p/16Uiu2HAm...; once for each
    #[arg(long = "peer", value_name = "PEER", required = true)]
    pub peers: Vec<String>,
    /// Which messages.
    #[command(flatten)]
    pub counted: CountedArgs,
    /// The cluster of the network; by default each node's
    #[arg(long, value_name = "ID")]
    pub cluster_id: Option<u16>,
    /// Print one JSON object instead of the tables
    #[arg(long)]
    pub json: bool,
    /// Print a line of CSV for each bucket and node instead of the tables
    #[arg(long, conflicts_with_all = ["json", "watch"])]
    pub csv: bool,
    /// Write a page for a browser too; it needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Going on for ever.
    #[command(flatten)]
    pub watching: WatchArgs,
}

/// Which messages are counted, and how they are parted.
#[derive(Debug, Args)]
pub struct CountedArgs {
    /// How far back from --until, instead of --since
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "24h",
        conflicts_with = "since"
    )]
    pub range: DurationArg,
    /// Not before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<TimeArg>,
    /// Before this time; by default the present
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<TimeArg>,
    /// Count by spans of so long, which start at multiples of it since 1970
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub bucket: DurationArg,
    /// Leave out the newest so much: messages of it are still on their way
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub delay: DurationArg,
    /// Messages published on this topic, like /waku/2/rs/1/0
    #[arg(long, value_name = "TOPIC", value_parser = topic)]
    pub pubsub_topic: Option<String>,
    /// Messages of this content topic, like /app/1/chat/proto; may be repeated
    #[arg(long, value_name = "TOPIC", value_parser = topic)]
    pub content_topic: Vec<String>,
}

/// Counting again and again.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Count again so long after each count has begun, and serve figures for Prometheus, until it is ended
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["since", "until"])]
    pub watch: Option<DurationArg>,
    /// Compare the whole last week so often
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "1h",
        requires = "watch"
    )]
    pub full_every: DurationArg,
    /// Keep the figures of the last week in this file, so that a restart goes on
    #[arg(long, value_name = "FILE", requires = "watch")]
    pub state: Option<PathBuf>,
    /// Address to serve figures on, at /metrics
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), requires = "watch")]
    pub metrics_address: IpAddr,
    /// Port to serve figures on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = METRICS_PORT, requires = "watch")]
    pub metrics_port: u16,
}

const COUNT_HELP: &str = "\
Times: RFC 3339, nanoseconds since 1970, -2h, or now. Nodes that speak this project's reconciliation are compared
by it, others by Store queries for hashes alone. What seems absent at a node is asked for again by hash, three
times, before it is called missing; not what it says not to keep any more, and what goes beyond 10,000 messages a
node is not sure to be missing. Nothing is fetched, and nothing is given to any node.

Exit codes: 0 equal, or nothing to count; 1 failed; 2 wrong usage; 3 messages are missing somewhere; 4 a node
couldn't be counted, or didn't answer for everything, which goes before 3.";

impl CountedArgs {
    /// The span to count, given the time of the present in nanoseconds since 1970; `None` if the times leave nothing.
    ///
    /// # Errors
    /// When there are too many buckets, or none could be made.
    pub fn span(&self, now: u64) -> Result<Option<Span>, SpanError> {
        let settled = now.saturating_sub(nanoseconds(self.delay.0));
        let (since, until) = self.since_until(now);
        Span::new(since, until.min(settled), nanoseconds(self.bucket.0))
    }

    /// The times that are asked for, of which the newest may be left out, in nanoseconds since 1970.
    pub(crate) fn since_until(&self, now: u64) -> (u64, u64) {
        let until = self.until.map_or(now, |until| until.resolve(now));
        let since = match self.since {
            Some(since) => since.resolve(now),
            None => until.saturating_sub(nanoseconds(self.range.0)),
        };
        (since, until)
    }

    /// The same for one of the counts of a watch: of `range`, and from the start of a bucket on.
    ///
    /// # Errors
    /// As [`span`](Self::span).
    pub fn span_watched(&self, now: u64, range: Duration) -> Result<Option<Span>, SpanError> {
        let settled = now.saturating_sub(nanoseconds(self.delay.0));
        let width = nanoseconds(self.bucket.0).max(1);
        let since = now.saturating_sub(nanoseconds(range));
        Span::new(since - since % width, settled, width)
    }

    /// Whether the week that a watch counts has no more buckets than may be, whenever in a bucket a count begins.
    ///
    /// # Errors
    /// As [`span`](Self::span).
    pub fn watch_fits(&self, now: u64) -> Result<(), SpanError> {
        let buckets = match self.span_watched(now, WEEK)? {
            Some(span) => span.buckets() as u64 + 1,
            None => 0,
        };
        if buckets > BUCKETS as u64 {
            return Err(SpanError::TooMany { buckets });
        }
        Ok(())
    }
}

impl CountArgs {
    /// What is wrong with the arguments together, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let watch = self.watching.watch?.0;
        if watch < SHORTEST_WATCH {
            return Some(format!(
                "--watch is {watch:?}: nodes are asked every {SHORTEST_WATCH:?} at most"
            ));
        }
        (self.counted.range.0 > WEEK).then(|| {
            "--range is longer than the week for which --watch keeps figures: give at most 7d"
                .into()
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    const HOUR: u64 = 3_600_000_000_000;
    const NOW: u64 = 1_000 * HOUR + 600_000_000_000;

    fn parse(arguments: &[&str]) -> Result<CountArgs, String> {
        let mut line = vec!["wakustore", "count", "--peer=/ip4/127.0.0.1/tcp/1"];
        line.extend(arguments);
        match Cli::try_parse_from(line) {
            Ok(Cli {
                command: Command::Count(args),
            }) => Ok(*args),
            other => Err(format!("{other:?}")),
        }
    }

    fn times(arguments: &[&str]) -> Option<(u64, u64, usize)> {
        let span = parse(arguments).unwrap().counted.span(NOW).unwrap();
        span.map(|span| (span.since(), span.until(), span.buckets()))
    }

    #[test]
    fn the_newest_messages_are_left_out() {
        let settled = NOW - HOUR / 12;
        assert_eq!(times(&[]), Some((NOW - 24 * HOUR, settled, 25)));
        assert_eq!(
            times(&["--range=1h", "--delay=0s"]),
            Some((NOW - HOUR, NOW, 2))
        );
        assert_eq!(
            times(&["--since=-2h", "--until=-1h", "--bucket=2h"]),
            Some((NOW - 2 * HOUR, NOW - HOUR, 1)),
            "what is over isn't on its way"
        );
        assert_eq!(
            times(&["--until=-1h", "--range=2h"]),
            Some((NOW - 3 * HOUR, NOW - HOUR, 3))
        );
        assert_eq!(times(&["--since=-1h", "--until=-2h"]), None);
        assert_eq!(times(&["--range=1m"]), None, "all of it is too new");
    }

    #[test]
    fn what_can_not_be_counted_is_refused() {
        for wrong in [
            &["--since=-1h", "--range=1h"][..],
            &["--json", "--csv"],
            &["--state=file"],
            &["--watch=2m", "--since=-1h"],
            &["--bucket=1w"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        let span = |arguments: &[&str]| parse(arguments).unwrap().counted.span(NOW);
        assert!(span(&["--bucket=0s"]).is_err());
        assert!(span(&["--bucket=1s", "--range=30d"]).is_err());
        let fault = |arguments: &[&str]| parse(arguments).unwrap().fault();
        assert_eq!(fault(&["--watch=2m", "--range=7d"]), None);
        assert!(fault(&["--watch=2m", "--range=8d"]).unwrap().contains("7d"));
        assert!(fault(&["--watch=1ms"]).is_some());
    }

    #[test]
    fn a_watch_counts_whole_buckets_but_for_the_newest() {
        let args = parse(&["--watch=2m"]).unwrap();
        let span = args.counted.span_watched(NOW, Duration::from_secs(3_600));
        let span = span.unwrap().unwrap();
        assert_eq!((span.since(), span.buckets()), (999 * HOUR, 2));
    }

    #[test]
    fn a_watch_has_room_for_a_bucket_more_whenever_it_begins() {
        let width = 120_970_000_000;
        for now in [NOW - NOW % width, NOW - NOW % width + width - 1] {
            let fits = |bucket: &str| {
                let args = parse(&["--watch=2m", "--delay=0s", bucket]).unwrap();
                args.counted.watch_fits(now)
            };
            assert!(fits("--bucket=120970ms").is_err(), "{now}");
            assert_eq!(fits("--bucket=122s"), Ok(()));
        }
    }
}
