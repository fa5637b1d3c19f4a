use super::*;

use std::num::NonZeroU64;

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::gate::{Flow, Gate};

const DEADLINES: Deadlines = Deadlines {
    wait: Duration::from_secs(60),
    idle: Duration::from_secs(15),
    grace: Duration::from_secs(20),
    bytes_per_second: NonZeroU64::new(1024).unwrap(),
};

const MAX: usize = 1 << 20;

fn framed(io: DuplexStream) -> FramedStream {
    let limits = FrameLimits {
        max_bytes: MAX,
        deadlines: DEADLINES,
    };
    FramedStream::new(io.compat(), limits)
}

fn pair(buffered: usize) -> (FramedStream, FramedStream) {
    let (left, right) = duplex(buffered);
    (framed(left), framed(right))
}

/// A framed stream and the raw other end.
fn half(buffered: usize) -> (FramedStream, DuplexStream) {
    let (left, right) = duplex(buffered);
    (framed(left), right)
}

#[tokio::test]
async fn frames_of_every_size_arrive_as_sent_and_are_counted() {
    let (mut left, mut right) = pair(777);
    let lengths = [
        0,
        1,
        127,
        128,
        READ_CHUNK - 11,
        READ_CHUNK - 10,
        READ_CHUNK + 1,
        MAX,
    ];
    let sender = tokio::spawn(async move {
        for length in lengths {
            let frame: Vec<u8> = (0..length).map(|i| i as u8).collect();
            left.send(&frame).await.unwrap();
        }
        left.close().await.unwrap();
        left.bytes_sent()
    });
    for length in lengths {
        let frame = right.receive().await.unwrap().unwrap();
        assert!(frame.iter().enumerate().all(|(i, byte)| *byte == i as u8));
        assert_eq!(frame.len(), length);
    }
    assert_eq!(right.receive().await.unwrap(), None);
    let payload: usize = lengths.iter().sum();
    let prefixes = 1 + 1 + 1 + 2 + 2 + 2 + 3 + 3;
    assert_eq!(sender.await.unwrap(), (payload + prefixes) as u64);
    assert_eq!(right.bytes_received(), (payload + prefixes) as u64);
}

#[tokio::test]
async fn frames_that_arrive_in_one_read_are_told_apart() {
    let (mut framed, mut raw) = half(1024);
    raw.write_all(&[1, 7, 0, 2, 8, 9]).await.unwrap();
    drop(raw);
    assert_eq!(framed.receive().await.unwrap(), Some(vec![7]));
    assert_eq!(framed.receive().await.unwrap(), Some(vec![]));
    assert_eq!(framed.receive().await.unwrap(), Some(vec![8, 9]));
    assert_eq!(framed.receive().await.unwrap(), None);
}

#[tokio::test]
async fn a_frame_of_the_limit_is_taken_and_one_byte_more_is_refused_unread() {
    let (mut framed, mut raw) = half(MAX + 100);
    let mut bytes = Vec::new();
    varint::write_leb128(&mut bytes, MAX as u64);
    bytes.resize(bytes.len() + MAX, 5);
    varint::write_leb128(&mut bytes, MAX as u64 + 1);
    raw.write_all(&bytes).await.unwrap();
    assert_eq!(
        framed.receive().await.unwrap().map(|frame| frame.len()),
        Some(MAX)
    );
    let error = framed.receive().await.unwrap_err();
    let FrameError::TooLong { claimed, max } = error else {
        panic!("{error}");
    };
    assert_eq!((claimed, max), (MAX as u64 + 1, MAX));
    assert_eq!(framed.counters.frames_refused.get(), 1);
}

