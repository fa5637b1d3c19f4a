//! What is limited apart from each other.

use std::fmt;

use libp2p::StreamProtocol;

use crate::net::protocols;

/// A service that peers or clients ask for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Service {
    /// The opening of streams, whatever is spoken on them; its requests are openings.
    Streams,
    /// Store queries.
    Store,
    /// Reconciliation in both dialects; its requests are sessions.
    Sync,
    /// Messages that peers push; its requests are messages.
    Transfer,
    /// Cluster and shards.
    Metadata,
    /// Calls over HTTP.
    Rest,
}

impl Service {
    /// All of them, each at the place that [`Service::index`] says.
    pub const ALL: [Self; 6] = [
        Self::Streams,
        Self::Store,
        Self::Sync,
        Self::Transfer,
        Self::Metadata,
        Self::Rest,
    ];

    /// Its name in settings and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::Store => "store",
            Self::Sync => "sync",
            Self::Transfer => "transfer",
            Self::Metadata => "metadata",
            Self::Rest => "rest",
        }
    }

    /// The one of this name, in lower case; `storev3` is nwaku's for `store`.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = if name == "storev3" { "store" } else { name };
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The one that speaks `protocol`, if it is one of this program's.
    #[must_use]
    pub fn of_protocol(protocol: &StreamProtocol) -> Option<Self> {
        match protocol.as_ref() {
            protocols::STORE => Some(Self::Store),
            protocols::RECONCILE | protocols::RECONCILIATION => Some(Self::Sync),
            protocols::TRANSFER => Some(Self::Transfer),
            protocols::METADATA => Some(Self::Metadata),
            _ => None,
        }
    }

    /// Its place in [`Service::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether peers that have had their bytes are slowed down in the middle of something, since it is
    /// long; the others are refused their next request.
    #[must_use]
    pub(super) const fn is_long(self) -> bool {
        matches!(self, Self::Sync | Self::Transfer)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_its_place_its_name_and_its_protocols() {
        for (place, service) in Service::ALL.into_iter().enumerate() {
            assert_eq!(service.index(), place);
            assert_eq!(Service::of_name(service.name()), Some(service));
        }
        assert_eq!(Service::of_name("storev3"), Some(Service::Store));
        assert_eq!(Service::of_name("lightpush"), None);
        let of = |id| Service::of_protocol(&StreamProtocol::new(id));
        assert_eq!(of(protocols::RECONCILE), Some(Service::Sync));
        assert_eq!(of(protocols::RECONCILIATION), Some(Service::Sync));
        assert_eq!(of("/ipfs/ping/1.0.0"), None);
    }
}
