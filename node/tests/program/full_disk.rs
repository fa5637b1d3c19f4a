//! A file that may not grow any more, as on a full disk: a clear error, and nothing acknowledged is
//! lost. The limit on the size of files (`ulimit -f`) needs no privileges and no file system of its own.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::{Node, Place, assert_fails, code_and_errors, messages};

/// The program where no file may be longer than so many KiB.
fn limited(kibibytes: u64) -> Command {
    // The unit of POSIX is 512 bytes.
    let line = format!("ulimit -f {}; exec \"$0\" \"$@\"", 2 * kibibytes);
    let mut command = Command::new("sh");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_wakustore")]);
    command
}

/// The number in front of `words` in a text.
fn number_before(text: &str, words: &str) -> usize {
    let before = text.split(words).next().unwrap();
    let number = before
        .rsplit(|c: char| c != ',' && !c.is_ascii_digit())
        .next();
    number.unwrap().replace(',', "").parse().unwrap()
}

#[test]
fn an_import_that_fills_the_disk_says_so_and_keeps_what_it_acknowledged() {
    let all = messages(6_000, 40);
    let mut seen = BTreeSet::new();
    for kibibytes in [4 << 10, 9 << 10] {
        let place = Place::new();
        let file = place.write("lines", &all);
        let output = limited(kibibytes)
            .args(["import", &file])
            .args(place.archive("a"))
            .output()
            .unwrap();
        assert_fails(
            &output,
            1,
            &["can't be read or written", "File too large", "a"],
        );
        let (_, errors) = code_and_errors(&output);
        let acknowledged = number_before(&errors, " messages stored");
        seen.insert(acknowledged);

        place.succeed("a", &["check"]);
        let exported = place.succeed("a", &["export"]);
        let held: BTreeSet<&str> = exported.lines().collect();
        let given = all.iter().map(String::as_str);
        // Lines are stored in their order, batch by batch.
        let lost = given
            .clone()
            .take(acknowledged)
            .filter(|line| !held.contains(line));
        assert_eq!(lost.count(), 0, "{acknowledged} were acknowledged");
        assert_eq!(
            held.len(),
            acknowledged,
            "the batch that failed is absent as a whole"
        );

        place.succeed("a", &["import", &file]);
        assert_eq!(place.succeed("a", &["export"]), all.join("\n") + "\n");
    }
    assert!(
        seen.len() > 1,
        "limits were met at different places: {seen:?}"
    );
}

#[test]
fn a_node_whose_disk_is_full_goes_on_and_completes_when_there_is_room() {
    let (place, all) = (Place::new(), messages(6_000, 41));
    let file = place.write("lines", &all);
    place.succeed("a", &["import", &file]);
    let a = place.node("a", &["--cluster-id=99", "--store-sync-interval=1h"]);
    let peer = format!("--staticnode={}", a.address);
    let arguments = [
        "--cluster-id=99",
        "--store-sync-interval=1s",
        "--store-sync-range=2h",
        &peer,
    ];
    let line = place.node_arguments("b", &arguments);
    let mut b = Node::start(limited(6 << 10), &line);
    b.wait_for(&["can't be stored", "File too large"]);
    // It is still there, and tries again.
    b.wait_for(&["can't be stored", "File too large"]);
    assert_eq!(b.terminate(), Some(0));
    place.succeed("b", &["check"]);
    let held = place.succeed("b", &["export"]).lines().count();
    assert!((1..all.len()).contains(&held), "{held} fit");

    let mut b = place.node("b", &arguments);
    b.wait_for(&["synced", "owed=0"]);
    assert_eq!(b.terminate(), Some(0));
    assert_eq!(a.terminate(), Some(0));
    assert_eq!(place.succeed("b", &["export"]), all.join("\n") + "\n");
}
