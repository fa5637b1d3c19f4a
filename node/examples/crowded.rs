//! How long a client's Store queries take while a peer pulls a history: `crowded [--sync] [MEGABYTES]`.
//!
//! One process serves an archive of redb, one pulls all of it as fast as it can, and one asks for a few
//! messages every 50 ms. The peer walks eight spans of time at once by Store pages; with `--sync` it is a
//! node that syncs, and stores what it gets. Fails if 5 % of the client's queries take 50 ms or longer.
//! `make limits-check` runs it.

use std::net::{IpAddr, Ipv4Addr};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::StreamExt;
use futures::future::try_join_all;
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use prost::Message;
use store_adapter::ArchiveUrl;
use store_adapter::store::{StoreAnswer, StoreQueryRequest};
use sync_core::Range;
use sync_net::{Behaviour, ConnectionLimits, Control, NetLimits, build_swarm, identity};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use wakustore::cli::DialectArg;
use wakustore::net::protocols;
use wakustore::node::{Node, NodeConfig};
use wakustore::rates::{RateConfig, RateLimits, Service};
use wakustore::store::Store;
use wakustore::traffic::Traffic;

/// The bound: of 20 queries at least 19 take less.
const BOUND: Duration = Duration::from_millis(50);

/// The client asks so often.
const PAUSE: Duration = Duration::from_millis(50);

/// Queries of the client before the peer comes.
const QUIET_QUERIES: usize = 100;

/// Spans of time that the peer reads at once.
const WALKS: u64 = 8;

/// The longest response, in bytes.
const RESPONSE: usize = 16 << 20;

/// Between two messages, in nanoseconds.
const STEP: u64 = 10_000_000;

const HOUR: u64 = 3_600_000_000_000;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["pull", address, since, until] => {
            pull(&address.parse()?, since.parse()?, until.parse()?).await?;
        }
        ["sync", address, since, until] => {
            sync(&address.parse()?, since.parse()?, until.parse()?).await?;
        }
        ["ask", address] => ask(&address.parse()?).await?,
        ["--sync"] => return measure("sync", 1_000).await,
        ["--sync", megabytes] => return measure("sync", megabytes.parse()?).await,
        [] => return measure("pull", 1_000).await,
        [megabytes] => return measure("pull", megabytes.parse()?).await,
        _ => anyhow::bail!("expected: crowded [--sync] [MEGABYTES]"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(how: &str, megabytes: u64) -> anyhow::Result<ExitCode> {
    let directory = tempfile::tempdir()?;
    let url: ArchiveUrl =
        format!("redb://{}", directory.path().join("archive").display()).parse()?;
    let store = Store::open(&url).await?;
    let since = wakustore::cli::time::now() - 24 * HOUR;
    let (count, until) = fill(&store, since, megabytes << 20).await?;
    println!("{count} messages, {megabytes} MiB");

    let mut config = NodeConfig::new(identity::generate(), None)
        .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    // What is measured is the order in which requests are answered, not that a peer is slowed down.
    config.rates = RateConfig {
        limits: RateLimits::NONE,
        bandwidth: None,
    };
    let node = Node::start(config, store).await?;
    let address = node.addresses()[0].to_string();
    let mut client = child(&["ask", &address])?;
    let output = client.stdout.take().context("no output")?;
    let mut latencies = BufReader::new(output).lines();
    let mut quiet = Vec::new();
    while quiet.len() < QUIET_QUERIES {
        quiet.push(latency(latencies.next_line().await?)?);
    }
    let (begun, before) = (Instant::now(), sent(&node));
    let (since, until) = (since.to_string(), until.to_string());
    let mut peer = child(&[how, &address, &since, &until])?;
    let mut crowded = Vec::new();
    let status = loop {
        tokio::select! {
            status = peer.wait() => break status?,
            line = latencies.next_line() => crowded.push(latency(line?)?),
        }
    };
    ensure!(status.success(), "the peer failed");
    let pulled = sent(&node) - before;
    ensure!(pulled >= megabytes << 20, "only {pulled} bytes were pulled");
    let seconds = begun.elapsed().as_secs_f64();
    let speed = pulled as f64 / seconds / 1e6;
    println!("{how}: {pulled} bytes in {seconds:.1} s, {speed:.0} MB/s");
    client.kill().await?;
    node.stop().await;
    show("nobody else", &mut quiet);
    let p95 = show("a peer pulls", &mut crowded);
    Ok(if p95 < BOUND {
        ExitCode::SUCCESS
    } else {
        eprintln!("95 % of the queries are to take less than {BOUND:?}");
        ExitCode::FAILURE
    })
}

fn sent(node: &Node) -> u64 {
    node.limiter().counters(Service::Store).sent.get()
}

fn child(arguments: &[&str]) -> anyhow::Result<Child> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    Ok(command.spawn()?)
}

fn latency(line: Option<String>) -> anyhow::Result<Duration> {
    let line = line.context("the client has ended")?;
    Ok(Duration::from_nanos(line.parse()?))
}

