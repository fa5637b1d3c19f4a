//! The configuration that all sources give together.

use std::collections::BTreeMap;
use std::fmt;

use clap::ArgMatches;
use clap::parser::ValueSource;
use store_adapter::ArchiveUrl;
use toml::Value;

use super::flags::{Flag, Flags, Kind};
use super::{CONFIG_FILE, Notice, Origin};

/// The flag whose value is a secret.
const NODEKEY: &str = "nodekey";
/// The flag whose value may hold a password.
const DATABASE: &str = "store-message-db-url";

/// The configuration that all sources give together. It is shown as a TOML file that gives the same
/// again, with where each value comes from behind it; without the node's key and a database's
/// password.
#[derive(Clone, Debug)]
pub struct Effective {
    settings: Vec<Setting>,
    notices: Vec<Notice>,
}

/// A flag and its values.
#[derive(Clone, Debug)]
struct Setting {
    flag: Flag,
    values: Vec<String>,
    origin: Origin,
}

impl Effective {
    pub(super) fn of(
        run: &ArgMatches,
        flags: &Flags,
        origins: &BTreeMap<String, Origin>,
        notices: &[Notice],
    ) -> Self {
        let shown = flags
            .iter()
            .filter(|flag| flag.supported && flag.name != CONFIG_FILE);
        Self {
            settings: shown.map(|flag| setting(run, flag, origins)).collect(),
            notices: notices.to_vec(),
        }
    }

    /// Where the value of a flag comes from.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.setting(name).map(|setting| &setting.origin)
    }

    /// The values of a flag as they were given, secrets included; none if it isn't set.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[String]> {
        self.setting(name).map(|setting| setting.values.as_slice())
    }

    fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings
            .iter()
            .find(|setting| setting.flag.name == name)
    }
}

fn setting(run: &ArgMatches, flag: &Flag, origins: &BTreeMap<String, Origin>) -> Setting {
    let raw = run.get_raw(&flag.id).into_iter().flatten();
    let values = raw
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    let given = run.value_source(&flag.id) == Some(ValueSource::CommandLine);
    let origin = match origins.get(&flag.name) {
        Some(origin) => origin.clone(),
        None if given => Origin::Line,
        None => Origin::Default,
    };
    Setting {
        values: match (flag.kind, run.try_get_one::<bool>(&flag.id)) {
            (Kind::Boolean, Ok(Some(truth))) => vec![truth.to_string()],
            _ => values,
        },
        flag: flag.clone(),
        origin,
    }
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# The configuration of `wakustore run`; it can be loaded by --config-file."
        )?;
        for setting in &self.settings {
            writeln!(f, "{setting}")?;
        }
        for notice in &self.notices {
            if let Notice::Unsupported { flag, origin, .. } = notice {
                writeln!(
                    f,
                    "# {flag} is ignored: this node has no part for it # {origin}"
                )?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            flag: Flag { name, .. },
            values,
            origin,
        } = self;
        if name == NODEKEY && !values.is_empty() {
            return write!(f, "# {name} is set and not shown # {origin}");
        }
        let value = if self.flag.repeatable {
            Value::Array(values.iter().map(|value| self.value(value)).collect())
        } else {
            match values.last() {
                None => return write!(f, "# {name} is not set"),
                Some(url) if name == DATABASE => Value::String(without_password(url)),
                Some(value) => self.value(value),
            }
        };
        write!(f, "{name} = {value} # {origin}")
    }
}

impl Setting {
    fn value(&self, text: &str) -> Value {
        let text_value = || Value::String(text.to_owned());
        match self.flag.kind {
            Kind::Boolean => text.parse().map_or_else(|_| text_value(), Value::Boolean),
            Kind::Integer => text.parse().map_or_else(|_| text_value(), Value::Integer),
            Kind::Text => text_value(),
        }
    }
}

fn without_password(url: &str) -> String {
    match ArchiveUrl::parse(url) {
        Ok(url) => url.to_string(),
        Err(_) => "not shown: it isn't the address of an archive".to_owned(),
    }
}
