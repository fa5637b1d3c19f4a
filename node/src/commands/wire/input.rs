//! Where a frame comes from: the command line, a file or standard input, as hex or as it is.

use std::fs::File;
use std::io::{self, Read};

use anyhow::{Context, anyhow, bail};

use crate::cli::{DecodeArgs, is_standard_stream};
use crate::commands::shown;
use crate::exit::Failure;
use crate::sync::report::grouped;
use crate::wire::limits::{FRAME_BYTES, INPUT_BYTES};

/// The frame that is asked about.
pub(super) fn frame(args: &DecodeArgs) -> Result<Vec<u8>, Failure> {
    let frame = match (&args.file, &args.hex) {
        (Some(file), _) => {
            let name = shown(file, "standard input");
            if is_standard_stream(file) {
                read(io::stdin().lock(), &name)
            } else {
                let opened = File::open(file).with_context(|| format!("{name} can't be read"));
                opened.and_then(|file| read(file, &name))
            }
            .and_then(|content| bytes_of(content, &name, args.raw))
        }
        (None, Some(hex)) if hex == "-" => {
            let name = "standard input";
            read(io::stdin().lock(), name).and_then(|content| bytes_of(content, name, args.raw))
        }
        (None, Some(hex)) if args.raw => Err(anyhow!(
            "--raw goes with a file or standard input: `{}` on the command line is hex",
            excerpt(hex)
        )),
        (None, Some(hex)) => bytes_of_hex(hex, "HEX"),
        (None, None) => Err(anyhow!(
            "expected HEX, --file FILE, or - for standard input"
        )),
    };
    frame.and_then(bounded).map_err(Failure::Usage)
}

fn bounded(frame: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    if frame.len() > FRAME_BYTES {
        bail!(
            "expected a frame of at most {} bytes, got {}",
            grouped(FRAME_BYTES as u64),
            grouped(frame.len() as u64)
        );
    }
    Ok(frame)
}

/// All that `input` has, up to the limit.
fn read(input: impl Read, name: &str) -> anyhow::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut bounded = input.take(INPUT_BYTES as u64 + 1);
    bounded
        .read_to_end(&mut content)
        .with_context(|| format!("{name} can't be read"))?;
    if content.len() > INPUT_BYTES {
        let most = grouped(INPUT_BYTES as u64);
        bail!("{name} is too long: expected at most {most} bytes, in hex or not");
    }
    Ok(content)
}

/// The frame that a file holds.
fn bytes_of(content: Vec<u8>, name: &str, raw: bool) -> anyhow::Result<Vec<u8>> {
    match std::str::from_utf8(&content) {
        Ok(text) if !raw && is_hex(text) => bytes_of_hex(text, name)
            .context("all of it reads as hex; --raw takes it for the bytes themselves"),
        _ => Ok(content),
    }
}

fn is_hex(text: &str) -> bool {
    let digits = without_prefix(text).bytes();
    digits
        .into_iter()
        .all(|byte| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace())
}

fn bytes_of_hex(text: &str, name: &str) -> anyhow::Result<Vec<u8>> {
    let mut digits = String::with_capacity(text.len().min(2 * FRAME_BYTES));
    for character in without_prefix(text).chars() {
        if character.is_ascii_hexdigit() {
            digits.push(character);
        } else if !character.is_ascii_whitespace() {
            let count = digits.len();
            bail!("{name}: expected hex digits, got {character:?} behind {count} of them");
        }
    }
    hex::decode(&digits).map_err(|_| {
        let count = grouped(digits.len() as u64);
        anyhow!("{name}: expected two hex digits for each byte, got {count} in all")
    })
}

fn without_prefix(text: &str) -> &str {
    let text = text.trim_ascii();
    let rest = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    rest.unwrap_or(text)
}

/// The start of what was given, for messages.
fn excerpt(text: &str) -> String {
    text.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_may_have_a_prefix_and_white_space() {
        for text in ["61ff", "0x61ff", " 0X61FF\n", "6 1\nf\tf", "0x 61 ff"] {
            assert_eq!(bytes_of_hex(text, "HEX").unwrap(), [0x61, 0xff], "{text}");
        }
        assert!(bytes_of_hex("", "HEX").unwrap().is_empty());
        for (text, words) in [("61f", "got 3"), ("61zz", "'z' behind 2"), ("0x0x", "'x'")] {
            let error = bytes_of_hex(text, "HEX").unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_file_is_hex_only_if_all_of_it_is() {
        let read = |content: &[u8], raw| bytes_of(content.to_vec(), "f", raw);
        assert_eq!(read(b"61\n", false).unwrap(), [0x61]);
        assert_eq!(read(b"61\n", true).unwrap(), b"61\n");
        assert_eq!(read(b"61 0g", false).unwrap(), b"61 0g");
        assert_eq!(read(b"\x61\xff", false).unwrap(), [0x61, 0xff]);
        let error = format!("{:#}", read(b"a", false).unwrap_err());
        assert!(
            error.contains("--raw") && error.contains("two hex digits"),
            "{error}"
        );
        assert_eq!(read(b"a", true).unwrap(), [0x61]);
    }

    #[test]
    fn what_is_too_long_is_not_read_on() {
        let error = read(io::repeat(b'a'), "f").unwrap_err().to_string();
        assert!(error.contains("too long"), "{error}");
        assert!(bounded(vec![0; FRAME_BYTES]).is_ok());
        assert!(bounded(vec![0; FRAME_BYTES + 1]).is_err());
    }
}
