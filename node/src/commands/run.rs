//! `wakustore run`: a node until it is told to end.

use std::process::ExitCode;

use anyhow::Context;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use sync_net::AdmissionLimits;
use tokio::signal::unix::{SignalKind, signal};

use super::tended::open_kept;
use crate::cli::RunArgs;
use crate::exit::Failure;
use crate::logging::Levels;
use crate::metrics::MetricsServer;
use crate::net::peer_of;
use crate::node::{Node, NodeConfig, Services};
use crate::output::say;
use crate::recording::Recording;
use crate::relay::RelayConfig;
use crate::rest::RestServer;
use crate::resume::ResumeConfig;
use crate::sync::Schedule;

/// Name of the file in the data directory that keeps the node's key.
const KEY_FILE: &str = "nodekey";

pub(super) async fn run(args: RunArgs, levels: Levels) -> Result<ExitCode, Failure> {
    let mut config = config(&args)?;
    config.levels = levels;
    let url = args.archive.url_to_create()?;
    // Before the archive is opened, so that it tells of the start.
    if let Some(rest) = args.rest.config() {
        config.rest = Some(RestServer::listen(rest).await?);
    }
    if let Some(metrics) = args.metrics.config() {
        config.metrics = Some(MetricsServer::listen(metrics).await?);
    }
    let (policy, limits) = (
        args.store_message_retention_policy,
        args.relay.ingest_limits(),
    );
    let store = open_kept(&url, policy, limits, args.store_max_num_db_connections).await?;
    // The archive is there by now, and a recording isn't written in its place.
    let recording = record(&args, &mut config)?;
    let mut terminate = signal(SignalKind::terminate()).context("no handler for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no handler for SIGINT")?;
    let node = Node::start(config, store).await?;
    for address in node.addresses() {
        if let Err(error) = say(address) {
            tracing::warn!(%address, %error, "listening");
        }
    }
    tracing::info!(peer_id = %node.peer_id(), archive = %url, retention = %args.store_message_retention_policy, "running");
    tracing::info!(enr = node.enr_uri(), "the node record");
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: ending"),
        _ = interrupt.recv() => tracing::info!("SIGINT: ending"),
    }
    node.stop().await;
    if let Some(recording) = recording {
        recording.finish().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts the recording that is asked for.
fn record(args: &RunArgs, config: &mut NodeConfig) -> Result<Option<Recording>, Failure> {
    let Some(file) = &args.record else {
        return Ok(None);
    };
    let recording = Recording::start(file, args.record_limit.0)?;
    config.reconcile.observer = Some(recording.recorder());
    Ok(Some(recording))
}

/// Whether a node could be configured so; no file is looked at.
pub(super) fn check(args: &RunArgs) -> Result<(), Failure> {
    relay(args)?;
    peer_addresses("--staticnode", &args.net.staticnode)?;
    peer_addresses("--storenode", &args.net.storenode)?;
    Ok(())
}

fn relay(args: &RunArgs) -> Result<Option<RelayConfig>, Failure> {
    let relay = args.relay.config(args.cluster_id, &args.shard);
    relay.map_err(|error| Failure::Usage(anyhow::anyhow!(error)))
}

fn config(args: &RunArgs) -> Result<NodeConfig, Failure> {
    let mut config = NodeConfig::new(keypair(args)?, Some(args.cluster_id))
        .listening_on(args.listen_address, args.tcp_port);
    if args.websocket_support {
        let address = Multiaddr::from(args.listen_address)
            .with(Protocol::Tcp(args.websocket_port))
            .with(Protocol::Ws("/".into()));
        config.listen.push(address);
    }
    config.shards.clone_from(&args.shard);
    config.relay = relay(args)?;
    if let Some(relay) = &mut config.relay {
        relay.cache_capacity = args.rest.rest_relay_cache_capacity;
    }
    config.reconcile.waku_form = args.sync_wire.form(args.cluster_id);
    config.serve = Services {
        store: args.store,
        sync: args.store_sync,
    };
    config.admission = AdmissionLimits {
        inbound: args.max_connections,
        inbound_per_ip: (args.ip_colocation_limit > 0).then_some(args.ip_colocation_limit),
        ..AdmissionLimits::default()
    };
    config.rates = args.rates.config();
    config.announce = args.net.announce();
    config.stay_with = peer_addresses("--staticnode", &args.net.staticnode)?;
    config.store_nodes = peer_addresses("--storenode", &args.net.storenode)?;
    config.schedule = (args.store && args.store_sync).then_some(Schedule {
        interval: args.store_sync_interval.0,
        range: args.store_sync_range.0,
        jitter: args.store_sync_relay_jitter.0,
    });
    config.resume = args.store.then(|| ResumeConfig {
        fill: args.store_resume,
        limit: Some(args.store_resume_limit.0).filter(|limit| !limit.is_zero()),
        ..ResumeConfig::default()
    });
    Ok(config)
}

fn keypair(args: &RunArgs) -> Result<Keypair, Failure> {
    match &args.nodekey {
        Some(digits) => sync_net::identity::from_hex(digits)
            .with_context(|| {
                let shown = beginning(digits);
                format!("--nodekey `{shown}` is no key; `openssl rand -hex 32` makes one")
            })
            .map_err(Failure::Usage),
        None => {
            args.archive.make_data_dir()?;
            let file = args.archive.data_dir.join(KEY_FILE);
            Ok(sync_net::identity::load_or_create(&file)?)
        }
    }
}

fn peer_addresses(flag: &str, texts: &[String]) -> Result<Vec<Multiaddr>, Failure> {
    let addresses = texts.iter().map(|text| peer_address(text));
    let named = addresses.map(|address| match address {
        Err(Failure::Usage(error)) => Err(Failure::Usage(error.context(flag.to_owned()))),
        address => address,
    });
    named.collect()
}

/// As much of a key as tells which one it is, and no more.
fn beginning(digits: &str) -> String {
    let shown: String = digits.chars().take(4).collect();
    if shown.len() < digits.len() && digits.len() > 8 {
        format!("{shown}...")
    } else {
        digits.to_owned()
    }
}

/// Reads a peer's address, which has to name the peer.
pub(super) fn peer_address(text: &str) -> Result<Multiaddr, Failure> {
    let usage = |reason: String| {
        Failure::Usage(anyhow::anyhow!(
            "`{text}` is no peer's address: {reason}; expected a multiaddress that ends in the \
             peer id, like /ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAm..."
        ))
    };
    let address: Multiaddr = text.parse().map_err(|error| usage(format!("{error}")))?;
    match peer_of(&address) {
        Some(_) => Ok(address),
        None => Err(usage("it has no /p2p/ part at the end".into())),
    }
}
