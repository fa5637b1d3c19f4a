//! Sessions as the page shows them: sums for all, and the rounds of one.

use serde::Serialize;
use sync_core::Dialect;
use sync_net::reconcile::Direction;
use sync_net::{Role, SessionInfo};
use utoipa::ToSchema;

use super::history::{Entry, Phase};
use super::row::{Row, Says};
use super::strip::{RangeTally, Said};

/// A session and what followed from it. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionSummary {
    /// Unlike that of any other session of this node since its start.
    pub id: u64,
    /// The other side's peer id.
    pub peer: String,
    /// `own` or `waku`: what is spoken.
    pub dialect: &'static str,
    /// `initiator` or `responder`: this node's part.
    pub role: &'static str,
    /// `reconciling`, `filling` what was found, `done`, `yielded` to a session that the peer had started,
    /// or `failed`.
    pub phase: &'static str,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// When it began.
    pub started: u64,
    /// Seconds that it took, or takes already, until all was filled.
    pub seconds: f64,
    /// Seconds for which frames were exchanged, if they no longer are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reconcile_seconds: Option<f64>,
    /// Frames received.
    pub rounds: u64,
    /// Bytes of frames sent.
    pub bytes_sent: u64,
    /// Bytes of frames received.
    pub bytes_received: u64,
    /// Messages that the peer lacks. Nobody tells a responder in the own protocol, whose peer fetches by
    /// itself.
    pub have: Option<u64>,
    /// Of those, how many aren't known to have reached it.
    pub undelivered: u64,
    /// Messages that this node lacks.
    pub need: u64,
    /// Of those, how many were fetched and archived, or came another way.
    pub fetched: u64,
    /// Of those, how many are still owed.
    pub owed: u64,
    /// Messages that came and were refused.
    pub refused: u64,
    /// Bytes sent to fill differences.
    pub fill_bytes_sent: u64,
    /// Bytes received to fill differences.
    pub fill_bytes_received: u64,
}

/// A session with its rounds as they are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionRounds {
    /// The session.
    pub session: SessionSummary,
    /// Where the axis of time starts, milliseconds since 1970.
    pub since: f64,
    /// Where it ends.
    pub until: f64,
    /// Its frames in order, the first ones if there are many.
    pub frames: Vec<DrawnFrame>,
    /// How many frames there are beyond those.
    pub frames_beyond: u64,
}

/// A frame.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrawnFrame {
    /// The round: an initiator's frame begins one.
    pub round: u64,
    /// Whether this node sent it, or received it.
    pub sent: bool,
    /// Milliseconds after the session began.
    pub after: f64,
    /// How long it is.
    pub bytes: u64,
    /// `hello`, `ranges`, `have`, `noted`, `list`, `listed`, `refusal`, `end`, `tooLong` or `malformed`.
    pub kind: &'static str,
    /// Items that a hello tells of, ids that the responder lacks, ids that were noted, or items listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub count: Option<u64>,
    /// Why the session won't go on, or what is wrong with the frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// How many ranges of each kind it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tally: Option<RangeTally>,
    /// Its ranges from `since` to `until`, without a gap; empty for frames without.
    pub ranges: Vec<DrawnRange>,
}

/// A range, or neighbouring ones that are drawn as one.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DrawnRange {
    /// Where it ends, milliseconds since 1970; it starts where the one before ends.
    pub until: f64,
    /// What is said of it.
    pub said: Said,
    /// How many ranges it is.
    pub ranges: u32,
    /// How many ids they list.
    pub ids: u64,
}

