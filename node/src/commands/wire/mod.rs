//! `wakustore wire`: frames of the protocols, looked at and replayed.

mod decode;
mod input;
mod replay;
mod table;

use std::process::ExitCode;

use crate::cli::WireCommand;
use crate::exit::Failure;

pub(super) async fn run(command: &WireCommand) -> Result<ExitCode, Failure> {
    match command {
        WireCommand::Decode(args) => decode::run(args),
        WireCommand::Replay(args) => replay::run(args).await,
    }
}
