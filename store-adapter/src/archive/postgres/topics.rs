//! Topics as rows have them: by number, or by name.
//!
//! Names come again and again, so the first ones get numbers, which stay what they are. These are so
//! few and so short that they take little of any cap. Whatever comes later is written in its row and
//! goes with it: so a peer that has a new topic for each message fills nothing that stays. Such a row
//! has a negative number, made of the name's digest, by which filters find it; that others may have
//! the same is seen when the names are read.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool_postgres::Object;
use sha2::{Digest, Sha256};
use sync_core::TopicFilter;
use tokio_postgres::Row;

use super::fault::Fault;
use crate::limits::{TOPICS_NUMBERED, TOPICS_NUMBERED_BYTES};

/// How many numbers were given out. Never less than before, whatever becomes of the transactions.
const GIVEN_OUT: &str = "SELECT coalesce(
     pg_sequence_last_value(pg_get_serial_sequence('topics', 'number')::regclass), 0)";

/// Topics that were read before. A number never changes its name, nor a name its number.
#[derive(Debug, Default)]
pub(super) struct Topics {
    known: Mutex<Known>,
    /// Whether every number was given out.
    full: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    names: HashMap<i32, Arc<str>>,
    numbers: HashMap<Arc<str>, i32>,
}

/// The number of a topic that has none of its own.
pub(super) fn digest_of(topic: &str) -> i32 {
    let digest: [u8; 32] = Sha256::digest(topic.as_bytes()).into();
    let [a, b, c, d, ..] = digest;
    i32::from_be_bytes([a, b, c, d]) | i32::MIN
}

/// Whether a topic may get a number.
const fn is_short(topic: &str) -> bool {
    topic.len() <= TOPICS_NUMBERED_BYTES
}

impl Topics {
    /// The numbers of those of these topics that have some. They get some while there are any left,
    /// which stay whatever becomes of the transaction that wants them.
    pub(super) async fn numbers(
        &self,
        client: &mut Object,
        topics: BTreeSet<&str>,
    ) -> Result<HashMap<Arc<str>, i32>, Fault> {
        let found = self.find(client, &topics).await?;
        let missing: Vec<&[u8]> = topics
            .iter()
            .filter(|topic| is_short(topic) && !found.contains_key(**topic))
            .map(|topic| topic.as_bytes())
            .collect();
        if missing.is_empty() || self.is_full(client).await? {
            return Ok(found);
        }
        give_numbers(client, &missing).await?;
        self.find(client, &topics).await
    }

    /// The numbers that rows with these topics may have; `None` for all. None at all if no row has one
    /// of them.
    pub(super) async fn numbers_of(
        &self,
        client: &Object,
        filter: &TopicFilter,
    ) -> Result<Option<Vec<i32>>, Fault> {
        let TopicFilter::Only(topics) = filter else {
            return Ok(None);
        };
        // Before the numbers are looked for: what gets one after that was never written in a row.
        let full = self.is_full(client).await?;
        let topics: BTreeSet<&str> = topics.iter().map(String::as_str).collect();
        let found = self.find(client, &topics).await?;
        let written = topics.iter().filter(|topic| full || !is_short(topic));
        let written = written.map(|topic| digest_of(topic));
        Ok(Some(found.values().copied().chain(written).collect()))
    }

    /// The names of these numbers, of those among them that are given out.
    pub(super) async fn names(
        &self,
        client: &Object,
        mut numbers: BTreeSet<i32>,
    ) -> Result<HashMap<i32, Arc<str>>, Fault> {
        numbers.retain(|number| *number >= 0);
        let mut found: HashMap<i32, Arc<str>> = {
            let known = self.known();
            let names = numbers.iter().filter_map(|number| {
                let name = known.names.get(number)?;
                Some((*number, Arc::clone(name)))
            });
            names.collect()
        };
        let missing: Vec<i32> = numbers
            .into_iter()
            .filter(|number| !found.contains_key(number))
            .collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let select = client
            .prepare_cached("SELECT number, name FROM topics WHERE number = ANY($1)")
            .await?;
        for row in client.query(&select, &[&missing]).await? {
            let (number, name) = self.learn(&row)?;
            found.insert(number, name);
        }
        match missing.iter().find(|number| !found.contains_key(number)) {
            Some(number) => Err(Fault::Damaged(format!(
                "the topic of number {number} is missing"
            ))),
            None => Ok(found),
        }
    }

