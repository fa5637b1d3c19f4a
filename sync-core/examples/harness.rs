//! Speaks the line protocol of the public negentropy conformance suite
//! (<https://github.com/hoytech/negentropy>, folder `test`) on standard streams, so that the suite can
//! run this engine against any other implementation.
//!
//! | line in | lines out |
//! |---|---|
//! | `item,<decimal timestamp>,<64 hex digits>` | none |
//! | `seal`, after the last item | none |
//! | `initiate` | `msg,<hex>` |
//! | `msg,<hex>` as responder | `msg,<hex>` |
//! | `msg,<hex>` as initiator | any number of `have,<id>` and `need,<id>`, then `msg,<hex>` or `done` |
//!
//! Who is told to `initiate` is the initiator. Output is flushed after each line in. The environment
//! variable `FRAMESIZELIMIT` is the most bytes that a message may have; unset or 0 is no limit. A line
//! that can't be understood, a message that breaks the format and one over the limit end the program
//! with a failure, and what was wrong goes to standard error.

use std::error::Error;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::ExitCode;

use sync_core::negentropy::{Division, Initiator, MIN_FRAME_BYTES, Responder};
use sync_core::{Id, Item, RangeTree, SessionLimits};

type Outcome<T> = Result<T, Box<dyn Error>>;

const FRAME_LIMIT: &str = "FRAMESIZELIMIT";

/// How much of a line that isn't understood is shown.
const SHOWN: usize = 100;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("harness: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let mut harness = Harness::new(frame_limit()?);
    let mut input = BufReader::with_capacity(1 << 20, io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut line = Vec::new();
    let mut number = 0u64;
    while input.read_until(b'\n', &mut line)? > 0 {
        number += 1;
        let obeyed = harness.obey(line.trim_ascii(), &mut output);
        obeyed.map_err(|error| format!("line {number}: {error}"))?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}

fn frame_limit() -> Outcome<usize> {
    let Some(value) = std::env::var_os(FRAME_LIMIT).filter(|value| !value.is_empty()) else {
        return Ok(0);
    };
    let number = value.to_str().and_then(|value| value.parse().ok());
    match number {
        Some(limit) if limit == 0 || limit >= MIN_FRAME_BYTES => Ok(limit),
        _ => Err(format!(
            "expected in {FRAME_LIMIT} a number of bytes, 0 for no limit or at least \
             {MIN_FRAME_BYTES}, but it is {value:?}"
        )
        .into()),
    }
}

struct Harness {
    limits: SessionLimits,
    state: State,
}

enum State {
    Filling(Vec<Item>),
    Sealed {
        set: RangeTree,
        responder: Responder<RangeTree>,
    },
    Initiated(Initiator<RangeTree>),
}

impl Harness {
    /// The suite is trusted: nothing is limited but what it asks to be.
    fn new(frame_limit: usize) -> Self {
        Self {
            limits: SessionLimits {
                frame_bytes_sent: frame_limit,
                frame_bytes_received: usize::MAX,
                ranges_per_frame: usize::MAX,
                items_per_frame: usize::MAX,
                rounds: usize::MAX,
                session_bytes: u64::MAX,
                session_bytes_sent: u64::MAX,
                differences: usize::MAX,
                ..SessionLimits::default()
            },
            state: State::Filling(Vec::new()),
        }
    }

    fn obey(&mut self, line: &[u8], output: &mut impl Write) -> Outcome<()> {
        let end = line.iter().position(|byte| *byte == b',');
        let (command, rest) = line.split_at(end.unwrap_or(line.len()));
        let argument = rest.get(1..).unwrap_or_default();
        match command {
            b"" if rest.is_empty() => Ok(()),
            b"item" => self.add(argument),
            b"seal" if rest.is_empty() => self.seal(),
            b"initiate" if rest.is_empty() => self.initiate(output),
            b"msg" => self.answer(argument, output),
            _ => Err(format!(
                "expected item,..., seal, initiate or msg,..., but it is {}",
                shown(line)
            )
            .into()),
        }
    }

    fn add(&mut self, argument: &[u8]) -> Outcome<()> {
        let State::Filling(items) = &mut self.state else {
            return Err("expected initiate or msg after seal, but it is an item".into());
        };
        let item = parse_item(argument).ok_or_else(|| {
            let shown = shown(argument);
            format!(
                "expected after item a decimal timestamp under 2^64 - 1, a comma and 64 hex digits, \
                 but it is {shown}"
            )
        })?;
        items.push(item);
        Ok(())
    }

    fn seal(&mut self) -> Outcome<()> {
        let State::Filling(items) = &mut self.state else {
            return Err("expected initiate or msg after seal, but it is a second seal".into());
        };
        let set = RangeTree::from_unsorted(std::mem::take(items));
        let responder =
            Responder::dividing(set.snapshot(), Division::Reference, self.limits.clone())?;
        self.state = State::Sealed { set, responder };
        Ok(())
    }

    fn initiate(&mut self, output: &mut impl Write) -> Outcome<()> {
        let set = match &self.state {
            State::Filling(_) => return Err("expected seal before initiate".into()),
            State::Sealed { set, .. } => set.snapshot(),
            State::Initiated(_) => return Err("expected initiate once".into()),
        };
        let (initiator, first) =
            Initiator::start_dividing(set, Division::Reference, self.limits.clone())?;
        self.state = State::Initiated(initiator);
        self.send(&first, output)
    }

    fn answer(&mut self, argument: &[u8], output: &mut impl Write) -> Outcome<()> {
        let frame = hex::decode(argument)
            .map_err(|error| format!("expected hex digits after msg, but there is an {error}"))?;
        let reply = match &mut self.state {
            State::Filling(_) => return Err("expected seal before msg".into()),
            State::Sealed { responder, .. } => responder.reconcile(&frame)?,
            State::Initiated(initiator) => {
                let (mut have, mut need) = (Vec::new(), Vec::new());
                let next = initiator.reconcile_with_ids(&frame, &mut have, &mut need)?;
                tell("have", &have, output)?;
                tell("need", &need, output)?;
                let Some(next) = next else {
                    writeln!(output, "done")?;
                    return Ok(());
                };
                next
            }
        };
        self.send(&reply, output)
    }

    fn send(&self, frame: &[u8], output: &mut impl Write) -> Outcome<()> {
        let (len, most) = (frame.len(), self.limits.frame_bytes_sent);
        if most != 0 && len > most {
            return Err(format!("a message of {len} bytes breaks the limit of {most}").into());
        }
        writeln!(output, "msg,{}", hex::encode(frame))?;
        Ok(())
    }
}

fn parse_item(argument: &[u8]) -> Option<Item> {
    let comma = argument.iter().position(|byte| *byte == b',')?;
    let timestamp = std::str::from_utf8(&argument[..comma]).ok()?;
    let mut id = Id::ZERO;
    hex::decode_to_slice(&argument[comma + 1..], &mut id.0).ok()?;
    let timestamp = timestamp.parse().ok().filter(|time| *time < u64::MAX)?;
    Some(Item::new(timestamp, id))
}

fn tell(what: &str, ids: &[Id], output: &mut impl Write) -> io::Result<()> {
    ids.iter()
        .try_for_each(|id| writeln!(output, "{what},{}", hex::encode(id.0)))
}

/// The start of a line, for people.
fn shown(line: &[u8]) -> String {
    let start = &line[..line.len().min(SHOWN)];
    let more = if start.len() < line.len() { "..." } else { "" };
    format!("\"{}{more}\"", start.escape_ascii())
}
