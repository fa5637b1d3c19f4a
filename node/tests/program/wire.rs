//! `wakustore wire decode`: every frame on record gets the verdict of the decoder, wherever it is
//! read from.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::{Place, assert_fails, code_and_errors, json, program, run};

/// The files of generated vectors that hold frames.
const GENERATED: [&str; 8] = [
    "metadata",
    "negentropy",
    "own",
    "reconciliation-cluster",
    "reconciliation-topics",
    "store-request",
    "store-response",
    "transfer",
];

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors");
    serde_json::from_slice(&std::fs::read(path.join(name)).unwrap()).unwrap()
}

fn decode(protocol: &str, arguments: &[&str]) -> Output {
    run(&[&["wire", "decode", "--protocol", protocol], arguments].concat())
}

/// Runs `wire decode` with `input` on standard input.
fn decode_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = program()
        .args(["wire", "decode"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended before it has read all, as it has to where that is too much.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// That the program says of a frame that it is well formed, or not.
fn assert_verdict(name: &str, protocol: &str, wire: &str, valid: bool) {
    let output = decode(protocol, &[wire]);
    let (code, errors) = code_and_errors(&output);
    assert_eq!(code, Some(i32::from(!valid)), "{name}: {errors}");
    assert!(!errors.contains("panicked"), "{name}: {errors}");
    let first = text(&output).lines().next().unwrap_or_default();
    assert!(
        first.starts_with(&format!("{protocol}: ")),
        "{name}: {first}"
    );
    assert_eq!(first.contains("well-formed"), valid, "{name}: {first}");
}

#[test]
fn generated_vectors_are_printed_as_they_stand_in_the_files() {
    for file in GENERATED {
        let mut seen = [false; 2];
        for vector in vectors(&format!("generated/{file}.json"))
            .as_array()
            .unwrap()
        {
            let wire = vector["wire"].as_str().unwrap();
            let form = vector["form"].as_str().map(|form| format!("--form={form}"));
            let mut arguments = vec!["--json", wire];
            arguments.extend(form.as_deref());
            let output = decode(vector["protocol"].as_str().unwrap(), &arguments);
            let printed = json(text(&output));
            let valid = vector["error"].is_null();
            if valid {
                assert_eq!(printed, vector["value"], "{vector}");
            } else {
                assert_eq!(printed["error"], vector["error"], "{vector}");
            }
            assert_eq!(printed["valid"], valid, "{vector}");
            assert_eq!(output.status.code(), Some(i32::from(!valid)), "{vector}");
            seen[usize::from(valid)] = true;
        }
        assert_eq!(seen, [true; 2], "{file} has valid and invalid frames");
    }
}

#[test]
fn recorded_reconciliations_get_the_verdict_of_the_deployed_node() {
    let recorded = vectors("reconciliation.json");
    for (list, result) in [("encode", "decoded"), ("malformed", "result")] {
        for vector in recorded[list].as_array().unwrap() {
            let (name, wire) = (vector["name"].as_str().unwrap(), &vector["wire"]);
            let wire = wire.as_str().unwrap();
            let valid = vector[result]["err"].is_null();
            assert_verdict(name, "reconciliation", wire, valid);
        }
    }
    for session in vectors("session.json").as_array().unwrap() {
        for message in session["messages"].as_array().unwrap() {
            let wire = message["wire"].as_str().unwrap();
            // Longer than a command line may be.
            let output = decode_input(&["--protocol=reconciliation", "-"], wire.as_bytes());
            assert_eq!(output.status.code(), Some(0), "{}", session["name"]);
        }
    }
}

#[test]
fn recorded_messages_get_the_verdict_of_the_deployed_node() {
    let transfer = vectors("transfer.json");
    for vector in transfer["wakuMessageAndTopic"].as_array().unwrap() {
        let output = decode("transfer", &["--json", vector["wire"].as_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{vector}");
        assert_eq!(
            json(text(&output))["message_hash"],
            vector["hash"],
            "{vector}"
        );
    }
    for vector in transfer["malformed"].as_array().unwrap() {
        let wire = vector["wire"].as_str().unwrap();
        assert_verdict(&vector.to_string(), "transfer", wire, false);
    }
    let store = vectors("store_query.json");
    let lists = [
        ("storeQueryRequest", "store-request", "wire"),
        ("storeQueryResponse", "store-response", "wire"),
        ("metadata", "metadata", "requestWire"),
        ("metadata", "metadata", "responseWire"),
        ("metadataDecode", "metadata", "wire"),
    ];
    for (list, protocol, wire) in lists {
        for vector in store[list].as_array().unwrap() {
            let wire = vector[wire].as_str().unwrap();
            assert_verdict(&vector.to_string(), protocol, wire, true);
        }
    }
}

#[test]
fn a_frame_is_read_from_the_line_a_file_or_standard_input() {
    let place = Place::new();
    let frame = [0x61, 0x00, 0x00, 0x00];
    let raw = place.path("raw");
    std::fs::write(&raw, frame).unwrap();
    let raw = raw.to_str().unwrap();
    let hex = place.write("hex", &["0x61 00".into(), "00\t00".into()]);
    let expected = decode("negentropy", &["61000000"]);
    assert_eq!(expected.status.code(), Some(0));
    assert!(text(&expected).contains("to infinity: skip"));
    for arguments in [
        ["0x61 00 00 00", "--protocol=negentropy"],
        [raw, "--file"],
        [&hex, "--file"],
    ] {
        let output = match arguments {
            [file, "--file"] => decode("negentropy", &["--file", file]),
            [hex, _] => decode("negentropy", &[hex]),
        };
        assert_eq!(text(&output), text(&expected), "{arguments:?}");
    }
    for (arguments, input) in [
        (["-", "--protocol=negentropy"], &frame[..]),
        (["--file=-", "--protocol=negentropy"], b"61000000\n"),
    ] {
        let output = decode_input(&arguments, input);
        assert_eq!(text(&output), text(&expected), "{arguments:?}");
    }
    // The frame `61` as it is reads as half a byte of hex.
    let input = ["--protocol=negentropy", "-"];
    assert_fails(&decode_input(&input, b"a"), 2, &["two hex digits", "--raw"]);
    let output = decode_input(&["--protocol=negentropy", "-", "--raw"], b"a");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_malformed_frame_shows_the_place_and_exits_with_1() {
    let output = decode("negentropy", &["6101000361"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "negentropy: malformed, 5 bytes\n\
                    at byte 3: expected a mode: 0, 1 or 2; got 0x03 (2 bytes left)\n   \
                    0  61 01 00 03 61\n               ^^\n";
    assert_eq!(text(&output), expected);
    let printed = json(text(&decode("negentropy", &["--json", "6101000361"])));
    assert_eq!(printed["error"]["offset"], 3);
    assert_eq!(printed["around"]["hex"], "6101000361");
}

#[test]
fn a_length_prefix_and_the_other_form_are_hinted_at() {
    let output = decode("negentropy", &["03620000"]);
    assert_fails(&output, 1, &["length prefix", "03"]);
    let cluster = vectors("generated/reconciliation-cluster.json");
    let shards = cluster.as_array().unwrap().iter();
    let shards = shards.filter(|v| v["name"] == "the largest numbers");
    for vector in shards {
        let output = decode("reconciliation", &[vector["wire"].as_str().unwrap()]);
        assert_fails(&output, 1, &["--form cluster"]);
    }
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_to_do() {
    assert_fails(&decode("negentropy", &["61zz"]), 2, &["'z'", "hex"]);
    assert_fails(&decode("negentropy", &["610"]), 2, &["two hex digits", "3"]);
    assert_fails(&decode("negentropy", &[]), 2, &["HEX"]);
    assert_fails(
        &decode("gossip", &["61"]),
        2,
        &["negentropy", "store-request"],
    );
    assert_fails(&run(&["wire", "decode", "61"]), 2, &["--protocol"]);
    assert_fails(
        &decode("negentropy", &["--file=/none/such"]),
        2,
        &["/none/such"],
    );
    assert_fails(&decode("negentropy", &["61", "--raw"]), 2, &["--raw"]);
    assert_fails(
        &decode("own", &["61", "--form=cluster"]),
        2,
        &["--form", "reconciliation"],
    );
    let endless = decode("negentropy", &["--file=/dev/zero"]);
    assert_fails(&endless, 2, &["/dev/zero", "too long", "at most"]);
}

#[test]
fn a_peer_gives_the_terminal_no_orders() {
    // A refusal whose reason clears the screen.
    let output = decode("own", &["04080112041b5b324a"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).contains(r"\u{1b}[2J"));
    assert!(!output.stdout.contains(&0x1b));
}
