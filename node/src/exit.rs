//! How the program ends: the exit codes that every command shares.

use std::fmt;
use std::process::ExitCode;

/// Why a command ended without having done all that was asked.
#[derive(Debug)]
pub enum Failure {
    /// Something failed, or a state isn't as it should be: exit code 1.
    Failed(anyhow::Error),
    /// The command line asks for something impossible: exit code 2.
    Usage(anyhow::Error),
    /// A peer couldn't be reached: exit code 4.
    Unreachable(anyhow::Error),
}

impl Failure {
    /// The program's exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 4,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(error) | Self::Usage(error) | Self::Unreachable(error)) = self;
        write!(f, "{error:#}")
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
