//! The archive, and Store queries about it.

use std::borrow::Cow;
use std::sync::Arc;

use store_adapter::ingest::TopicTotal;
use sync_core::Source;

use super::{OTHER, bounded, label};
use crate::metrics::Sources;
use crate::metrics::collector::Figures;
use crate::metrics::families::*;
use crate::metrics::limits::TOPICS_NAMED;
use crate::rates::Service;

pub(super) fn add(figures: &mut Figures, node: &Sources) {
    held(figures, node);
    came(figures, node);
    queries(figures, node);
    disk(figures, node);
}

fn held(figures: &mut Figures, node: &Sources) {
    let snapshot = node.store.index().snapshot();
    let held: Vec<_> = snapshot
        .lengths()
        .map(|(topic, items)| (label(topic), items as f64))
        .collect();
    figures.by(ARCHIVE_MESSAGES, [("stored", node.store.len())]);
    figures.by(ARCHIVE_PER_SHARD, bounded(held, TOPICS_NAMED, |a, b| a + b));
    figures.one(MESSAGES_CACHED, node.store.len());
    let oldest = snapshot.oldest().unwrap_or_default();
    figures.one(ARCHIVE_OLDEST, oldest as f64 / 1e9);
}

fn came(figures: &mut Figures, node: &Sources) {
    let door = node.store.door().counters();
    let observed = node.store.observed();
    let refused: u64 = door.refused.values().sum();
    let outcomes = [
        ("new", door.new),
        ("duplicate", door.duplicates),
        ("refused", refused),
    ];
    figures.by(ARCHIVE_INGESTED, outcomes);
    let failures = [
        ("insert_failure", observed.insert_failures.get()),
        ("retpolicy_failure", observed.prune_failures.get()),
    ];
    figures.by(
        ARCHIVE_ERRORS,
        door.refused.iter().map(|(k, n)| (*k, *n)).chain(failures),
    );
    figures.histograms(INSERT_DURATION, [(Vec::new(), observed.inserts.clone())]);
    let totals = |of: fn(&TopicTotal) -> u64| {
        let named = |topic: &Option<Arc<str>>| match topic {
            Some(topic) => label(topic),
            None => Cow::Borrowed(OTHER),
        };
        let totals: Vec<_> = door
            .stored
            .iter()
            .map(|(topic, total)| (named(topic), of(total) as f64))
            .collect();
        bounded(totals, TOPICS_NAMED, |a, b| a + b)
    };
    figures.by(FLEET_SIZE, totals(|total| total.bytes));
    figures.by(FLEET_COUNT, totals(|total| total.messages));
}

fn queries(figures: &mut Figures, node: &Sources) {
    let observed = node.store.observed();
    let errors = &observed.query_errors;
    let kinds = [
        ("decode_rpc_failure", errors.malformed.get()),
        ("archive_failure", errors.archive.get()),
        ("too_much_work", errors.too_much_work.get()),
        ("other", errors.other.get()),
    ];
    figures.by(STORE_ERRORS, kinds);
    figures.one(STORE_QUERIES, observed.answered.get());
    figures.histograms(QUERY_DURATION, [(Vec::new(), observed.queries.clone())]);
    let sending = node
        .limiter
        .counters(Service::Store)
        .sending_nanoseconds
        .get();
    let phases = [
        (
            "query-db",
            observed.answering_nanoseconds.get() as f64 / 1e9,
        ),
        ("send-store-resp", sending as f64 / 1e9),
    ];
    figures.by(STORE_TIME, phases);
}

fn disk(figures: &mut Figures, node: &Sources) {
    if let Some((bytes, asked)) = node.watched.latest().disk {
        figures.one(ARCHIVE_DISK, bytes);
        figures.one(ARCHIVE_DISK_AGE, asked.elapsed().as_secs_f64());
    }
    let policy = node.store.policy();
    let bounds = [
        ("bytes", policy.size.map(|bytes| bytes as f64)),
        ("messages", policy.capacity.map(|messages| messages as f64)),
        ("seconds", policy.time.map(|time| time as f64)),
    ];
    let bounds = bounds.into_iter();
    figures.by(
        ARCHIVE_LIMIT,
        bounds.filter_map(|(bound, value)| Some((bound, value?))),
    );
    let pruned = node.store.door().pruned();
    let reasons = [
        ("time", pruned.time),
        ("capacity", pruned.capacity),
        ("size", pruned.size),
    ];
    figures.by(
        ARCHIVE_PRUNED,
        reasons.map(|(reason, total)| (reason, total.messages)),
    );
    figures.by(
        ARCHIVE_PRUNED_BYTES,
        reasons.map(|(reason, total)| (reason, total.bytes)),
    );
}
