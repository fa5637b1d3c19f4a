//! `wakustore sync`: one session with a peer, and fetching until both sides are done.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libp2p::PeerId;
use sync_core::Range;

use super::run::peer_address;
use crate::cli::SyncArgs;
use crate::cli::time::now;
use crate::exit::Failure;
use crate::net::ConnectError;
use crate::node::{Node, NodeConfig};
use crate::output::say;
use crate::store::Store;
use crate::sync::report::{Bytes, NodeReport, SyncReport};
use crate::sync::{SyncError, Synced};

/// Most messages fetched in one run; a node that serves others takes on fewer at a time.
const MOST_OWED: usize = 5_000_000;

/// How often a busy peer is asked.
const TRIES: u32 = 10;

/// The pause before a busy peer is asked again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(args: SyncArgs) -> Result<ExitCode, Failure> {
    let usage = |error: String| Failure::Usage(anyhow::anyhow!(error));
    let address = peer_address(&args.peer)?;
    let (since, until) = args.window.resolve(now()).map_err(usage)?;
    let window = Range::of_times(since, until);
    let form = args.form().map_err(usage)?;
    let store = Store::open(&args.archive.url_to_create()?).await?;
    let mut config = NodeConfig::new(sync_net::identity::generate(), args.cluster_id);
    config.sync_limits.fetch.owed = MOST_OWED;
    config.reconcile.waku_form = form;
    let node = Node::start(config, Arc::clone(&store)).await?;
    let peer = node.connect(&address).await.map_err(|error| match error {
        ConnectError::NoPeerId(_) => Failure::Usage(error.into()),
        error => Failure::Unreachable(error.into()),
    })?;
    let (started, before) = (Instant::now(), node.syncer().count(window));
    let synced = sync(&node, peer, window, &args).await?;
    let seconds = started.elapsed().as_secs_f64();
    let after = node.syncer().count(window);
    node.stop().await;
    let nodes = [
        local("local", &synced, before, after),
        remote(&synced, before),
    ];
    let report = report(&synced, &store, nodes, seconds, None);
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        say(format_args!("{}\n{}", report.table(), verdict(&report)))?;
    }
    Ok(if report.owed() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// One session, started again while the peer is busy or has just started one with us.
async fn sync(
    node: &Node,
    peer: PeerId,
    window: Range,
    args: &SyncArgs,
) -> Result<Synced, SyncError> {
    let mut tries = 1;
    loop {
        match node.syncer().sync(peer, window, args.dialect).await {
            Err(error) if error.is_passing() && tries < TRIES => {
                tracing::info!(%error, "trying again");
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

/// The report of a sync as its initiator knows it.
pub(super) fn report(
    synced: &Synced,
    store: &Store,
    nodes: [NodeReport; 2],
    seconds: f64,
    equal: Option<bool>,
) -> SyncReport {
    SyncReport {
        equal,
        digest: hex::encode(store.digest()),
        messages: store.len(),
        dialect: match synced.session.session.dialect {
            sync_core::Dialect::Negentropy => "negentropy",
            sync_core::Dialect::Waku => "waku",
        },
        seconds,
        rounds: synced.session.rounds,
        bytes: Bytes {
            reconcile_sent: synced.session.bytes_sent,
            reconcile_received: synced.session.bytes_received,
            fetch_sent: synced.job.sent,
            fetch_received: synced.job.received,
        },
        nodes,
    }
}

/// What this side did.
pub(super) fn local(node: &str, synced: &Synced, before: u64, after: u64) -> NodeReport {
    let fetch = &synced.job.fetch;
    NodeReport {
        node: node.to_owned(),
        before,
        missing: synced.job.need(),
        fetched: fetch.fetched,
        refused: fetch.refused(),
        owed: fetch.owed(),
        after,
    }
}

/// What the other side did, as far as this one knows it: it has what it was seen to fetch.
fn remote(synced: &Synced, before: u64) -> NodeReport {
    let job = &synced.job;
    let before = (before + job.need()).saturating_sub(job.have);
    let fetched = job.have - job.undelivered;
    NodeReport {
        node: "peer".to_owned(),
        before,
        missing: job.have,
        fetched,
        refused: 0,
        owed: job.undelivered,
        after: before + fetched,
    }
}

fn verdict(report: &SyncReport) -> String {
    match report.owed() {
        0 => format!(
            "Done: nothing stays owed. Digest of the local archive: {}",
            report.digest
        ),
        owed => format!("{owed} messages stay owed; the log above tells why."),
    }
}
