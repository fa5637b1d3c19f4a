//! The user that a server runs as.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

/// Users that a server may run as when the tests run as root.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Whoever a server runs as.
#[derive(Debug)]
pub(crate) enum User {
    /// The user of the tests.
    Same,
    /// Another, since the tests run as root.
    Other { uid: u32, gid: u32 },
}

impl User {
    pub(crate) fn choose() -> Option<Self> {
        if id(&["-u"])? != 0 {
            return Some(Self::Same);
        }
        UNPRIVILEGED.iter().find_map(|name| {
            Some(Self::Other {
                uid: id(&["-u", name])?,
                gid: id(&["-g", name])?,
            })
        })
    }

    /// Gives `path` to the user.
    pub(crate) fn give(&self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Same => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(*uid), Some(*gid)),
        }
    }

    /// Runs `program` as the user; its process id is that of the command.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Same => Command::new(program),
            Self::Other { uid, gid } => {
                // Of util-linux, as `runuser` and `su` are; unlike those it replaces itself.
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"))
                    .arg("--clear-groups")
                    .arg::<&OsStr>(program.as_ref());
                command
            }
        }
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
