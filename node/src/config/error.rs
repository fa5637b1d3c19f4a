//! Why there is no configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};

use super::Origin;
use crate::output::tell;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The command line isn't in the grammar, or asks for help.
    #[error(transparent)]
    Line(#[from] Box<clap::Error>),
    /// A variable of the environment can't be read.
    #[error("{name} in the environment: {reason}")]
    Variable {
        /// The variable.
        name: String,
        /// What was expected of it, and what it is.
        reason: String,
    },
    /// The configuration file can't be read.
    #[error("the configuration file {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was expected of it, and what it is.
        reason: String,
    },
    /// A value that doesn't come from the command line isn't of its flag's form.
    #[error("{reason} (from: {origin})")]
    Value {
        /// What is wrong with it.
        reason: String,
        /// Where it comes from.
        origin: Origin,
    },
}

impl From<clap::Error> for ConfigError {
    fn from(error: clap::Error) -> Self {
        Self::Line(Box::new(error))
    }
}

impl ConfigError {
    /// Says of an error about a value where the value comes from.
    pub(super) fn of_value(error: clap::Error, origins: &BTreeMap<String, Origin>) -> Self {
        let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
            return error.into();
        };
        // Shown as in the usage: `--tcp-port <PORT>`.
        let name = argument.trim_start_matches('-');
        let name = name.split([' ', '=', '[']).next().unwrap_or_default();
        match origins.get(name) {
            Some(origin) => Self::Value {
                reason: first_line(&error),
                origin: origin.clone(),
            },
            None => error.into(),
        }
    }

    /// Tells the error as a program does, and how that is to end.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Line(error) => {
                // Nobody is left to be told where it can't be printed.
                let _ = error.print();
                ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
            }
            other => {
                tell(format_args!("error: {other}"));
                ExitCode::from(2)
            }
        }
    }
}

/// What clap says, without the way to the help.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.split("\n\n").next().unwrap_or_default();
    text.trim_start_matches("error: ").trim_end().to_owned()
}
