//! How much of the line history may take, in each direction.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use sync_net::limits::CHUNK;
use sync_net::reconcile::Direction;

use super::bucket::Buckets;
use super::clock::TokioClock;
use super::limits::{BANDWIDTH_BURST, BYTES_PER_CELL, LEAST_BANDWIDTH};
use super::{Rate, RateError};
use crate::cli::SizeArg;

/// `--sync-bandwidth`: so many bytes a second in each direction, or `none`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BandwidthArg(pub Option<u64>);

impl FromStr for BandwidthArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let size = text.strip_suffix("/s").unwrap_or(text);
        let told = |why| format!("`{text}` is no bandwidth: {why}, as in 2MB/s, or `none`");
        let bytes = size.parse::<SizeArg>().map_err(told)?.0;
        if bytes < LEAST_BANDWIDTH {
            let least = LEAST_BANDWIDTH / 1_000;
            return Err(told(format!("expected at least {least}kB/s")));
        }
        Lane::quota(bytes).map_err(|error| told(error.to_string()))?;
        Ok(Self(Some(bytes)))
    }
}

impl fmt::Display for BandwidthArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "{bytes}B/s"),
            None => f.write_str("none"),
        }
    }
}

/// A speed for each direction, shared by all streams of history. Each stream asks for one chunk after the
/// other, and the chunks of all go in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Bandwidth {
    sent: Lane,
    received: Lane,
}

impl Bandwidth {
    pub(super) fn new(bytes_a_second: u64, clock: TokioClock) -> Result<Self, RateError> {
        Ok(Self {
            sent: Lane::new(bytes_a_second, clock)?,
            received: Lane::new(bytes_a_second, clock)?,
        })
    }

    /// Gives so many bytes their turn, and tells how far off that is.
    pub(super) fn turn(&self, direction: Direction, bytes: u64) -> Duration {
        match direction {
            Direction::Sent => self.sent.turn(bytes),
            Direction::Received => self.received.turn(bytes),
        }
    }
}

#[derive(Debug)]
struct Lane(Buckets<()>);

impl Lane {
    fn new(bytes_a_second: u64, clock: TokioClock) -> Result<Self, RateError> {
        Ok(Self(Buckets::new(Self::quota(bytes_a_second)?, 1, clock)))
    }

    fn quota(bytes_a_second: u64) -> Result<governor::Quota, RateError> {
        let quota = Rate::new(bytes_a_second, Duration::from_secs(1))?.bytes()?;
        let burst = (bytes_a_second / BANDWIDTH_BURST).max(CHUNK as u64);
        let cells = u32::try_from(burst.div_ceil(BYTES_PER_CELL)).unwrap_or(u32::MAX);
        Ok(quota.allow_burst(NonZeroU32::new(cells).unwrap_or(NonZeroU32::MIN)))
    }

    fn turn(&self, bytes: u64) -> Duration {
        self.0.charge(&(), bytes.div_ceil(BYTES_PER_CELL));
        self.0.wait(&())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[test]
    fn bandwidths_are_read_down_to_the_least() {
        let read = |text: &str| text.parse::<BandwidthArg>().map(|bandwidth| bandwidth.0);
        assert_eq!(read("2MB/s"), Ok(Some(2_000_000)));
        assert_eq!(read("1MiB"), Ok(Some(1 << 20)));
        assert_eq!(read("none"), Ok(None));
        assert_eq!(read("500kB/s"), Ok(Some(500_000)));
        for text in ["499999/s", "0", "", "2MB/m", "fast", "1TB/s"] {
            let error = read(text).unwrap_err();
            assert!(error.contains(text) && error.contains("2MB/s"), "{error}");
        }
        for text in ["none", "2MB/s"] {
            let bandwidth: BandwidthArg = text.parse().unwrap();
            assert_eq!(bandwidth.to_string().parse(), Ok(bandwidth));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn streams_share_the_speed_chunk_by_chunk_and_a_long_frame_holds_up_no_short_one() {
        let bandwidth = Bandwidth::new(1_000_000, TokioClock::start()).unwrap();
        let begun = Instant::now();
        let long = async {
            for _ in 0..(4 << 20) / CHUNK {
                sleep(bandwidth.turn(Direction::Sent, CHUNK as u64)).await;
            }
            begun.elapsed().as_secs_f64()
        };
        let short = async {
            sleep(Duration::from_millis(500)).await;
            let since = Instant::now();
            sleep(bandwidth.turn(Direction::Sent, 1_000)).await;
            since.elapsed().as_secs_f64()
        };
        let other_way = async {
            sleep(Duration::from_millis(500)).await;
            bandwidth.turn(Direction::Received, 1_000)
        };
        let (long, short, other_way) = tokio::join!(long, short, other_way);
        // A tenth of a second's bytes go at once.
        assert!((4.0..4.2).contains(&long), "{long}");
        assert!(short < 0.04, "{short}");
        assert_eq!(other_way, Duration::ZERO);
    }
}
