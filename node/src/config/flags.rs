//! The flags of `run`, by the names that sources have for them.

use std::any::TypeId;

use clap::{Arg, ArgAction, Command};

use super::{RUN, command};

/// How like a known name a text must be to be taken for a slip of it; clap's own bound.
const LIKE: f64 = 0.7;

/// A flag of `run`.
#[derive(Clone, Debug)]
pub(super) struct Flag {
    /// Its name, without the dashes in front.
    pub(super) name: String,
    /// What clap calls it.
    pub(super) id: String,
    /// What its values are in TOML.
    pub(super) kind: Kind,
    /// Whether it may be given several times.
    pub(super) repeatable: bool,
    /// Whether this node has a part for it.
    pub(super) supported: bool,
}

/// What the values of a flag are in TOML.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A number.
    Integer,
    /// Anything else.
    Text,
}

/// All flags that have values, in the order of the grammar.
#[derive(Clone, Debug)]
pub(super) struct Flags(Vec<Flag>);

impl Flags {
    pub(super) fn of(command: &Command) -> Self {
        let run = command.find_subcommand(RUN);
        let arguments = run.into_iter().flat_map(Command::get_arguments);
        Self(arguments.filter_map(flag).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Flag> {
        self.0.iter()
    }

    /// The flag of this very name.
    pub(super) fn get(&self, name: &str) -> Option<&Flag> {
        self.iter().find(|flag| flag.name == name)
    }

    /// The flag that nwaku would take this name for: case and underscores don't count.
    pub(super) fn find(&self, name: &str) -> Option<&Flag> {
        let folded = fold(name);
        self.iter().find(|flag| fold(&flag.name) == folded)
    }

    /// The flag whose name is most like this one, if any is.
    pub(super) fn nearest(&self, name: &str) -> Option<&Flag> {
        let name = name.replace('_', "-").to_ascii_lowercase();
        let likeness = |flag: &&Flag| strsim::jaro(&name, &flag.name);
        self.iter()
            .filter(|flag| likeness(flag) > LIKE)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
    }
}

fn fold(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

fn flag(arg: &Arg) -> Option<Flag> {
    let name = arg.get_long()?;
    let supported = !arg.is_hide_set();
    let takes_values = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    takes_values.then(|| Flag {
        name: name.to_owned(),
        id: arg.get_id().to_string(),
        kind: kind(arg),
        repeatable: matches!(arg.get_action(), ArgAction::Append),
        supported,
    })
}

fn kind(arg: &Arg) -> Kind {
    let parsed = arg.get_value_parser().type_id();
    let integers = [
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
    ];
    if command::is_boolean(arg) {
        Kind::Boolean
    } else if integers.iter().any(|integer| parsed == *integer) {
        Kind::Integer
    } else {
        Kind::Text
    }
}
