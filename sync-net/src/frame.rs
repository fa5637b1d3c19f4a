//! Frames on a stream: an unsigned LEB128 varint of the length, then so many bytes.
//!
//! What the bytes mean is none of this module's business.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use sync_core::varint;
use tokio::time::{Instant, timeout_at};

use crate::counters::Counters;
use crate::gate::Gated;
use crate::limits::{CHUNK, Deadlines, FrameLimits, READ_AHEAD, READ_CHUNK, SHORT_FRAME};
use crate::protocol::Share;
use crate::reconcile::Direction;
use crate::room::{Part, Room};

/// A bidirectional stream of frames.
///
/// Not cancel-safe: a call to [`send`](Self::send), [`receive`](Self::receive) or
/// [`close`](Self::close) that was dropped halfway, or that failed, leaves the stream good for
/// nothing but being dropped. Dropping an unclosed stream resets it.
pub struct FramedStream {
    io: Box<dyn Duplex>,
    limits: FrameLimits,
    buffer: Box<[u8; READ_AHEAD]>,
    /// The bytes of `buffer` that were read from `io` and not yet consumed.
    unread: std::ops::Range<usize>,
    bytes_sent: u64,
    bytes_received: u64,
    counters: Arc<Counters>,
    /// What long frames share; the last frame's part is given back when the next one is read.
    room: Option<Arc<Room>>,
    part: Option<Part>,
    /// Keeps the peer's share of streams taken until the stream is dropped.
    share: Option<Share>,
    /// Who says how fast it goes.
    gated: Option<Gated>,
}

