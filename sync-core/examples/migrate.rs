//! A nostr relay moves from the `negentropy` crate to this engine: the same few lines twice, on the
//! same events. Either side can move alone. Here ranges are divided as the crate does, to show that the frames
//! are the same then, byte for byte; by default a session takes less time and fewer bytes.
//!
//! Marked by numbers are the lines that change:
//!
//! 1. the imports;
//! 2. what the relay keeps: a tree that takes events as they come;
//! 3. what a session reads: a snapshot of the tree, made at no cost, where the crate wants the window
//!    copied, sorted and sealed, and then sums it again for every fingerprint;
//! 4. the sessions: the initiator is a type of its own and comes with its first frame.
//!
//! The loop stays as it is. `cargo run --release -p sync-core --example migrate`

use std::collections::BTreeSet;
use std::error::Error;
use std::ops::Range;
use std::time::Instant;

/// The longest frame in bytes, as a relay would have it.
const FRAME_LIMIT: usize = 60_000;

/// What matters here of a nostr event.
#[derive(Clone, Copy)]
struct Event {
    /// Seconds since 1970.
    created_at: u64,
    id: [u8; 32],
}

/// What went over the wire, and what the initiator learned.
#[derive(PartialEq, Eq, Default)]
struct Synced {
    frames: Vec<Vec<u8>>,
    have: BTreeSet<[u8; 32]>,
    need: BTreeSet<[u8; 32]>,
}

mod with_the_crate {
    use super::{Error, Event, FRAME_LIMIT, Range, Synced};
    use negentropy::{Id, Negentropy, NegentropyStorageVector}; // 1

    #[derive(Default)]
    pub(super) struct Events(Vec<Event>); // 2

    impl Events {
        pub(super) fn add(&mut self, event: &Event) {
            self.0.push(*event); // 2
        }

        fn window(&self, times: &Range<u64>) -> Result<NegentropyStorageVector, Box<dyn Error>> {
            let mut storage = NegentropyStorageVector::new(); // 3
            let events = self.0.iter();
            for event in events.filter(|event| times.contains(&event.created_at)) {
                storage.insert(event.created_at, Id::from_byte_array(event.id))?;
            }
            storage.seal()?;
            Ok(storage)
        }
    }

    pub(super) fn sync(
        client: &Events,
        relay: &Events,
        times: &Range<u64>,
    ) -> Result<Synced, Box<dyn Error>> {
        let (client, relay) = (client.window(times)?, relay.window(times)?);
        let mut initiator = Negentropy::owned(client, FRAME_LIMIT as u64)?; // 4
        let mut frame = initiator.initiate()?; // 4
        let mut responder = Negentropy::owned(relay, FRAME_LIMIT as u64)?; // 4

        let mut frames = vec![frame.clone()];
        let (mut have, mut need) = (Vec::new(), Vec::new());
        loop {
            let answer = responder.reconcile(&frame)?;
            frames.push(answer.clone());
            match initiator.reconcile_with_ids(&answer, &mut have, &mut need)? {
                Some(next) => frame = next,
                None => break,
            }
            frames.push(frame.clone());
        }
        Ok(Synced {
            frames,
            have: have.iter().map(|id| id.to_bytes()).collect(),
            need: need.iter().map(|id| id.to_bytes()).collect(),
        })
    }
}

mod with_the_engine {
    use super::{Error, Event, FRAME_LIMIT, Range, Synced};
    use sync_core::negentropy::{Division, Initiator, Responder}; // 1
    use sync_core::{Id, Item, ItemSetMut, RangeTree, SessionLimits, Slice}; // 1

    #[derive(Default)]
    pub(super) struct Events(RangeTree); // 2

    impl Events {
        pub(super) fn add(&mut self, event: &Event) {
            self.0.insert(Item::new(event.created_at, Id(event.id))); // 2
        }

        fn window(&self, times: &Range<u64>) -> Slice<RangeTree> {
            let times = sync_core::Range::of_times(times.start, times.end); // 3
            Slice::new(self.0.snapshot(), times)
        }
    }

    pub(super) fn sync(
        client: &Events,
        relay: &Events,
        times: &Range<u64>,
    ) -> Result<Synced, Box<dyn Error>> {
        let (client, relay) = (client.window(times), relay.window(times));
        let limits = SessionLimits::with_frame_limit(FRAME_LIMIT); // 4
        let (mut initiator, mut frame) =
            Initiator::start_dividing(client, Division::Reference, limits.clone())?; // 4
        let mut responder = Responder::dividing(relay, Division::Reference, limits)?; // 4

        let mut frames = vec![frame.clone()];
        let (mut have, mut need) = (Vec::new(), Vec::new());
        loop {
            let answer = responder.reconcile(&frame)?;
            frames.push(answer.clone());
            match initiator.reconcile_with_ids(&answer, &mut have, &mut need)? {
                Some(next) => frame = next,
                None => break,
            }
            frames.push(frame.clone());
        }
        Ok(Synced {
            frames,
            have: have.iter().map(|id| id.0).collect(),
            need: need.iter().map(|id| id.0).collect(),
        })
    }
}

const BEGIN: u64 = 1_700_000_000;

/// Three events a second, with ids that look random.
fn event(number: u64) -> Event {
    let mut id = [0; 32];
    for (word, place) in id.chunks_exact_mut(8).zip(1u64..) {
        // The finisher of splitmix64 (Steele, Lea, Flood 2014).
        let mut z = (4 * number + place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    Event {
        created_at: BEGIN + number / 3,
        id,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut client, mut relay) = <(with_the_crate::Events, with_the_crate::Events)>::default();
    let (mut new_client, mut new_relay) =
        <(with_the_engine::Events, with_the_engine::Events)>::default();
    for event in (0..100_000).map(event) {
        // The relay lacks one event in about 250, the client another.
        if event.id[0] != 1 {
            relay.add(&event);
            new_relay.add(&event);
        }
        if event.id[0] != 2 {
            client.add(&event);
            new_client.add(&event);
        }
    }
    for times in [0..u64::MAX, BEGIN + 10_000..BEGIN + 13_600] {
        let start = Instant::now();
        let before = with_the_crate::sync(&client, &relay, &times)?;
        let took = start.elapsed();
        let start = Instant::now();
        let after = with_the_engine::sync(&new_client, &new_relay, &times)?;
        let takes = start.elapsed();
        assert!(before == after, "the engine sent or found something else");
        println!(
            "{} frames, {} events to send, {} to ask for: {took:.1?} with the crate, {takes:.1?} \
             with the engine",
            after.frames.len(),
            after.have.len(),
            after.need.len()
        );
    }
    Ok(())
}
