//! Token buckets, one for each key, of which a bounded number is kept.
//!
//! The arithmetic is the `governor` crate's: a state is one number, the time at which the bucket will be
//! full again. That time may lie further ahead than a full bucket takes, if more was charged than there
//! was; then nothing is given until the debt is made up for.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use hashlink::LruCache;
use parking_lot::Mutex;

use super::clock::TokioClock;
use crate::cli::time::nanoseconds;

/// What a key of a bucket can be.
pub(super) trait Key: Clone + Eq + Hash + fmt::Debug {}

impl<T: Clone + Eq + Hash + fmt::Debug> Key for T {}

/// When the buckets of the keys heard of last will be full, in nanoseconds since the start.
#[derive(Debug)]
struct States<K: Key>(Mutex<LruCache<K, u64>>);

/// The states as governor takes them.
#[derive(Debug)]
struct Shared<K: Key>(Arc<States<K>>);

impl<K: Key> StateStore for Shared<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.0.0.lock();
        let state = states.get(key).copied().map(Nanos::from);
        let (outcome, next) = decide(state)?;
        states.insert(key.clone(), next.as_u64());
        Ok(outcome)
    }
}

/// A bucket for each key.
#[derive(Debug)]
pub(super) struct Buckets<K: Key> {
    limiter: RateLimiter<K, Shared<K>, TokioClock, NoOpMiddleware<Duration>>,
    states: Arc<States<K>>,
    clock: TokioClock,
    /// What was on the clock at the start.
    start: Duration,
    /// How long it takes until there is one more.
    cell: u64,
    /// How far ahead of the present a state may lie for there to be one more.
    tolerance: u64,
}

impl<K: Key> Buckets<K> {
    /// Buckets of `quota`, full, of which as many as `keys` are kept.
    pub(super) fn new(quota: Quota, keys: usize, clock: TokioClock) -> Self {
        let states = Arc::new(States(Mutex::new(LruCache::new(keys.max(1)))));
        let cell = nanoseconds(quota.replenish_interval());
        let more = u64::from(quota.burst_size().get()) - 1;
        Self {
            start: clock.now(),
            limiter: RateLimiter::new(quota, Shared(Arc::clone(&states)), clock),
            states,
            clock,
            cell,
            tolerance: cell.saturating_mul(more),
        }
    }

    /// Takes one, or tells after which time there may be one.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        let taken = self.limiter.check_key(key);
        taken.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// After which time there is one; none if there is.
    pub(super) fn wait(&self, key: &K) -> Duration {
        let state = self.states.0.lock().get(key).copied();
        let free = state.unwrap_or_default().saturating_sub(self.tolerance);
        Duration::from_nanos(free.saturating_sub(self.now()))
    }

    /// Takes so many, whether or not they are there.
    pub(super) fn charge(&self, key: &K, cells: u64) {
        let now = self.now();
        let mut states = self.states.0.lock();
        let state = states.get(key).copied().unwrap_or_default().max(now);
        let charged = state.saturating_add(self.cell.saturating_mul(cells));
        states.insert(key.clone(), charged);
    }

    fn now(&self) -> u64 {
        nanoseconds(self.clock.now().saturating_sub(self.start))
    }

    #[cfg(test)]
    fn kept(&self) -> usize {
        self.states.0.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;
    use tokio::time::advance;

    use super::*;
    use crate::rates::Rate;

    fn buckets<K: Key>(volume: u64, seconds: u64, keys: usize) -> Buckets<K> {
        let rate = Rate::new(volume, Duration::from_secs(seconds)).unwrap();
        Buckets::new(rate.requests().unwrap(), keys, TokioClock::start())
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_bucket_gives_its_volume_and_not_one_more_until_it_refills() {
        let buckets = buckets(10, 10, 8);
        for number in 0..10 {
            assert_eq!(buckets.take(&'a'), Ok(()), "{number}");
        }
        assert_eq!(buckets.take(&'a'), Err(Duration::from_secs(1)));
        assert_eq!(buckets.wait(&'a'), Duration::from_secs(1));
        assert_eq!(buckets.take(&'b'), Ok(()), "it is another's");
        advance(Duration::from_millis(999)).await;
        assert_eq!(buckets.take(&'a'), Err(Duration::from_millis(1)));
        advance(Duration::from_millis(1)).await;
        assert_eq!(buckets.wait(&'a'), Duration::ZERO);
        assert_eq!(buckets.take(&'a'), Ok(()));
        assert!(buckets.take(&'a').is_err());
        advance(Duration::from_secs(3_600)).await;
        let given = (0..100).filter(|_| buckets.take(&'a').is_ok());
        assert_eq!(given.count(), 10, "no more is saved up than a bucket takes");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_charged_beyond_the_bucket_is_made_up_for_before_anything_is_given() {
        let buckets = buckets(10, 10, 8);
        advance(Duration::from_secs(5)).await;
        buckets.charge(&'a', 10);
        assert_eq!(buckets.wait(&'a'), Duration::from_secs(1));
        buckets.charge(&'a', 30);
        assert_eq!(buckets.wait(&'a'), Duration::from_secs(31));
        assert_eq!(buckets.take(&'a'), Err(Duration::from_secs(31)));
        advance(Duration::from_secs(31)).await;
        assert_eq!(buckets.take(&'a'), Ok(()));
        assert_eq!(buckets.take(&'a'), Err(Duration::from_secs(1)));
        buckets.charge(&'a', u64::MAX);
        buckets.charge(&'a', u64::MAX);
        assert!(buckets.wait(&'a') > Duration::from_secs(1 << 32));
    }

    #[tokio::test(start_paused = true)]
    async fn of_100_000_peers_as_many_buckets_are_kept_as_may_be() {
        let buckets = buckets(2, 3_600, 4_096);
        let regular = PeerId::random();
        assert_eq!(buckets.take(&regular), Ok(()));
        assert_eq!(buckets.take(&regular), Ok(()));
        for number in 0..100_000 {
            let peer = PeerId::random();
            if number % 2 == 0 {
                assert_eq!(buckets.take(&peer), Ok(()));
            } else {
                buckets.charge(&peer, 5);
            }
            assert!(buckets.kept() <= 4_096);
            if number % 1_000 == 0 {
                assert!(buckets.take(&regular).is_err(), "who keeps asking is known");
            }
        }
        assert_eq!(buckets.kept(), 4_096);
    }
}
