//! What can go wrong with a database, sorted by what is to be done about it.

use std::error::Error as _;
use std::fmt::Write as _;

use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::PostgresUrl;
use crate::archive::ArchiveError;

/// A failed operation.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection is gone, or can't be made now: another may do.
    Lost(String),
    /// Another node was in the way: nothing was done, and the same may succeed now.
    Again(String),
    /// Somebody reads for long what is to be removed; so many messages were removed beside it.
    Held(usize),
    /// The retention floor lies above a message that is to be stored.
    BelowFloor,
    /// The archive would exceed its cap.
    NoRoom {
        /// The cap, in bytes.
        cap: u64,
        /// What the archive takes, in bytes.
        disk_bytes: u64,
    },
    /// The server refuses, and will again.
    Failed(String),
    /// The database isn't one of ours.
    Refused(String),
    /// There is no archive.
    NotFound,
    /// What the database holds contradicts itself.
    Damaged(String),
}

impl Fault {
    /// Whether to try again on another connection.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Again(_))
    }

    pub(super) fn into_error(self, url: &PostgresUrl) -> ArchiveError {
        let url = url.to_string();
        match self {
            Self::Lost(reason) | Self::Again(reason) | Self::Failed(reason) => {
                ArchiveError::Database { url, reason }
            }
            Self::Held(removed) => ArchiveError::Held { url, removed },
            Self::NoRoom { cap, disk_bytes } => ArchiveError::NoRoom { cap, disk_bytes },
            Self::BelowFloor => ArchiveError::BelowFloor { url },
            Self::Refused(reason) => ArchiveError::DatabaseRefused { url, reason },
            Self::NotFound => ArchiveError::NotInDatabase { url },
            Self::Damaged(reason) => ArchiveError::Database {
                url,
                reason: format!("it is damaged: {reason}; restore it from a copy"),
            },
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let Some(answer) = error.as_db_error() else {
            let reason = with_causes(&error);
            // Neither arguments, results nor certificates that don't fit come right by trying again.
            return match error.is_closed() || has_io_cause(&error) {
                true => Self::Lost(reason),
                false => Self::Failed(reason),
            };
        };
        let reason = told(answer);
        if is_lost(answer.code()) {
            Self::Lost(reason)
        } else if is_conflict(answer.code()) {
            Self::Again(reason)
        } else {
            Self::Failed(reason)
        }
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) if error.as_db_error().is_none() => {
                Self::Lost(with_causes(&error))
            }
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => Self::Lost(
                "no connection came free in time; raise the limit of connections, or look what \
                 keeps the server busy"
                    .into(),
            ),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Whether a lock was waited for in vain.
pub(super) fn is_held(error: &Error) -> bool {
    error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
}

fn is_lost(code: &SqlState) -> bool {
    *code == SqlState::ADMIN_SHUTDOWN
        || *code == SqlState::CRASH_SHUTDOWN
        || *code == SqlState::CANNOT_CONNECT_NOW
        || *code == SqlState::TOO_MANY_CONNECTIONS
        || code.code().starts_with("08")
}

/// What another node may cause, and what doesn't last. A table that is gone is a partition that was
/// divided meanwhile.
fn is_conflict(code: &SqlState) -> bool {
    *code == SqlState::T_R_SERIALIZATION_FAILURE
        || *code == SqlState::T_R_DEADLOCK_DETECTED
        || *code == SqlState::LOCK_NOT_AVAILABLE
        || *code == SqlState::UNDEFINED_TABLE
}

fn told(answer: &DbError) -> String {
    let mut text = answer.message().to_owned();
    if let Some(detail) = answer.detail() {
        // Only a fault of writing could come of this, and there is none.
        let _ = write!(text, " ({detail})");
    }
    if let Some(hint) = answer.hint() {
        let _ = write!(text, "; {hint}");
    }
    if *answer.code() == SqlState::READ_ONLY_SQL_TRANSACTION {
        text += "; the server is a standby or was made read-only: name the primary, or make it writable";
    }
    let _ = write!(text, " [{}]", answer.code().code());
    text
}

fn has_io_cause(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            let inner = error.get_ref();
            return !inner.is_some_and(|inner| inner.is::<rustls::Error>());
        }
        cause = error.source();
    }
    false
}

/// An error with its causes. None of them shows a password.
pub(super) fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}
