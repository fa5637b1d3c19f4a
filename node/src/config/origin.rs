//! Where a value of the configuration comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a value of the configuration comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The command line.
    Line,
    /// This variable of the environment.
    Environment(String),
    /// This file.
    File(PathBuf),
    /// Nowhere else.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line => f.write_str("command line"),
            Self::Environment(variable) => write!(f, "environment, {variable}"),
            // A comment of the printed configuration is one line, whatever a file is called.
            Self::File(path) => write!(f, "file, {:?}", path.display().to_string()),
            Self::Default => f.write_str("default"),
        }
    }
}
