//! Whom to ask for which part of a gap next.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::PeerId;
use store_adapter::{Gaps, Span};
use tokio::time::Instant;

use super::ResumeLimits;

/// A connected peer that may fill gaps.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) peer: PeerId,
    /// Whether it speaks this project's reconciliation; else it is asked for pages.
    pub(super) reconciles: bool,
    /// Where it lacks messages itself, as far as it has said.
    pub(super) lacks: Gaps,
}

/// Something to ask of a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Task {
    pub(super) peer: PeerId,
    pub(super) reconciles: bool,
    pub(super) span: Span,
    /// Whether another peer has filled it already.
    pub(super) confirms: bool,
}

/// What was asked of whom, and who is left in peace until when.
#[derive(Debug)]
pub(super) struct Plan {
    /// How much of a gap one task is about, in nanoseconds.
    slice: u64,
    asked: HashMap<PeerId, Gaps>,
    pauses: HashMap<PeerId, Pause>,
    retry: Pause,
    limits: ResumeLimits,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    length: Duration,
}

impl Pause {
    fn new(length: Duration, now: Instant) -> Self {
        Self {
            until: now + length,
            length,
        }
    }
}

impl Plan {
    /// Nothing asked yet at `now`; tasks are about `slice` nanoseconds at most.
    pub(super) fn new(limits: &ResumeLimits, slice: u64, now: Instant) -> Self {
        Self {
            slice: slice.max(1),
            asked: HashMap::new(),
            pauses: HashMap::new(),
            retry: Pause::new(limits.first_retry, now),
            limits: limits.clone(),
        }
    }

    /// The next task: of what nobody has filled the oldest part that a candidate may hold, or else
    /// of what is to be confirmed.
    pub(super) fn next(
        &self,
        to_fill: &[Span],
        to_confirm: &[Span],
        candidates: &[Candidate],
        now: Instant,
    ) -> Option<Task> {
        let free = |candidate: &&Candidate| {
            let pause = self.pauses.get(&candidate.peer);
            pause.is_none_or(|pause| pause.until <= now)
        };
        [(to_fill, false), (to_confirm, true)]
            .into_iter()
            .find_map(|(spans, confirms)| {
                let tasks = spans.iter().filter_map(|span| {
                    let tasks = candidates.iter().filter(free);
                    tasks
                        .filter_map(|candidate| self.task(candidate, *span, confirms))
                        .min_by_key(|task| task.span.since)
                });
                tasks.min_by_key(|task| task.span.since)
            })
    }

    /// The first part of `span` to ask this candidate for.
    fn task(&self, candidate: &Candidate, span: Span, confirms: bool) -> Option<Task> {
        let asked = self.asked.get(&candidate.peer);
        let held = candidate.lacks.outside(span).into_iter();
        let mut parts = held.flat_map(|part| match asked {
            Some(asked) => asked.outside(part),
            None => vec![part],
        });
        let part = parts.next()?;
        let until = part.until.min(part.since.saturating_add(self.slice));
        Some(Task {
            peer: candidate.peer,
            reconciles: candidate.reconciles,
            span: Span::new(part.since, until),
            confirms,
        })
    }

    /// `peer` has given what it has of `span`.
    pub(super) fn asked(&mut self, peer: PeerId, span: Span) {
        self.asked.entry(peer).or_default().insert(span);
    }

    /// `peer` has done what was asked of it.
    pub(super) fn succeeded(&mut self, peer: &PeerId) {
        self.pauses.remove(peer);
    }

    /// `peer` has failed: it is left in peace for a while, longer with each failure.
    pub(super) fn failed(&mut self, peer: PeerId, now: Instant) {
        let length = match self.pauses.get(&peer) {
            Some(pause) => (pause.length * 2).min(self.limits.last_pause),
            None => self.limits.first_pause,
        };
        self.pauses.insert(peer, Pause::new(length, now));
    }

    /// `peer` is busy: it is asked again soon.
    pub(super) fn busy(&mut self, peer: PeerId, now: Instant) {
        let pause = Pause::new(self.limits.first_pause, now);
        self.pauses.insert(peer, pause);
    }

    /// `peer` has lied: others are asked for long.
    pub(super) fn lied(&mut self, peer: PeerId, now: Instant) {
        let pause = Pause::new(self.limits.last_pause, now);
        self.pauses.insert(peer, pause);
    }

