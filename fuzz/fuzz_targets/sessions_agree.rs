//! Two sessions over arbitrary sets, of every dialect, kind of set, frame limit and scope, end within
//! the bound on their frames, and name exactly the symmetric difference, each id once.
#![no_main]

use std::collections::BTreeSet;

use arbitrary::Arbitrary;
use fuzz::exchange::{
    LISTED_BELOW, Run, Told, bounded_frames, negentropy_frames, run, waku_frames,
};
use fuzz::sets::{Cluster, missing, pair};
use fuzz::side::Side;
use fuzz::source::{CLUSTER, topic_of};
use libfuzzer_sys::fuzz_target;
use sync_core::negentropy::MIN_FRAME_BYTES;
use sync_core::waku::{HeaderForm, TIME_END};
use sync_core::{
    Bound, Id, Item, Range, Scope, SessionError, SessionLimits, Source, negentropy, own, waku,
};

/// Most items of both sides together.
const ITEMS: usize = 2_500;

/// Most bytes of a frame of the `waku` dialect besides the items of its first list: the header of
/// three topics, a skip, the fingerprint over what had no room, and the list's bound and count.
const FRAME_OVERHEAD: usize = 300;

/// Most bytes of an item in a list of the `waku` dialect.
const ITEM_BYTES: usize = 41;

#[derive(Arbitrary, Debug)]
struct Input {
    dialect: Dialect,
    sides: [Side; 2],
    clusters: Vec<Cluster>,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Dialect {
    Negentropy,
    Own,
    Waku { cluster_form: bool },
}

/// Both sides' items, those of them that the session is about, and what it may take.
struct Case {
    sides: [Side; 2],
    items: [Vec<Item>; 2],
    shared: [Vec<Item>; 2],
    /// What of them the second side lacks, and what the first one lacks.
    differences: (BTreeSet<Id>, BTreeSet<Id>),
    scopes: [Scope; 2],
    /// Whether no item can be in the scope of both, floors included.
    nothing_shared: bool,
}

impl Case {
    fn new(sides: [Side; 2], items: [Vec<Item>; 2]) -> Self {
        // Both sides' windows and floors go by the first one's items.
        let scopes = [sides[0].scope(&items[0]), sides[1].scope(&items[0])];
        let clipped = |index: usize| {
            let floor = sides[index].held(&items[index]).floor();
            scopes[index].intersect(&Scope::of_window(Range::new(floor, Bound::Infinity)))
        };
        let scope = clipped(0).intersect(&clipped(1));
        let in_scope = |items: &Vec<Item>| -> Vec<Item> {
            let inside = items.iter().filter(|item| {
                scope.window.contains(item) && scope.pubsub_topics.allows(&topic_of(item))
            });
            inside.copied().collect()
        };
        let shared = [in_scope(&items[0]), in_scope(&items[1])];
        let differences = (
            missing(&shared[0], &shared[1]),
            missing(&shared[1], &shared[0]),
        );
        Self {
            shared,
            differences,
            nothing_shared: scope.is_nothing(),
            sides,
            items,
            scopes,
        }
    }

    /// What each side has to report where both learn the differences.
    fn truth(&self) -> [Told; 2] {
        let (have, need) = self.differences.clone();
        let mirrored = Told {
            have: need.clone(),
            need: have.clone(),
        };
        [Told { have, need }, mirrored]
    }

    /// The ids at the first nanoseconds of scopes that begin within one. In the `waku` dialect a side
    /// can't say so, and seems to lack what lies before.
    fn ids_at_edges(&self) -> BTreeSet<Id> {
        let lower = |index: usize| {
            let floor = self.sides[index].held(&self.items[index]).floor();
            [self.scopes[index].window.lower, floor]
        };
        let edges = [lower(0), lower(1)].concat();
        let at_edge = |item: &&Item| edges.iter().any(|edge| edge.timestamp() == item.timestamp);
        let items = self.items.iter().flatten();
        items.filter(at_edge).map(|item| item.id).collect()
    }

    fn is_framed(&self) -> bool {
        self.sides.iter().any(|side| side.frame_bytes.is_some())
    }

    fn negentropy_frames(&self, items: &[Vec<Item>; 2], differences: usize) -> usize {
        let parts = [self.sides[0].kind.parts(), self.sides[1].kind.parts()];
        let unbounded = negentropy_frames([items[0].len(), items[1].len()], parts, LISTED_BELOW);
        if self.is_framed() {
            bounded_frames(unbounded, differences, 0)
        } else {
            unbounded
        }
    }

    /// Over the whole of both sets, which is what bare negentropy messages are about.
    fn negentropy(&self) {
        let [left, right] = &self.items;
        let have = missing(left, right);
        let need = missing(right, left);
        let most = self.negentropy_frames(&self.items, have.len() + need.len());
        let sides = [0, 1].map(|index| {
            let limits = self.sides[index].limits(MIN_FRAME_BYTES);
            (
                self.sides[index].held(&self.items[index]).everything(),
                limits,
            )
        });
        let [(left, left_limits), (right, right_limits)] = sides;
        let (mut initiator, first) =
            negentropy::Initiator::start(left, left_limits).expect("a legal limit");
        let mut responder = negentropy::Responder::new(right, right_limits).expect("a legal limit");
        let run = run(&mut initiator, first, &mut responder, most).expect("both are honest");
        assert_eq!(run.initiator, Told { have, need });
        assert!(run.responder.is_empty());
    }

