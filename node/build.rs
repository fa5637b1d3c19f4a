//! Tells the program which commit it is built from: `WAKUSTORE_COMMIT` in the environment, or what git
//! says, or `unknown` where there is neither, as in a source archive.

use std::path::Path;
use std::process::Command;

const COMMIT: &str = "WAKUSTORE_COMMIT";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={COMMIT}");
    let given = std::env::var(COMMIT).ok().filter(|commit| is_word(commit));
    let commit = given.or_else(of_repository);
    let commit = commit.as_deref().unwrap_or("unknown");
    println!("cargo::rustc-env={COMMIT}={commit}");
}

fn of_repository() -> Option<String> {
    // A repository around the unpacked sources of a release isn't theirs.
    git(&["ls-files", "--error-unmatch", "Cargo.toml"])?;
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default();
    for name in ["HEAD", "logs/HEAD", "packed-refs", &branch] {
        // A file that isn't there would have every build run this anew.
        match git(&["rev-parse", "--git-path", name]) {
            Some(path) if Path::new(&path).exists() => println!("cargo::rerun-if-changed={path}"),
            _ => {}
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// What git writes, if it is there and succeeds.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
