//! What is to be kept, as operators write it.

use std::fmt;
use std::str::FromStr;

/// Bytes of a `GB`: as nwaku counts them.
const GB: u64 = 1 << 30;
/// Bytes of an `MB`.
const MB: u64 = 1 << 20;
/// Decimals of a size that are read: more say nothing, since an `MB` has 2^20 bytes.
const DECIMALS: usize = 20;
/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// What is to be kept; every bound holds, and of those that are absent none does.
///
/// Written `time:SECONDS`, `capacity:MESSAGES` and `size:XGB` or `size:XMB`, joined by `;`, or
/// `none`. The forms are nwaku's, and so are the units: `GB` is 1024³ and `MB` is 1024² bytes there,
/// and the same flag must not mean a smaller archive here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RetentionPolicy {
    /// How long messages are kept, in nanoseconds.
    pub time: Option<u64>,
    /// How many messages are kept.
    pub capacity: Option<u64>,
    /// How many bytes the archive may take on disk.
    pub size: Option<u64>,
}

impl RetentionPolicy {
    /// Everything is kept.
    pub const NONE: Self = Self {
        time: None,
        capacity: None,
        size: None,
    };

    /// nwaku's default: two days.
    pub const DEFAULT: &'static str = "time:172800";

    /// Whether everything is kept.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.time.is_none() && self.capacity.is_none() && self.size.is_none()
    }

    fn add(&mut self, part: &str) -> Result<(), PolicyError> {
        let (kind, value) = part.split_once(':').unwrap_or((part, ""));
        let (place, value) = match kind {
            "time" => (&mut self.time, nanoseconds(value)?),
            "capacity" => (&mut self.capacity, messages(value)?),
            "size" => (&mut self.size, bytes(value)?),
            "none" => return Err(PolicyError::NotAlone),
            _ => return Err(PolicyError::Unknown(part.into())),
        };
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(PolicyError::Twice(kind.into())),
        }
    }
}

impl FromStr for RetentionPolicy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        // nwaku takes capitals too.
        let text = text.trim().to_ascii_lowercase();
        let mut policy = Self::NONE;
        if text == "none" {
            return Ok(policy);
        }
        for part in text.split(';') {
            match part.trim() {
                "" => return Err(PolicyError::Empty),
                part => policy.add(part)?,
            }
        }
        Ok(policy)
    }
}

fn nanoseconds(value: &str) -> Result<u64, PolicyError> {
    whole(value)
        .ok_or_else(|| PolicyError::Time(value.into()))?
        .checked_mul(SECOND)
        .ok_or_else(|| PolicyError::TooMuch(format!("time:{value}")))
}

fn messages(value: &str) -> Result<u64, PolicyError> {
    whole(value).ok_or_else(|| PolicyError::Capacity(value.into()))
}

/// A whole number above zero; the greatest one if it is too large.
fn whole(value: &str) -> Option<u64> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().unwrap_or(u64::MAX))?;
    (number > 0).then_some(number)
}

fn bytes(value: &str) -> Result<u64, PolicyError> {
    let refuse = || PolicyError::Size(value.into());
    let (number, unit) = match (value.strip_suffix("gb"), value.strip_suffix("mb")) {
        (Some(number), _) => (number, GB),
        (_, Some(number)) => (number, MB),
        _ => return Err(refuse()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if number.is_empty() || fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(refuse());
    }
    let too_much = || PolicyError::TooMuch(format!("size:{value}"));
    let whole = match whole {
        "" => 0,
        whole => whole.parse::<u64>().map_err(|_| too_much())?,
    };
    let fraction = &fraction[..fraction.len().min(DECIMALS)];
    // At most 20 digits and a power of ten: both far below 2^128, also times the unit.
    let scale = 10u128.pow(u32::try_from(fraction.len()).unwrap_or_default());
    let fraction = fraction.parse::<u128>().unwrap_or_default() * u128::from(unit) / scale;
    let bytes = u128::from(whole) * u128::from(unit) + fraction;
    match u64::try_from(bytes) {
        Ok(0) => Err(refuse()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(too_much()),
    }
}

impl fmt::Display for RetentionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.time.map(|time| format!("time:{}", time / SECOND)),
            self.capacity.map(|messages| format!("capacity:{messages}")),
            self.size.map(|bytes| format!("size:{}", size_text(bytes))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => f.write_str("none"),
            false => f.write_str(&parts.join(";")),
        }
    }
}

/// The size of so many bytes, exactly.
fn size_text(bytes: u64) -> String {
    if bytes.is_multiple_of(GB) {
        return format!("{}GB", bytes / GB);
    }
    // Of 2^20 parts each has twenty decimals.
    let decimals = u128::from(bytes % MB) * 5u128.pow(20);
    let text = format!("{}.{decimals:020}", bytes / MB);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}MB")
}

