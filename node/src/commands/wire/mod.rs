//! `wakustore wire`: looks at what goes over the wire.

mod replay;
mod table;

use std::process::ExitCode;

use crate::cli::WireCommand;
use crate::exit::Failure;

pub(super) async fn run(command: &WireCommand) -> Result<ExitCode, Failure> {
    match command {
        WireCommand::Replay(args) => replay::run(args).await,
    }
}
