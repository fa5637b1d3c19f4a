//! `wakustore wire`: frames of the protocols, looked at.

mod decode;
mod input;

use std::process::ExitCode;

use crate::cli::{WireArgs, WireCommand};
use crate::exit::Failure;

pub(super) fn run(args: &WireArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        WireCommand::Decode(args) => decode::run(args),
    }
}
