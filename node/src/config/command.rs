//! The grammar of the command line as it is parsed: the one that is declared in [`crate::cli`], and
//! for `run` what nwaku's command line takes beside.

use std::any::TypeId;
use std::ffi::OsString;
use std::net::IpAddr;

use clap::{Arg, ArgAction, Command, CommandFactory, value_parser};

use super::{RUN, nwaku};
use crate::cli::Cli;

/// Names of boolean values: nwaku's.
const TRUE: [&str; 5] = ["true", "yes", "y", "on", "1"];
/// As [`TRUE`].
const FALSE: [&str; 5] = ["false", "no", "n", "off", "0"];

/// The grammar.
#[must_use]
pub fn command() -> Command {
    Cli::command().mut_subcommand(RUN, as_nwaku_takes_it)
}

/// A flag may come twice, the last one counts; booleans have more names; flags that this node has no
/// part for are there too.
fn as_nwaku_takes_it(run: Command) -> Command {
    let own: Vec<String> = longs(&run).map(str::to_owned).collect();
    let run = run
        .args_override_self(true)
        .after_help(
            "Every flag can also be given in the environment, as WAKUSTORE_TCP_PORT for \
             --tcp-port, and by its name in a TOML file (--config-file). The command line goes \
             before the environment, that before the file. Of flags that may be repeated the \
             environment takes several joined by commas, the file an array.",
        )
        .mut_args(|arg| {
            if is_boolean(&arg) {
                arg.value_parser(boolean)
            } else if arg.get_value_parser().type_id() == TypeId::of::<IpAddr>() {
                arg.value_parser(ip)
            } else {
                arg
            }
        });
    nwaku::FLAGS
        .iter()
        .filter(|flag| !own.iter().any(|own| own == flag.name))
        .fold(run, |run, flag| run.arg(without_part(flag.name)))
}

fn longs(command: &Command) -> impl Iterator<Item = &str> {
    command.get_arguments().filter_map(Arg::get_long)
}

/// Whether the argument takes a value that is true or false.
pub(super) fn is_boolean(arg: &Arg) -> bool {
    arg.get_num_args()
        .is_some_and(|number| number.takes_values())
        && arg.get_value_parser().type_id() == TypeId::of::<bool>()
}

/// A flag of nwaku's that is accepted and does nothing.
fn without_part(name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .hide(true)
        .num_args(0..=1)
        .action(ArgAction::Append)
        .value_parser(value_parser!(OsString))
}

fn ip(text: &str) -> Result<IpAddr, String> {
    let refuse = |_| "expected an IP address, such as 127.0.0.1, 0.0.0.0 or ::1".to_owned();
    text.parse().map_err(refuse)
}

fn boolean(text: &str) -> Result<bool, String> {
    truth(text).ok_or_else(|| "expected true or false".to_owned())
}

/// What the text says, if it is a word for true or false.
pub(crate) fn truth(text: &str) -> Option<bool> {
    let is_in = |names: [&str; 5]| names.iter().any(|name| name.eq_ignore_ascii_case(text));
    if is_in(TRUE) {
        Some(true)
    } else {
        is_in(FALSE).then_some(false)
    }
}
