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