/// Anything that bytes can be written to and read from.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl FramedStream {
    /// Frames over `io`, bounded by `limits`.
    pub fn new(
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        limits: FrameLimits,
    ) -> Self {
        Self::counted(io, limits, Arc::default())
    }

    /// Frames over `io` that also count in `counters`.
    pub(crate) fn counted(
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        limits: FrameLimits,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            io: Box::new(io),
            limits,
            buffer: Box::new([0; READ_AHEAD]),
            unread: 0..0,
            bytes_sent: 0,
            bytes_received: 0,
            counters,
            room: None,
            part: None,
            share: None,
            gated: None,
        }
    }

    /// Has long frames take their memory of `room`.
    pub(crate) fn within(mut self, room: &Arc<Room>) -> Self {
        self.room = Some(Arc::clone(room));
        self
    }

    pub(crate) fn holding(mut self, share: Share) -> Self {
        self.share = Some(share);
        self
    }

    pub(crate) fn gated(mut self, gated: Gated) -> Self {
        self.gated = Some(gated);
        self
    }

    /// Says whether what comes from now on is much that nobody waits for, as
    /// [`Flow::bulk`](crate::Flow::bulk) has it.
    pub fn set_bulk(&mut self, bulk: bool) {
        if let Some(gated) = &mut self.gated {
            gated.flow.bulk = bulk;
        }
    }

    /// Sets other bounds for the frames to come.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    /// Sends one frame and flushes it.
    ///
    /// # Errors
    /// When the peer doesn't take it within the deadlines, or the stream is closed.
    pub async fn send(&mut self, frame: &[u8]) -> Result<(), FrameError> {
        let result = self.write(frame).await;
        self.noted(result)
    }

    /// Receives one frame; `None` when the peer closed its side where a frame would begin.
    ///
    /// Some muxers (yamux among them) show a reset as such a clean end: a protocol in which the
    /// end means something says so in a frame.
    ///
    /// # Errors
    /// When the frame is too long, late, slow or cut off.
    pub async fn receive(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let result = self.read().await;
        self.noted(result)
    }

    /// Waits until the next frame has begun to arrive, so that [`receive`](Self::receive) doesn't
    /// wait for it; `false` when the peer closed its side instead.
    ///
    /// Unlike the other calls this one may be dropped halfway.
    ///
    /// # Errors
    /// When nothing comes in time.
    pub async fn begun(&mut self) -> Result<bool, FrameError> {
        if !self.unread.is_empty() {
            return Ok(true);
        }
        let pace = Pace::waiting(&self.limits.deadlines);
        let result = self.read_more(&pace).await;
        Ok(self.noted(result)? > 0)
    }

    /// Closes this side: the peer sees the end of the stream and may still send.
    ///
    /// # Errors
    /// When the peer doesn't take what is left to be written in time, or has reset the stream.
    pub async fn close(&mut self) -> Result<(), FrameError> {
        let pace = Pace::start(&self.limits.deadlines);
        let closed = self.io.close();
        let result = in_time(pace, Phase::Closing, closed).await;
        self.noted(result)
    }

    /// Reads and throws away what comes until the peer closes its side, at most `max_bytes`.
    /// Gives whether the end was reached.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub async fn drain(&mut self, max_bytes: usize) -> Result<bool, FrameError> {
        let mut pace = Pace::start(&self.limits.deadlines);
        let mut drained = self.unread.len();
        self.unread = 0..0;
        while drained <= max_bytes {
            match in_time(pace, Phase::Draining, self.io.read(&mut self.buffer[..])).await? {
                0 => return Ok(true),
                read => {
                    drained = drained.saturating_add(read);
                    pace.moved(read);
                    self.pass(Direction::Received, read, &mut pace).await;
                }
            }
        }
        Ok(false)
    }

    /// Turns the peer away: sends `frame`, if there is one, closes this side and waits for the
    /// peer's end, throwing away at most `max_bytes` of what comes.
    ///
    /// It waits since some muxers throw away what wasn't read yet when a stream is reset, and the
    /// refusal with it; and on mplex unread bytes stall the whole connection.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn refuse(
        &mut self,
        frame: Option<&[u8]>,
        max_bytes: usize,
    ) -> Result<(), FrameError> {
        if let Some(frame) = frame {
            self.send(frame).await?;
        }
        self.close().await?;
        self.drain(max_bytes).await?;
        Ok(())
    }

    /// The stream itself, for protocols that go on without frames, and the bytes behind the last
    /// frame that were read already.
    pub fn into_io(self) -> (Vec<u8>, impl AsyncRead + AsyncWrite + Send + Unpin) {
        (self.buffer[self.unread].to_vec(), self.io)
    }

    /// Bytes sent in frames, length prefixes included.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent
    }

    /// Bytes received in frames, length prefixes included.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received
    }

    async fn write(&mut self, frame: &[u8]) -> Result<(), FrameError> {
        let mut pace = Pace::start(&self.limits.deadlines);
        // Prefix and payload start in one write: a lone prefix would cost a packet of its own.
        let (head, tail) = frame.split_at(frame.len().min(READ_CHUNK - varint::MAX_LEN));
        let mut first = Vec::with_capacity(head.len() + varint::MAX_LEN);
        varint::write_leb128(&mut first, frame.len() as u64);
        first.extend_from_slice(head);
        let chunks = first.chunks(CHUNK).chain(tail.chunks(CHUNK));
        for mut part in chunks {
            self.pass(Direction::Sent, part.len(), &mut pace).await;
            while !part.is_empty() {
                let written = in_time(pace, Phase::Sending, self.io.write(part)).await?;
                if written == 0 {
                    return Err(FrameError::Reset(io::ErrorKind::WriteZero));
                }
                pace.moved(written);
                part = &part[written..];
            }
        }
        in_time(pace, Phase::Sending, self.io.flush()).await?;
        let bytes = (first.len() + tail.len()) as u64;
        self.bytes_sent += bytes;
        self.counters.frames_sent.increment();
        self.counters.bytes_sent.add(bytes);
        Ok(())
    }

    async fn read(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        self.part = None;
        let mut pace = Pace::waiting(&self.limits.deadlines);
        let Some((claimed, prefix)) = self.read_prefix(&mut pace).await? else {
            return Ok(None);
        };
        let max = self.limits.max_bytes;
        let length = usize::try_from(claimed)
            .ok()
            .filter(|length| *length <= max)
            .ok_or(FrameError::TooLong { claimed, max })?;
        let buffered = self.unread.len().min(length);
        self.pass(Direction::Received, prefix + buffered, &mut pace)
            .await;
        let frame = self.read_body(length, &mut pace).await?;
        let bytes = (prefix + frame.len()) as u64;
        self.bytes_received += bytes;
        self.counters.frames_received.increment();
        self.counters.bytes_received.add(bytes);
        Ok(Some(frame))
    }

    /// The claimed length and how many bytes it took; `None` at the end of the stream.
    async fn read_prefix(&mut self, pace: &mut Pace) -> Result<Option<(u64, usize)>, FrameError> {
        loop {
            let unread = &self.buffer[self.unread.clone()];
            if let Some((length, taken)) = varint::read_leb128(unread) {
                self.unread.start += taken;
                pace.begin();
                return Ok(Some((length, taken)));
            }
            if unread.len() >= varint::MAX_LEN {
                return Err(FrameError::Prefix);
            }
            if !unread.is_empty() {
                pace.begin();
            }
            match self.read_more(pace).await? {
                0 if self.unread.is_empty() => return Ok(None),
                0 => {
                    return Err(FrameError::Truncated {
                        expected: None,
                        received: self.unread.len(),
                    });
                }
                read => pace.moved(read),
            }
        }
    }

    /// Reads behind what is unread, of which there are at most nine bytes; gives how many came, 0
    /// at the end of the stream.
    async fn read_more(&mut self, pace: &Pace) -> Result<usize, FrameError> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        let free = &mut self.buffer[self.unread.end..];
        let read = in_time(*pace, pace.phase(), self.io.read(free)).await?;
        self.unread.end += read;
        Ok(read)
    }

    async fn read_body(&mut self, length: usize, pace: &mut Pace) -> Result<Vec<u8>, FrameError> {
        let buffered = self.unread.len().min(length);
        let mut body = Vec::with_capacity(length.min(READ_CHUNK));
        body.extend_from_slice(&self.buffer[self.unread.start..][..buffered]);
        self.unread.start += buffered;
        while body.len() < length {
            let have = body.len();
            let next = length.min(have + READ_CHUNK);
            if next > body.capacity() {
                let capacity = length.min(2 * next);
                self.take_room(capacity)?;
                body.reserve_exact(capacity - have);
            }
            body.resize(next, 0);
            let read = in_time(*pace, Phase::Receiving, self.io.read(&mut body[have..])).await?;
            body.truncate(have + read);
            if read == 0 {
                return Err(FrameError::Truncated {
                    expected: Some(length),
                    received: have,
                });
            }
            pace.moved(read);
            self.pass(Direction::Received, read, pace).await;
        }
        Ok(body)
    }

    /// Waits until so many bytes may pass. What this side waits for isn't the peer's fault.
    async fn pass(&mut self, direction: Direction, bytes: usize, pace: &mut Pace) {
        let gated = self.gated.as_ref();
        if let Some(wait) = gated.and_then(|gated| gated.passes(direction, bytes)) {
            let since = Instant::now();
            wait.await;
            pace.put_off(since.elapsed());
        }
    }

    /// Takes room for a frame of which so many bytes are to be kept.
    fn take_room(&mut self, bytes: usize) -> Result<(), FrameError> {
        let Some(room) = self.room.as_ref().filter(|_| bytes > SHORT_FRAME) else {
            return Ok(());
        };
        let part = self.part.get_or_insert_with(|| room.part());
        if part.grow_to(bytes) {
            return Ok(());
        }
        Err(FrameError::NoRoom { most: room.most() })
    }

    fn noted<T>(&self, result: Result<T, FrameError>) -> Result<T, FrameError> {
        match &result {
            Err(FrameError::NoRoom { .. }) => self.counters.frames_without_room.increment(),
            Err(FrameError::TooLong { .. } | FrameError::Prefix) => {
                self.counters.frames_refused.increment();
            }
            Err(FrameError::Deadline { .. }) => self.counters.deadlines_missed.increment(),
            _ => {}
        }
        result
    }
}

