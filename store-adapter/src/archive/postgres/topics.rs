//! The numbers of topics.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool_postgres::Object;
use sync_core::TopicFilter;
use tokio_postgres::Row;

use super::fault::Fault;
use crate::limits::ARCHIVE_TOPICS_CACHED;

/// Topics that were read before. A number never changes its name, nor a name its number.
#[derive(Debug, Default)]
pub(super) struct Topics {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    names: HashMap<i32, Arc<str>>,
    numbers: HashMap<Arc<str>, i32>,
}

impl Topics {
    /// The numbers of these topics; those that have none get one, which stays whatever becomes of the
    /// transaction that wants it.
    pub(super) async fn numbers(
        &self,
        client: &Object,
        topics: BTreeSet<&str>,
    ) -> Result<HashMap<Arc<str>, i32>, Fault> {
        let mut found = self.find(client, &topics).await?;
        // In order, so that two nodes don't wait for each other.
        let missing: Vec<&[u8]> = topics
            .iter()
            .filter(|topic| !found.contains_key(**topic))
            .map(|topic| topic.as_bytes())
            .collect();
        if !missing.is_empty() {
            let insert = client
                .prepare_cached(
                    "INSERT INTO topics (name) SELECT unnest($1::bytea[]) ON CONFLICT DO NOTHING",
                )
                .await?;
            client.execute(&insert, &[&missing]).await?;
            found = self.find(client, &topics).await?;
        }
        if found.len() < topics.len() {
            return Err(Fault::Again("a topic got no number".into()));
        }
        Ok(found)
    }

    /// The numbers of the topics that a filter lets through; `None` for all.
    pub(super) async fn numbers_of(
        &self,
        client: &Object,
        filter: &TopicFilter,
    ) -> Result<Option<Vec<i32>>, Fault> {
        let TopicFilter::Only(topics) = filter else {
            return Ok(None);
        };
        let topics = topics.iter().map(String::as_str).collect();
        let found = self.find(client, &topics).await?;
        Ok(Some(found.into_values().collect()))
    }

    /// The names of these numbers.
    pub(super) async fn names(
        &self,
        client: &Object,
        numbers: BTreeSet<i32>,
    ) -> Result<HashMap<i32, Arc<str>>, Fault> {
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
                    None => missing.push(topic.as_bytes()),
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
        let name: Arc<str> = std::str::from_utf8(name)
            .map_err(|_| Fault::Damaged(format!("the topic of number {number} isn't UTF-8")))?
            .into();
        let mut known = self.known();
        if known.names.len() >= ARCHIVE_TOPICS_CACHED {
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
