//! What `wakustore bench` can be asked for.

mod archive;

use clap::{Args, Subcommand, ValueEnum};
use sync_core::Dialect;
use sync_core::negentropy::MIN_FRAME_BYTES;

pub use archive::BenchArchiveArgs;

/// The differences measured when none are given, as far as there are as many items.
const DIFFS: [usize; 3] = [0, 10, 1_000];

/// Arguments of `bench`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    /// What to measure instead of reconciliations.
    #[command(subcommand)]
    pub subject: Option<BenchSubject>,
    /// How many items each side has
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = items)]
    pub items: usize,
    /// By how many items the sides differ, half of them on each; a row for each number
    /// [default: 0,10,1000]
    #[arg(long, value_name = "D,D,...", value_delimiter = ',', value_parser = differences)]
    pub diffs: Vec<usize>,
    /// Where in time the differences lie
    #[arg(long, value_enum, default_value_t)]
    pub placement: PlacementArg,
    /// How the two sides reconcile
    #[arg(long, value_enum, default_value_t)]
    pub dialect: BenchDialectArg,
    /// The longest frame in bytes; 0 for no limit, and at least 4096 in the negentropy dialect
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub frame_limit: usize,
    /// Measure another implementation too, on the same sets in the same run; it speaks the
    /// negentropy dialect only
    #[arg(long, value_enum, value_name = "PEER")]
    pub against: Option<PeerArg>,
    /// Print a JSON object for each row instead of the table
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print comma-separated values under a header instead of the table
    #[arg(long)]
    pub csv: bool,
}

/// What else can be measured.
#[derive(Debug, Subcommand)]
pub enum BenchSubject {
    /// Fill an archive, and measure ingest, lookups, pages, index rebuild and size on disk
    Archive(BenchArchiveArgs),
}

/// Where the differences of a bench lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum PlacementArg {
    /// Anywhere in the thirty days that the items are spread over
    #[default]
    Spread,
    /// In the newest hour of them
    Recent,
}

impl PlacementArg {
    /// Its value on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::Recent => "recent",
        }
    }
}

/// How the sides of a bench reconcile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum BenchDialectArg {
    /// Negentropy V1, which this project's own protocol carries
    #[default]
    Negentropy,
    /// Waku's reconciliation 1.0.0
    Waku,
}

impl BenchDialectArg {
    /// Its value on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Negentropy => "negentropy",
            Self::Waku => "waku",
        }
    }
}

impl From<BenchDialectArg> for Dialect {
    fn from(dialect: BenchDialectArg) -> Self {
        match dialect {
            BenchDialectArg::Negentropy => Self::Negentropy,
            BenchDialectArg::Waku => Self::Waku,
        }
    }
}

/// What this engine is measured against.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PeerArg {
    /// The `negentropy` crate
    Negentropy,
}

impl BenchArgs {
    /// The differences to measure.
    ///
    /// # Errors
    /// When the arguments, each fine by itself, don't go together; says which and why.
    pub fn checked_diffs(&self) -> Result<Vec<usize>, String> {
        let negentropy = self.dialect == BenchDialectArg::Negentropy;
        if negentropy && (1..MIN_FRAME_BYTES).contains(&self.frame_limit) {
            return Err(format!(
                "--frame-limit is {}; the negentropy dialect needs at least {MIN_FRAME_BYTES} \
                 bytes, or 0 for no limit",
                self.frame_limit
            ));
        }
        // Its sessions would have to be of another dialect than ours, and the ratio would tell
        // the dialects apart more than the implementations.
        if !negentropy && self.against.is_some() {
            return Err(
                "--against negentropy doesn't go with --dialect waku, which that crate doesn't \
                 speak: use --dialect negentropy, or leave --against out"
                    .to_owned(),
            );
        }
        if self.diffs.is_empty() {
            let possible = DIFFS.into_iter().filter(|diffs| *diffs <= self.items);
            return Ok(possible.collect());
        }
        if let Some(diffs) = self.diffs.iter().find(|diffs| **diffs > self.items) {
            return Err(format!(
                "--diffs has {diffs}, and there are only {} items: expected at most as many \
                 differences as --items",
                self.items
            ));
        }
        Ok(self.diffs.clone())
    }
}

fn items(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(items) if items > 0 => Ok(items),
        _ => Err("expected a whole number of at least 1, such as 1000000".to_owned()),
    }
}

fn differences(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| "expected whole numbers with commas between them: 0,10,1000".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::{Cli, Command};

    fn diffs(line: &[&str]) -> Result<Vec<usize>, String> {
        let line = [&["wakustore", "bench"], line].concat();
        match Cli::try_parse_from(line) {
            Ok(Cli {
                command: Command::Bench(args),
            }) => args.checked_diffs(),
            _ => Err("not parsed".to_owned()),
        }
    }

    #[test]
    fn by_default_there_are_never_more_differences_than_items() {
        assert_eq!(diffs(&[]), Ok(vec![0, 10, 1_000]));
        assert_eq!(diffs(&["--items=999"]), Ok(vec![0, 10]));
        assert_eq!(diffs(&["--items=1"]), Ok(vec![0]));
    }

    #[test]
    fn differences_go_up_to_the_items_and_frames_down_to_4096() {
        assert_eq!(diffs(&["--items=9", "--diffs=9"]), Ok(vec![9]));
        assert!(diffs(&["--items=9", "--diffs=9,10"]).is_err());
        assert_eq!(diffs(&["--diffs=7", "--frame-limit=4096"]), Ok(vec![7]));
        assert!(diffs(&["--frame-limit=4095"]).is_err());
        assert!(diffs(&["--frame-limit=1"]).is_err());
        assert!(diffs(&["--frame-limit=4095", "--dialect=waku"]).is_ok());
    }
}
