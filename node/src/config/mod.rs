//! The configuration of `run`, put together from where it may come: the command line, then the
//! environment, then a TOML file, then the defaults. What a flag is called, what it takes and what it is
//! by default is said once, in [`crate::cli`]; everything here follows from that, so that a flag
//! that is added there is a variable and a key of the file too.

mod command;
mod effective;
mod environment;
mod error;
mod file;
mod flags;
mod limits;
mod line;
mod notice;
mod nwaku;
mod origin;
pub mod reference;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, FromArgMatches};

pub use command::command;
pub use effective::Effective;
pub use error::ConfigError;
pub use notice::Notice;
pub use origin::Origin;

pub(crate) use command::truth;

use crate::cli::{self, Cli};
use flags::Flags;
use line::Line;

/// The subcommand that this is the configuration of.
const RUN: &str = "run";

/// The flag that names the file.
const CONFIG_FILE: &str = "config-file";

/// What a source gives: values of flags, one each unless the flag may be repeated.
type Values = BTreeMap<String, Vec<String>>;

/// What the program was asked for.
#[derive(Debug)]
pub struct Loaded {
    /// The command, with all its arguments.
    pub cli: Cli,
    /// The configuration as a whole, of `run` alone.
    pub effective: Option<Effective>,
    /// What the operator should know of it.
    pub notices: Vec<Notice>,
}

impl Loaded {
    /// The configuration if it is asked for instead of a node.
    #[must_use]
    pub fn printed(&self) -> Option<&Effective> {
        match &self.cli.command {
            cli::Command::Run(args) if args.config.print_config => self.effective.as_ref(),
            _ => None,
        }
    }
}

/// Reads the command line, the program's name first, and for `run` what else it is configured by.
///
/// # Errors
/// When a source holds something that is no part of the configuration, or a value that isn't of its
/// form; the error names both. Help and the version are errors too, as clap has it.
pub fn load(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, ConfigError> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let command = command();
    if arguments.get(1).is_none_or(|first| first != RUN) {
        let matches = command.try_get_matches_from(arguments)?;
        return Ok(Loaded {
            cli: Cli::from_arg_matches(&matches)?,
            effective: None,
            notices: Vec::new(),
        });
    }
    let flags = Flags::of(&command);
    let line = Line::read(arguments.split_off(2), &flags);
    arguments.extend(line.arguments);
    let given = command.clone().try_get_matches_from(&arguments)?;
    let sources = Sources::read(
        &flags,
        given_on(&given, &flags, line.defaulted),
        environment,
    )?;
    sources.merge(&command, &flags, arguments)
}

/// The flags that the command line decides, and those of them that have a value there.
struct OnLine {
    decided: Vec<String>,
    config_file: Option<PathBuf>,
    unsupported: Vec<String>,
}

fn given_on(matches: &ArgMatches, flags: &Flags, defaulted: Vec<String>) -> OnLine {
    let run = matches.subcommand_matches(RUN);
    let is_given =
        |id: &str| run.is_some_and(|run| run.value_source(id) == Some(ValueSource::CommandLine));
    let given = || flags.iter().filter(|flag| is_given(&flag.id));
    let mut decided = defaulted;
    decided.extend(given().map(|flag| flag.name.clone()));
    OnLine {
        decided,
        config_file: run.and_then(|run| run.get_one(&flags.get(CONFIG_FILE)?.id).cloned()),
        unsupported: given()
            .filter(|flag| !flag.supported)
            .map(|flag| flag.name.clone())
            .collect(),
    }
}

/// What the sources behind the command line give, as far as none before them does.
struct Sources {
    values: BTreeMap<String, (Origin, Vec<String>)>,
    decided: Vec<String>,
    notices: Vec<Notice>,
}

impl Sources {
    fn read(
        flags: &Flags,
        line: OnLine,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut sources = Self {
            values: BTreeMap::new(),
            decided: line.decided,
            notices: Vec::new(),
        };
        for name in &line.unsupported {
            sources
                .notices
                .extend(Notice::unsupported(name, Origin::Line));
        }
        let (variables, unknown) = environment::read(flags, environment)?;
        sources.notices.extend(unknown);
        let file = line.config_file.or_else(|| {
            let variable = variables.get(CONFIG_FILE)?;
            variable.first().map(PathBuf::from)
        });
        sources.add(flags, variables, |name| {
            Origin::Environment(environment::variable(name))
        });
        if let Some(path) = file {
            let keys = file::read(flags, &path)?;
            sources.add(flags, keys, |_| Origin::File(path.clone()));
        }
        Ok(sources)
    }

    fn add(&mut self, flags: &Flags, values: Values, origin: impl Fn(&str) -> Origin) {
        for (name, values) in values {
            if self.decided.contains(&name) || self.values.contains_key(&name) {
                continue;
            }
            if flags.get(&name).is_some_and(|flag| !flag.supported) {
                let noted = self.notices.iter().any(|notice| notice.is_about(&name));
                if !noted {
                    self.notices
                        .extend(Notice::unsupported(&name, origin(&name)));
                }
            } else {
                let origin = origin(&name);
                self.values.insert(name, (origin, values));
            }
        }
    }

    /// Reads it all as one command line, so that a value is the same wherever it comes from.
    fn merge(
        self,
        command: &Command,
        flags: &Flags,
        mut line: Vec<OsString>,
    ) -> Result<Loaded, ConfigError> {
        for (name, (_, values)) in &self.values {
            line.extend(
                values
                    .iter()
                    .map(|value| format!("--{name}={value}").into()),
            );
        }
        let origins: BTreeMap<String, Origin> = self
            .values
            .into_iter()
            .map(|(name, (origin, _))| (name, origin))
            .collect();
        let read = command.clone().try_get_matches_from(line);
        let matches = read.map_err(|error| ConfigError::of_value(error, &origins))?;
        let run = matches.subcommand_matches(RUN);
        let effective = run.map(|run| Effective::of(run, flags, &origins, &self.notices));
        Ok(Loaded {
            cli: Cli::from_arg_matches(&matches)?,
            effective,
            notices: self.notices,
        })
    }
}
