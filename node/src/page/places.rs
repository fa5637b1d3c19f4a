//! The places for pages that listen: so many for all, and so many of these for one host.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sync_net::admission::Origin;

use super::limits::{LISTENERS, LISTENERS_OF_HOST};

/// How many pages of each host listen.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<Origin, usize>>);

/// Why there is no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Full {
    /// The host has all that it may have.
    Host,
    /// All are taken.
    All,
}

/// The place of one page, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    host: Origin,
}

impl Places {
    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.0.lock().values().sum()
    }

    /// Takes one for a page of `host`.
    pub(super) fn take(self: &Arc<Self>, host: Origin) -> Result<Place, Full> {
        let mut taken = self.0.lock();
        let of_host = taken.get(&host).copied().unwrap_or_default();
        if of_host >= LISTENERS_OF_HOST {
            return Err(Full::Host);
        }
        if taken.values().sum::<usize>() >= LISTENERS {
            return Err(Full::All);
        }
        taken.insert(host, of_host + 1);
        Ok(Place {
            places: Arc::clone(self),
            host,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        if let Some(of_host) = taken.get_mut(&self.host) {
            *of_host -= 1;
            if *of_host == 0 {
                taken.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: usize) -> Origin {
        Origin::of_ip([10, 0, 0, u8::try_from(number).unwrap()].into())
    }

    #[test]
    fn one_host_leaves_places_for_others_until_all_are_taken() {
        let places = Arc::<Places>::default();
        let take = |number| places.take(host(number));
        let mut taken: Vec<Place> = (0..LISTENERS_OF_HOST).map(|_| take(0).unwrap()).collect();
        assert_eq!(take(0).unwrap_err(), Full::Host);
        taken.extend((taken.len()..LISTENERS).map(|number| take(number).unwrap()));
        assert_eq!(take(255).unwrap_err(), Full::All);
        taken.remove(0);
        assert_eq!(places.taken(), LISTENERS - 1);
        taken.push(take(0).unwrap());
        taken.clear();
        assert!(places.0.lock().is_empty());
    }
}
