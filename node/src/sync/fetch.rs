//! Pulling what is owed: Store hash queries, several at once, to whoever holds it.

use std::sync::Arc;

use libp2p::PeerId;
use store_adapter::Record;
use store_adapter::store::{StoreAnswer, StoreQueryRequest};
use sync_core::Id;
use sync_net::Role;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, sleep};

use super::asked::Asking;
use super::job::Job;
use super::limits::{FIRST_PATIENCE, TICK, TIMES_PATIENT};
use super::query::{QueryError, query_store, request_id};
use super::syncer::Syncer;
use crate::net::limits::CLAIMS_BELIEVED;
use crate::net::protocols;
use crate::resume::span_of;

/// Works on the job's plan until nothing is left to be done or waited for.
pub(super) async fn run(syncer: &Arc<Syncer>, job: &Arc<Job>) {
    let mut queries = JoinSet::new();
    // Ticks come however often other things happen: a busy peer doesn't put deadlines off.
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while queries.len() < syncer.limits.queries_at_once {
            let Some((peer, asking)) = next_query(syncer, job) else {
                break;
            };
            queries.spawn(query(Arc::clone(syncer), Arc::clone(job), peer, asking));
        }
        if queries.is_empty() && job.is_done() {
            return;
        }
        tokio::select! {
            () = job.changed() => {}
            Some(_) = queries.join_next() => {}
            _ = ticks.tick() => job.pass_time(),
        }
    }
}

/// The next batch to ask for, and of whom: the session's peer first, then other store nodes, save
/// those that have said that they lack all of the session's times; those that lack none first.
fn next_query(syncer: &Syncer, job: &Job) -> Option<(PeerId, Asking)> {
    if !job.pulls() {
        return None;
    }
    let window = span_of(&job.scope.window);
    let holders = syncer
        .peers
        .holders(protocols::STORE, window, CLAIMS_BELIEVED);
    let others = holders.into_iter().filter(|peer| *peer != job.peer);
    std::iter::once(job.peer).chain(others).find_map(|peer| {
        let asking = syncer.asked.choose(|free| job.next_batch(&peer, free))?;
        Some((peer, asking))
    })
}

/// One query, and what comes of it.
async fn query(syncer: Arc<Syncer>, job: Arc<Job>, peer: PeerId, asking: Asking) {
    let hashes = &asking.hashes;
    match ask_patiently(&syncer, &job, peer, hashes).await {
        Ok(answer) => {
            let records = job.answered(&peer, hashes, records_of(answer));
            syncer.take(&job, peer, records).await;
        }
        Err(error) => {
            tracing::debug!(session = job.session, %peer, %error, "a query for missing messages failed");
            job.failed(&peer, hashes);
        }
    }
}

/// As `ask`, of a peer that may want to be asked less often: that is no failure of its.
async fn ask_patiently(
    syncer: &Syncer,
    job: &Job,
    peer: PeerId,
    hashes: &[Id],
) -> Result<StoreAnswer, QueryError> {
    let mut pause = FIRST_PATIENCE;
    for _ in 0..TIMES_PATIENT {
        match ask(syncer, job, peer, hashes, true).await {
            Err(error) if error.is_rate_limit() => {
                tracing::debug!(session = job.session, %peer, ?pause, "the peer wants to be asked less often");
                sleep(pause).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    ask(syncer, job, peer, hashes, true).await
}

/// Which of these messages the job's peer holds.
pub(super) async fn present(syncer: &Syncer, job: &Job, hashes: &[Id]) -> anyhow::Result<Vec<Id>> {
    let answer = ask(syncer, job, job.peer, hashes, false).await?;
    Ok(answer.entries.into_iter().map(|entry| entry.hash).collect())
}

async fn ask(
    syncer: &Syncer,
    job: &Job,
    peer: PeerId,
    hashes: &[Id],
    with_data: bool,
) -> Result<StoreAnswer, QueryError> {
    let request = StoreQueryRequest::by_hashes(request_id(), hashes, with_data);
    // Peers that make this node ask by claiming something share their room among themselves.
    let control = match job.role {
        Role::Initiator => &syncer.control,
        Role::Responder => &syncer.control_for_peers,
    };
    let deadline = syncer.limits.query;
    let queried = query_store(control, peer, &request, hashes.len(), deadline).await?;
    job.count_bytes(queried.sent, queried.received);
    Ok(queried.answer)
}

/// The messages of a page, hashed from their fields: what the server says of them doesn't count.
fn records_of(answer: StoreAnswer) -> Vec<Record> {
    let contents = answer.entries.into_iter().filter_map(|entry| entry.content);
    contents
        .filter_map(|(topic, message)| Record::new(topic, message).ok())
        .collect()
}
