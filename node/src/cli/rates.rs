//! Arguments about how much peers may have in a time.

use clap::Args;

use crate::rates::{BandwidthArg, RateConfig, RateLimits, RateSetting};

/// Arguments about rates.
#[derive(Debug, Args)]
pub struct RateArgs {
    /// Most requests, or bytes, in a time: `store:1000/1h`, `sync:20MB/1s`, `store/peer:50/1s` of each
    /// peer, or `100/1s` of every service not named; 0 for no limit. May be given several times; services
    /// are streams, store, sync, transfer, metadata and rest, periods are in h, m, s or ms
    #[arg(long, value_name = "[SERVICE[/peer]:]VOLUME/PERIOD")]
    pub rate_limit: Vec<RateSetting>,
    /// Most bytes a second that sync may take in each direction, such as 2MB/s: sessions, pushes, and the
    /// pages that fill what they found
    #[arg(long, value_name = "SIZE/s", default_value = "none")]
    pub sync_bandwidth: BandwidthArg,
}

impl RateArgs {
    /// The rates that are asked for. Of services that this program doesn't have, a line in the log says
    /// so.
    #[must_use]
    pub fn config(&self) -> RateConfig {
        for setting in &self.rate_limit {
            if let RateSetting::Absent(name) = setting {
                tracing::warn!(
                    service = name,
                    "--rate-limit: there is no such service here"
                );
            }
        }
        RateConfig {
            limits: RateLimits::with(&self.rate_limit),
            bandwidth: self.sync_bandwidth.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::rates::Service;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        rates: RateArgs,
    }

    fn config(arguments: &[&str]) -> Result<RateConfig, String> {
        let line = Line::try_parse_from(std::iter::once(&"run").chain(arguments));
        line.map(|line| line.rates.config())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn flags_of_nwaku_and_those_beyond_set_the_rates() {
        assert_eq!(config(&[]), Ok(RateConfig::default()));
        let set = config(&[
            "--rate-limit=store:1000/1h",
            "--rate-limit",
            "filter:30/1m",
            "--rate-limit=sync/peer:2MB/1s",
            "--sync-bandwidth=3MB/s",
        ]);
        let set = set.unwrap();
        let volume = |rate: Option<crate::rates::Rate>| rate.map(|rate| rate.volume());
        let store = set.limits.of(Service::Store);
        assert_eq!(volume(store.overall.requests), Some(1_000));
        let sync = set.limits.of(Service::Sync);
        assert_eq!(volume(sync.peer.bytes), Some(2_000_000));
        assert_eq!(set.bandwidth, Some(3_000_000));
    }

    #[test]
    fn what_is_no_rate_is_refused_with_an_example() {
        let error = config(&["--rate-limit=store:5/1d"]).unwrap_err();
        assert!(
            error.contains("store:5/1d") && error.contains("store:1000/1h"),
            "{error}"
        );
        let error = config(&["--sync-bandwidth=1kB/s"]).unwrap_err();
        assert!(
            error.contains("1kB/s") && error.contains("2MB/s"),
            "{error}"
        );
    }
}
