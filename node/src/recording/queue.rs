//! The lines that wait to be written: bounded, and put in without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::error::{TryRecvError, TrySendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::FRAME_BYTES;
use super::line::Line;

/// Most lines that wait.
const LINES: usize = 1_024;

/// A queue and its other end. The frames that wait have at most [`FRAME_BYTES`] together.
pub(super) fn queue() -> (Queue, Waiting) {
    queue_of(LINES, FRAME_BYTES)
}

/// The same with other bounds.
pub(super) fn queue_of(lines: usize, frame_bytes: usize) -> (Queue, Waiting) {
    let (sender, receiver) = mpsc::channel(lines);
    let dropped = Arc::new(AtomicU64::new(0));
    let queue = Queue {
        lines: sender,
        room: Arc::new(Semaphore::new(frame_bytes)),
        dropped: Arc::clone(&dropped),
    };
    let waiting = Waiting {
        lines: receiver,
        dropped,
    };
    (queue, waiting)
}

/// Where lines are put. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    lines: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    dropped: Arc<AtomicU64>,
}

/// A line that waits, and holds its room until it is written.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) line: Line,
    /// The bytes of a frame, whose hex isn't in its line yet.
    pub(super) frame: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Queue {
    /// Puts a line in, with the bytes of its frame if it has one. Where there is no room it is
    /// dropped and counted, and where nobody writes any more it is only dropped.
    pub(super) fn offer(&self, line: impl FnOnce() -> Line, frame: &[u8]) {
        if self.lines.is_closed() {
            return;
        }
        match (self.lines.try_reserve(), self.room(frame.len())) {
            (Ok(place), Ok(room)) => place.send(Queued {
                line: line(),
                frame: frame.to_vec(),
                _room: room,
            }),
            (Err(TrySendError::Closed(())), _) => {}
            _ => _ = self.dropped.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn room(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, ()> {
        if bytes == 0 {
            return Ok(None);
        }
        let bytes = u32::try_from(bytes).map_err(|_| ())?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes);
        room.map(Some).map_err(|_| ())
    }
}

/// Where lines are taken out.
#[derive(Debug)]
pub(super) struct Waiting {
    lines: mpsc::Receiver<Queued>,
    dropped: Arc<AtomicU64>,
}

impl Waiting {
    /// The next line, if one waits; `Err` when none will come any more.
    pub(super) fn next(&mut self) -> Result<Option<Queued>, ()> {
        match self.lines.try_recv() {
            Ok(line) => Ok(Some(line)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(()),
        }
    }

    /// Blocks until there is a line; `None` when none will come any more.
    pub(super) fn wait(&mut self) -> Option<Queued> {
        self.lines.blocking_recv()
    }

    /// How many lines have been dropped since the last call.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line::Full {
            time: String::new(),
            limit: 0,
        }
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted_once() {
        let (queue, mut waiting) = queue_of(3, 10);
        queue.offer(line, &[1; 6]);
        queue.offer(line, &[2; 5]);
        queue.offer(line, &[3; 4]);
        queue.offer(line, &[]);
        queue.offer(line, &[]);
        assert_eq!((waiting.dropped(), waiting.dropped()), (2, 0));
        let frames = [6, 4, 0].map(|len| (waiting.next().unwrap().unwrap().frame.len(), len));
        assert!(frames.iter().all(|(actual, expected)| actual == expected));
        assert!(waiting.next().unwrap().is_none());
        // What was taken out has left its room.
        queue.offer(line, &[4; 10]);
        assert_eq!(waiting.dropped(), 0);
        drop(queue);
        assert_eq!(waiting.wait().unwrap().frame, [4; 10]);
        assert!(waiting.next().is_err());
    }

    #[test]
    fn where_nobody_writes_nothing_waits_or_is_counted() {
        let (queue, mut waiting) = queue_of(3, 10);
        waiting.lines.close();
        queue.offer(line, &[1]);
        assert_eq!(waiting.dropped(), 0);
        assert!(waiting.next().is_err());
    }
}
