//! `wakustore db prune`: what a policy doesn't keep goes, or is told.

use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use store_adapter::retention::{self, Plan};
use store_adapter::{ArchiveUrl, Index};

use super::{refused, time_in_seconds};
use crate::cli::PruneArgs;
use crate::cli::time::now;
use crate::cli::time::utc;
use crate::exit::Failure;
use crate::output::say;
use crate::store::Store;
use crate::sync::report::{grouped, size};

#[derive(Serialize)]
struct Report {
    archive: String,
    policy: String,
    dry_run: bool,
    /// Messages that go, for all bounds together.
    messages: u64,
    /// Bytes of these messages, encoded.
    message_bytes: u64,
    /// Bytes by which the archive gets smaller on disk.
    disk_bytes: u64,
    /// The oldest message that is left.
    oldest: Option<String>,
    /// For each bound that there is too much for.
    bounds: Vec<BoundRow>,
}

#[derive(Serialize)]
struct BoundRow {
    bound: &'static str,
    messages: u64,
    keeps_from: String,
}

pub(super) async fn run(args: &PruneArgs) -> Result<ExitCode, Failure> {
    let policy = args.store_message_retention_policy;
    let (url, archive) = super::open(&args.archive, &policy).await?;
    let index = Index::rebuild(Arc::clone(&archive)).await?;
    let planned = retention::plan(&*archive, &index, &policy, now());
    let mut report = report(args, &url, &planned.await.map_err(refused)?);
    drop(index);
    if !args.dry_run {
        let before = archive.stats().await?;
        let store = Store::kept(Arc::clone(&archive), policy);
        let store = store.await.map_err(refused)?;
        let after = archive.stats().await?;
        report.messages = before.messages.saturating_sub(after.messages);
        report.disk_bytes = before.disk_bytes.saturating_sub(after.disk_bytes);
        report.oldest = store.index().first().map(|item| utc(item.timestamp));
    }
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        say(in_words(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(args: &PruneArgs, url: &ArchiveUrl, plan: &Plan) -> Report {
    let bound = |part: &retention::PlanPart| BoundRow {
        bound: part.reason.name(),
        messages: part.messages,
        keeps_from: time_in_seconds(part.floor.timestamp()),
    };
    Report {
        archive: url.to_string(),
        policy: args.store_message_retention_policy.to_string(),
        dry_run: args.dry_run,
        messages: plan.messages,
        message_bytes: plan.message_bytes,
        disk_bytes: plan.disk_bytes,
        oldest: plan.oldest.map(|item| utc(item.timestamp)),
        bounds: plan.parts.iter().map(bound).collect(),
    }
}

fn in_words(report: &Report) -> String {
    let (goes, is_left) = match report.dry_run {
        true => ("would go", "would be"),
        false => ("went", "is"),
    };
    let Report {
        archive, policy, ..
    } = report;
    if report.messages == 0 {
        return format!("{archive}: {policy} keeps everything that is there");
    }
    let mut text = format!(
        "{archive}: {} messages of {} {goes} by {policy}; {} given back on disk",
        grouped(report.messages),
        size(report.message_bytes),
        size(report.disk_bytes),
    );
    for row in &report.bounds {
        text.push_str(&format!(
            "\n  {}: {} messages, before {}",
            row.bound,
            grouped(row.messages),
            row.keeps_from
        ));
    }
    match &report.oldest {
        Some(oldest) => text.push_str(&format!("\nThe oldest {is_left} that of {oldest}.")),
        None => text.push_str("\nNothing is left."),
    }
    text
}