#[tokio::test]
async fn a_length_beyond_every_memory_is_refused() {
    let (mut framed, mut raw) = half(64);
    let mut bytes = Vec::new();
    varint::write_leb128(&mut bytes, u64::MAX);
    raw.write_all(&bytes).await.unwrap();
    let error = framed.receive().await.unwrap_err();
    assert!(
        matches!(
            error,
            FrameError::TooLong {
                claimed: u64::MAX,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_length_prefix_that_never_ends_is_refused_after_ten_bytes() {
    let (mut framed, mut raw) = half(64);
    raw.write_all(&[0x80; 10]).await.unwrap();
    let error = framed.receive().await.unwrap_err();
    assert!(matches!(error, FrameError::Prefix), "{error}");
}

#[tokio::test]
async fn an_end_in_mid_frame_is_told_from_a_clean_one() {
    for (sent, expected) in [(&[0x80u8][..], None), (&[5, 1, 2], Some(5))] {
        let (mut framed, mut raw) = half(64);
        raw.write_all(sent).await.unwrap();
        drop(raw);
        match framed.receive().await.unwrap_err() {
            FrameError::Truncated {
                expected: length, ..
            } => assert_eq!(length, expected),
            error => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_claimed_length_takes_no_memory_before_its_bytes_arrive() {
    let (mut framed, mut raw) = half(64);
    let mut bytes = Vec::new();
    varint::write_leb128(&mut bytes, MAX as u64);
    raw.write_all(&bytes).await.unwrap();
    let mut pace = Pace::waiting(&DEADLINES);
    let (length, _) = framed.read_prefix(&mut pace).await.unwrap().unwrap();
    drop(raw);
    let body = framed.read_body(length as usize, &mut pace).await;
    assert!(matches!(
        body,
        Err(FrameError::Truncated { received: 0, .. })
    ));
}

/// A stream whose long frames share `room`, with the other end that writes one of `length` bytes.
fn sharing(room: &Arc<Room>, length: usize) -> (FramedStream, tokio::task::JoinHandle<()>) {
    let (framed, mut raw) = half(1 << 20);
    let mut bytes = Vec::new();
    varint::write_leb128(&mut bytes, length as u64);
    bytes.resize(bytes.len() + length, 5);
    let writing = tokio::spawn(async move { raw.write_all(&bytes).await.unwrap() });
    (framed.within(room), writing)
}

#[tokio::test]
async fn long_frames_take_the_room_of_all_and_one_byte_more_is_refused() {
    let room = Room::new(2 * SHORT_FRAME + 20);
    let (mut one, _written) = sharing(&room, SHORT_FRAME + 10);
    assert!(one.receive().await.unwrap().is_some());
    let (mut other, _written) = sharing(&room, SHORT_FRAME + 11);
    let error = other.receive().await.unwrap_err();
    assert!(matches!(error, FrameError::NoRoom { .. }), "{error}");
    assert_eq!(other.counters.frames_without_room.get(), 1);
    let (mut short, _written) = sharing(&room, SHORT_FRAME);
    assert!(short.receive().await.unwrap().is_some());
    let (mut fits, _written) = sharing(&room, SHORT_FRAME + 10);
    assert!(fits.receive().await.unwrap().is_some());
    drop((one, other));
    let (mut next, _written) = sharing(&room, SHORT_FRAME + 10);
    assert!(next.receive().await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_that_a_frame_has_begun_and_loses_nothing_of_it() {
    let (mut framed, mut raw) = half(64);
    raw.write_all(&[2, 8]).await.unwrap();
    assert!(framed.begun().await.unwrap());
    raw.write_all(&[9]).await.unwrap();
    assert!(framed.begun().await.unwrap());
    assert_eq!(framed.receive().await.unwrap(), Some(vec![8, 9]));
    let started = Instant::now();
    let error = framed.begun().await.unwrap_err();
    assert!(
        matches!(
            error,
            FrameError::Deadline {
                phase: Phase::Waiting,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(started.elapsed().as_secs(), 60);
    drop(raw);
    assert!(!framed.begun().await.unwrap());
}

/// Writes a frame of `length` zeros at `speed` bytes a second after a whole `grace`.
fn trickle(mut raw: DuplexStream, length: usize, speed: u64) {
    tokio::spawn(async move {
        let mut prefix = Vec::new();
        varint::write_leb128(&mut prefix, length as u64);
        raw.write_all(&prefix).await.unwrap();
        let mut left = length;
        let chunk = speed as usize * 10;
        tokio::time::sleep(DEADLINES.grace - Duration::from_secs(11)).await;
        while left > 0 {
            tokio::time::sleep(Duration::from_secs(10)).await;
            if raw.write_all(&vec![0; chunk.min(left)]).await.is_err() {
                return;
            }
            left -= chunk.min(left);
        }
        // Keeps the stream open until the reader is done.
        let _ = raw.read(&mut [0]).await;
    });
}

#[tokio::test(start_paused = true)]
async fn the_least_speed_is_enough_and_a_little_less_is_not() {
    let least = DEADLINES.bytes_per_second.get();
    for (speed, fits) in [(least + 1, true), (least * 9 / 10, false)] {
        let (mut framed, raw) = half(64 << 10);
        // Nothing comes for most of the grace time.
        framed.limits.deadlines.idle = Duration::from_secs(20);
        trickle(raw, 300 << 10, speed);
        let received = framed.receive().await;
        assert_eq!(received.is_ok(), fits, "{received:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_deadline_is_met_at_its_end_and_missed_after_it() {
    let moment = Duration::from_millis(1);
    for (late, fits) in [(Duration::ZERO, true), (2 * moment, false)] {
        for (first, wait) in [(&[][..], DEADLINES.wait), (&[2, 1][..], DEADLINES.idle)] {
            let (mut framed, mut raw) = half(64);
            raw.write_all(first).await.unwrap();
            tokio::spawn(async move {
                tokio::time::sleep(wait - moment + late).await;
                let rest: &[u8] = if wait == DEADLINES.wait {
                    &[2, 1, 7]
                } else {
                    &[7]
                };
                let _ = raw.write_all(rest).await;
                tokio::time::sleep(Duration::from_secs(3_600)).await;
            });
            let received = framed.receive().await;
            assert_eq!(received.is_ok(), fits, "{received:?} after {wait:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_given_up_after_the_wait() {
    let (mut framed, _raw) = half(64);
    let started = Instant::now();
    let error = framed.receive().await.unwrap_err();
    assert!(
        matches!(
            error,
            FrameError::Deadline {
                phase: Phase::Waiting,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(started.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_stops_in_the_middle_is_given_up_after_the_idle_time() {
    let (mut framed, mut raw) = half(64);
    raw.write_all(&[9, 1]).await.unwrap();
    let started = Instant::now();
    let error = framed.receive().await.unwrap_err();
    assert!(
        matches!(
            error,
            FrameError::Deadline {
                phase: Phase::Receiving,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(started.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn one_byte_a_second_is_given_up_after_the_grace_time() {
    let (mut framed, mut raw) = half(64);
    tokio::spawn(async move {
        let prefix = [0x80, 0x80, 0x04];
        for byte in prefix.into_iter().chain(std::iter::repeat(0)) {
            if raw.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let started = Instant::now();
    let error = framed.receive().await.unwrap_err();
    assert!(
        matches!(
            error,
            FrameError::Deadline {
                phase: Phase::Receiving,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(started.elapsed().as_secs(), 20);
    assert_eq!(framed.counters.deadlines_missed.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_frame_above_the_least_speed_arrives() {
    let (mut framed, mut raw) = half(64 << 10);
    tokio::spawn(async move {
        raw.write_all(&[0x80, 0x80, 0x04]).await.unwrap();
        for _ in 0..32 {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            raw.write_all(&[0; 2048]).await.unwrap();
        }
        // Keeps the stream open until the reader is done.
        let _ = raw.read(&mut [0]).await;
    });
    let frame = framed.receive().await.unwrap().unwrap();
    assert_eq!(frame.len(), 64 << 10);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_or_crawls_holds_the_writer_no_longer_than_the_deadlines() {
    for (pause, seconds) in [
        (Duration::from_secs(1), 20),
        (Duration::from_secs(3600), 15),
    ] {
        let (mut framed, mut raw) = half(64);
        tokio::spawn(async move {
            let mut byte = [0];
            while raw.read(&mut byte).await.is_ok_and(|read| read > 0) {
                tokio::time::sleep(pause).await;
            }
        });
        let started = Instant::now();
        let error = framed.send(&[0; 100_000]).await.unwrap_err();
        assert!(
            matches!(
                error,
                FrameError::Deadline {
                    phase: Phase::Sending,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(started.elapsed().as_secs(), seconds);
    }
}

#[tokio::test]
async fn a_reader_that_went_away_is_a_reset_for_the_writer() {
    let (mut framed, raw) = half(64);
    drop(raw);
    let error = framed.send(&[0; 100]).await.unwrap_err();
    assert!(matches!(error, FrameError::Reset(_)), "{error}");
}

#[tokio::test]
async fn draining_ends_at_the_end_or_past_the_bound() {
    let (mut framed, mut raw) = half(1 << 20);
    raw.write_all(&[0; 100]).await.unwrap();
    drop(raw);
    assert!(framed.drain(100).await.unwrap());
    let (mut framed, mut raw) = half(1 << 20);
    raw.write_all(&[0; 200_000]).await.unwrap();
    assert!(!framed.drain(100_000).await.unwrap());
}

/// Lets a chunk pass every 20 s, and notes what it was asked about.
#[derive(Debug, Default)]
struct Slow(parking_lot::Mutex<Vec<(Direction, usize, bool)>>);

impl Gate for Slow {
    fn passes(
        &self,
        flow: &Flow,
        direction: Direction,
        bytes: usize,
    ) -> Option<BoxFuture<'static, ()>> {
        self.0.lock().push((direction, bytes, flow.bulk));
        Some(Box::pin(tokio::time::sleep(Duration::from_secs(20))))
    }
}

fn behind(gate: &Arc<Slow>, stream: FramedStream) -> FramedStream {
    let flow = Flow {
        peer: libp2p::PeerId::random(),
        protocol: libp2p::StreamProtocol::new("/test/1"),
        opened_by_peer: true,
        bulk: false,
    };
    stream.gated(Gated {
        gate: Arc::<Slow>::clone(gate),
        flow,
    })
}

#[tokio::test(start_paused = true)]
async fn a_gate_lets_chunks_pass_one_by_one_and_its_waits_are_no_fault_of_the_peer() {
    const LENGTH: usize = 100_000;
    let gates = [(); 2].map(|()| Arc::new(Slow::default()));
    let (left, right) = pair(2 * LENGTH);
    let (mut left, mut right) = (behind(&gates[0], left), behind(&gates[1], right));
    left.set_bulk(true);
    let begun = Instant::now();
    left.send(&[7; LENGTH]).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(140));
    assert_eq!(right.receive().await.unwrap().unwrap().len(), LENGTH);
    for (gate, direction, bulk) in [
        (&gates[0], Direction::Sent, true),
        (&gates[1], Direction::Received, false),
    ] {
        let asked = gate.0.lock();
        assert_eq!(
            asked.iter().map(|(_, bytes, _)| bytes).sum::<usize>(),
            LENGTH + 3
        );
        let same = |asked: &&(Direction, usize, bool)| {
            (asked.0, asked.2) == (direction, bulk) && asked.1 <= CHUNK
        };
        assert!(asked.len() >= 7 && asked.iter().filter(same).count() == asked.len());
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_gate_a_peer_that_stops_is_given_up_all_the_same() {
    let gate = Arc::new(Slow::default());
    let (stream, mut raw) = half(1 << 20);
    let mut stream = behind(&gate, stream);
    raw.write_all(&[0xe8, 0x07, 7]).await.unwrap();
    let begun = Instant::now();
    let error = stream.receive().await.unwrap_err();
    assert!(matches!(error, FrameError::Deadline { .. }), "{error}");
    assert_eq!(begun.elapsed(), Duration::from_secs(20 + 15));
}