    /// There was no task: forgets, after a pause that grows, what peers were asked of `to_fill`, for
    /// by now they may have it.
    pub(super) fn nothing_to_ask(&mut self, to_fill: &[Span], now: Instant) {
        if to_fill.is_empty() {
            self.retry = Pause::new(self.limits.first_retry, now);
        } else if self.retry.until <= now {
            for asked in self.asked.values_mut() {
                to_fill.iter().for_each(|span| asked.remove(*span));
            }
            let length = (self.retry.length * 2).min(self.limits.last_retry);
            self.retry = Pause::new(length, now);
        }
    }

    /// Forgets peers that aren't connected, save those that are still left in peace.
    pub(super) fn keep(&mut self, connected: &[Candidate], now: Instant) {
        let is_connected = |peer: &PeerId| connected.iter().any(|other| other.peer == *peer);
        self.asked.retain(|peer, _| is_connected(peer));
        self.pauses
            .retain(|peer, pause| is_connected(peer) || pause.until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(lacks: &[Span]) -> Candidate {
        Candidate {
            peer: PeerId::random(),
            reconciles: true,
            lacks: lacks.iter().copied().collect(),
        }
    }

    fn span_of(task: Option<Task>) -> Option<(PeerId, Span)> {
        task.map(|task| (task.peer, task.span))
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_hold_a_part_are_asked_for_it_and_each_once() {
        let now = Instant::now();
        let mut plan = Plan::new(&ResumeLimits::default(), 10, now);
        let (young, old) = (candidate(&[Span::new(0, 115)]), candidate(&[]));
        let both = [young.clone(), old.clone()];
        let gap = [Span::new(100, 120)];
        let next = |plan: &Plan| span_of(plan.next(&gap, &[], &both, now));
        assert_eq!(next(&plan), Some((old.peer, Span::new(100, 110))));
        plan.asked(old.peer, Span::new(100, 110));
        assert_eq!(next(&plan), Some((old.peer, Span::new(110, 120))));
        plan.asked(old.peer, Span::new(110, 120));
        assert_eq!(next(&plan), Some((young.peer, Span::new(115, 120))));
        plan.asked(young.peer, Span::new(115, 120));
        assert_eq!(next(&plan), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_peer_has_filled_is_confirmed_by_another() {
        let now = Instant::now();
        let mut plan = Plan::new(&ResumeLimits::default(), 10, now);
        let both = [candidate(&[]), candidate(&[])];
        let filled = [Span::new(5, 9)];
        plan.asked(both[0].peer, filled[0]);
        let task = plan.next(&[], &filled, &both, now).unwrap();
        assert_eq!((task.peer, task.confirms), (both[1].peer, true));
        assert_eq!(plan.next(&[], &filled, &both[..1], now), None);
        // What nobody has filled goes first.
        let task = plan.next(&[Span::new(50, 51)], &filled, &both, now);
        assert!(!task.unwrap().confirms);
    }

    #[tokio::test(start_paused = true)]
    async fn peers_that_fail_are_left_in_peace_longer_each_time() {
        let limits = ResumeLimits::default();
        let mut plan = Plan::new(&limits, 10, Instant::now());
        let one = [candidate(&[])];
        let gap = [Span::new(0, 5)];
        for seconds in [1, 2, 4] {
            plan.failed(one[0].peer, Instant::now());
            let next = |plan: &Plan| plan.next(&gap, &[], &one, Instant::now());
            tokio::time::advance(Duration::from_millis(seconds * 1_000 - 1)).await;
            assert_eq!(next(&plan), None);
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(next(&plan).is_some());
            plan.keep(&one, Instant::now());
        }
        plan.succeeded(&one[0].peer);
        plan.lied(one[0].peer, Instant::now());
        plan.keep(&[], Instant::now());
        tokio::time::advance(limits.last_pause - Duration::from_millis(1)).await;
        let next = plan.next(&gap, &[], &one, Instant::now());
        assert_eq!(next, None, "it came back, and its lie isn't forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_could_fill_is_asked_for_again_later() {
        let limits = ResumeLimits::default();
        let mut plan = Plan::new(&limits, 10, Instant::now());
        let one = [candidate(&[])];
        let (gap, filled) = ([Span::new(0, 5)], [Span::new(5, 9)]);
        plan.asked(one[0].peer, Span::new(0, 9));
        for pause in [limits.first_retry, 2 * limits.first_retry] {
            plan.nothing_to_ask(&gap, Instant::now());
            let next = |plan: &Plan| plan.next(&gap, &filled, &one, Instant::now());
            assert_eq!(next(&plan), None);
            tokio::time::advance(pause).await;
            plan.nothing_to_ask(&gap, Instant::now());
            assert_eq!(next(&plan).unwrap().span, gap[0]);
            plan.asked(one[0].peer, gap[0]);
            assert_eq!(next(&plan), None, "it doesn't confirm itself");
        }
    }
}
