//! The log: how much is told, and how it is written. One event is one line of standard error, in text
//! or in JSON, whatever it quotes.

mod fields;
mod level;

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing::Metadata;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

pub use level::{Level, LevelError};

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Format {
    /// For people: time, level, origin, message, fields.
    #[default]
    Text,
    /// For programs: an object for each event, with `timestamp`, `level`, `target`, `message` and the
    /// event's fields as its keys.
    Json,
}

/// Sets how much is logged while the program runs.
///
/// The default one belongs to no log, and can't set anything.
#[derive(Clone, Debug, Default)]
pub struct Levels(Option<reload::Handle<EnvFilter, Registry>>);

impl Levels {
    /// A filter to build a subscriber with, and what sets it from then on.
    #[must_use]
    pub fn of(filter: EnvFilter) -> (Self, reload::Layer<EnvFilter, Registry>) {
        let (layer, handle) = reload::Layer::new(filter);
        (Self(Some(handle)), layer)
    }

    /// Logs what is of this level or a graver one from now on, and nothing else, whatever was asked
    /// for before.
    ///
    /// # Errors
    /// When the process keeps no log of this program's.
    pub fn set(&self, level: Level) -> Result<(), NoLog> {
        let handle = self.0.as_ref().ok_or(NoLog)?;
        handle.reload(level.filter()).map_err(|_| NoLog)
    }
}

/// Why a level can't be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this process keeps no log whose level could be set")]
pub struct NoLog;

/// Starts the log of this process, on standard error.
#[must_use]
pub fn start(format: Format, filter: EnvFilter) -> Levels {
    let (levels, filter) = Levels::of(filter);
    let lines = layer(format, io::stderr, io::stderr().is_terminal());
    Registry::default().with(filter).with(lines).init();
    levels
}

/// Whether an event may be written at all. Gossipsub's events below errors quote whole messages, and what
/// people send each other is in no log, whatever level is asked for.
fn quotes_no_message(event: &Metadata<'_>) -> bool {
    *event.level() == tracing::Level::ERROR || !event.target().starts_with("libp2p_gossipsub")
}

/// What writes each event in this format to a writer of its own.
fn layer<S, W>(
    format: Format,
    writer: impl Fn() -> W + Send + Sync + 'static,
    colours: bool,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: io::Write + 'static,
{
    let lines = fmt::layer()
        .with_writer(writer)
        // It would panic where a line can't be written.
        .log_internal_errors(false);
    let passes = filter_fn(quotes_no_message);
    match format {
        Format::Text => lines
            .with_ansi(colours)
            .fmt_fields(fields::escaped())
            .with_filter(passes)
            .boxed(),
        Format::Json => lines
            .with_ansi(false)
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_filter(passes)
            .boxed(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while `work` is done.
    fn logged(format: Format, colours: bool, work: impl FnOnce(&Levels)) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let (levels, filter) = Levels::of(Level::Info.filter());
        let lines = layer(format, move || writer.clone(), colours);
        let subscriber = Registry::default().with(filter).with(lines);
        tracing::subscriber::with_default(subscriber, || work(&levels));
        kept.text()
    }

    #[test]
    fn what_a_peer_says_makes_no_line_of_its_own() {
        let forged = "x\n2026-01-01T00:00:00Z  INFO wakustore: all is well\r\nand more\u{1b}[2K";
        let error = io::Error::other(forged);
        for (format, colours) in [
            (Format::Text, false),
            (Format::Text, true),
            (Format::Json, false),
        ] {
            let text = logged(format, colours, |_| {
                tracing::info!(said = forged, shown = %forged, ?error, %error, "{forged}");
            });
            assert_eq!(text.matches('\n').count(), 1, "{text}");
            assert!(text.ends_with('\n') && !text.contains('\r'), "{text}");
            assert!(!text.contains("\u{1b}[2K"), "{text}");
            assert_eq!(text.matches("all is well").count(), 5, "{text}");
        }
    }

    #[test]
    fn an_event_in_json_is_an_object_of_its_fields() {
        let text = logged(Format::Json, false, |_| {
            tracing::warn!(peer = "16Uiu2HAm", session = 7, "failed");
        });
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["level"], "WARN");
        assert_eq!(event["message"], "failed");
        assert_eq!(event["peer"], "16Uiu2HAm");
        assert_eq!(event["session"], 7);
        assert!(event["timestamp"].is_string() && event["target"].is_string());
    }

    #[test]
    fn what_quotes_messages_is_written_at_no_level() {
        for format in [Format::Text, Format::Json] {
            let text = logged(format, false, |levels| {
                levels.set(Level::Trace).unwrap();
                tracing::warn!(target: "libp2p_gossipsub::behaviour", "Send Queue full: [1, 2, 3]");
                tracing::debug!(target: "libp2p_gossipsub", "Publishing message: [1, 2, 3]");
                tracing::error!(target: "libp2p_gossipsub", "kept");
                tracing::debug!(target: "libp2p_swarm", "kept too");
            });
            assert!(!text.contains("[1, 2, 3]"), "{text}");
            assert_eq!(text.matches("kept").count(), 2, "{text}");
        }
    }

    #[test]
    fn a_level_that_is_set_holds_from_then_on() {
        let text = logged(Format::Text, false, |levels| {
            tracing::debug!("one");
            levels.set(Level::Debug).unwrap();
            tracing::debug!("two");
            levels.set(Level::Error).unwrap();
            tracing::warn!("three");
            tracing::error!("four");
        });
        let told: Vec<bool> = ["one", "two", "three", "four"]
            .map(|word| text.contains(word))
            .to_vec();
        assert_eq!(told, [false, true, false, true], "{text}");
        assert_eq!(Levels::default().set(Level::Info), Err(NoLog));
    }
}
