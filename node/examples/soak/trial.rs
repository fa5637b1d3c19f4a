//! The trial: starts the nodes, has them publish, and judges what comes of it.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use store_adapter::ArchiveUrl;
use tokio::runtime::Runtime;
use wakustore::store::Store;

use crate::Args;
use crate::child::Node;
use crate::node::{PUBLISH, STATE};

/// How many nodes there are.
pub(crate) const NODES: u32 = 3;

/// How long the nodes may take to be in each other's meshes.
const MEETING: Duration = Duration::from_secs(120);

/// Syncs, each with its interval, after which the archives have to be equal, and time on top.
const LAST_SYNCS: u32 = 12;
const LAST_SECONDS: Duration = Duration::from_secs(60);

/// How many times as long as it should take the traffic may take, on a machine that does much else.
pub(crate) const SLOWDOWN: u32 = 10;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How often the trial tells how it goes.
const REPORT: Duration = Duration::from_secs(30);

/// Runs the trial.
///
/// # Errors
/// When the archives differ in the end, memory grew too much, or a node failed.
pub(crate) fn run(args: &Args, runtime: &Runtime) -> anyhow::Result<()> {
    let place = tempfile::tempdir().context("no temporary directory")?;
    let directories: Vec<_> = (0..NODES)
        .map(|number| place.path().join(number.to_string()))
        .collect();
    let mut nodes: Vec<Node> = Vec::new();
    for (number, directory) in (0..).zip(&directories) {
        let peers: Vec<String> = nodes.iter().map(|n| n.state.address.clone()).collect();
        nodes.push(Node::start(args, args.seed + number, directory, &peers)?);
    }
    meet(&mut nodes)?;
    publish(args, &mut nodes)?;
    let took = become_equal(args, &mut nodes)?;
    let (messages, digest) = (nodes[0].state.messages, nodes[0].state.digest.clone());
    let judged = judge(args, &nodes);
    nodes.iter_mut().try_for_each(Node::end)?;
    judged?;
    for directory in directories {
        let url = ArchiveUrl::Redb(directory);
        let verified = runtime.block_on(async {
            let store = Store::open_existing(&url).await?;
            store.verify().await
        })?;
        ensure!(verified.faults == 0, "an archive has faults: {verified:?}");
        ensure!(
            verified.messages == messages && hex::encode(verified.digest) == digest,
            "an archive isn't what its node said of it: {verified:?}"
        );
    }
    println!(
        "{messages} messages in each of {NODES} equal archives, {took:.1} s after the last one"
    );
    Ok(())
}

/// Waits until all are in each other's meshes of every topic.
fn meet(nodes: &mut [Node]) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        let mut met = true;
        for node in nodes.iter_mut() {
            met &= node.tell(STATE)?.mesh + 1 == NODES as usize;
        }
        if met {
            return Ok(());
        }
        ensure!(
            start.elapsed() < MEETING,
            "the nodes aren't in each other's meshes after {} s",
            MEETING.as_secs()
        );
        std::thread::sleep(LOOK);
    }
}

/// Has the nodes publish as much as asked.
fn publish(args: &Args, nodes: &mut [Node]) -> anyhow::Result<()> {
    for node in nodes.iter_mut() {
        node.start_measuring()?;
        node.tell(PUBLISH)?;
    }
    let start = Instant::now();
    let mut reported = start;
    let deadline = Duration::from_secs(args.seconds) * SLOWDOWN + LAST_SECONDS;
    loop {
        std::thread::sleep(LOOK);
        let mut done = true;
        for node in nodes.iter_mut() {
            node.measure()?;
            done &= node.tell(STATE)?.published == args.share();
        }
        if done {
            return report(start.elapsed(), nodes);
        }
        ensure!(
            start.elapsed() < deadline,
            "what {} s are for wasn't published after {} s",
            args.seconds,
            deadline.as_secs()
        );
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            report(start.elapsed(), nodes)?;
        }
    }
}

/// Waits until all archives are equal, and gives after how many seconds.
fn become_equal(args: &Args, nodes: &mut [Node]) -> anyhow::Result<f64> {
    let (start, schedule) = (Instant::now(), args.schedule());
    let deadline = schedule.jitter + schedule.interval * LAST_SYNCS + LAST_SECONDS;
    loop {
        for node in nodes.iter_mut() {
            node.tell(STATE)?;
            node.measure()?;
        }
        let published: u64 = nodes.iter().map(|node| node.state.published).sum();
        let whole = |node: &Node| {
            node.state.messages == published && node.state.digest == nodes[0].state.digest
        };
        if nodes.iter().all(whole) {
            return Ok(start.elapsed().as_secs_f64());
        }
        if start.elapsed() > deadline {
            let states: Vec<_> = nodes.iter().map(|node| &node.state).collect();
            bail!("the archives of {published} published messages differ: {states:#?}");
        }
        std::thread::sleep(LOOK);
    }
}

/// That as much was lost as asked, and memory grew no more than allowed.
fn judge(args: &Args, nodes: &[Node]) -> anyhow::Result<()> {
    let published: u64 = nodes.iter().map(|node| node.state.published).sum();
    for node in nodes {
        let heard = published - node.state.published;
        let (lost, percent) = (node.state.lost, u64::from(args.loss));
        // A node that loses nothing has nothing to sync, and shows nothing.
        ensure!(
            lost * 200 >= heard * percent,
            "{lost} of {heard} messages were lost where {percent} % were asked for"
        );
        let (growth, most) = (node.growth(), args.growth << 20);
        ensure!(
            growth <= most,
            "a node's memory grew by {growth} bytes, which is more than {most}"
        );
    }
    Ok(())
}

fn report(after: Duration, nodes: &mut [Node]) -> anyhow::Result<()> {
    println!("after {} s", after.as_secs());
    for (number, node) in nodes.iter_mut().enumerate() {
        let (before, growth) = (node.before >> 20, node.growth() >> 20);
        let state = node.tell(STATE)?;
        println!(
            "  node {number}: {} published, {} lost, {} held; {before} MiB and {growth} MiB more",
            state.published, state.lost, state.messages
        );
    }
    Ok(())
}