    fn own(&self) {
        let limits = |side: &Side| SessionLimits {
            frame_bytes_received: side
                .limits(MIN_FRAME_BYTES)
                .frame_bytes_sent
                .max(MIN_FRAME_BYTES),
            ..side.limits(MIN_FRAME_BYTES)
        };
        let [left, right] =
            [0, 1].map(|index| Box::new(self.sides[index].held(&self.items[index])));
        let [mine, served] = self.scopes.clone();
        let started = own::Initiator::start(left, mine, limits(&self.sides[0]));
        let Ok((mut initiator, first)) = started else {
            assert!(self.nothing_shared);
            return;
        };
        let mut responder = own::Responder::new(right, served, limits(&self.sides[1]));
        let [truth, _] = self.truth();
        // The responder's frames of 4096 bytes and more are told at least 127 ids at a time.
        let telling = 2 * truth.have.len().div_ceil(127).max(1);
        let unbounded = [0, 1].map(|index| self.sides[index].kind.parts());
        let unbounded = negentropy_frames(
            [self.shared[0].len(), self.shared[1].len()],
            unbounded,
            LISTED_BELOW,
        );
        // A side that doesn't bound its frames has them bounded by what the other one takes.
        let most = 2 + bounded_frames(unbounded, truth.len(), 0) + telling;
        match run(&mut initiator, first, &mut responder, most) {
            Ok(run) => {
                assert!(!self.nothing_shared);
                assert_eq!(run.initiator, truth);
                assert_eq!(run.responder.need, truth.have);
                assert!(run.responder.have.is_empty());
            }
            Err(SessionError::Refused { .. }) => assert!(self.nothing_shared),
            Err(error) => panic!("{error} between two honest sides"),
        }
    }

    fn waku(&self, form: HeaderForm) {
        let [left, right] =
            [0, 1].map(|index| Box::new(self.sides[index].held(&self.items[index])));
        let [mine, served] = self.scopes.clone();
        let [our_limits, their_limits] =
            [0, 1].map(|index| self.sides[index].limits(FRAME_OVERHEAD));
        let shortest = [&our_limits, &their_limits].map(|limits| limits.frame_bytes_sent);
        let started = waku::Initiator::start(left, mine, form, our_limits);
        let (mut initiator, first) = match started {
            Ok(started) => started,
            Err(error) => return self.assert_excused(&error, shortest),
        };
        let mut responder = waku::Responder::new(right, served, form, their_limits);
        match run(
            &mut initiator,
            first,
            &mut responder,
            self.waku_frames(shortest),
        ) {
            Ok(Run {
                initiator,
                responder,
                ..
            }) => {
                let [left, right] = self.truth();
                let unsure = self.ids_at_edges();
                assert_eq!(initiator.without(&unsure), left.without(&unsure));
                assert_eq!(responder.without(&unsure), right.without(&unsure));
            }
            Err(error) => self.assert_excused(&error, shortest),
        }
    }

    fn waku_frames(&self, frame_bytes: [usize; 2]) -> usize {
        let unbounded = waku_frames([0, 1].map(|index| self.items[index].len()));
        let shortest = frame_bytes.into_iter().filter(|bytes| *bytes > 0).min();
        match shortest {
            None => unbounded,
            Some(bytes) => {
                let held = self.items[0].len() + self.items[1].len();
                let listed = held * ITEM_BYTES / (bytes - FRAME_OVERHEAD / 2);
                bounded_frames(unbounded, self.truth()[0].len(), listed)
            }
        }
    }

    /// A session may fail where nothing can be in the scope, or a run of one timestamp doesn't fit a
    /// frame.
    fn assert_excused(&self, error: &SessionError, frame_bytes: [usize; 2]) {
        match error {
            SessionError::Scope(_) | SessionError::Protocol(_) => {
                assert!(self.nothing_shared, "{error}");
            }
            SessionError::Limit {
                name: "frame_bytes_sent",
                ..
            } => {
                let doesnt_fit = |index: usize| {
                    let bytes = frame_bytes[index];
                    let longest = longest_run(&self.items[index]) * ITEM_BYTES + FRAME_OVERHEAD;
                    bytes > 0 && longest > bytes
                };
                assert!(doesnt_fit(0) || doesnt_fit(1), "{error}");
            }
            error => panic!("{error} between two honest sides"),
        }
    }
}

/// How many items the most frequent timestamp has.
fn longest_run(items: &[Item]) -> usize {
    let runs = items.chunk_by(|left, right| left.timestamp == right.timestamp);
    runs.map(<[Item]>::len).max().unwrap_or_default()
}

fuzz_target!(|input: Input| {
    let end = match input.dialect {
        Dialect::Waku { .. } => TIME_END,
        Dialect::Negentropy | Dialect::Own => u64::MAX,
    };
    let (ours, theirs) = pair(&input.clusters, end, ITEMS);
    let case = Case::new(input.sides, [ours, theirs]);
    match input.dialect {
        Dialect::Negentropy => case.negentropy(),
        Dialect::Own => case.own(),
        Dialect::Waku {
            cluster_form: false,
        } => case.waku(HeaderForm::Topics),
        Dialect::Waku { cluster_form: true } => case.waku(HeaderForm::Cluster(CLUSTER)),
    }
});
