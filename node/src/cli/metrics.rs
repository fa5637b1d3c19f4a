//! Arguments of `run` about metrics: the names are nwaku's.

use std::net::IpAddr;

use clap::{ArgAction, Args};

use crate::metrics::{MetricsConfig, Prefix};

/// Arguments of `run` about metrics.
#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// Serve metrics for Prometheus, at /metrics
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    pub metrics_server: bool,
    /// Address to serve metrics on
    #[arg(long, value_name = "IP", default_value_t = MetricsConfig::default().address)]
    pub metrics_server_address: IpAddr,
    /// Port to serve metrics on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = MetricsConfig::default().port)]
    pub metrics_server_port: u16,
    /// The names of metrics: logos_delivery as nwaku has them from 0.38 on, waku as up to 0.37, or both
    #[arg(long, value_enum, value_name = "PREFIX", default_value_t)]
    pub metrics_prefix: Prefix,
}

impl MetricsArgs {
    /// What the server is to be, if there is to be one.
    #[must_use]
    pub fn config(&self) -> Option<MetricsConfig> {
        self.metrics_server.then_some(MetricsConfig {
            address: self.metrics_server_address,
            port: self.metrics_server_port,
            prefix: self.metrics_prefix,
        })
    }
}
