//! `wakustore demo`: two whole nodes on loopback that fill each other's gaps.

mod serve;

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::MultiProgress;
use store_adapter::{ArchiveUrl, WakuMessage};
use sync_core::Range;
use tokio::sync::broadcast;

use super::progress::{bar, bars};
use super::sync;
use crate::cli::DemoArgs;
use crate::cli::time::now;
use crate::exit::Failure;
use crate::forecast::HOUR;
use crate::node::{Node, NodeConfig};
use crate::output::say;
use crate::store::{Store, Verified};
use crate::sync::report::{NodeReport, SyncReport, grouped, size};
use crate::sync::{JobReport, Synced};
use crate::traffic::Traffic;

/// A cluster that no public network has.
const CLUSTER: u16 = 99;

/// How far back the messages lie, in nanoseconds.
const SPAN: u64 = HOUR;

/// Messages in one transaction.
const BATCH: usize = 1_000;

/// How long the second node may take to be done after the first.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often the bars are drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// One of the two nodes.
struct Side {
    url: ArchiveUrl,
    store: Arc<Store>,
    node: Node,
    before: u64,
}

pub(super) async fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    if args.serving.serve {
        return serve::run(args).await;
    }
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let bars = bars();
    let until = now();
    let window = Range::of_times(until.saturating_sub(SPAN), until);
    let urls = ["a", "b"].map(|name| ArchiveUrl::Redb(directory.path().join(name)));
    fill(args, &urls, window, &bars).await?;
    let [a, b] = urls;
    let (a, b) = (
        Side::start(a, window, args).await?,
        Side::start(b, window, args).await?,
    );

    let started = Instant::now();
    let (synced, other) = reconcile(args, &a, &b, window, &bars).await?;
    let seconds = started.elapsed().as_secs_f64();
    let after = a.node.syncer().count(window);
    let nodes = [
        sync::local("a", &synced, a.before, after),
        responder("b", &other, b.before, b.node.syncer().count(window)),
    ];
    let mut report = sync::report(&synced, &a.store, nodes, seconds, None);
    let verified = [a.stop_and_verify().await?, b.stop_and_verify().await?];
    let equal = verified[0] == verified[1] && verified[0].faults == 0;
    report.equal = Some(equal);
    report.digest = hex::encode(verified[0].digest);
    report.messages = verified[0].messages;
    print(args, &report, &verified)?;
    Ok(if equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// Draws the messages, and gives each archive all but its missing part.
async fn fill(
    args: &DemoArgs,
    urls: &[ArchiveUrl; 2],
    window: Range,
    bars: &MultiProgress,
) -> Result<(), Failure> {
    let mut traffic = Traffic::new(CLUSTER, args.seed);
    let count = args.messages as usize;
    let missing = count * usize::from(args.missing) / 100;
    // Who lacks a message: the first `missing` of a random order the one, the next the other.
    let mut lacking = vec![None; count];
    for (place, message) in traffic.shuffled(count).into_iter().enumerate() {
        lacking[message] = (place < 2 * missing).then(|| place / missing.max(1));
    }
    let span = window.upper.timestamp() - window.lower.timestamp();
    let stores = [Store::open(&urls[0]).await?, Store::open(&urls[1]).await?];
    let bar = bar(bars, "made up", count as u64);
    let mut bytes = 0;
    let mut batches: [Vec<(String, WakuMessage)>; 2] = Default::default();
    for (number, lacking) in lacking.into_iter().enumerate() {
        let (topic, message) = traffic.message(window.lower.timestamp(), window.upper.timestamp());
        bytes += message.payload.len() as u64;
        for (side, batch) in batches.iter_mut().enumerate() {
            if lacking != Some(side) {
                batch.push((topic.clone(), message.clone()));
            }
        }
        if (number + 1) % BATCH == 0 || number + 1 == count {
            for (store, batch) in stores.iter().zip(&mut batches) {
                store.put(std::mem::take(batch)).await?;
            }
            bar.set_position(number as u64 + 1);
        }
    }
    bar.finish_and_clear();
    if !args.json {
        say(format_args!(
            "{} messages of {} in all, over the last {}; each node lacks {} of them.",
            grouped(count as u64),
            size(bytes),
            if span == SPAN { "hour" } else { "day" },
            grouped(missing as u64)
        ))?;
    }
    Ok(())
}

/// One session that `a` starts, and all that follows, while bars show what arrives.
async fn reconcile(
    args: &DemoArgs,
    a: &Side,
    b: &Side,
    window: Range,
    bars: &MultiProgress,
) -> Result<(Synced, JobReport), Failure> {
    let address = b
        .node
        .addresses()
        .first()
        .context("the second node listens nowhere")?;
    let mut finished = b.node.syncer().finished();
    let peer = a.node.connect(address).await?;
    let work = async {
        let synced = a.node.syncer().sync(peer, window, args.dialect).await?;
        let other = tokio::time::timeout(PATIENCE, job_with(&mut finished, a.node.peer_id()));
        let other = other.await.context("the second node doesn't get done")??;
        Ok::<_, Failure>((synced, other))
    };
    let shown = [
        (a, bar(bars, "a fetches", 0)),
        (b, bar(bars, "b fetches", 0)),
    ];
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(TICK) => for (side, bar) in &shown {
                if let Some(job) = side.node.syncer().at_work().first() {
                    bar.set_length(job.need());
                    bar.set_position(job.fetch.fetched);
                }
            },
        }
    }
}

async fn job_with(
    finished: &mut broadcast::Receiver<JobReport>,
    peer: libp2p::PeerId,
) -> anyhow::Result<JobReport> {
    loop {
        let report = finished.recv().await?;
        if report.peer == peer {
            return Ok(report);
        }
    }
}

impl Side {
    async fn start(url: ArchiveUrl, window: Range, args: &DemoArgs) -> Result<Self, Failure> {
        let store = Store::open(&url).await?;
        let mut config = NodeConfig::new(sync_net::identity::generate(), Some(CLUSTER))
            .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        config.reconcile.waku_form = args.sync_wire.form(CLUSTER);
        let node = Node::start(config, Arc::clone(&store)).await?;
        let before = node.syncer().count(window);
        Ok(Self {
            url,
            store,
            node,
            before,
        })
    }

    /// Ends the node and reads its file anew, hashing every message from its fields.
    async fn stop_and_verify(self) -> Result<Verified, Failure> {
        self.node.stop().await;
        drop(self.store);
        Ok(Store::open_existing(&self.url).await?.verify().await?)
    }
}

fn responder(node: &str, job: &JobReport, before: u64, after: u64) -> NodeReport {
    NodeReport {
        node: node.to_owned(),
        before,
        missing: job.need(),
        fetched: job.fetch.fetched,
        refused: job.fetch.refused(),
        owed: job.fetch.owed(),
        after,
    }
}

fn print(args: &DemoArgs, report: &SyncReport, verified: &[Verified; 2]) -> Result<(), Failure> {
    if args.json {
        say(serde_json::to_string(report)?)?;
        return Ok(());
    }
    say(report.table())?;
    let [a, b] = verified;
    if report.equal == Some(true) {
        say(format_args!(
            "Both archives hold the same {} messages, digest {}.",
            grouped(a.messages),
            report.digest
        ))?;
    } else {
        say(format_args!(
            "The archives DIFFER: a holds {} messages, digest {}, {} damaged; \
             b holds {}, digest {}, {} damaged.",
            grouped(a.messages),
            hex::encode(a.digest),
            a.faults,
            grouped(b.messages),
            hex::encode(b.digest),
            b.faults
        ))?;
    }
    Ok(())
}