    /// Whether every number was given out, by whichever node. It stays so.
    async fn is_full(&self, client: &Object) -> Result<bool, Fault> {
        if self.full.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let select = client.prepare_cached(GIVEN_OUT).await?;
        let given_out: i64 = client.query_one(&select, &[]).await?.try_get(0)?;
        let full = given_out >= i64::from(TOPICS_NUMBERED);
        self.full.store(full, Ordering::Relaxed);
        Ok(full)
    }

    async fn find(
        &self,
        client: &Object,
        topics: &BTreeSet<&str>,
    ) -> Result<HashMap<Arc<str>, i32>, Fault> {
        let (mut found, mut missing) = (HashMap::new(), Vec::new());
        {
            let known = self.known();
            for topic in topics {
                match known.numbers.get_key_value(*topic) {
                    Some((name, number)) => drop(found.insert(Arc::clone(name), *number)),
                    None if is_short(topic) => missing.push(topic.as_bytes()),
                    None => {}
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let select = client
            .prepare_cached("SELECT number, name FROM topics WHERE name = ANY($1)")
            .await?;
        for row in client.query(&select, &[&missing]).await? {
            let (number, name) = self.learn(&row)?;
            found.insert(name, number);
        }
        Ok(found)
    }

    fn learn(&self, row: &Row) -> Result<(i32, Arc<str>), Fault> {
        let (number, name): (i32, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        let name = name_in(name)?;
        let mut known = self.known();
        // There are no more numbers than that, unless somebody else has written into the table.
        if known.names.len() > TOPICS_NUMBERED as usize {
            *known = Known::default();
        }
        known.names.insert(number, Arc::clone(&name));
        known.numbers.insert(Arc::clone(&name), number);
        Ok((number, name))
    }

    // What is known is right at every step, so poison is no news.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives numbers to the first of these topics, as many as there are left. One node does it at a time,
/// so that there are never more.
async fn give_numbers(client: &mut Object, topics: &[&[u8]]) -> Result<(), Fault> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute("LOCK TABLE topics IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    let insert = format!(
        "INSERT INTO topics (name)
         SELECT name FROM unnest($1::bytea[]) AS wanted (name)
         WHERE NOT EXISTS (SELECT FROM topics WHERE topics.name = wanted.name)
         LIMIT greatest({TOPICS_NUMBERED} - ({GIVEN_OUT}), 0)"
    );
    transaction.execute(&insert, &[&topics]).await?;
    transaction.commit().await?;
    Ok(())
}

/// A topic's name as a column has it.
pub(super) fn name_in(name: &[u8]) -> Result<Arc<str>, Fault> {
    std::str::from_utf8(name)
        .map(Arc::from)
        .map_err(|_| Fault::Damaged(format!("the topic 0x{} isn't UTF-8", hex::encode(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_without_a_number_has_the_one_that_the_migration_gives_it() {
        // SELECT ('x' || encode(substr(sha256('/a'), 1, 4), 'hex'))::bit(32)::int | -2147483648
        assert_eq!(
            digest_of("/a"),
            i32::from_be_bytes([0xea, 0x50, 0xdc, 0x85])
        );
        for topic in ["", "/a", "/waku/2/rs/16/32", "топик"] {
            assert!(digest_of(topic) < 0, "{topic}");
        }
        assert_ne!(digest_of("/a"), digest_of("/b"));
    }
}
