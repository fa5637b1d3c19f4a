//! Import, export, check: what goes in comes out, and what is wrong is told.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::{Place, json, messages, program};

#[test]
fn what_is_imported_is_exported_byte_for_byte() {
    let (place, all) = (Place::new(), messages(1_200, 6));
    let mut shuffled = all.clone();
    shuffled.sort_by_key(|line| line.len());
    let file = place.write("lines", &shuffled);
    place.succeed("a", &["import", &file]);
    assert_eq!(place.succeed("a", &["export"]), all.join("\n") + "\n");
    // A second time everything is there already.
    let again = place.run("a", &["import", &file]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("1,200 there already"));
    let copy = place.path("copy");
    place.succeed("a", &["export", copy.to_str().unwrap()]);
    assert_eq!(
        std::fs::read_to_string(copy).unwrap(),
        all.join("\n") + "\n"
    );
    let report = json(&place.succeed("a", &["check", "--json"]));
    assert_eq!(
        (&report["sound"], &report["messages"]),
        (&true.into(), &1_200.into())
    );
}

#[test]
fn standard_input_and_output_are_called_dash() {
    let (place, all) = (Place::new(), messages(20, 7));
    let mut import = program()
        .args(["import", "-"])
        .args(place.archive("a"))
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let text = all.join("\n");
    import
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(import.wait().unwrap().success());
    assert_eq!(place.succeed("a", &["export", "-"]), text + "\n");
}

#[test]
fn wrong_lines_are_told_by_number_and_the_rest_goes_on() {
    let (place, mut lines) = (Place::new(), messages(6, 8));
    let right = lines[1].clone();
    let hash = right[16..82].to_owned();
    let wrong = format!("0x{}", "ab".repeat(32));
    lines[1] = right.replace(&hash, &wrong);
    lines[2] = "{\"pubsubTopic\": 5}".into();
    lines[3] = lines[3].replacen('{', "{\"extra\":1,", 1);
    lines[4] = lines[4].replacen("\"message\":{", "\"message\":{\"other\":2,", 1);
    let file = place.write("lines", &lines);
    let output = place.run("a", &["import", &file]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("line 2") && errors.contains(&wrong[2..]),
        "{errors}"
    );
    assert!(
        errors.contains(&hash[2..]),
        "both hashes are shown: {errors}"
    );
    assert!(errors.contains("line 3"), "{errors}");
    assert_eq!(errors.matches("unknown keys").count(), 1, "{errors}");
    assert_eq!(place.succeed("a", &["export"]).lines().count(), 4);
}

#[test]
fn foreign_and_damaged_files_are_refused_and_left_alone() {
    let place = Place::new();
    let file = place.write("lines", &messages(300, 9));
    place.succeed("sound", &["import", &file]);
    let unit = "unit-00000001.redb";
    let sound = std::fs::read(place.path("sound").join(unit)).unwrap();
    place.copy("sound", "cut");
    std::fs::write(place.path("cut").join(unit), &sound[..sound.len() / 2]).unwrap();
    place.copy("sound", "short");
    std::fs::remove_file(place.path("short").join(unit)).unwrap();
    std::fs::write(
        place.path("foreign"),
        b"this is not an archive".repeat(1_000),
    )
    .unwrap();
    std::fs::write(place.path("empty"), b"").unwrap();
    for name in ["foreign", "cut", "short", "empty"] {
        let before = contents(&place.path(name));
        for command in [&["run", "--tcp-port=0"][..], &["check"], &["import", &file]] {
            let output = place.run(name, command);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(1),
                "{name} {command:?}: {errors}"
            );
            assert!(errors.contains(name), "{errors}");
            assert!(!errors.contains("panicked"), "{errors}");
        }
        assert!(contents(&place.path(name)) == before, "{name} was changed");
    }
}

/// What is in a file, or in the files of a directory.
fn contents(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap();
        paths = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
    }
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    paths.into_iter().map(read).collect()
}