/// Prints percentiles; gives the 95th.
fn show(when: &str, latencies: &mut [Duration]) -> Duration {
    latencies.sort_unstable();
    let at = |percent: usize| {
        let place = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
        latencies.get(place).copied().unwrap_or(Duration::MAX)
    };
    let (p50, p95, p99, most) = (at(50), at(95), at(99), at(100));
    println!(
        "{when}: {} queries, p50 {p50:.1?}, p95 {p95:.1?}, p99 {p99:.1?}, longest {most:.1?}",
        latencies.len()
    );
    p95
}

/// Fills the store; gives how many messages it holds and when the last one was.
async fn fill(store: &Store, since: u64, bytes: u64) -> anyhow::Result<(u64, u64)> {
    let mut traffic = Traffic::new(1, 1);
    let (mut count, mut filled) = (0, 0);
    while filled < bytes {
        let mut batch = Vec::new();
        for _ in 0..2_000 {
            let time = since + count * STEP;
            let (topic, message) = traffic.message(time, time + STEP);
            filled += message.encoded_len() as u64;
            count += 1;
            batch.push((topic, message));
        }
        store.put(batch).await?;
    }
    Ok((count, since + count * STEP))
}

/// A connection of a client without a node.
async fn connect(address: &Multiaddr) -> anyhow::Result<(Control, PeerId)> {
    let behaviour = Behaviour::new(NetLimits::default());
    let control = behaviour.control();
    let limits = ConnectionLimits::default();
    let mut swarm = build_swarm(&identity::generate(), behaviour, &limits)?;
    swarm.dial(address.clone())?;
    while control.connected_peers().is_empty() {
        swarm.select_next_some().await;
    }
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    let peer = control.connected_peers()[0];
    Ok((control, peer))
}

async fn query(
    control: &Control,
    peer: PeerId,
    request: &StoreQueryRequest,
) -> anyhow::Result<StoreAnswer> {
    let protocol = StreamProtocol::new(protocols::STORE);
    let frame = request.encode_to_vec();
    let response = control.request(peer, protocol, &frame, RESPONSE).await?;
    Ok(StoreAnswer::decode(&response, &request.request_id)?)
}

/// Reads all pages of several spans at once.
async fn pull(address: &Multiaddr, since: u64, until: u64) -> anyhow::Result<()> {
    let (control, peer) = connect(address).await?;
    let span = (until - since) / WALKS + 1;
    let walk = |number: u64| {
        let control = control.clone();
        tokio::spawn(async move {
            let start = i64::try_from(since + number * span)?;
            let end = i64::try_from(since + (number + 1) * span - 1)?;
            let first = StoreQueryRequest::by_times("r", start, end, true);
            let mut request = first.clone();
            while let Some(cursor) = query(&control, peer, &request).await?.cursor {
                request = first.clone().behind(cursor);
            }
            Ok::<_, anyhow::Error>(())
        })
    };
    for walked in try_join_all((0..WALKS).map(walk)).await? {
        walked?;
    }
    Ok(())
}

/// Syncs with the node, as a node of its own.
async fn sync(address: &Multiaddr, since: u64, until: u64) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let url: ArchiveUrl =
        format!("redb://{}", directory.path().join("archive").display()).parse()?;
    let store = Store::open(&url).await?;
    let config = NodeConfig::new(identity::generate(), None);
    let node = Node::start(config, Arc::clone(&store)).await?;
    let peer = node.connect(address).await?;
    let window = Range::of_times(since, until);
    loop {
        let synced = node.syncer().sync(peer, window, DialectArg::Auto).await?;
        if synced.job.need() == 0 {
            node.stop().await;
            return Ok(());
        }
    }
}

/// Asks for some of the newest messages of a topic, and for some by their hashes, and prints how long each
/// took in nanoseconds.
async fn ask(address: &Multiaddr) -> anyhow::Result<()> {
    let (control, peer) = connect(address).await?;
    let newest = StoreQueryRequest {
        request_id: "r".into(),
        include_data: true,
        content_topics: vec![
            "/waku/1/rfc26/none".into(),
            "/toychat/2/huilong/proto".into(),
        ],
        pagination_limit: Some(5),
        ..StoreQueryRequest::default()
    };
    let mut request = newest.clone();
    loop {
        let begun = Instant::now();
        let answer = query(&control, peer, &request).await?;
        let taken = begun.elapsed();
        ensure!(
            answer.entries.len() == 5,
            "{} messages",
            answer.entries.len()
        );
        println!("{}", taken.as_nanos());
        request = if request.message_hashes.is_empty() {
            let hashes: Vec<_> = answer.entries.iter().map(|entry| entry.hash).collect();
            StoreQueryRequest::by_hashes("r", &hashes, true)
        } else {
            newest.clone()
        };
        tokio::time::sleep(PAUSE).await;
    }
}
