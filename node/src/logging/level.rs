//! How much is told.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How much is told: events of this level and of graver ones. The names are nwaku's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Level {
    /// Every step.
    Trace,
    /// What helps to find faults.
    Debug,
    /// What the node does.
    #[default]
    Info,
    /// As WARN: no event lies between
    Notice,
    /// What may need somebody's attention.
    Warn,
    /// What went wrong.
    Error,
    /// As ERROR: what is fatal ends the program
    Fatal,
}

impl Level {
    /// All, from the most to the least that is told.
    pub const ALL: [Self; 7] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    /// Its name, in upper case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// What lets its events pass. Libraries are held to one level less, since theirs tell of single
    /// connections and frames.
    #[must_use]
    pub fn filter(self) -> EnvFilter {
        EnvFilter::new(match self {
            Self::Trace => {
                "debug,wakustore=trace,sync_net=trace,store_adapter=trace,sync_core=trace"
            }
            Self::Debug => {
                "info,wakustore=debug,sync_net=debug,store_adapter=debug,sync_core=debug"
            }
            Self::Info => "info,libp2p=warn",
            Self::Notice | Self::Warn => "warn",
            Self::Error | Self::Fatal => "error",
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, LevelError> {
        let mut all = Self::ALL.into_iter();
        all.find(|level| level.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| LevelError(text.chars().take(LevelError::SHOWN).collect()))
    }
}

/// Why a text isn't a level; holds its beginning.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or FATAL, got {0:?}")]
pub struct LevelError(String);

impl LevelError {
    /// Characters of the text that are shown.
    const SHOWN: usize = 32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_any_case() {
        for level in Level::ALL {
            let name = level.name();
            assert_eq!(name.parse(), Ok(level));
            assert_eq!(name.to_ascii_lowercase().parse(), Ok(level));
        }
        for text in ["", "LOUD", "INFO ", "WARNING"] {
            let error = text.parse::<Level>().unwrap_err().to_string();
            assert!(error.contains("NOTICE") && error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_filter_says_what_it_was_made_from() {
        for level in Level::ALL {
            // Directives that can't be parsed would be left out.
            let own = level.filter().to_string();
            assert!(!own.is_empty() && own.split(',').count() <= 5, "{own}");
        }
    }
}
