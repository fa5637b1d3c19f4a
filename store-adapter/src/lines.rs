//! Lines of bounded length from whatever can be read.

use std::io::{self, BufRead, Read};

/// Reads lines of bounded length: one that is too long is skipped without being held.
#[derive(Debug)]
pub struct BoundedLines<R> {
    input: R,
    most: usize,
    buffer: Vec<u8>,
    number: u64,
}

/// A line has more bytes than are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a line has at most {most} bytes, this one more")]
pub struct TooLong {
    /// How many are taken.
    pub most: usize,
}

impl<R: BufRead> BoundedLines<R> {
    /// Reads lines of at most `most` bytes from `input`.
    pub const fn new(input: R, most: usize) -> Self {
        Self {
            input,
            most,
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The number of the line last given, from 1 on.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The next line that isn't blank, without the white space around it; `None` at the end. One
    /// that is too long doesn't end the reading.
    ///
    /// # Errors
    /// When the input can't be read.
    pub fn next_line(&mut self) -> io::Result<Option<Result<&[u8], TooLong>>> {
        loop {
            self.buffer.clear();
            let mut bounded = self.input.by_ref().take(self.most as u64 + 1);
            if bounded.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.buffer.len() > self.most && !self.buffer.ends_with(b"\n") {
                self.input.skip_until(b'\n')?;
                return Ok(Some(Err(TooLong { most: self.most })));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(Ok(self.buffer.trim_ascii())));
            }
        }
    }
}
