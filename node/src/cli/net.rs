//! Arguments of `run` about the network: the names are nwaku's.

use std::net::IpAddr;
use std::str::FromStr;

use clap::{ArgAction, Args};
use libp2p::Multiaddr;

use crate::net::AnnounceConfig;

/// Longest domain name, in bytes (RFC 1035).
const DOMAIN_BYTES: usize = 253;

/// Where the node is reached, and whom it stays connected with.
#[derive(Debug, Args)]
pub struct NetArgs {
    /// A peer to stay connected with, as often as there are
    #[arg(long, value_name = "MULTIADDR")]
    pub staticnode: Vec<String>,
    /// A store node to stay connected with and to fetch from, as often as there are
    #[arg(long, value_name = "MULTIADDR")]
    pub storenode: Vec<String>,
    /// How the node is reached from the Internet: extip:IP tells others that address with the ports
    /// that it listens on. It opens no ports on routers, so any, upnp and pmp are the same as none
    #[arg(long, value_name = "none|extip:IP", default_value = "none")]
    pub nat: NatArg,
    /// An address to tell others beside those that the node listens on, as often as there are
    #[arg(long, value_name = "MULTIADDR", value_parser = multiaddress)]
    pub ext_multiaddr: Vec<Multiaddr>,
    /// Tell others no address but those of --ext-multiaddr
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    pub ext_multiaddr_only: bool,
    /// The node's domain name, told others with the ports that it listens on
    #[arg(long, value_name = "NAME", value_parser = domain_name)]
    pub dns4_domain_name: Option<String>,
}

impl NetArgs {
    /// What the node is to tell of its addresses.
    #[must_use]
    pub fn announce(&self) -> AnnounceConfig {
        if let NatArg::Mapped(method) = self.nat {
            tracing::warn!("--nat={method}: no port is opened on routers; use extip:IP");
        }
        AnnounceConfig {
            external_ip: match self.nat {
                NatArg::External(ip) => Some(ip),
                NatArg::None | NatArg::Mapped(_) => None,
            },
            dns4_domain_name: self.dns4_domain_name.clone(),
            extra: self.ext_multiaddr.clone(),
            extra_only: self.ext_multiaddr_only,
        }
    }
}

/// How the node is reached from the Internet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NatArg {
    /// As it listens.
    None,
    /// By a port that a router would have to open, in nwaku's way of that name.
    Mapped(&'static str),
    /// At this address.
    External(IpAddr),
}

impl FromStr for NatArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let external = || {
            let ip = text.strip_prefix("extip:")?;
            ip.parse().ok().map(Self::External)
        };
        match text.to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "any" => Ok(Self::Mapped("any")),
            "upnp" => Ok(Self::Mapped("upnp")),
            "pmp" => Ok(Self::Mapped("pmp")),
            _ => external().ok_or_else(|| {
                "expected none, any, upnp, pmp, or extip: and an IP address, like \
                 extip:203.0.113.7"
                    .into()
            }),
        }
    }
}

fn multiaddress(text: &str) -> Result<Multiaddr, String> {
    let expected = "expected a multiaddress like /dns4/example.org/tcp/443/wss";
    let address: Multiaddr = text
        .parse()
        .map_err(|error| format!("{error}; {expected}"))?;
    match address.is_empty() {
        true => Err(expected.into()),
        false => Ok(address),
    }
}

fn domain_name(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(inner)
    };
    let valid = text.len() <= DOMAIN_BYTES && text.split('.').all(label);
    valid.then(|| text.to_owned()).ok_or_else(|| {
        "expected a domain name of letters, digits and -, like node.example.org".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nwaku_s_ways_through_a_router_are_read_and_others_told_the_forms() {
        let external = NatArg::External("203.0.113.7".parse().unwrap());
        assert_eq!("extip:203.0.113.7".parse(), Ok(external));
        let external = NatArg::External("2001:db8::1".parse().unwrap());
        assert_eq!("extip:2001:db8::1".parse(), Ok(external));
        assert_eq!("none".parse(), Ok(NatArg::None));
        assert_eq!("UPnP".parse(), Ok(NatArg::Mapped("upnp")));
        for text in ["", "extip:", "extip:nowhere", "203.0.113.7", "extip:1.2.3"] {
            let error = text.parse::<NatArg>().unwrap_err();
            assert!(error.contains("extip:203.0.113.7"), "{error}");
        }
    }

    #[test]
    fn addresses_and_names_that_are_none_are_told_an_example() {
        assert!(multiaddress("/dns4/example.org/tcp/443/wss").is_ok());
        for text in ["", "example.org:443", "/ip4/300.0.0.1/tcp/1"] {
            assert!(
                multiaddress(text)
                    .unwrap_err()
                    .contains("/dns4/example.org")
            );
        }
        assert!(domain_name("node-1.example.org").is_ok());
        let long = format!("{}example.org", "a.".repeat(130));
        for text in ["", "a b", "a..b", "/dns4/a", "\u{e4}.org", long.as_str()] {
            assert!(domain_name(text).unwrap_err().contains("node.example.org"));
        }
    }
}
