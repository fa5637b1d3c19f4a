//! What is new to another node, by the transactions that did it.
//!
//! Numbers of transactions are given out in order, but transactions don't end in that order, so the
//! greatest number seen says little. A position is therefore a snapshot of the server's: it tells of
//! every transaction whether its changes could be seen then. New is what can be seen now and couldn't
//! then. One poll may be read in pages, all about the same pair of snapshots, in the order of numbers.
//!
//! After a crash of the server the numbers of transactions that left no trace are given out again, and
//! after a long pause removals are forgotten. A position from before is answered with the span of all
//! positions as removed: whoever reads compares everything.

use deadpool_postgres::Object;
use sync_core::Range;

use super::Shared;
use super::fault::Fault;
use super::names::Names;
use super::place::Place;
use super::read::{KEY, NAMES, NAMES_COLUMN, key_in};
use crate::archive::changes::{ChangePosition, Changes};
use crate::limits::{ARCHIVE_CHANGES, REMOVALS_KEPT_SECONDS};
use crate::record::Key;

/// What tells one life of the server from the next; made if there is none.
const INCARNATION: &str = "SELECT id::text FROM incarnation LIMIT 1";

/// What both lists of changes have in common: visible in $2, not visible in $1, behind $3.
const NEW: &str = "xid >= pg_snapshot_xmin($1::text::pg_snapshot) AND xid > $3::text::xid8
     AND xid < pg_snapshot_xmax($2::text::pg_snapshot)
     AND pg_visible_in_snapshot(xid, $2::text::pg_snapshot)
     AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)";

/// The columns behind a key and its names of the last transaction that is read, and of how many rows were
/// found.
const LAST_COLUMN: usize = NAMES_COLUMN + 2;
const FOUND_COLUMN: usize = NAMES_COLUMN + 3;

/// A position in its parts.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Position {
    incarnation: String,
    /// When it was taken, in seconds since 1970 by the server's clock.
    taken: i64,
    /// Everything visible in this snapshot has been read.
    seen: String,
    /// The snapshot up to which changes are being read, and the last transaction that was read.
    upto: Option<(String, String)>,
}

impl Position {
    fn encode(&self) -> ChangePosition {
        let (goal, last) = self.upto.clone().unwrap_or_default();
        let Self {
            incarnation,
            taken,
            seen,
            upto: _,
        } = self;
        ChangePosition(format!("{incarnation} {taken} {seen} {goal} {last}"))
    }

    fn decode(position: &ChangePosition) -> Option<Self> {
        let mut parts = position.0.split(' ');
        let mut next = || parts.next().map(str::to_owned);
        let (incarnation, taken, seen) = (next()?, next()?.parse().ok()?, next()?);
        let (goal, last) = (next()?, next()?);
        Some(Self {
            incarnation,
            taken,
            seen,
            upto: (!goal.is_empty()).then_some((goal, last)),
        })
    }
}

/// The changes behind `after`, or none and the position of now.
pub(super) async fn read(
    shared: &Shared,
    after: Option<&ChangePosition>,
) -> Result<Changes, Fault> {
    let client = shared.connections.get().await?;
    let now = now(&client).await?;
    let Some(after) = after.and_then(Position::decode) else {
        return Ok(compare(&now, after.is_some()));
    };
    let kept = i64::from(REMOVALS_KEPT_SECONDS) / 2;
    if after.incarnation != now.incarnation || now.taken - after.taken > kept {
        return Ok(compare(&now, true));
    }
    let (goal, last) = match &after.upto {
        Some((goal, last)) => (goal.clone(), last.clone()),
        None => (now.seen.clone(), "0".into()),
    };
    let page = Page {
        seen: &after.seen,
        goal: &goal,
        last: &last,
    };
    let (inserted, end) = page.inserted(shared, &client).await?;
    // The spans are few, and are told with the first page of a poll.
    let removed = match after.upto {
        Some(_) => Vec::new(),
        None => page.removed(&client).await?,
    };
    let position = match &end {
        Some(end) => Position {
            upto: Some((goal, end.clone())),
            ..after
        },
        None => Position {
            seen: goal,
            upto: None,
            taken: match after.upto {
                Some(_) => after.taken,
                None => now.taken,
            },
            ..after
        },
    };
    Ok(Changes {
        inserted,
        removed,
        position: position.encode(),
        more: end.is_some(),
    })
}

