//! Whole sessions in memory.

use sync_core::waku::{self, HeaderForm};
use sync_core::{
    ItemSet, Range, RangeTree, Scope, Session, SessionLimits, Slice, Source, SourceError,
    negentropy,
};

/// Runs a session to its end; shows every frame, and gives how many differences the initiator found.
pub(crate) fn exchange(
    (initiator, first): (&mut dyn Session, Vec<u8>),
    responder: &mut dyn Session,
    mut show: impl FnMut(&[u8]),
) -> usize {
    let mut found = 0;
    let mut frame = Some(first);
    while let Some(asked) = frame.take() {
        show(&asked);
        let Some(answer) = responder.receive(&asked).expect("honest").reply else {
            break;
        };
        show(&answer);
        let step = initiator.receive(&answer).expect("honest");
        found += step.have.len() + step.need.len();
        frame = step.reply;
    }
    found
}

/// [`exchange`] in the negentropy dialect, with frames of at most `frame_bytes`; 0 for no bound.
pub(crate) fn negentropy<S: ItemSet + Sync>(
    left: &S,
    right: &S,
    frame_bytes: usize,
    show: impl FnMut(&[u8]),
) -> usize {
    let limits = SessionLimits {
        frame_bytes_sent: frame_bytes,
        ..SessionLimits::default()
    };
    let mut responder = negentropy::Responder::new(right, limits.clone()).expect("a legal limit");
    let (mut initiator, first) = negentropy::Initiator::start(left, limits).expect("a legal limit");
    exchange((&mut initiator, first), &mut responder, show)
}

/// [`exchange`] in the `waku` dialect.
pub(crate) fn waku(left: &RangeTree, right: &RangeTree, show: impl FnMut(&[u8])) -> usize {
    let scope = Scope::of_window(Range::ALL);
    let (form, limits) = (HeaderForm::Topics, SessionLimits::default());
    let held = |tree: &RangeTree| Box::new(Held(tree.snapshot()));
    let mut responder = waku::Responder::new(held(right), scope.clone(), form, limits.clone());
    let (mut initiator, first) =
        waku::Initiator::start(held(left), scope, form, limits).expect("a scope to ask for");
    exchange((&mut initiator, first), &mut responder, show)
}

struct Held(RangeTree);

impl Source for Held {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(self.0.snapshot(), scope.window)))
    }
}
