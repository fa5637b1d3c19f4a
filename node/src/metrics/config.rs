//! What a metrics server is to be.

use std::net::{IpAddr, Ipv4Addr};

use super::Prefix;

/// The port that nwaku serves its metrics on.
const DEFAULT_PORT: u16 = 8_008;

/// What a metrics server is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MetricsConfig {
    /// Where it listens; 127.0.0.1.
    pub address: IpAddr,
    /// The port; 8008, and 0 takes a free one.
    pub port: u16,
    /// Which names it uses; those of nwaku from 0.38 on.
    pub prefix: Prefix,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            port: DEFAULT_PORT,
            prefix: Prefix::default(),
        }
    }
}
