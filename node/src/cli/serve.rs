//! Arguments of `demo` about nodes that stay.

use clap::Args;

use super::time::DurationArg;

/// Arguments of `demo` about nodes that stay.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Leave both nodes running until Ctrl-C, with traffic and loss between them, and print the addresses of
    /// their pages; the messages lie in the last day then
    #[arg(long, conflicts_with_all = ["json", "dialect"])]
    pub serve: bool,
    /// Messages that each node publishes a second
    #[arg(long, value_name = "COUNT", default_value_t = 5, requires = "serve",
          value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub rate: u32,
    /// How many percent of the other's messages each node loses on the way in
    #[arg(long, value_name = "PERCENT", default_value_t = 10, requires = "serve",
          value_parser = clap::value_parser!(u8).range(0..=100))]
    pub loss: u8,
    /// How often each node syncs with the other
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10s",
        requires = "serve"
    )]
    pub sync_interval: DurationArg,
}
