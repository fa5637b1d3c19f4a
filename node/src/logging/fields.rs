//! The fields of an event as text.

use std::fmt::{self, Debug, Write};

use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;

/// Writes fields as `name=value`, and the message without its name. Control characters are escaped: a
/// value may be a peer's words, and mustn't look like an event of its own, nor steer a terminal.
pub(super) fn escaped() -> impl for<'a> FormatFields<'a> + Send + Sync + 'static {
    let write = debug_fn(|writer, field, value: &dyn Debug| {
        if field.name() != "message" {
            write!(writer, "{field}=")?;
        }
        write!(Escaping(writer), "{value:?}")
    });
    write.delimited(" ")
}

struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(char::is_control) {
            let (plain, control) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut characters = control.chars();
            if let Some(character) = characters.next() {
                write!(self.0, "{}", character.escape_default())?;
            }
            rest = characters.as_str();
        }
        self.0.write_str(rest)
    }
}
