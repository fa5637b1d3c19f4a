//! What `wakustore wire` can be asked for.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::wire::Protocol;

/// Arguments of `wire`.
#[derive(Debug, Args)]
pub struct WireArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: WireCommand,
}

/// What can be done with frames.
#[derive(Debug, Subcommand)]
pub enum WireCommand {
    /// Show what a frame says, part by part, or where it is malformed
    Decode(DecodeArgs),
}

/// Arguments of `wire decode`.
#[derive(Debug, Args)]
#[command(override_usage = DECODE_USAGE, after_help = DECODE_HELP)]
pub struct DecodeArgs {
    /// The format of the frame
    #[arg(long, value_enum)]
    pub protocol: Protocol,
    /// How a frame of reconciliation names its topics; topics unless told otherwise
    #[arg(long, value_enum)]
    pub form: Option<FormArg>,
    /// The frame in hex, without the stream's length prefix; may have 0x in front and white space;
    /// - is standard input
    #[arg(value_name = "HEX", required_unless_present = "file")]
    pub hex: Option<String>,
    /// Read the frame from this file
    #[arg(long, value_name = "FILE", conflicts_with = "hex")]
    pub file: Option<PathBuf>,
    /// Take a file or standard input for the bytes themselves, even if it reads as hex
    #[arg(long)]
    pub raw: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

const DECODE_USAGE: &str =
    "wakustore wire decode [OPTIONS] --protocol <PROTOCOL> <HEX | - | --file FILE>";

const DECODE_HELP: &str = "\
A file and standard input are read as hex if they hold nothing but hex digits and white space
(and 0x in front), else as the bytes of the frame.

Exit codes: 0 the frame is well formed, even if a node refuses it for what it says;
1 it is malformed, or past a limit; 2 wrong usage.";

/// The two layouts of the header of a reconciliation payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum FormArg {
    /// Pubsub topics by name, as nwaku 0.37 and later send them
    Topics,
    /// A cluster and its shards by number, as nwaku 0.36 sends them
    Cluster,
}
