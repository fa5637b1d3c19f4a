//! The migration from the `negentropy` crate.

use std::process::Command;

use crate::built::example;

#[test]
fn a_relay_that_moved_from_the_crate_sends_and_finds_the_same() {
    let output = Command::new(example("migrate")).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines.iter().all(|line| !line.contains(" 0 events")),
        "{told}"
    );
}