impl fmt::Debug for FramedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramedStream")
            .field("limits", &self.limits)
            .field("bytes_sent", &self.bytes_sent)
            .field("bytes_received", &self.bytes_received)
            .finish_non_exhaustive()
    }
}

/// Why a frame wasn't sent or received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The peer announced more than the limit; nothing of the frame was read.
    #[error("frame too long: the peer announced {claimed} bytes, at most {max} are taken here")]
    TooLong {
        /// The length in the prefix, in bytes.
        claimed: u64,
        /// [`FrameLimits::max_bytes`].
        max: usize,
    },
    /// There are too many long frames at the moment; later there may be room.
    #[error("no room for a long frame: others take the {most} bytes that are meant for them")]
    NoRoom {
        /// [`NetLimits::long_frames_received`](crate::NetLimits::long_frames_received) or
        /// [`NetLimits::long_frames_fetched`](crate::NetLimits::long_frames_fetched).
        most: usize,
    },
    /// The length isn't a varint of at most 10 bytes and 64 bits.
    #[error("malformed frame: expected a length as a varint of at most 10 bytes")]
    Prefix,
    /// The peer closed the stream in the middle of a frame.
    #[error(
        "stream closed in mid-frame after {received} bytes{}",
        expected.map(|length| format!(" of {length}")).unwrap_or_default()
    )]
    Truncated {
        /// The length of the frame, once its prefix was read.
        expected: Option<usize>,
        /// How many bytes of it (of its prefix, where no length is known) had come.
        received: usize,
    },
    /// The peer was too slow.
    #[error("deadline missed: {phase} took longer than {after:?}")]
    Deadline {
        /// What was going on.
        phase: Phase,
        /// How long it had gone on.
        after: Duration,
    },
    /// The peer, or the end of the connection, cut the stream off.
    #[error("stream reset by the peer ({0})")]
    Reset(io::ErrorKind),
    /// Any other failure of the stream.
    #[error("stream failed: {0}")]
    Io(io::Error),
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof, WriteZero,
        };
        match error.kind() {
            kind @ (BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected
            | UnexpectedEof | WriteZero) => Self::Reset(kind),
            _ => Self::Io(error),
        }
    }
}

