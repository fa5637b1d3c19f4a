//! Sizes in bytes as every command reads them.

use std::str::FromStr;

/// What is accepted for a size.
const SIZE_FORMS: &str = "expected a number and a unit: 500kB, 20MB, 1GB, 64MiB";

/// A size in bytes as given: a whole number and a unit; bytes without one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SizeArg(pub u64);

impl FromStr for SizeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is no size: {SIZE_FORMS}");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| refuse())?;
        let bytes: u64 = match unit.trim_start() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err(refuse()),
        };
        number.checked_mul(bytes).map(Self).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_size_is_read() {
        let bytes = |text: &str| text.parse::<SizeArg>().map(|size| size.0);
        assert_eq!(bytes("4096"), Ok(4_096));
        assert_eq!(bytes("500kB"), Ok(500_000));
        assert_eq!(bytes("1GB"), Ok(1_000_000_000));
        assert_eq!(bytes("64MiB"), Ok(64 << 20));
        assert_eq!(bytes("1500 B"), Ok(1_500));
        for text in [
            "",
            "GB",
            "1.5GB",
            "-1",
            "1gb",
            "99999999999999999999",
            "18446745TB",
        ] {
            let error = bytes(text).unwrap_err();
            assert!(error.contains("64MiB") && error.contains(text), "{error}");
        }
    }
}
