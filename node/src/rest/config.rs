//! What a REST server is to be.

use std::net::{IpAddr, Ipv4Addr};

/// The port that nwaku serves its REST API on.
const DEFAULT_PORT: u16 = 8_645;

/// What a REST server is to be.
#[derive(Clone, Debug)]
pub struct RestConfig {
    /// Where it listens; 127.0.0.1.
    pub address: IpAddr,
    /// The port; 8645, and 0 takes a free one.
    pub port: u16,
    /// Whether calls under `/admin` are answered; they aren't.
    pub admin: bool,
    /// Origins of web pages that may use the API beside its own: `host`, `host:port` or
    /// `scheme://host:port`, with `*` for any text and `?` for any character or none. None are.
    pub allow_origin: Vec<String>,
}

impl Default for RestConfig {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            port: DEFAULT_PORT,
            admin: false,
            allow_origin: Vec::new(),
        }
    }
}
