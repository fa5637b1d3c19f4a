//! `wakustore demo --serve`: the two nodes stay, publish, lose some of what comes, and sync; their pages show it.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use libp2p::Multiaddr;
use store_adapter::ArchiveUrl;
use store_adapter::limits::{ARCHIVE_CONNECTIONS, IngestLimits};
use sync_core::Range;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::{CLUSTER, fill};
use crate::cli::DemoArgs;
use crate::cli::time::now;
use crate::commands::progress::bars;
use crate::commands::tended::open_kept;
use crate::exit::Failure;
use crate::forecast::HOUR;
use crate::loss::Lost;
use crate::node::{Node, NodeConfig};
use crate::output::say;
use crate::relay::RelayConfig;
use crate::rest::{RestConfig, RestServer};
use crate::sync::Schedule;
use crate::traffic::{SHARDS, Traffic};

/// How far back the messages lie at the start, in nanoseconds.
const DAY: u64 = 24 * HOUR;

/// What each node keeps: enough for days of the demo's traffic.
const POLICY: &str = "size:1GB";

/// For how long the newest messages are left to the relay, before sync looks for them.
const JITTER: Duration = Duration::from_secs(2);

/// A node, and where its page is.
struct Served {
    node: Node,
    page: String,
    traffic: Traffic,
}

pub(super) async fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let mut terminate = signal(SignalKind::terminate()).context("no handler for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no handler for SIGINT")?;
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let urls = ["a", "b"].map(|name| ArchiveUrl::Redb(directory.path().join(name)));
    let until = now();
    let window = Range::of_times(until.saturating_sub(DAY), until);
    let serving = async {
        fill(args, &urls, window, &bars()).await?;
        let a = Served::start(args, &urls[0], args.seed.wrapping_add(1), Vec::new()).await?;
        let address = a.node.addresses().to_vec();
        let b = Served::start(args, &urls[1], args.seed.wrapping_add(2), address).await?;
        tell(args, &a, &b)?;
        let mut publishing = JoinSet::new();
        for (served, rate) in [(a, args.serving.rate), (b, args.serving.rate)] {
            publishing.spawn(served.publish(rate));
        }
        // They publish for as long as they are left to.
        publishing.join_next().await;
        Err(Failure::from(anyhow::anyhow!(
            "a node of the demo has ended by itself"
        )))
    };
    // Dropped, the nodes end, and their archives go with the directory.
    tokio::select! {
        failed = serving => failed,
        _ = terminate.recv() => Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => Ok(ExitCode::SUCCESS),
    }
}

fn tell(args: &DemoArgs, a: &Served, b: &Served) -> Result<(), Failure> {
    let serving = &args.serving;
    say(format_args!(
        "Each node publishes {} messages a second, loses {} % of the other's on the way in, and syncs every {} s.\n\n  \
         node a  {}\n  node b  {}\n\nOpen them in a browser; Ctrl-C ends both and removes their archives.",
        serving.rate,
        serving.loss,
        serving.sync_interval.0.as_secs_f64(),
        a.page,
        b.page
    ))?;
    Ok(())
}

impl Served {
    /// A node over the archive at `url` that stays connected with `peers`.
    async fn start(
        args: &DemoArgs,
        url: &ArchiveUrl,
        seed: u64,
        peers: Vec<Multiaddr>,
    ) -> Result<Self, Failure> {
        let policy = POLICY.parse().context("the demo's retention policy")?;
        let limits = IngestLimits::default();
        let store = open_kept(url, policy, limits, ARCHIVE_CONNECTIONS).await?;
        let rest = RestServer::listen(RestConfig {
            port: 0,
            ..RestConfig::default()
        });
        let rest = rest.await?;
        let page = format!("http://{}/", rest.address());
        let mut config = NodeConfig::new(sync_net::identity::generate(), Some(CLUSTER))
            .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let topics = (0..SHARDS).map(|shard| format!("/waku/2/rs/{CLUSTER}/{shard}"));
        config.relay = Some(RelayConfig {
            validator: Some(Lost::default().validator(args.serving.loss.into(), seed)),
            ..RelayConfig::of_topics(topics)
        });
        config.reconcile.waku_form = args.sync_wire.form(CLUSTER);
        config.rest = Some(rest);
        config.stay_with = peers;
        config.schedule = Some(Schedule {
            interval: args.serving.sync_interval.0,
            range: Duration::from_nanos(DAY + HOUR),
            jitter: JITTER,
        });
        let node = Node::start(config, Arc::clone(&store)).await?;
        Ok(Self {
            node,
            page,
            traffic: Traffic::new(CLUSTER, seed),
        })
    }

    /// Publishes so many messages a second, until the node ends.
    async fn publish(mut self, rate: u32) {
        let Some(relay) = self.node.relay().cloned() else {
            return;
        };
        let interval = Duration::from_secs(1).checked_div(rate);
        let Some(interval) = interval else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = now();
            let (topic, message) = self.traffic.message(now, now + 1);
            // What isn't passed on is archived here all the same, and found by sync.
            if let Err(error) = relay.publish(&topic, message).await {
                tracing::debug!(%error, "published to nobody");
            }
        }
    }
}
