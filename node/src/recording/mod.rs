//! Recordings of sync sessions: the frames of both protocols and both roles in a file, and a session
//! from it run again.
//!
//! A recording is a file of JSON objects, one a line, told apart by `event`:
//!
//! | `event` | what it says |
//! |---|---|
//! | `recording` | the first line: `version` of the format, `program` that wrote it |
//! | `session` | a session begins: its `scope` and `limits` |
//! | `frame` | a frame: its `number` in the session from 0 on, `direction` (`sent` or `received`), and itself in hex |
//! | `end` | a session is over: how many `frames` it had, its `outcome` (`done` or `failed`), then counts or an `error` |
//! | `dropped` | so many `lines` aren't in the recording, since it couldn't be written fast enough |
//! | `full` | the `limit` in bytes is reached: nothing more is recorded |
//!
//! All have a `time`; those about a session its number (`session`, the `id` in the node's log), the
//! `peer`, the `protocol` (`own` or `reconciliation`, which is Waku's), this side's `role` and, in
//! Waku's, the `form` of headers (`"topics"` or `{"cluster":1}`). Lines of several sessions alternate.
//! A scope is the window from `since` to before `until` in nanoseconds (absent for no end), with the
//! ids at which it begins and ends within these where it has some, and the topics, absent for all.
//!
//! A session never waits for its recording: [`Recorder`] puts lines into a bounded queue, and drops
//! them where that is full. One thread writes them.

mod as_told;
mod known;
mod line;
mod queue;
mod reader;
mod recorder;
mod replay;
mod scope;
mod writer;

pub use known::Known;
pub use line::{Direction, End, Form, Head, Line, Outcome, Protocol, RoleText};
pub use reader::{ReadError, Recorded, read};
pub use recorder::{Recorder, Recording};
pub use replay::{Replayed, Row, Verdict, replay};
pub use scope::{LimitsText, ScopeText};

/// The version of the format.
const VERSION: u32 = 1;

/// Longest frame that is recorded, in bytes: twice the longest that sessions take by default.
const FRAME_BYTES: usize = 32 << 20;

/// Longest line that is read, in bytes: such a frame in hex, and what is said about it.
const LINE_BYTES: usize = 2 * FRAME_BYTES + (1 << 20);