impl SessionSummary {
    pub(super) fn of(entry: &Entry) -> Self {
        let (phase, reason) = phase(&entry.phase);
        let filled = entry.filled.as_ref();
        let fetch = filled.map(|report| &report.fetch);
        let SessionInfo { dialect, role, .. } = entry.session;
        let is_told = (dialect, role) != (Dialect::Negentropy, Role::Responder);
        Self {
            id: entry.session.id,
            peer: entry.session.peer.to_string(),
            dialect: match dialect {
                Dialect::Negentropy => "own",
                Dialect::Waku => "waku",
            },
            role: match role {
                Role::Initiator => "initiator",
                Role::Responder => "responder",
            },
            phase,
            reason,
            started: entry.started / 1_000_000,
            seconds: entry.elapsed().as_secs_f64(),
            reconcile_seconds: entry.reconciled.map(|took| took.as_secs_f64()),
            rounds: entry.rounds,
            bytes_sent: entry.bytes_sent,
            bytes_received: entry.bytes_received,
            have: is_told.then_some(entry.have),
            undelivered: filled.map_or(0, |report| report.undelivered),
            need: entry.need,
            fetched: fetch.map_or(0, |fetch| fetch.fetched + fetch.elsewhere),
            owed: fetch.map_or(entry.need, |fetch| fetch.owed()),
            refused: fetch.map_or(0, |fetch| fetch.refused()),
            fill_bytes_sent: filled.map_or(0, |report| report.sent),
            fill_bytes_received: filled.map_or(0, |report| report.received),
        }
    }
}

fn phase(phase: &Phase) -> (&'static str, Option<String>) {
    match phase {
        Phase::Reconciling => ("reconciling", None),
        Phase::Filling => ("filling", None),
        Phase::Done => ("done", None),
        Phase::Yielded => ("yielded", None),
        Phase::Failed(reason) => ("failed", Some(reason.clone())),
    }
}

impl SessionRounds {
    pub(super) fn of(entry: &Entry) -> Self {
        let (since, until) = entry.axis();
        let begins_round = match entry.session.role {
            Role::Initiator => Direction::Sent,
            Role::Responder => Direction::Received,
        };
        let mut round = 0;
        let frames = entry.rows.iter().map(|row| {
            round += u64::from(row.direction == begins_round);
            DrawnFrame::of(row, round, (since, until))
        });
        Self {
            session: SessionSummary::of(entry),
            since: milliseconds(since),
            until: milliseconds(until),
            frames: frames.collect(),
            frames_beyond: entry.rows_beyond,
        }
    }
}

impl DrawnFrame {
    fn of(row: &Row, round: u64, (since, until): (u64, u64)) -> Self {
        let mut frame = Self {
            round,
            sent: row.direction == Direction::Sent,
            after: row.after.as_secs_f64() * 1e3,
            bytes: row.bytes as u64,
            kind: "end",
            count: None,
            reason: None,
            tally: None,
            ranges: Vec::new(),
        };
        match &row.says {
            Says::Hello { items } => (frame.kind, frame.count) = ("hello", Some(*items)),
            Says::Have { ids } => (frame.kind, frame.count) = ("have", Some(*ids)),
            Says::List => frame.kind = "list",
            Says::Listed { items } => (frame.kind, frame.count) = ("listed", Some(*items)),
            Says::Noted { ids } => (frame.kind, frame.count) = ("noted", Some(*ids)),
            Says::Refusal(reason) => {
                (frame.kind, frame.reason) = ("refusal", Some(reason.clone()));
            }
            Says::Malformed(reason) => {
                (frame.kind, frame.reason) = ("malformed", Some(reason.clone()));
            }
            Says::End => {}
            Says::TooLong => frame.kind = "tooLong",
            Says::Ranges(strip) => {
                frame.kind = "ranges";
                frame.tally = Some(strip.tally);
                let within = strip.within(since, until).into_iter();
                frame.ranges = within
                    .map(|drawn| DrawnRange {
                        until: milliseconds(drawn.until),
                        said: drawn.said,
                        ranges: drawn.ranges,
                        ids: drawn.ids,
                    })
                    .collect();
            }
        }
        frame
    }
}

/// A time in nanoseconds as one in milliseconds.
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}
