//! `wakustore wire decode`: one frame, part by part.

use std::process::ExitCode;

use anyhow::anyhow;
use sync_core::varint::read_leb128;
use sync_core::waku::HeaderForm;

use super::input;
use crate::cli::DecodeArgs;
use crate::exit::Failure;
use crate::output::{offer, tell};
use crate::wire::{Protocol, inspect};

pub(super) fn run(args: &DecodeArgs) -> Result<ExitCode, Failure> {
    if args.form.is_some() && args.protocol != Protocol::Reconciliation {
        return Err(Failure::Usage(anyhow!(
            "--form goes with --protocol reconciliation: frames of {} have one form only",
            args.protocol.name()
        )));
    }
    // Which cluster it is stands in the frame.
    let form = args.form.unwrap_or_default().form(0);
    let frame = input::frame(args)?;
    let inspection = inspect(args.protocol, form, &frame);
    if args.json {
        offer(serde_json::to_string(&inspection)?)?;
    } else {
        offer(inspection.text().trim_end())?;
    }
    if inspection.valid {
        return Ok(ExitCode::SUCCESS);
    }
    hint(args, &frame);
    Ok(ExitCode::from(1))
}

/// Tells of mistakes that are easily made.
fn hint(args: &DecodeArgs, frame: &[u8]) {
    if args.protocol == Protocol::Reconciliation && args.form.is_none() {
        let cluster = inspect(args.protocol, HeaderForm::Cluster(0), frame);
        if cluster.valid {
            tell("hint: it is well formed in nwaku 0.36's form: --form cluster");
        }
    }
    if let Some((len, prefix)) = read_leb128(frame)
        && usize::try_from(len).is_ok_and(|len| len == frame.len() - prefix)
    {
        tell(format_args!(
            "hint: its start, {}, looks like the stream's length prefix, which has to go",
            hex::encode(&frame[..prefix])
        ));
    }
}
