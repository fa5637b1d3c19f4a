//! What `wakustore wire` can be asked for.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ArchiveArgs, SyncWireArg};
use crate::wire::Protocol;

/// The commands about what goes over the wire.
#[derive(Debug, Subcommand)]
pub enum WireCommand {
    /// Show what a frame says, part by part, or where it is malformed
    Decode(DecodeArgs),
    /// Run a recorded session again against a set, and compare the answers with the recorded ones
    Replay(ReplayArgs),
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
    pub form: Option<SyncWireArg>,
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

/// Arguments of `wire replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording, as `run --record` writes it; - is standard input
    pub file: PathBuf,
    /// The session, by its number in the recording; needn't be given if there is only one
    #[arg(long, value_name = "ID")]
    pub session: Option<u64>,
    /// The archive, whose items are the set.
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// The messages whose items are the set instead, as `export` writes them; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store_message_db_url", "data_dir"])]
    pub items: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}