/// The position of now; if `lost`, everything may have changed.
fn compare(now: &Position, lost: bool) -> Changes {
    Changes {
        inserted: Vec::new(),
        removed: lost.then_some(Range::ALL).into_iter().collect(),
        position: now.encode(),
        more: false,
    }
}

async fn now(client: &Object) -> Result<Position, Fault> {
    let select = client.prepare_cached(INCARNATION).await?;
    let incarnation = match client.query_opt(&select, &[]).await? {
        Some(row) => row.try_get(0)?,
        None => {
            // The lock has two nodes that come at once agree. Both statements are one transaction, since
            // they are sent as one; with a BEGIN a failure would leave it open on a pooled connection.
            client
                .batch_execute(
                    "LOCK TABLE incarnation IN EXCLUSIVE MODE;
                     INSERT INTO incarnation SELECT gen_random_uuid()
                         WHERE NOT EXISTS (SELECT FROM incarnation)",
                )
                .await?;
            client.query_one(&select, &[]).await?.try_get(0)?
        }
    };
    let select = client
        .prepare_cached(
            "SELECT pg_current_snapshot()::text, floor(extract(epoch FROM now()))::bigint",
        )
        .await?;
    let row = client.query_one(&select, &[]).await?;
    Ok(Position {
        incarnation,
        taken: row.try_get(1)?,
        seen: row.try_get(0)?,
        upto: None,
    })
}

/// Which changes to read.
struct Page<'a> {
    seen: &'a str,
    goal: &'a str,
    last: &'a str,
}

impl Page<'_> {
    /// The messages stored by the next transactions, whole ones, and the last of these if there may be
    /// more.
    async fn inserted(
        &self,
        shared: &Shared,
        client: &Object,
    ) -> Result<(Vec<Key>, Option<String>), Fault> {
        let sql = format!(
            "WITH next AS (
                 SELECT xid AS last, count(*) OVER () AS found FROM (
                     SELECT xid FROM messages WHERE {NEW} ORDER BY xid LIMIT {ARCHIVE_CHANGES}
                 ) AS numbers
                 ORDER BY xid DESC LIMIT 1
             )
             SELECT {KEY}{NAMES}, next.last::text, next.found
             FROM next, messages WHERE {NEW} AND xid <= next.last"
        );
        let select = client.prepare_cached(&sql).await?;
        let rows = client
            .query(&select, &[&self.seen, &self.goal, &self.last])
            .await?;
        let names = Names::of_rows(shared, client, &rows, NAMES_COLUMN).await?;
        let mut inserted = Vec::with_capacity(rows.len());
        for row in &rows {
            inserted.push(key_in(row, &names)?);
        }
        shared.times.learn(inserted.iter().map(|key| key.item));
        let end = match rows.first() {
            Some(row) if row.try_get::<_, i64>(FOUND_COLUMN)? >= ARCHIVE_CHANGES as i64 => {
                Some(row.try_get(LAST_COLUMN)?)
            }
            _ => None,
        };
        Ok((inserted, end))
    }

    async fn removed(&self, client: &Object) -> Result<Vec<Range>, Fault> {
        let sql = format!(
            "SELECT lower_timestamp, lower_hash, upper_timestamp, upper_hash
             FROM removals WHERE {NEW}"
        );
        let select = client.prepare_cached(&sql).await?;
        let rows = client
            .query(&select, &[&self.seen, &self.goal, &self.last])
            .await?;
        let mut spans = Vec::with_capacity(rows.len());
        for row in &rows {
            let (lower, upper) = (Place::read(row, 0)?, Place::read(row, 2)?);
            spans.push(Range::new(lower.bound(), upper.bound()));
        }
        Ok(spans)
    }
}

/// Forgets removals that every node that lives has heard of.
pub(super) async fn forget_old_removals(client: &Object) -> Result<(), Fault> {
    client
        .execute(
            "DELETE FROM removals WHERE removed_at < now() - make_interval(secs => $1)",
            &[&f64::from(REMOVALS_KEPT_SECONDS)],
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back_as_they_were() {
        let whole = Position {
            incarnation: "a-b".into(),
            taken: 7,
            seen: "10:12:10,11".into(),
            upto: None,
        };
        let half_way = Position {
            upto: Some(("10:20:".into(), "15".into())),
            ..whole.clone()
        };
        for position in [whole, half_way] {
            assert_eq!(Position::decode(&position.encode()), Some(position));
        }
        assert_eq!(Position::decode(&ChangePosition("?".into())), None);
    }
}
