//! Texts and bytes of peers, fit for a terminal.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

/// What stands for the rest of a text that is cut off.
const ELLIPSIS: &str = "…";

/// A text in which everything that isn't printable is escaped, so that a terminal takes no orders
/// from a peer, and a line stays one.
pub(in crate::commands) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push_escaped(&mut shown, character);
    }
    shown
}

/// The same, cut off where it is wider than so many columns of a terminal.
pub(in crate::commands) fn fitted(text: &str, columns: usize) -> String {
    let (mut shown, mut width) = (String::new(), 0);
    // Where it would be cut off, with room for the ellipsis.
    let mut cut = 0;
    for character in text.chars() {
        let before = shown.len();
        push_escaped(&mut shown, character);
        width += shown[before..].width();
        if width < columns {
            cut = shown.len();
        }
        if width > columns {
            shown.truncate(cut);
            shown.push_str(ELLIPSIS);
            return shown;
        }
    }
    shown
}

fn push_escaped(shown: &mut String, character: char) {
    if matches!(character, '\'' | '"') {
        shown.push(character);
    } else {
        shown.extend(character.escape_debug());
    }
}

/// JSON in which everything that isn't printable is escaped: it says the same, and a terminal takes no orders from it.
pub(in crate::commands) fn escaped_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        // What isn't ASCII stands in texts only, and JSON itself escapes what comes before the space.
        let printable = character.is_ascii() || character.escape_debug().len() == 1;
        if printable && character != '\u{7f}' {
            shown.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a text can't fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

/// Bytes as ASCII, a dot for each that isn't printable.
pub(super) fn ascii(bytes: &[u8]) -> String {
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    bytes.iter().map(shown).collect()
}

/// Sixteen bytes a line: offset, hex, and ASCII; `first` is the offset of the first one.
pub(super) fn hex_dump(bytes: &[u8], first: usize) -> String {
    let mut dump = String::with_capacity(bytes.len() * 5);
    for (number, line) in bytes.chunks(16).enumerate() {
        if number > 0 {
            dump.push('\n');
        }
        let (left, right) = line.split_at(line.len().min(8));
        let digits = format!("{}  {}", spaced(left), spaced(right));
        // Writing to a text can't fail.
        let _ = write!(
            dump,
            "{:08x}  {digits:<49}|{}|",
            first + number * 16,
            ascii(line)
        );
    }
    dump
}

fn spaced(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

/// A time in UTC with so many digits of a second.
pub(in crate::commands) fn time_to(nanoseconds: u64, digits: u8) -> String {
    jiff::Timestamp::from_nanosecond(nanoseconds.into()).map_or_else(
        |_| format!("{nanoseconds} ns"),
        |time| format!("{time:.*}", usize::from(digits)),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_terminal_takes_no_orders() {
        assert_eq!(escaped("a\u{1b}[2J\n\tb"), r"a\u{1b}[2J\n\tb");
        assert_eq!(
            escaped("it's \"é\" 世 \u{202e}\u{9b}"),
            "it's \"é\" 世 \\u{202e}\\u{9b}"
        );
    }

    #[test]
    fn a_text_is_cut_off_where_it_is_too_wide() {
        assert_eq!(fitted("/app/1/chat", 11), "/app/1/chat");
        assert_eq!(fitted("/app/1/chat", 10), "/app/1/ch…");
        assert_eq!(fitted("世界世界", 7), "世界世…");
        assert_eq!(fitted("世界世界", 6), "世界…");
        // An escape isn't torn apart.
        assert_eq!(fitted("ab\u{1b}cd", 7), "ab…");
    }

    #[test]
    fn a_terminal_takes_no_orders_from_json() {
        let json = serde_json::to_string("a\u{9b}2J\u{202e}\u{1b}\u{7f}\"é世\u{e0001}").unwrap();
        let shown = r#""a\u009b2J\u202e\u001b\u007f\"é世\udb40\udc01""#;
        assert_eq!(escaped_json(&json), shown);
    }

    proptest! {
        #[test]
        fn escaped_json_says_the_same(text: String) {
            let shown = escaped_json(&serde_json::to_string(&text).unwrap());
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
            prop_assert!(!shown.chars().any(char::is_control));
        }

        #[test]
        fn nothing_is_wider_than_its_column_or_breaks_the_line(text: String, columns in 1usize..40) {
            let shown = fitted(&text, columns);
            prop_assert!(shown.width() <= columns, "{shown:?} in {columns}");
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(!escaped(&text).chars().any(char::is_control));
        }
    }

    #[test]
    fn a_dump_is_that_of_hexdump() {
        let bytes: Vec<u8> = (b'a'..=b'r').chain([0]).collect();
        assert_eq!(
            hex_dump(&bytes, 0x10),
            "00000010  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70 |abcdefghijklmnop|\n\
             00000020  71 72 00                                         |qr.|"
        );
        assert_eq!(hex_dump(&[], 0), "");
    }

    #[test]
    fn times_have_the_digits_asked_for() {
        let then = 1_700_000_000_123_456_789;
        assert_eq!(
            crate::cli::time::utc(then),
            "2023-11-14T22:13:20.123456789Z"
        );
        assert_eq!(time_to(then, 3), "2023-11-14T22:13:20.123Z");
        assert_eq!(time_to(then, 0), "2023-11-14T22:13:20Z");
        assert_eq!(
            time_to(1_700_000_000_000_000_000, 3),
            "2023-11-14T22:13:20.000Z"
        );
        assert_eq!(time_to(u64::MAX, 0), "2554-07-21T23:34:33Z");
    }
}
