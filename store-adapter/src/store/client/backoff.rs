//! One peer of a walk: whether and when it may be asked.

use sync_core::Id;

use crate::limits::StoreClientLimits;

/// A peer, and how it behaved.
#[derive(Clone, Debug)]
pub(super) struct Peer<P> {
    pub(super) name: P,
    /// Not asked before this time.
    pub(super) not_before: u64,
    /// Not asked any more.
    pub(super) left: bool,
    /// Has answered for every hash that is wanted up to this one.
    pub(super) through: Option<Id>,
    /// Has answered for every hash that is wanted.
    pub(super) done: bool,
    /// How many messages, or hashes, it is asked for at a time.
    pub(super) page: usize,
    /// The most that it takes, as far as that is known.
    most: usize,
    failures: u32,
    refusals: u32,
}

impl<P> Peer<P> {
    pub(super) fn new(name: P, page: usize) -> Self {
        Self {
            name,
            not_before: 0,
            left: false,
            through: None,
            done: false,
            page,
            most: page,
            failures: 0,
            refusals: 0,
        }
    }

    pub(super) fn is_askable(&self) -> bool {
        !self.left && !self.done
    }

    /// It gave something: what went wrong before is forgiven, and it is asked for more at a time.
    pub(super) fn delivered(&mut self) {
        (self.failures, self.refusals) = (0, 0);
        self.page = self.page.saturating_mul(2).min(self.most);
    }

    /// It doesn't take requests for so much; gives whether it may be asked for less.
    pub(super) fn wants_less(&mut self) -> bool {
        let less = self.page > 1;
        self.page = (self.page / 2).max(1);
        self.most = self.page;
        less
    }

    /// It failed; gives whether it may be tried again.
    pub(super) fn failed(&mut self, now: u64, jitter: u64, limits: &StoreClientLimits) -> bool {
        self.failures += 1;
        // Perhaps the page was too long for it, or for the way.
        self.page = (self.page / 2).max(1);
        self.back_off(now, jitter, self.failures, limits);
        self.left = self.failures >= limits.attempts;
        !self.left
    }

    /// It asked for patience; gives whether it may be tried again.
    pub(super) fn refused(&mut self, now: u64, jitter: u64, limits: &StoreClientLimits) -> bool {
        self.refusals += 1;
        self.back_off(now, jitter, self.refusals, limits);
        self.left = self.refusals >= limits.refusals;
        !self.left
    }

    /// A pause of half the backoff to all of it.
    fn back_off(&mut self, now: u64, jitter: u64, times: u32, limits: &StoreClientLimits) {
        let doubled = 1u64
            .checked_shl(times.saturating_sub(1))
            .unwrap_or(u64::MAX);
        let whole = limits.first_backoff.saturating_mul(doubled);
        let half = whole.min(limits.longest_backoff) / 2;
        let pause = half + jitter % half.saturating_add(1);
        self.not_before = now.saturating_add(pause);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_double_up_to_the_longest_and_vary_by_half(
            jitter: u64,
            now in 0..u64::MAX / 2,
            times in 1u32..100,
        ) {
            let limits = StoreClientLimits {
                attempts: 1_000,
                refusals: 1_000,
                ..StoreClientLimits::default()
            };
            let mut peer = Peer::new((), 100);
            for _ in 0..times {
                peer.refused(now, jitter, &limits);
            }
            let whole = if times <= 6 { 1_000_000_000 << (times - 1) } else { 60_000_000_000 };
            let pause = peer.not_before - now;
            prop_assert!((whole / 2..=whole).contains(&pause), "{pause} of {whole}");
        }
    }

    #[test]
    fn a_peer_is_left_after_so_many_failures_in_a_row() {
        let limits = StoreClientLimits::default();
        let mut peer = Peer::new((), 100);
        assert!(peer.failed(0, 0, &limits) && peer.failed(0, 0, &limits));
        assert_eq!(peer.page, 25);
        peer.delivered();
        assert_eq!(peer.page, 50);
        assert!(peer.failed(0, 0, &limits) && peer.failed(0, 0, &limits));
        assert!(!peer.failed(0, 0, &limits) && peer.left);
    }
}
