//! `wakustore wire decode`: one frame, part by part.

use std::process::ExitCode;

use anyhow::anyhow;
use sync_core::waku::HeaderForm;

use super::input;
use crate::cli::{DecodeArgs, FormArg};
use crate::exit::Failure;
use crate::output::offer;
use crate::wire::{Protocol, inspect};

pub(super) fn run(args: &DecodeArgs) -> Result<ExitCode, Failure> {
    if args.form.is_some() && args.protocol != Protocol::Reconciliation {
        return Err(Failure::Usage(anyhow!(
            "--form goes with --protocol reconciliation: frames of {} have one form only",
            args.protocol.name()
        )));
    }
    let form = match args.form {
        None | Some(FormArg::Topics) => HeaderForm::Topics,
        // Which cluster it is stands in the frame.
        Some(FormArg::Cluster) => HeaderForm::Cluster(0),
    };
    let frame = input::frame(args)?;
    let inspection = inspect(args.protocol, form, &frame);
    if args.json {
        offer(serde_json::to_string(&inspection)?)?;
    } else {
        offer(inspection.text().trim_end())?;
    }
    Ok(if inspection.valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
