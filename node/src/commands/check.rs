//! `wakustore check`: every message hashed again, every index compared.

use std::process::ExitCode;

use serde::Serialize;

use crate::cli::CheckArgs;
use crate::exit::Failure;
use crate::output::{say, tell};
use crate::store::Store;
use crate::sync::report::grouped;

#[derive(Serialize)]
struct Report {
    sound: bool,
    messages: u64,
    /// Below the retention floor, which the next run removes.
    given_up: u64,
    indexed: u64,
    faults: u64,
    digest: String,
}

pub(super) async fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let url = args
        .archive
        .url()
        .map_err(|error| Failure::Usage(anyhow::anyhow!(error)))?;
    let store = Store::open_existing(&url).await?;
    let verified = store.verify().await?;
    let report = Report {
        sound: verified.faults == 0,
        messages: verified.messages,
        given_up: verified.given_up,
        indexed: store.len(),
        faults: verified.faults,
        digest: hex::encode(verified.digest),
    };
    for fault in &verified.shown {
        tell(fault);
    }
    if report.given_up > 0 {
        tell(format_args!(
            "{} messages besides are below the retention floor: their removal was interrupted, and the \
             next run goes on with it",
            grouped(report.given_up)
        ));
    }
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else if report.sound {
        say(format_args!(
            "{url}: {} messages, each as its hash says and where the indices say; digest {}",
            grouped(report.messages),
            report.digest
        ))?;
    } else {
        say(format_args!(
            "{url}: {} faults in {} messages",
            report.faults,
            grouped(report.messages)
        ))?;
    }
    Ok(if report.sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
