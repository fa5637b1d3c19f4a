//! nwaku's splitting, by the peer that the tests of `sync-core` hold against recorded sessions.

use benches::{Competitor, Laps, Outcome, SPAN, START, Side};
use sync_core::Item;

use support::archive::{Archive, Stored};
use support::nwaku::Nwaku;

#[path = "../../../../sync-core/tests/support"]
#[expect(
    dead_code,
    reason = "the tests that this is shared with use more of it"
)]
#[expect(clippy::panic, reason = "the peer was written for tests")]
mod support {
    pub(super) mod archive;
    pub(super) mod nwaku;
}

/// Two peers that split as nwaku does.
///
/// For bytes and rounds: the peer keeps sorted vectors and sums linearly, and its time says nothing
/// of nwaku's.
#[derive(Debug)]
pub(crate) struct NwakuSplitting {
    left: Archive,
    right: Archive,
}

impl NwakuSplitting {
    /// `left` is the initiator's set.
    pub(crate) fn new(left: &[Item], right: &[Item]) -> Self {
        Self {
            left: archive(left),
            right: archive(right),
        }
    }
}

impl Competitor for NwakuSplitting {
    fn name(&self) -> &str {
        "nwaku's splitting"
    }

    fn reconcile(&self, laps: &mut Laps) -> Outcome {
        let [mut initiator, mut responder] =
            [&self.left, &self.right].map(|archive| Nwaku::new(archive, &[], &[]));
        let mut outcome = Outcome::default();
        let mut frame = initiator.initiate(START, START + SPAN);
        laps.end_turn(Side::Initiator);
        loop {
            outcome.up.add(&frame);
            let answer = responder.receive(&frame);
            laps.end_turn(Side::Responder);
            let Some(answer) = answer else { break };
            outcome.down.add(&answer);
            let next = initiator.receive(&answer);
            laps.end_turn(Side::Initiator);
            let Some(next) = next else { break };
            frame = next;
        }
        outcome.have = initiator.to_send;
        outcome.need = initiator.to_receive;
        outcome
    }
}

/// Without topics, which would only be compared.
fn archive(items: &[Item]) -> Archive {
    Archive::new(items.iter().map(|item| Stored {
        item: *item,
        pubsub: String::new(),
        content: String::new(),
    }))
}