/// Why a text isn't a retention policy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Nothing, or nothing between two semicolons.
    #[error(
        "expected a retention policy, got an empty one; write time:172800, several as in \
         time:172800;size:30GB, or none to keep everything"
    )]
    Empty,
    /// Another kind of policy.
    #[error(
        "expected time:SECONDS, capacity:MESSAGES, size:XGB, size:XMB or none, got {0:?}; for \
         example time:172800;size:30GB"
    )]
    Unknown(String),
    /// `none` together with others.
    #[error(
        "none keeps everything and stands alone: write none, or only the bounds, for example \
         time:172800;size:30GB"
    )]
    NotAlone,
    /// A kind that was given before.
    #[error("{0} is given twice; give it once, for example time:172800;capacity:1000000;size:30GB")]
    Twice(String),
    /// Not a number of seconds.
    #[error(
        "expected a whole number of seconds above 0 behind time:, got {0:?}; for example \
         time:172800 for two days"
    )]
    Time(String),
    /// Not a number of messages.
    #[error(
        "expected a whole number of messages above 0 behind capacity:, got {0:?}; for example \
         capacity:1000000"
    )]
    Capacity(String),
    /// Not a size.
    #[error(
        "expected a number above 0 and GB or MB behind size:, got {0:?}; for example size:30GB or \
         size:512.5MB"
    )]
    Size(String),
    /// More than can be counted.
    #[error(
        "{0} is more than can be counted; give less, for example time:172800;size:30GB, or none"
    )]
    TooMuch(String),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> RetentionPolicy {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_is_read_with_the_units_of_nwaku() {
        assert_eq!(parsed("none"), RetentionPolicy::NONE);
        let default = parsed(RetentionPolicy::DEFAULT);
        assert_eq!(default.time, Some(172_800 * SECOND));
        assert_eq!(parsed("capacity:1000000").capacity, Some(1_000_000));
        assert_eq!(parsed("size:30GB").size, Some(32_212_254_720));
        assert_eq!(parsed("size:0.5gb").size, Some(512 << 20));
        assert_eq!(parsed("SIZE:.5Mb").size, Some(512 << 10));
        assert_eq!(parsed("size:512.5MB").size, Some((512 << 20) + (512 << 10)));
        let all = parsed(" time:60 ; capacity:7;size:1GB");
        assert_eq!(
            (all.time, all.capacity, all.size),
            (Some(60 * SECOND), Some(7), Some(1 << 30))
        );
        assert!(!all.is_none());
    }

    #[test]
    fn every_wrong_form_is_told_with_an_example() {
        let owned = String::from;
        let cases = [
            ("", PolicyError::Empty),
            ("  ", PolicyError::Empty),
            ("time:5;", PolicyError::Empty),
            (";time:5", PolicyError::Empty),
            ("time:5;;size:1GB", PolicyError::Empty),
            ("age:5", PolicyError::Unknown(owned("age:5"))),
            ("172800", PolicyError::Unknown(owned("172800"))),
            ("none;time:5", PolicyError::NotAlone),
            ("time:5;none", PolicyError::NotAlone),
            ("time:5;time:6", PolicyError::Twice(owned("time"))),
            ("size:1GB;size:1GB", PolicyError::Twice(owned("size"))),
            ("time", PolicyError::Time(owned(""))),
            ("time:0", PolicyError::Time(owned("0"))),
            ("time:-5", PolicyError::Time(owned("-5"))),
            ("time:+5", PolicyError::Time(owned("+5"))),
            ("time:1.5", PolicyError::Time(owned("1.5"))),
            ("time:2d", PolicyError::Time(owned("2d"))),
            ("capacity:0", PolicyError::Capacity(owned("0"))),
            ("capacity:-1", PolicyError::Capacity(owned("-1"))),
            ("capacity:", PolicyError::Capacity(owned(""))),
            ("size:0GB", PolicyError::Size(owned("0gb"))),
            (
                "size:0.0000000001MB",
                PolicyError::Size(owned("0.0000000001mb")),
            ),
            ("size:-1GB", PolicyError::Size(owned("-1gb"))),
            ("size:GB", PolicyError::Size(owned("gb"))),
            ("size:.GB", PolicyError::Size(owned(".gb"))),
            ("size:1.GB", PolicyError::Size(owned("1.gb"))),
            ("size:1.2.3GB", PolicyError::Size(owned("1.2.3gb"))),
            ("size:5", PolicyError::Size(owned("5"))),
            ("size:5TB", PolicyError::Size(owned("5tb"))),
            (
                "time:18446744074",
                PolicyError::TooMuch(owned("time:18446744074")),
            ),
            (
                "size:17179869184GB",
                PolicyError::TooMuch(owned("size:17179869184gb")),
            ),
            (
                "size:99999999999999999999MB",
                PolicyError::TooMuch(owned("size:99999999999999999999mb")),
            ),
        ];
        for (text, expected) in cases {
            let error = text.parse::<RetentionPolicy>().unwrap_err();
            assert_eq!(error, expected, "{text:?}");
            let said = error.to_string();
            let example = ["time:172800", "capacity:1000000", "size:30GB"];
            assert!(
                example.iter().any(|example| said.contains(example)),
                "{said}"
            );
        }
        assert_eq!(
            parsed("time:18446744073").time,
            Some(18_446_744_073 * SECOND)
        );
        assert_eq!(
            parsed("size:17179869183GB").size,
            Some(u64::MAX - (1 << 30) + 1)
        );
    }

    proptest! {
        #[test]
        fn a_policy_comes_back_from_its_text(
            time in proptest::option::of(1..=u64::MAX / SECOND),
            capacity in proptest::option::of(1u64..),
            size in proptest::option::of(1u64..),
        ) {
            let policy = RetentionPolicy {
                time: time.map(|seconds| seconds * SECOND),
                capacity,
                size,
            };
            prop_assert_eq!(parsed(&policy.to_string()), policy);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z0-9:;.+ -]{0,40}|\\PC{0,20}|size:\\PC{0,8}(GB|MB)") {
            if let Ok(policy) = text.parse::<RetentionPolicy>() {
                prop_assert_eq!(parsed(&policy.to_string()), policy);
            }
        }
    }
}
