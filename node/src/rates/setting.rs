//! `--rate-limit` as nwaku has it, `[SERVICE:]VOLUME/PERIOD`, and what goes beyond that: bytes for the
//! volume, and `SERVICE/peer`.

use std::str::FromStr;
use std::time::Duration;

use super::{Rate, RateError, Service};
use crate::cli::SizeArg;

const FORMS: &str = "expected [SERVICE[/peer]:]VOLUME/PERIOD, such as 100/1s, store:1000/1h, \
                     store/peer:20/1s or sync:10MB/1s; services are streams, store, sync, transfer, \
                     metadata and rest, periods are in h, m, s or ms, and a volume of 0 is no limit";

/// Services of nwaku that this program doesn't have.
const ABSENT: [&str; 4] = ["storev2", "lightpush", "px", "filter"];

/// One limit, as given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RateSetting {
    /// A limit of one service, or of all that none is given for.
    Limit {
        /// Which one; `None` for those that aren't named elsewhere.
        service: Option<Service>,
        /// Whether it is of each peer, and not of all together.
        of_peer: bool,
        /// Of what.
        amount: Amount,
    },
    /// One of a service that isn't there.
    Absent(String),
}

/// What is limited, and to what; `None` is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Amount {
    /// Requests.
    Requests(Option<Rate>),
    /// Bytes, in both directions together.
    Bytes(Option<Rate>),
}

impl FromStr for RateSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| format!("`{text}` is no rate limit: {why}{FORMS}");
        let (name, limit) = match text.split_once(':') {
            Some((name, limit)) => (name.trim().to_lowercase(), limit),
            None => (String::new(), text),
        };
        let (name, of_peer) = match name.split_once('/') {
            Some((name, "peer")) => (name, true),
            Some(_) => return Err(refuse("")),
            None => (name.as_str(), false),
        };
        if ABSENT.contains(&name) {
            return Ok(Self::Absent(name.into()));
        }
        let service = match name {
            "" | "global" => None,
            name => {
                let unknown = || refuse(&format!("there is no service `{name}`; "));
                Some(Service::of_name(name).ok_or_else(unknown)?)
            }
        };
        let amount = amount(limit).map_err(|why| refuse(&why))?;
        if matches!(amount, Amount::Bytes(_)) && service == Some(Service::Streams) {
            return Err(refuse("the opening of streams takes no bytes; "));
        }
        Ok(Self::Limit {
            service,
            of_peer,
            amount,
        })
    }
}

fn amount(text: &str) -> Result<Amount, String> {
    let (volume, period) = text.split_once('/').ok_or("")?;
    let (volume, period) = (volume.trim(), period_of(period.trim())?);
    let told = |error: RateError| format!("{error}; ");
    if volume.ends_with(['B', 'b']) {
        let volume: SizeArg = volume.parse().map_err(|error| format!("{error}; "))?;
        let rate = rate_of(volume.0, period)?;
        rate.map(|rate| rate.bytes()).transpose().map_err(told)?;
        return Ok(Amount::Bytes(rate));
    }
    let digits = !volume.is_empty() && volume.bytes().all(|byte| byte.is_ascii_digit());
    let volume = volume.parse().ok().filter(|_| digits).ok_or("")?;
    let rate = rate_of(volume, period)?;
    rate.map(|rate| rate.requests()).transpose().map_err(told)?;
    Ok(Amount::Requests(rate))
}

/// No limit, if one of the two is zero, as nwaku has it.
fn rate_of(volume: u64, period: Duration) -> Result<Option<Rate>, String> {
    if volume == 0 || period.is_zero() {
        return Ok(None);
    }
    let rate = Rate::new(volume, period);
    rate.map(Some).map_err(|error| format!("{error}; "))
}

fn period_of(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit.to_lowercase().as_str() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(String::new()),
    };
    let number: u64 = number.parse().map_err(|_| "")?;
    let period = number.checked_mul(milliseconds);
    Ok(Duration::from_millis(
        period.ok_or("the period is too long; ")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> (Option<Service>, bool, Amount) {
        match text.parse() {
            Ok(RateSetting::Limit {
                service,
                of_peer,
                amount,
            }) => (service, of_peer, amount),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn rate(volume: u64, period: Duration) -> Option<Rate> {
        Some(Rate::new(volume, period).unwrap())
    }

    #[test]
    fn every_form_of_nwaku_is_read() {
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3_600));
        let requests = |volume, period| Amount::Requests(rate(volume, period));
        assert_eq!(limit("100/1s"), (None, false, requests(100, second)));
        for text in ["store:1000/1h", " STORE : 1000 / 1H ", "storev3:1000/60m"] {
            let expected = (Some(Service::Store), false, requests(1_000, hour));
            assert_eq!(limit(text), expected, "{text}");
        }
        let half = Duration::from_millis(500);
        assert_eq!(limit("5/500ms"), (None, false, requests(5, half)));
        for text in ["store:0/1s", "store:7/0s"] {
            let none = (Some(Service::Store), false, Amount::Requests(None));
            assert_eq!(limit(text), none, "{text}");
        }
        for name in ABSENT {
            let text = format!("{name}:10/1m");
            assert_eq!(text.parse(), Ok(RateSetting::Absent(name.into())));
        }
    }

    #[test]
    fn bytes_and_peers_are_read() {
        let second = Duration::from_secs(1);
        assert_eq!(
            limit("sync:10MB/1s"),
            (
                Some(Service::Sync),
                false,
                Amount::Bytes(rate(10_000_000, second))
            )
        );
        assert_eq!(
            limit("store/peer:64KiB/1m"),
            (
                Some(Service::Store),
                true,
                Amount::Bytes(rate(64 << 10, 60 * second))
            )
        );
        assert_eq!(limit("rest/peer:3/1s").0, Some(Service::Rest));
    }

    #[test]
    fn what_is_no_limit_is_told_with_what_is() {
        for text in [
            "",
            "store",
            "store:",
            "store:5",
            "store:/1s",
            "store:5/",
            "store:5/1d",
            "store:5/s",
            "store:-5/1s",
            "store:+5/1s",
            "store:1.5/1s",
            "store:5/1s/1s",
            "stroe:5/1s",
            "store/all:5/1s",
            "store:10mb/1s",
            "streams:10MB/1s",
            "store:1/99999999999999999h",
            "store:99999999999999999999/1s",
            "store:1000000001/1s",
            "store:1/8761h",
        ] {
            let error = text.parse::<RateSetting>().unwrap_err();
            let whole = format!("`{text}` is no rate limit");
            assert!(
                error.contains(&whole) && error.contains("store:1000/1h"),
                "{error}"
            );
        }
    }
}
