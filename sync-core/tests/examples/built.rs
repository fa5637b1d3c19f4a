//! Where the examples' programs are.

use std::path::PathBuf;
use std::process::Command;

/// Has cargo build an example as these tests were built, if it isn't yet, and gives its path.
pub(crate) fn example(name: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--package", "sync-core"]);
    cargo.args(["--example", name, "--message-format=json"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} isn't built: {errors}");
    let messages = String::from_utf8(output.stdout).unwrap();
    let messages = messages.lines().map(serde_json::from_str);
    let program = messages
        .map(|message| -> serde_json::Value { message.unwrap() })
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    program.unwrap_or_else(|| panic!("cargo doesn't say where {name} is"))
}
