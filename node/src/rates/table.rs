//! Which rates hold, if nothing else is said, and what settings make of them.

use std::num::NonZeroU64;

use super::limits::PEER_SHARE;
use super::setting::{Amount, RateSetting};
use super::{Rate, Service};

/// What may come in a time; `None` for no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rates {
    /// Requests, of which each service says what they are.
    pub requests: Option<Rate>,
    /// Bytes, in both directions together.
    pub bytes: Option<Rate>,
}

/// The rates of one service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ServiceRates {
    /// Of all peers together.
    pub overall: Rates,
    /// Of each peer.
    pub peer: Rates,
}

/// The rates of all services. The defaults are more than one client or syncing peer comes to, and less
/// than keeps others from being served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimits {
    services: [ServiceRates; Service::ALL.len()],
}

impl RateLimits {
    /// No limits at all.
    pub const NONE: Self = {
        let none = Rates {
            requests: None,
            bytes: None,
        };
        let service = ServiceRates {
            overall: none,
            peer: none,
        };
        Self {
            services: [service; Service::ALL.len()],
        }
    };

    /// Those of one service.
    #[must_use]
    pub const fn of(&self, service: Service) -> &ServiceRates {
        &self.services[service.index()]
    }

    /// Those of one service, to be changed.
    pub const fn of_mut(&mut self, service: Service) -> &mut ServiceRates {
        &mut self.services[service.index()]
    }

    /// The defaults with these settings, of which the last one of a kind holds.
    ///
    /// A setting without a name is for Store queries, sync, transfer and metadata as far as none of the
    /// same kind names them. What is set of all peers and not of each gives each three quarters of it.
    #[must_use]
    pub fn with(settings: &[RateSetting]) -> Self {
        let mut limits = Self::default();
        for service in Service::ALL {
            let overall = Set::find(settings, service, false);
            let peer = Set::find(settings, service, true);
            let rates = limits.of_mut(service);
            overall.apply(&mut rates.overall);
            overall.shared().apply(&mut rates.peer);
            peer.apply(&mut rates.peer);
        }
        limits
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        let mut limits = Self::NONE;
        for (service, requests, bytes) in DEFAULTS {
            let rates = limits.of_mut(service);
            (rates.overall.requests, rates.peer.requests) = both(requests);
            (rates.overall.bytes, rates.peer.bytes) = both(bytes);
        }
        limits
    }
}

/// Requests and bytes a second, of all peers and of each; 0 for no limit.
const DEFAULTS: [(Service, [u64; 2], [u64; 2]); Service::ALL.len()] = [
    (Service::Streams, [2_000, 500], [0, 0]),
    (Service::Store, [2_000, 500], [250_000_000, 100_000_000]),
    (Service::Sync, [500, 100], [100_000_000, 50_000_000]),
    (Service::Transfer, [5_000, 2_000], [50_000_000, 20_000_000]),
    (Service::Metadata, [500, 20], [1_000_000, 100_000]),
    (Service::Rest, [2_000, 500], [250_000_000, 100_000_000]),
];

fn both([overall, peer]: [u64; 2]) -> (Option<Rate>, Option<Rate>) {
    let rate = |volume| NonZeroU64::new(volume).map(Rate::per_second);
    (rate(overall), rate(peer))
}

/// What settings say of one kind; the outer `None` is nothing.
#[derive(Clone, Copy, Default)]
struct Set {
    requests: Option<Option<Rate>>,
    bytes: Option<Option<Rate>>,
}

impl Set {
    fn find(settings: &[RateSetting], of: Service, each: bool) -> Self {
        let named = Self::of(settings, Some(of), each);
        let common = match of {
            Service::Streams | Service::Rest => Self::default(),
            _ => Self::of(settings, None, each),
        };
        Self {
            requests: named.requests.or(common.requests),
            bytes: named.bytes.or(common.bytes),
        }
    }

    fn of(settings: &[RateSetting], of: Option<Service>, each: bool) -> Self {
        let mut set = Self::default();
        for setting in settings {
            match setting {
                RateSetting::Limit {
                    service,
                    of_peer,
                    amount,
                } if (*service, *of_peer) == (of, each) => match amount {
                    Amount::Requests(rate) => set.requests = Some(*rate),
                    Amount::Bytes(rate) => set.bytes = Some(*rate),
                },
                _ => {}
            }
        }
        set
    }

    /// Each peer's share of it.
    fn shared(self) -> Self {
        let share =
            |rate: Option<Option<Rate>>| rate.map(|rate| rate.map(|rate| rate.part(PEER_SHARE)));
        Self {
            requests: share(self.requests),
            bytes: share(self.bytes),
        }
    }

    fn apply(self, rates: &mut Rates) {
        if let Some(requests) = self.requests {
            rates.requests = requests;
        }
        if let Some(bytes) = self.bytes {
            rates.bytes = bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(settings: &[&str]) -> RateLimits {
        let settings: Vec<RateSetting> =
            settings.iter().map(|text| text.parse().unwrap()).collect();
        RateLimits::with(&settings)
    }

    fn a_second(rate: Option<Rate>) -> f64 {
        rate.map_or(f64::INFINITY, |rate| rate.a_second())
    }

    #[test]
    fn every_default_is_finite_and_a_peers_is_three_quarters_of_alls_at_most() {
        let limits = RateLimits::default();
        for service in Service::ALL {
            let rates = limits.of(service);
            let pairs = [
                (rates.overall.requests, rates.peer.requests),
                (rates.overall.bytes, rates.peer.bytes),
            ];
            for (overall, peer) in pairs {
                if service == Service::Streams && overall.is_none() {
                    continue;
                }
                assert!(a_second(overall).is_finite(), "{service}");
                assert!(a_second(peer) <= 0.75 * a_second(overall), "{service}");
            }
        }
    }

    #[test]
    fn a_named_setting_holds_for_its_service_and_one_without_a_name_for_the_others() {
        let limits = with(&["store:1000/1h", "50/1s", "store:2000/1h", "rest:7/1s"]);
        let requests = |service| limits.of(service).overall.requests.unwrap().volume();
        assert_eq!(requests(Service::Store), 2_000, "the last one holds");
        assert_eq!(requests(Service::Sync), 50);
        assert_eq!(requests(Service::Transfer), 50);
        assert_eq!(requests(Service::Rest), 7);
        let default = RateLimits::default();
        assert_eq!(limits.of(Service::Streams), default.of(Service::Streams));
        let bytes = |limits: &RateLimits| limits.of(Service::Store).overall.bytes;
        assert_eq!(bytes(&limits), bytes(&default));
    }

    #[test]
    fn each_peer_has_three_quarters_of_what_is_set_of_all_unless_more_is_said() {
        let peer = |settings: &[&str]| with(settings).of(Service::Store).peer;
        let volume = |rate: Option<Rate>| rate.map(|rate| rate.volume());
        assert_eq!(volume(peer(&["store:1000/1h"]).requests), Some(750));
        let named = peer(&["store/peer:20/1s", "store:1000/1h"]);
        assert_eq!(volume(named.requests), Some(20));
        assert_eq!(volume(peer(&["store:4MB/1s"]).bytes), Some(3_000_000));
        assert_eq!(peer(&["store:0/1s"]).requests, None);
        assert!(peer(&["store:0/1s", "store/peer:5/1s"]).requests.is_some());
    }
}
