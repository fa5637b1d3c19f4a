//! Arguments about the log.

use clap::Args;

use crate::logging::{Format, Level};

/// How much is logged, and how it is written.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// How much to log; RUST_LOG in the environment, which goes before all but the command line, can say
    /// it for each part of the program
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        value_name = "LEVEL",
        default_value_t
    )]
    pub log_level: Level,
    /// How to write the log: a line or a JSON object for each event
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        value_name = "FORMAT",
        default_value_t
    )]
    pub log_format: Format,
}
