//! Arbitrary frames into every session: answered or refused, in bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sync_core::waku::HeaderForm;
use sync_core::{
    Id, Item, ItemSet, Range, Scope, Session, SessionLimits, Slice, SortedItems, Source,
    SourceError, negentropy, own, waku,
};

struct Fixed;

fn items() -> SortedItems {
    (0..200u64)
        .map(|n| Item::new(1_000 + n / 4, Id([n as u8; 32])))
        .collect()
}

impl Source for Fixed {
    fn open(&self, scope: &Scope) -> Result<Box<dyn ItemSet + Send>, SourceError> {
        Ok(Box::new(Slice::new(items(), scope.window)))
    }
}

fn feed(mut session: impl Session, frames: &[&[u8]]) {
    for frame in frames {
        match session.receive(frame) {
            Ok(step) if !step.done => {}
            _ => return,
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let limits = SessionLimits::default;
    let everything = || Scope::of_window(Range::ALL);
    let frames: Vec<&[u8]> = data.split(|byte| *byte == 0xfe).collect();
    if let Ok(session) = negentropy::Responder::new(items(), limits()) {
        feed(session, &frames);
    }
    if let Ok((session, _)) = negentropy::Initiator::start(items(), limits()) {
        feed(session, &frames);
    }
    feed(
        own::Responder::new(Box::new(Fixed), everything(), limits()),
        &frames,
    );
    if let Ok((session, _)) = own::Initiator::start(Box::new(Fixed), everything(), limits()) {
        feed(session, &frames);
    }
    for form in [HeaderForm::Topics, HeaderForm::Cluster(1)] {
        feed(
            waku::Responder::new(Box::new(Fixed), everything(), form, limits()),
            &frames,
        );
        if let Ok((session, _)) =
            waku::Initiator::start(Box::new(Fixed), everything(), form, limits())
        {
            feed(session, &frames);
        }
    }
});
