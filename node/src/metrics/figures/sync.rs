//! Sessions, and what follows from them.

use store_adapter::fetch::FetchRefusal;

use super::{bounded, label};
use crate::metrics::Sources;
use crate::metrics::collector::Figures;
use crate::metrics::families::*;
use crate::metrics::limits::PEERS_NAMED;
use crate::rates::Service;
use crate::sync::PeerStanding;

pub(super) fn add(figures: &mut Figures, node: &Sources) {
    sessions(figures, node);
    messages(figures, node);
    exchanged(figures, node);
    standing(figures, node);
}

fn sessions(figures: &mut Figures, node: &Sources) {
    let observed = node.store.observed();
    let (roundtrips, differences) = (observed.roundtrips.clone(), observed.differences.clone());
    figures.histograms(RECONCILIATION_ROUNDTRIPS, [(Vec::new(), roundtrips)]);
    figures.histograms(RECONCILIATION_DIFFERENCES, [(Vec::new(), differences)]);
    let counters = node.control.counters();
    figures.one(SYNC_SESSIONS_STARTED, counters.sessions_started.get());
    let results = [
        ("done", counters.sessions_done.get()),
        ("failed", counters.sessions_failed.get()),
        ("malformed", counters.sessions_malformed.get()),
        ("yielded", counters.sessions_yielded.get()),
        ("busy", counters.sessions_busy.get()),
    ];
    figures.by(SYNC_SESSIONS, results);
}

fn messages(figures: &mut Figures, node: &Sources) {
    let counters = node.syncer.counters();
    let outcomes = [
        ("missing", counters.missing.get()),
        ("fetched", counters.fetched.get()),
        ("unfilled", counters.unfilled.get()),
        ("refused", counters.refused_messages.get()),
        ("undelivered", counters.undelivered.get()),
    ];
    figures.by(SYNC_MESSAGES, outcomes);
    let refusals = FetchRefusal::ALL;
    figures.by(
        SYNC_REFUSED,
        refusals.map(|reason| (reason.kind(), counters.refused_for(reason))),
    );
    let faults = [
        ("malformed_requests", counters.malformed_requests.get()),
        ("malformed_pushes", counters.malformed_pushes.get()),
        ("unsolicited_pushes", counters.unsolicited_pushes.get()),
    ];
    figures.by(SYNC_FAULTS, faults);
    let jobs = node.syncer.at_work();
    let owed: u64 = jobs.iter().map(|job| job.fetch.owed()).sum();
    figures.one(SYNC_OWED, owed);
    figures.one(SYNC_JOBS, jobs.len());
}

fn exchanged(figures: &mut Figures, node: &Sources) {
    let services = [
        (Service::Sync, "reconciliation"),
        (Service::Transfer, "transfer"),
    ];
    let bytes = services.into_iter().flat_map(|(service, name)| {
        let counters = node.limiter.counters(service);
        let sent = counters.sent.get() + counters.own_sent.get();
        let received = counters.received.get() + counters.own_received.get();
        [
            (vec![name.into(), "sent".into()], sent),
            (vec![name.into(), "receive".into()], received),
        ]
    });
    figures.many(BYTES_EXCHANGED, bytes);
    let counters = node.syncer.counters();
    let messages = [
        ("sent", counters.pushes_sent.get()),
        ("receive", counters.pushes_received.get()),
    ];
    figures.by(MESSAGES_EXCHANGED, messages);
}

/// How far behind peers this node is; those of the latest sessions are named.
fn standing(figures: &mut Figures, node: &Sources) {
    let standing = node.syncer.standing();
    let of = |figure: fn(&PeerStanding) -> f64| {
        let samples = standing.iter();
        samples.map(move |(peer, standing)| (label(&peer.to_base58()), figure(standing)))
    };
    let sum = |a: f64, b: f64| a + b;
    figures.by(
        SYNC_BEHIND,
        bounded(of(|peer| peer.behind as f64), PEERS_NAMED, sum),
    );
    figures.by(
        SYNC_AHEAD,
        bounded(of(|peer| peer.ahead as f64), PEERS_NAMED, sum),
    );
    let age = of(|peer| peer.compared.elapsed().as_secs_f64());
    figures.by(SYNC_AGE, bounded(age, PEERS_NAMED, f64::max));
}
