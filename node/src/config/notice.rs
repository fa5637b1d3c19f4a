//! What an operator should know of a configuration that is taken.

use super::limits::QUOTED_CHARACTERS;
use super::{Origin, nwaku};

/// What an operator should know of a configuration that is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A flag of nwaku's for which this node has no part.
    Unsupported {
        /// Its name.
        flag: &'static str,
        /// Where it is given.
        origin: Origin,
        /// What to do instead, where there is something.
        advice: Option<&'static str>,
    },
    /// A variable of the environment that looks like one of this program's and isn't.
    UnknownVariable {
        /// Its name.
        name: String,
        /// The variable that is most like it.
        nearest: Option<String>,
    },
}

impl Notice {
    /// Of the flag of this name, if it is nwaku's.
    pub(super) fn unsupported(name: &str, origin: Origin) -> Option<Self> {
        let flag = nwaku::FLAGS.iter().find(|flag| flag.name == name)?;
        Some(Self::Unsupported {
            flag: flag.name,
            origin,
            advice: flag.advice,
        })
    }

    pub(super) fn is_about(&self, name: &str) -> bool {
        matches!(self, Self::Unsupported { flag, .. } if *flag == name)
    }

    /// Writes it to the log, as one line.
    pub fn log(&self) {
        match self {
            Self::Unsupported {
                flag,
                origin,
                advice,
            } => {
                let advice = advice.unwrap_or("none needed");
                tracing::warn!(flag, %origin, advice, "a flag that this node has no part for is ignored");
            }
            Self::UnknownVariable { name, nearest } => {
                let variable: String = name.chars().take(QUOTED_CHARACTERS).collect();
                let nearest = nearest.as_deref().unwrap_or("none");
                tracing::warn!(
                    variable,
                    nearest,
                    "a variable of the environment is no flag and is ignored"
                );
            }
        }
    }
}
