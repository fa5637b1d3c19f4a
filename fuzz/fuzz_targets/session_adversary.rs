//! Sessions of every dialect and role, fed by an adversary over and over: each ends by a limit, an error
//! or its own logic, within memory and work that are bounded by what was sent.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use fuzz::allocation::{MULTIPLE, bounded_by, peak};
use fuzz::exchange::Told;
use fuzz::sets::id;
use fuzz::source::{CLUSTER, Held, Kind, topic};
use fuzz::stage::Stage;
use fuzz::turns::Turn;
use libfuzzer_sys::fuzz_target;
use sync_core::negentropy::MIN_FRAME_BYTES;
use sync_core::own::Frame;
use sync_core::waku::HeaderForm;
use sync_core::{
    Bound, Id, Item, Range, Scope, Session, SessionError, SessionLimits, TopicFilter, negentropy,
    own, waku,
};

/// Most bytes that a session holds for each id it has reported.
const REPORTED_BYTES: usize = 256;

/// Most bytes that a session holds for each byte of its answer, while it writes it.
const ANSWER_MULTIPLE: usize = 4;

/// Most bytes that a session holds for each item of its set when it opens it.
const ITEM_BYTES: usize = 400;

/// Bytes that a session may hold in any case.
const SESSION_BYTES: usize = 64 << 10;

/// Most work for each byte of a frame: a fingerprint of the `waku` dialect, 34 bytes, is answered by
/// sixteen parts, for each of which some five positions are looked for.
const WORK_PER_BYTE: u64 = 8;

/// How often a frame may have all items shown: to be listed, and to be compared.
const VISITS: u64 = 4;

/// Work that a frame may make in any case.
const WORK_PER_FRAME: u64 = 200;

/// What the sessions hold: a spread, a run of one nanosecond, and a crowd of neighbours.
static ITEMS: LazyLock<Vec<Item>> = LazyLock::new(|| {
    let time = |number: u64| match number {
        0..100 => 1_000 * number,
        100..180 => 200_000,
        _ => 300_000 + number / 3,
    };
    (0..300)
        .map(|number| Item::new(time(number), id(number, 9)))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
});

#[derive(Arbitrary, Debug)]
struct Input {
    role: Role,
    kind: Kind,
    limits: Limits,
    topics: u8,
    floor: bool,
    turns: Vec<Turn>,
}

#[derive(Arbitrary, Debug, Clone, Copy, PartialEq)]
enum Role {
    NegentropyInitiator,
    NegentropyResponder,
    OwnInitiator,
    OwnResponder,
    WakuInitiator { cluster_form: bool },
    WakuResponder { cluster_form: bool },
}

#[derive(Arbitrary, Debug)]
struct Limits {
    frame_bytes_received: u16,
    frame_bytes_sent: Option<u16>,
    ranges: u16,
    items: u16,
    rounds: u8,
    session_bytes: u32,
    differences: u16,
    few_topics: bool,
}

impl Limits {
    fn limits(&self) -> SessionLimits {
        let few = |number: usize| if self.few_topics { 2 } else { number };
        SessionLimits {
            frame_bytes_received: usize::from(self.frame_bytes_received),
            frame_bytes_sent: self.frame_bytes_sent.map_or(0, usize::from),
            ranges_per_frame: usize::from(self.ranges),
            items_per_frame: usize::from(self.items),
            rounds: usize::from(self.rounds) % 60,
            session_bytes: u64::from(self.session_bytes),
            differences: usize::from(self.differences),
            topics: few(1_024),
            gaps: few(1_000),
            ..SessionLimits::default()
        }
    }
}

impl Role {
    fn form(self) -> HeaderForm {
        match self {
            Self::WakuInitiator { cluster_form: true }
            | Self::WakuResponder { cluster_form: true } => HeaderForm::Cluster(CLUSTER),
            _ => HeaderForm::Topics,
        }
    }

    /// The session, and its first frame if it starts.
    fn start(
        self,
        held: &Held,
        scope: Scope,
        limits: SessionLimits,
    ) -> Result<(Box<dyn Session>, Vec<u8>), SessionError> {
        let source = Box::new(held.clone());
        let form = self.form();
        Ok(match self {
            Self::NegentropyInitiator => {
                let (session, first) = negentropy::Initiator::start(held.everything(), limits)?;
                (Box::new(session), first)
            }
            Self::NegentropyResponder => {
                let session = negentropy::Responder::new(held.everything(), limits)?;
                (Box::new(session), Vec::new())
            }
            Self::OwnInitiator => {
                let (session, first) = own::Initiator::start(source, scope, limits)?;
                (Box::new(session), first)
            }
            Self::OwnResponder => (
                Box::new(own::Responder::new(source, scope, limits)),
                Vec::new(),
            ),
            Self::WakuInitiator { .. } => {
                let (session, first) = waku::Initiator::start(source, scope, form, limits)?;
                (Box::new(session), first)
            }
            Self::WakuResponder { .. } => (
                Box::new(waku::Responder::new(source, scope, form, limits)),
                Vec::new(),
            ),
        })
    }

