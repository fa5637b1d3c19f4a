//! Values in words for people: times, ids, texts and bytes, none of them long.

use sync_core::{Bound, Id, Range, TopicFilter};

use super::limits::{LIST_SHOWN, TEXT_SHOWN, TEXT_SHOWN_WHOLE};
pub(super) use crate::cli::time::utc as time;
use crate::sync::report::grouped;

/// The position of a bound.
pub(super) fn bound(bound: &Bound) -> String {
    match bound {
        Bound::Infinity => "infinity".into(),
        Bound::Before(item) if item.id == Id::ZERO => time(item.timestamp),
        Bound::Before(item) => {
            let id = short(&hex::encode(item.id.0));
            format!("{}, id {id}", time(item.timestamp))
        }
    }
}

/// A range, its end excluded.
pub(super) fn range(range: &Range) -> String {
    let lower = bound(&range.lower);
    match range.upper {
        Bound::Infinity => format!("from {lower} on"),
        upper => format!("from {lower} to before {}", bound(&upper)),
    }
}

/// Hex of which enough is left to tell it from others: `5b1a2f00…9e01`.
pub(super) fn short(hex: &str) -> String {
    match (hex.get(..8), hex.get(hex.len().saturating_sub(4)..)) {
        (Some(start), Some(end)) if hex.len() > 16 => format!("{start}…{end}"),
        _ => hex.to_owned(),
    }
}

/// A text as it would stand in a program: what isn't printable is escaped, so that a terminal takes
/// no orders from a peer.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().nth(TEXT_SHOWN_WHOLE).is_none() {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(TEXT_SHOWN).collect();
    format!("{start:?}… ({} bytes)", grouped(text.len() as u64))
}

/// How many there are, in words: `1 range`, `2 ranges`, `no ranges`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{} {noun}s", grouped(count as u64)),
    }
}

/// Topics that a filter lets through.
pub(super) fn topics(filter: &TopicFilter, noun: &str) -> String {
    let named: Vec<&str> = filter.iter().collect();
    if named.is_empty() {
        return format!("all {noun}s");
    }
    let mut shown: Vec<String> = named.iter().take(LIST_SHOWN).map(|t| quoted(t)).collect();
    if named.len() > LIST_SHOWN {
        shown.push(format!("and {} more", named.len() - LIST_SHOWN));
    }
    format!("{}: {}", counted(named.len(), noun), shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc_and_any_number_is_one() {
        assert_eq!(
            time(1_700_000_000_500_000_000_i64),
            "2023-11-14T22:13:20.5Z"
        );
        assert_eq!(time(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(time(u64::MAX), "2554-07-21T23:34:33.709551615Z");
        assert_eq!(time(i64::MIN), "1677-09-21T00:12:43.145224192Z");
        assert!(time(i128::MAX).ends_with(" ns"));
    }

    #[test]
    fn long_values_are_shortened_and_control_characters_escaped() {
        assert_eq!(short("0123456789abcdef"), "0123456789abcdef");
        assert_eq!(short("0123456789abcdef01"), "01234567…ef01");
        assert_eq!(quoted("a\u{1b}[2J\n"), r#""a\u{1b}[2J\n""#);
        let long = "é".repeat(600);
        let shown = format!("{:?}… (1,200 bytes)", "é".repeat(TEXT_SHOWN));
        assert_eq!(quoted(&long), shown);
        let whole = "é".repeat(TEXT_SHOWN_WHOLE);
        assert_eq!(quoted(&whole), format!("{whole:?}"));
    }
}