/// What a stream was doing when a deadline passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for a frame to begin.
    Waiting,
    /// Receiving a frame.
    Receiving,
    /// Sending a frame.
    Sending,
    /// Closing the stream.
    Closing,
    /// Waiting for the peer to close the stream.
    Draining,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting for a frame",
            Self::Receiving => "receiving a frame",
            Self::Sending => "sending a frame",
            Self::Closing => "closing the stream",
            Self::Draining => "waiting for the stream's end",
        })
    }
}

/// How a frame gets on, and when it has to have got further.
#[derive(Clone, Copy)]
struct Pace {
    deadlines: Deadlines,
    started: Instant,
    moved: Instant,
    bytes: u64,
    begun: bool,
}

impl Pace {
    fn start(deadlines: &Deadlines) -> Self {
        Self {
            begun: true,
            ..Self::waiting(deadlines)
        }
    }

    fn waiting(deadlines: &Deadlines) -> Self {
        let now = Instant::now();
        Self {
            deadlines: *deadlines,
            started: now,
            moved: now,
            bytes: 0,
            begun: false,
        }
    }

    /// The first byte is there: from now on the clock of the frame runs.
    fn begin(&mut self) {
        if !self.begun {
            *self = Self::start(&self.deadlines);
        }
    }

    fn moved(&mut self, bytes: usize) {
        self.moved = Instant::now();
        self.bytes += bytes as u64;
    }

    /// So much time doesn't count.
    fn put_off(&mut self, time: Duration) {
        self.started += time;
        self.moved += time;
    }

    fn phase(&self) -> Phase {
        if self.begun {
            Phase::Receiving
        } else {
            Phase::Waiting
        }
    }

    /// When the next byte is due: soon after the last one, and so that the speed since the frame
    /// began isn't below the least one.
    fn due(&self) -> Instant {
        if !self.begun {
            return self.started + self.deadlines.wait;
        }
        let earned = Duration::from_secs(self.bytes / self.deadlines.bytes_per_second);
        let slowest = self.started + self.deadlines.grace + earned;
        slowest.min(self.moved + self.deadlines.idle)
    }
}

async fn in_time<T>(
    pace: Pace,
    phase: Phase,
    operation: impl Future<Output = io::Result<T>>,
) -> Result<T, FrameError> {
    match timeout_at(pace.due(), operation).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(FrameError::Deadline {
            phase,
            after: pace.started.elapsed(),
        }),
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
