//! What the program writes to its standard streams. The macros of the standard library panic when
//! nobody reads any more; here that is an error, or of no consequence.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line, or several, to standard output.
///
/// # Errors
/// When it can't be written: the reader has gone, or the disk is full.
pub fn say(text: impl Display) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}")
        .and_then(|()| output.flush())
        .map_err(|error| {
            let reason = format!("standard output can't be written: {error}");
            io::Error::new(error.kind(), reason)
        })
}

/// Writes as [`say`] does, and tells whether anybody reads on: a reader such as `head` leaves when it
/// has enough, and what is written after that is for nobody.
///
/// # Errors
/// When it can't be written for another reason: the disk is full.
pub fn offer(text: impl Display) -> io::Result<bool> {
    match say(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

/// Writes a line to standard error. Where nobody reads that, nobody is left to be told.
pub fn tell(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
