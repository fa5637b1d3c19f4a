//! Arguments about the configuration itself.

use std::path::PathBuf;

use clap::Args;

/// Where else the configuration comes from, and what is done with it.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Take what neither the command line nor the environment gives from this TOML file
    #[arg(long, value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Print the configuration that all sources give together, as a TOML file, and end
    #[arg(long)]
    pub print_config: bool,
}
