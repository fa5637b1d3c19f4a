//! Streams that wait for their first or next frame, of which peers may hold many and use few.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use libp2p::PeerId;
use parking_lot::Mutex;
use sync_net::{FrameError, FramedStream};
use tokio::sync::oneshot;

/// A bound of the streams that wait. One that comes when it is reached takes the place of the one
/// that has waited longest of the peer with the most: no peer keeps others from being heard, and
/// a peer with few streams loses none to one with many.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    most: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    in_all: usize,
    /// The streams of each peer in the order in which they came. Dropping the sender turns one out.
    of_peers: HashMap<PeerId, BTreeMap<u64, oneshot::Sender<()>>>,
}

/// What a stream waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Waited {
    /// A frame begins.
    Frame,
    /// The peer has closed the stream.
    End,
    /// Another stream has taken the place.
    TurnedOut,
}

impl WaitingRoom {
    /// Room for `most` streams.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most: most.max(1),
            waiting: Mutex::default(),
        })
    }

    /// Waits for the next frame of a stream.
    pub(super) async fn wait(
        &self,
        peer: PeerId,
        stream: &mut FramedStream,
    ) -> Result<Waited, FrameError> {
        let (place, turned_out) = self.enter(peer);
        let waited = tokio::select! {
            biased;
            begun = stream.begun() => if begun? { Waited::Frame } else { Waited::End },
            _ = turned_out => Waited::TurnedOut,
        };
        drop(place);
        Ok(waited)
    }

    fn enter(&self, peer: PeerId) -> (Place<'_>, oneshot::Receiver<()>) {
        let (keep, turned_out) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.in_all += 1;
        let of_peer = waiting.of_peers.entry(peer).or_default();
        of_peer.insert(number, keep);
        if waiting.in_all > self.most {
            waiting.turn_one_out();
        }
        let place = Place {
            room: self,
            peer,
            number,
        };
        (place, turned_out)
    }
}

impl Waiting {
    fn turn_one_out(&mut self) {
        let most = self
            .of_peers
            .iter()
            .max_by_key(|(_, of_peer)| of_peer.len());
        let oldest = most.and_then(|(peer, of_peer)| {
            let (number, _) = of_peer.first_key_value()?;
            Some((*peer, *number))
        });
        if let Some((peer, number)) = oldest {
            self.remove(&peer, number);
        }
    }

    fn remove(&mut self, peer: &PeerId, number: u64) {
        let Some(of_peer) = self.of_peers.get_mut(peer) else {
            return;
        };
        if of_peer.remove(&number).is_some() {
            self.in_all -= 1;
        }
        if of_peer.is_empty() {
            self.of_peers.remove(peer);
        }
    }
}

/// A stream's place; free again when dropped.
#[derive(Debug)]
struct Place<'a> {
    room: &'a WaitingRoom,
    peer: PeerId,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.room.waiting.lock().remove(&self.peer, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_turned_out(stream: &mut oneshot::Receiver<()>) -> bool {
        matches!(stream.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }

    #[test]
    fn a_full_room_turns_out_the_longest_waiting_stream_of_the_peer_with_the_most() {
        let room = WaitingRoom::new(4);
        let (greedy, modest) = (PeerId::random(), PeerId::random());
        let (_first, mut first) = room.enter(modest);
        let mut held: Vec<_> = (0..3).map(|_| room.enter(greedy)).collect();
        assert!(!is_turned_out(&mut first));
        assert!(held.iter_mut().all(|(_, stream)| !is_turned_out(stream)));
        let (_second, mut second) = room.enter(modest);
        let turned_out: Vec<bool> = held.iter_mut().map(|(_, s)| is_turned_out(s)).collect();
        assert_eq!(turned_out, [true, false, false]);
        assert!(!is_turned_out(&mut first) && !is_turned_out(&mut second));
        held.clear();
        assert_eq!(room.waiting.lock().in_all, 2);
        let more: Vec<_> = (0..2).map(|_| room.enter(greedy)).collect();
        assert!(!is_turned_out(&mut first) && !is_turned_out(&mut second));
        drop(more);
    }
}
