//! The flags of `run` as a table for the documentation.

use std::fmt::Write;

use clap::Arg;

use super::flags::Flags;
use super::{RUN, command};

/// The flags of `run`, and those of nwaku's that it ignores, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let command = command();
    let mut text = String::from("| flag | default | what it is |\n|---|---|---|\n");
    let run = command.find_subcommand(RUN);
    let flags = run.into_iter().flat_map(|run| run.get_arguments());
    for arg in flags.filter(|arg| !arg.is_hide_set()) {
        text.extend(row(arg));
    }
    text.push_str("\nAccepted with a warning, since this node has no part for them:\n");
    let ignored = Flags::of(&command);
    let mut names: Vec<&str> = ignored
        .iter()
        .filter(|flag| !flag.supported)
        .map(|flag| flag.name.as_str())
        .collect();
    names.sort_unstable();
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    // The text is a string, which always takes more.
    let _ = writeln!(text, "{}.", names.join(", "));
    text
}

fn row(arg: &Arg) -> Option<String> {
    let name = arg.get_long()?;
    let value = arg.get_value_names().and_then(<[_]>::first);
    let value = value
        .filter(|_| {
            arg.get_num_args()
                .is_none_or(|number| number.takes_values())
        })
        .map(|value| format!(" {value}"))
        .unwrap_or_default();
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.replace('|', "\\|").replace('\n', " ");
    Some(format!(
        "| `--{name}{value}` | {} | {help} |\n",
        defaults.join(", ")
    ))
}
