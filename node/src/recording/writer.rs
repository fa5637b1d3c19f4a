//! Writes the lines of a recording, within its limit.

use std::io::{self, BufWriter, Write};

use super::VERSION;
use super::line::{Line, time};
use super::queue::{Queued, Waiting};

/// Room that is kept for the last line, which says that the recording is full.
const LAST_LINE: u64 = 128;

/// Bytes of a frame that are made hex at a time.
const HEX_CHUNK: usize = 4_096;

/// Writes lines to a file.
pub(super) struct Writer<W: Write> {
    output: BufWriter<W>,
    name: String,
    written: u64,
    limit: u64,
}

/// Why a recording stops.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("it has reached its limit of {0} bytes")]
    Full(u64),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl<W: Write> Writer<W> {
    /// A recording called `name`, of at most `limit` bytes.
    pub(super) fn new(output: W, name: String, limit: u64) -> Self {
        Self {
            output: BufWriter::new(output),
            name,
            written: 0,
            limit,
        }
    }

    /// Writes lines until none will come any more, or no more can be written: then it says so once.
    pub(super) fn run(mut self, mut waiting: Waiting) {
        if let Err(why) = self.follow(&mut waiting) {
            tracing::warn!(
                file = self.name,
                %why,
                "the recording of sessions has stopped; the node goes on without it"
            );
        }
    }

    fn follow(&mut self, waiting: &mut Waiting) -> Result<(), Stop> {
        self.line(&Line::Recording {
            time: time(),
            version: VERSION,
            program: format!("wakustore {}", env!("CARGO_PKG_VERSION")),
        })?;
        while let Some(Queued { line, frame, .. }) = self.next(waiting)? {
            self.line_of_frame(&line, &frame)?;
            self.note_dropped(waiting)?;
        }
        self.note_dropped(waiting)?;
        Ok(self.output.flush()?)
    }

    /// The next line. What is written is on its way to the file whenever it has to be waited for.
    fn next(&mut self, waiting: &mut Waiting) -> Result<Option<Queued>, Stop> {
        match waiting.next() {
            Ok(Some(line)) => Ok(Some(line)),
            Ok(None) => {
                self.output.flush()?;
                Ok(waiting.wait())
            }
            Err(()) => Ok(None),
        }
    }

    fn note_dropped(&mut self, waiting: &Waiting) -> Result<(), Stop> {
        match waiting.dropped() {
            0 => Ok(()),
            lines => self.line(&Line::Dropped {
                time: time(),
                lines,
            }),
        }
    }

    fn line(&mut self, line: &Line) -> Result<(), Stop> {
        self.line_of_frame(line, &[])
    }

    /// Writes a line, the last value of which is the frame's hex if there is a frame.
    fn line_of_frame(&mut self, line: &Line, frame: &[u8]) -> Result<(), Stop> {
        let text = serde_json::to_string(line).map_err(io::Error::from)?;
        let bytes = text.len() as u64 + 2 * frame.len() as u64 + 1;
        if self.written + bytes + LAST_LINE > self.limit {
            return self.end();
        }
        self.written += bytes;
        let (before, after) = match frame {
            [] => (&text[..], ""),
            _ => text.split_at(text.len() - "\"}".len()),
        };
        self.output.write_all(before.as_bytes())?;
        let mut hex = [0; 2 * HEX_CHUNK];
        for chunk in frame.chunks(HEX_CHUNK) {
            let digits = &mut hex[..2 * chunk.len()];
            hex::encode_to_slice(chunk, digits).map_err(io::Error::other)?;
            self.output.write_all(digits)?;
        }
        self.output.write_all(after.as_bytes())?;
        Ok(self.output.write_all(b"\n")?)
    }

    fn end(&mut self) -> Result<(), Stop> {
        let line = Line::Full {
            time: time(),
            limit: self.limit,
        };
        let text = serde_json::to_string(&line).map_err(io::Error::from)?;
        writeln!(self.output, "{text}")?;
        self.output.flush()?;
        Err(Stop::Full(self.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::queue::{queue, queue_of};

    const HEAD: &str = r#"{"time":"t","session":1,"peer":"p","protocol":"own","role":"initiator"}"#;

    fn dropped(lines: u64) -> Line {
        Line::Dropped {
            time: "t".into(),
            lines,
        }
    }

    fn written(limit: u64, count: u64) -> (String, Result<(), Stop>) {
        let (queue, mut waiting) = queue();
        (0..count).for_each(|number| queue.offer(|| dropped(number), &[]));
        drop(queue);
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file, "test".into(), limit);
        let result = writer.follow(&mut waiting);
        drop(writer);
        (String::from_utf8(file).unwrap(), result)
    }

    #[test]
    fn a_recording_ends_within_its_limit_and_says_so() {
        let (whole, result) = written(u64::MAX, 100);
        assert!(result.is_ok());
        assert_eq!(whole.lines().count(), 101);
        let limit = 4_096;
        let (text, result) = written(limit, 100);
        assert!(matches!(result, Err(Stop::Full(4_096))), "{result:?}");
        assert!(text.len() as u64 <= limit);
        assert!(text.len() as u64 > limit - 2 * LAST_LINE, "{}", text.len());
        let last = text.lines().last().unwrap();
        assert!(last.contains(r#""event":"full""#), "{last}");
    }

    #[test]
    fn a_recording_says_how_many_lines_it_lacks() {
        let (queue, mut waiting) = queue_of(2, 10);
        (0..7).for_each(|number| queue.offer(|| dropped(number), &[]));
        drop(queue);
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file, "test".into(), u64::MAX);
        writer.follow(&mut waiting).unwrap();
        drop(writer);
        let text = String::from_utf8(file).unwrap();
        let lines: Vec<Line> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[1], dropped(0));
        assert!(matches!(lines[2], Line::Dropped { lines: 5, .. }), "{text}");
        assert_eq!(lines[3], dropped(1));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn a_frame_is_written_in_hex_whatever_its_length() {
        let recorded = [0, 1, HEX_CHUNK, HEX_CHUNK + 1].map(|len| {
            let (queue, mut waiting) = queue();
            let frame: Vec<u8> = (0..len).map(|number| number as u8).collect();
            let line = || Line::Frame {
                head: serde_json::from_str(HEAD).unwrap(),
                number: 0,
                direction: crate::recording::Direction::Sent,
                frame: String::new(),
            };
            queue.offer(line, &frame);
            drop(queue);
            let mut file = Vec::new();
            let mut writer = Writer::new(&mut file, "test".into(), u64::MAX);
            writer.follow(&mut waiting).unwrap();
            let written = writer.written;
            drop(writer);
            assert_eq!(written, file.len() as u64);
            let text = String::from_utf8(file).unwrap();
            match serde_json::from_str(text.lines().nth(1).unwrap()) {
                Ok(Line::Frame { frame: digits, .. }) => digits == hex::encode(frame),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(recorded, [true; 4]);
    }

    #[test]
    fn the_last_line_has_the_room_that_is_kept_for_it() {
        let line = Line::Full {
            time: time(),
            limit: u64::MAX,
        };
        let text = serde_json::to_string(&line).unwrap();
        assert!((text.len() as u64) < LAST_LINE, "{text}");
    }

    #[test]
    fn a_file_that_takes_nothing_more_stops_the_recording() {
        let (queue, mut waiting) = queue();
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut writer = Writer::new(full.unwrap(), "test".into(), u64::MAX);
        drop(queue);
        assert!(matches!(writer.follow(&mut waiting), Err(Stop::Io(_))));
    }
}