    /// Whether the frame may be longer than the session's limit: a hello goes by that of hellos, and
    /// a refusal says so even where the limit is less than any that can be reconciled with.
    fn may_exceed(self, frame: &[u8]) -> bool {
        let own = matches!(self, Self::OwnInitiator | Self::OwnResponder);
        own && match Frame::decode(frame, &SessionLimits::default()) {
            Ok(Frame::Hello(_)) => true,
            Ok(Frame::Refusal(_)) => frame.len() <= MIN_FRAME_BYTES,
            _ => false,
        }
    }
}

/// What one session was put through.
struct Trial<'a> {
    role: Role,
    limits: SessionLimits,
    held: &'a Held,
    session: Box<dyn Session>,
    stage: Stage<'a>,
    told: Told,
}

impl Trial<'_> {
    /// Takes turns until the session ends, which it must when its rounds are over.
    fn run(&mut self, turns: &[Turn]) {
        for turn in turns.iter().cycle().take(self.limits.rounds + 1) {
            let frame = self.stage.frame(turn);
            let ended = self.receive(&frame);
            self.stage.sent.push(frame);
            if ended {
                return;
            }
        }
        panic!("the session goes on past its rounds");
    }

    /// Whether the session has ended by that.
    fn receive(&mut self, frame: &[u8]) -> bool {
        let before = self.held.work();
        let (result, held) = peak(|| self.session.receive(frame));
        let answered = match &result {
            Ok(step) => step.reply.as_ref().map_or(0, Vec::len),
            Err(_) => 0,
        };
        let items = ITEMS.len() * ITEM_BYTES;
        let most = MULTIPLE * frame.len() + ANSWER_MULTIPLE * answered + items + SESSION_BYTES;
        let most =
            most + REPORTED_BYTES * self.limits.differences.min(frame.len() + self.told.len());
        assert!(held <= most, "{held} bytes were held where {most} may be");
        let work = self.held.work() - before;
        let items = VISITS * ITEMS.len() as u64;
        let most = WORK_PER_BYTE * frame.len() as u64 + items + WORK_PER_FRAME;
        assert!(work <= most, "{work} steps were done where {most} may be");
        match result {
            Ok(step) => {
                self.check(&step);
                if step.done {
                    assert!(
                        self.session.receive(frame).is_err(),
                        "it takes no more frames"
                    );
                }
                step.done
            }
            Err(error) => {
                self.check_error(&error, frame);
                true
            }
        }
    }

    fn check(&mut self, step: &sync_core::Step) {
        self.told.take(step);
        assert!(self.told.len() <= self.limits.differences);
        let held = |id: &Id| ITEMS.iter().any(|item| item.id == *id);
        assert!(
            step.have.iter().all(held),
            "only what is held is said to be"
        );
        self.stage.told = self.told.have.len().max(self.told.need.len()) as u64;
        self.stage.last = step.reply.clone().unwrap_or_default();
        let most = self.limits.frame_bytes_sent;
        if most > 0 && self.stage.last.len() > most {
            assert!(
                self.role.may_exceed(&self.stage.last),
                "a frame over the limit"
            );
        }
        assert!(
            step.reply.is_some() || step.done,
            "nothing to send and not the end"
        );
    }

    fn check_error(&self, error: &SessionError, frame: &[u8]) {
        match error {
            SessionError::Malformed { offset, .. } => assert!(*offset <= frame.len()),
            SessionError::Source(error) => panic!("{error}"),
            _ => {}
        }
    }
}

fn scope(topics: u8) -> Scope {
    let named = (0..3).filter(|shard| topics >> shard & 1 == 1);
    Scope {
        pubsub_topics: TopicFilter::from_wire(named.map(topic)),
        ..Scope::of_window(Range::ALL)
    }
}

fuzz_target!(|input: Input| {
    if input.turns.is_empty() {
        return;
    }
    let limits = input.limits.limits();
    let floor = if input.floor {
        Bound::Before(ITEMS[50])
    } else {
        Bound::MIN
    };
    let held = Held::new(&ITEMS, input.kind, floor);
    let start = || input.role.start(&held, scope(input.topics), limits.clone());
    let Ok((session, first)) = bounded_by(ITEMS.len() * ITEM_BYTES + SESSION_BYTES, start) else {
        // Of what an adversary sends nothing has come yet.
        assert!((1..MIN_FRAME_BYTES).contains(&limits.frame_bytes_sent));
        return;
    };
    let mut trial = Trial {
        role: input.role,
        limits,
        held: &held,
        session,
        stage: Stage {
            items: &ITEMS,
            form: input.role.form(),
            sent: Vec::new(),
            last: first,
            told: 0,
        },
        told: Told::default(),
    };
    trial.run(&input.turns);
});
