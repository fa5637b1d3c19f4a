//! What the peer lacks gets to it: pushed in Waku's dialect, pulled by the peer in the own one.

use std::sync::Arc;

use libp2p::StreamProtocol;
use store_adapter::limits::STORE_HASHES;
use store_adapter::transfer::WakuMessageAndTopic;
use sync_core::{Dialect, Id};
use sync_net::warn_of_peer;

use super::job::Job;
use super::limits::{FIRST_PAUSE, PUSHED_AT_ONCE, QUIET};
use super::syncer::Syncer;
use crate::net::protocols;

/// Sees to it that the peer gets what it lacks once the session is over, by pushing it in Waku's
/// dialect and by being asked for it in the own one; then asks which of it has arrived.
pub(super) async fn run(syncer: &Arc<Syncer>, job: &Arc<Job>) {
    job.until_session_ended().await;
    let outgoing = job.outgoing();
    if !outgoing.is_empty() {
        if job.dialect == Dialect::Waku
            && let Err(error) = push(syncer, job, &outgoing).await
        {
            warn_of_peer!(
                syncer.warnings,
                &job.peer,
                session = job.session,
                %error,
                "messages could not all be pushed"
            );
        }
        // What can't be pushed may be pulled all the same.
        while !job.until_given(QUIET).await {
            ask_after(syncer, job, &job.outgoing()).await;
        }
        confirm(syncer, job).await;
    }
    job.handing_over_done();
}

async fn push(syncer: &Syncer, job: &Job, outgoing: &[Id]) -> anyhow::Result<()> {
    let protocol = StreamProtocol::new(protocols::TRANSFER);
    let mut stream = syncer.control.open(job.peer, protocol).await?;
    for chunk in outgoing.chunks(PUSHED_AT_ONCE) {
        for record in syncer.store.archive().lookup(chunk).await? {
            let hash = record.hash();
            let (topic, message) = record.into_parts();
            let frame = WakuMessageAndTopic {
                pubsub_topic: topic.to_string(),
                message,
            };
            match frame.encode_frame() {
                Ok(frame) => {
                    stream.send(&frame).await?;
                    job.count_bytes(frame.len(), 0);
                    syncer.counters().pushes_sent.increment();
                    job.given(&[hash]);
                }
                // The peer would close the stream on it.
                Err(error) => {
                    warn_of_peer!(
                        syncer.warnings,
                        &job.peer,
                        session = job.session,
                        %hash,
                        %error,
                        "not pushed"
                    );
                    job.cannot_be_pushed(&hash);
                }
            }
        }
    }
    stream.close().await?;
    Ok(())
}

/// That a message was given doesn't say that it is archived: a presence query does. A peer without
/// Store can't be asked; what was given to it counts as delivered.
async fn confirm(syncer: &Syncer, job: &Job) {
    if !syncer.peers.speaks(&job.peer, protocols::STORE) {
        job.delivered(&job.unconfirmed());
        return;
    }
    let mut pause = FIRST_PAUSE;
    for _ in 0..syncer.limits.confirmations {
        // What wasn't given to the peer may have reached it another way.
        ask_after(syncer, job, &job.outgoing()).await;
        if job.unconfirmed().is_empty() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// Asks the peer once which of these messages it holds, if it can be asked.
async fn ask_after(syncer: &Syncer, job: &Job, hashes: &[Id]) {
    if !syncer.peers.speaks(&job.peer, protocols::STORE) {
        return;
    }
    for chunk in hashes.chunks(STORE_HASHES) {
        match super::fetch::present(syncer, job, chunk).await {
            Ok(present) => job.delivered(&present),
            Err(error) => {
                tracing::debug!(session = job.session, peer = %job.peer, %error, "can't ask what has arrived");
                return;
            }
        }
    }
}
