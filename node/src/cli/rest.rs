//! Arguments of `run` about REST: the names are nwaku's.

use std::net::IpAddr;

use clap::{ArgAction, Args};

use crate::relay::RelayConfig;
use crate::rest::RestConfig;

/// Arguments of `run` about REST.
#[derive(Debug, Args)]
pub struct RestArgs {
    /// Serve the REST API
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    pub rest: bool,
    /// Address to serve REST on
    #[arg(long, value_name = "IP", default_value_t = RestConfig::default().address)]
    pub rest_address: IpAddr,
    /// Port to serve REST on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = RestConfig::default().port)]
    pub rest_port: u16,
    /// Answer calls under /admin: they tell of peers, dial, and set what is logged
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    pub rest_admin: bool,
    /// Most relayed messages kept for REST calls that ask what came since the last one
    #[arg(long, value_name = "COUNT", default_value_t = RelayConfig::default().cache_capacity,
          value_parser = clap::value_parser!(usize))]
    pub rest_relay_cache_capacity: usize,
    /// An origin of web pages that may use REST, as often as there are: HOST, HOST:PORT or
    /// SCHEME://HOST:PORT, with * for any text and ? for any character or none
    #[arg(long, value_name = "ORIGIN")]
    pub rest_allow_origin: Vec<String>,
}

impl RestArgs {
    /// What the server is to be, if there is to be one.
    #[must_use]
    pub fn config(&self) -> Option<RestConfig> {
        self.rest.then(|| RestConfig {
            address: self.rest_address,
            port: self.rest_port,
            admin: self.rest_admin,
            allow_origin: self.rest_allow_origin.clone(),
        })
    }
}
