//! The sessions that a recording has, for messages.

use std::collections::BTreeSet;
use std::fmt;

/// How many sessions a message names.
const NAMED: usize = 20;

/// The sessions of a recording.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Known(BTreeSet<u64>);

impl Known {
    pub(super) fn add(&mut self, session: u64) {
        self.0.insert(session);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it has")?;
        for (number, session) in self.0.iter().take(NAMED).enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(f, "{comma} {session}")?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
