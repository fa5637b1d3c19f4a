//! Times and durations as every command reads them.

use std::str::FromStr;
use std::time::Duration;

/// What is accepted for a time, for messages to people.
const TIME_FORMS: &str = "expected RFC 3339 (2026-01-31T12:00:00Z), nanoseconds since 1970 \
                          (1700000000000000000), a time ago (-2h) or now";

/// What is accepted for a duration.
const DURATION_FORMS: &str = "expected a number and a unit: 500ms, 90s, 5m, 1h, 30d";

/// A point in time as given: absolute, or counted back from the time of the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeArg {
    /// Nanoseconds since 1970.
    At(u64),
    /// So long ago.
    Ago(Duration),
}

impl TimeArg {
    /// Nanoseconds since 1970, given those of the present.
    #[must_use]
    pub fn resolve(self, now: u64) -> u64 {
        match self {
            Self::At(nanoseconds) => nanoseconds,
            Self::Ago(duration) => now.saturating_sub(nanoseconds(duration)),
        }
    }
}

impl FromStr for TimeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is no time: {TIME_FORMS}");
        if text == "now" {
            return Ok(Self::Ago(Duration::ZERO));
        }
        if let Some(ago) = text.strip_prefix('-') {
            return ago
                .parse()
                .map(|DurationArg(duration)| Self::Ago(duration))
                .map_err(|_| refuse());
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::At).map_err(|_| refuse());
        }
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| refuse())?;
        u64::try_from(timestamp.as_nanosecond())
            .map(Self::At)
            .map_err(|_| refuse())
    }
}

/// A span of time as given: a whole number and a unit; seconds without one, as nwaku has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DurationArg(pub Duration);

impl FromStr for DurationArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is no duration: {DURATION_FORMS}");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| refuse())?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(refuse()),
        };
        number
            .checked_mul(milliseconds)
            .map(Duration::from_millis)
            .map(Self)
            .ok_or_else(refuse)
    }
}

/// A duration in nanoseconds, at most `u64::MAX`.
#[must_use]
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970 by the system's clock.
#[must_use]
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    nanoseconds(since.unwrap_or_default())
}

/// A time in UTC with all its digits, as RFC 3339 has it: `2023-11-14T22:13:20.5Z`. What lies beyond its years is
/// told in nanoseconds since 1970.
pub(crate) fn utc(nanoseconds: impl Into<i128>) -> String {
    let nanoseconds = nanoseconds.into();
    jiff::Timestamp::from_nanosecond(nanoseconds)
        .map_or_else(|_| format!("{nanoseconds} ns"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read() {
        let time = |text: &str| {
            text.parse::<TimeArg>()
                .map(|time| time.resolve(7_200_000_000_000))
        };
        assert_eq!(time("1700000000000000000"), Ok(1_700_000_000_000_000_000));
        assert_eq!(time("1970-01-01T00:00:01Z"), Ok(1_000_000_000));
        assert_eq!(time("1970-01-01T01:00:01.5+01:00"), Ok(1_500_000_000));
        assert_eq!(time("-2h"), Ok(0));
        assert_eq!(time("-1h"), Ok(3_600_000_000_000));
        assert_eq!(time("-30d"), Ok(0), "before 1970 is 1970");
        assert_eq!(time("now"), Ok(7_200_000_000_000));
    }

    #[test]
    fn a_text_that_is_no_time_is_told_the_forms() {
        for text in [
            "",
            "yesterday",
            "-",
            "-2w",
            "1969-12-31T23:59:59Z",
            "99999999999999999999",
        ] {
            let error = text.parse::<TimeArg>().unwrap_err();
            assert!(
                error.contains("RFC 3339") && error.contains("-2h"),
                "{error}"
            );
        }
    }

    #[test]
    fn every_form_of_a_duration_is_read() {
        let seconds = |text: &str| text.parse::<DurationArg>().map(|d| d.0.as_secs_f64());
        assert_eq!(seconds("250ms"), Ok(0.25));
        assert_eq!(seconds("90s"), Ok(90.0));
        assert_eq!(seconds("90"), Ok(90.0));
        assert_eq!(seconds("5m"), Ok(300.0));
        assert_eq!(seconds("1h"), Ok(3_600.0));
        assert_eq!(seconds("30d"), Ok(2_592_000.0));
        for text in [
            "",
            "h",
            "1w",
            "1.5h",
            "-1h",
            "99999999999999999999d",
            "213503982335d",
        ] {
            let error = seconds(text).unwrap_err();
            assert!(error.contains("90s") && error.contains(text), "{error}");
        }
    }
}
