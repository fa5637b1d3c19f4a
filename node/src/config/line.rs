//! The command line in the forms that nwaku's takes, written as clap reads it.

use std::collections::VecDeque;
use std::ffi::OsString;

use super::command::truth;
use super::flags::{Flag, Flags, Kind};

/// The arguments of `run`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Line {
    /// As clap takes them: `--flag=value`, `--flag value` or `--flag`.
    pub(super) arguments: Vec<OsString>,
    /// Flags that have an empty value, which stands for the default as it does for nwaku.
    pub(super) defaulted: Vec<String>,
}

impl Line {
    /// Reads arguments: names in any case and with underscores in them, `:` for `=`, a blank behind
    /// either, and booleans whose value is an argument of its own.
    pub(super) fn read(arguments: Vec<OsString>, flags: &Flags) -> Self {
        let mut line = Self::default();
        let mut rest = VecDeque::from(arguments);
        while let Some(argument) = rest.pop_front() {
            match argument.to_str().and_then(split) {
                Some((name, value)) => match flags.find(name) {
                    Some(flag) => line.add(flag, value, &mut rest),
                    None => line.arguments.push(joined(name, value)),
                },
                None => line.arguments.push(argument),
            }
        }
        line
    }

    fn add(&mut self, flag: &Flag, value: Option<&str>, rest: &mut VecDeque<OsString>) {
        let next = rest.front().and_then(|next| next.to_str());
        let follows = match value {
            Some("") => next.is_some_and(|next| !next.starts_with('-')),
            None if flag.kind == Kind::Boolean => next.is_some_and(|next| truth(next).is_some()),
            _ => false,
        };
        if follows {
            self.arguments.push(joined(&flag.name, next));
            rest.pop_front();
        } else if value == Some("") {
            self.defaulted.push(flag.name.clone());
        } else {
            self.arguments.push(joined(&flag.name, value));
        }
    }
}

/// The name and the value of an argument that is a flag.
fn split(argument: &str) -> Option<(&str, Option<&str>)> {
    let flag = argument.strip_prefix("--")?;
    let (name, value) = match flag.split_once([':', '=']) {
        Some((name, value)) => (name, Some(value)),
        None => (flag, None),
    };
    (!name.is_empty()).then_some((name, value))
}

fn joined(name: &str, value: Option<&str>) -> OsString {
    match value {
        Some(value) => format!("--{name}={value}").into(),
        None => format!("--{name}").into(),
    }
}
