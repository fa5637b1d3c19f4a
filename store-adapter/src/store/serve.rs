//! Answers queries from an archive.

mod search;
#[cfg(test)]
mod tests;

use prost::Message;
use sync_core::{Bound, Id, Item, Range};

use self::search::{Found, find};
use super::query::{BadRequest, Selection, StoreQuery};
use super::wire::{StoreQueryResponse, StoredMessage, status};
use crate::archive::{Archive, ArchiveError};
use crate::limits::{MESSAGE_BYTES, StoreLimits, TOPIC_BYTES};
use crate::record::{Key, Record};

/// What stands for a request's id if the request wasn't read, as nwaku has it.
const NO_REQUEST_ID: &str = "N/A";
/// Tags, lengths and hash of a message in a response, and some to spare, in bytes.
const ENTRY_OVERHEAD: usize = 64;

/// Answers a request; both without the stream's length prefix. Whatever the request is, the answer
/// is a response with a status.
///
/// A page is in the order (timestamp, hash), whichever its direction, and bounded by count and by
/// bytes. A cursor is given only if more messages match.
pub async fn serve(archive: &dyn Archive, limits: &StoreLimits, request: &[u8]) -> Vec<u8> {
    answer(archive, limits, request).await.encode_to_vec()
}

/// As [`serve`], for those who want to know what was given.
pub async fn answer(
    archive: &dyn Archive,
    limits: &StoreLimits,
    request: &[u8],
) -> StoreQueryResponse {
    match StoreQuery::parse(request, limits) {
        Ok(query) => respond(archive, limits, query).await,
        Err(bad) => refuse(bad),
    }
}

/// The response to a peer that asks too often, without having read its request.
#[must_use]
pub fn too_many_requests() -> Vec<u8> {
    let response = StoreQueryResponse {
        request_id: NO_REQUEST_ID.into(),
        status_code: status::TOO_MANY_REQUESTS,
        status_desc: "TOO_MANY_REQUESTS".into(),
        ..StoreQueryResponse::default()
    };
    response.encode_to_vec()
}

fn refuse(bad: BadRequest) -> StoreQueryResponse {
    StoreQueryResponse {
        request_id: bad.request_id.unwrap_or_else(|| NO_REQUEST_ID.into()),
        status_code: status::BAD_REQUEST,
        status_desc: format!("BAD_REQUEST: {}", bad.reason),
        ..StoreQueryResponse::default()
    }
}

/// Why a query that was understood has no answer.
enum Failure {
    UnknownCursor,
    /// All rows that are looked at for one request were, and none of them matches; the hash of the
    /// last one.
    TooMuchWork(Option<Id>),
    Archive(ArchiveError),
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

async fn respond(
    archive: &dyn Archive,
    limits: &StoreLimits,
    query: StoreQuery,
) -> StoreQueryResponse {
    let failed = |status_code, status_desc| StoreQueryResponse {
        request_id: query.request_id.clone(),
        status_code,
        status_desc,
        ..StoreQueryResponse::default()
    };
    let driver_error = |what: &str| {
        let description = format!("BAD_RESPONSE: archive error: DRIVER_ERROR: {what}");
        failed(status::BAD_RESPONSE, description)
    };
    match page(archive, limits, &query).await {
        Ok(page) => StoreQueryResponse {
            request_id: query.request_id,
            status_code: status::OK,
            status_desc: "OK".into(),
            messages: page.messages,
            pagination_cursor: page.cursor.map(bytes_of),
        },
        Err(Failure::UnknownCursor) => driver_error("cursor not found"),
        Err(Failure::TooMuchWork(last)) => StoreQueryResponse {
            pagination_cursor: last.map(bytes_of),
            ..failed(
                status::SERVICE_UNAVAILABLE,
                format!(
                    "SERVICE_UNAVAILABLE: none of {} messages matches, and that is as many as are \
                     looked at for one request; ask for a shorter time, or go on behind the cursor",
                    limits.query_rows
                ),
            )
        },
        Err(Failure::Archive(error)) => {
            // Its words name paths of this machine.
            tracing::error!(%error, "a store query failed");
            driver_error("the archive can't be read")
        }
    }
}

fn bytes_of(hash: Id) -> Vec<u8> {
    hash.0.to_vec()
}

#[derive(Default)]
struct Page {
    messages: Vec<StoredMessage>,
    cursor: Option<Id>,
}

async fn page(
    archive: &dyn Archive,
    limits: &StoreLimits,
    query: &StoreQuery,
) -> Result<Page, Failure> {
    let mut behind = match query.cursor {
        None => Range::ALL,
        Some(hash) => match &archive.locate(&[hash]).await?[..] {
            [key] => range_behind(&key.item, query.forward),
            // Only its timestamp would tell where to go on, and a hash doesn't: also for one that
            // was removed meanwhile.
            _ => return Err(Failure::UnknownCursor),
        },
    };
    let page_bytes = limits.page_bytes.saturating_sub(query.request_id.len());
    if let Some(page) = few_by_hash(archive, query, &behind, page_bytes).await? {
        return Ok(page);
    }
    let mut rows = limits.query_rows;
    loop {
        let Found { mut keys, on_from } = find(archive, query, &behind, &mut rows).await?;
        let fitting = fitting(&keys, query.limit, page_bytes, query.include_data);
        let more = fitting < keys.len();
        keys.truncate(fitting);
        let Some(last) = keys.last().map(|key| key.item) else {
            return match on_from {
                None => Ok(Page::default()),
                Some(last) => Err(Failure::TooMuchWork(last)),
            };
        };
        let cursor = if more {
            Some(last.id)
        } else {
            on_from.map(|walked| walked.unwrap_or(last.id))
        };
        if !query.forward {
            keys.reverse();
        }
        let messages = stored(archive, keys, query.include_data).await?;
        if messages.is_empty() && cursor.is_some() {
            // Removed since they were found. Clients take an empty page for the last one.
            behind = range_behind(&last, query.forward);
            continue;
        }
        return Ok(Page { messages, cursor });
    }
}

/// The page for so few hashes with data that all of them fit, by one operation of the archive; `None`
/// for another query.
async fn few_by_hash(
    archive: &dyn Archive,
    query: &StoreQuery,
    behind: &Range,
    page_bytes: usize,
) -> Result<Option<Page>, ArchiveError> {
    let Selection::Hashes {
        hashes,
        pubsub_topics,
    } = &query.selection
    else {
        return Ok(None);
    };
    let most = page_bytes / (MESSAGE_BYTES + TOPIC_BYTES + ENTRY_OVERHEAD);
    if !query.include_data || hashes.len() > most.min(query.limit) {
        return Ok(None);
    }
    let mut records = archive.lookup(hashes).await?;
    records.retain(|record| {
        pubsub_topics.allows(record.pubsub_topic()) && behind.contains(&record.item())
    });
    let takes =
        |record: &Record| ENTRY_OVERHEAD + record.encoded_len() + record.pubsub_topic().len();
    // An archive may hold longer messages, which another limit has let in.
    let fits = records.len() < 2 || records.iter().map(takes).sum::<usize>() <= page_bytes;
    Ok(fits.then(|| Page {
        messages: records.into_iter().map(with_data).collect(),
        cursor: None,
    }))
}

fn range_behind(cursor: &Item, forward: bool) -> Range {
    if forward {
        Range::new(Bound::after(cursor), Bound::Infinity)
    } else {
        Range::new(Bound::MIN, Bound::Before(*cursor))
    }
}

/// How many of the keys fit a page: at least one, if there is one.
fn fitting(keys: &[Key], limit: usize, page_bytes: usize, include_data: bool) -> usize {
    let mut bytes = 0;
    let fits = |key: &&Key| {
        let data = key.message_bytes + key.pubsub_topic.len();
        bytes += ENTRY_OVERHEAD + if include_data { data } else { 0 };
        bytes <= page_bytes
    };
    let fitting = keys.iter().take(limit).take_while(fits).count();
    fitting.max(usize::from(!keys.is_empty()))
}

async fn stored(
    archive: &dyn Archive,
    keys: Vec<Key>,
    include_data: bool,
) -> Result<Vec<StoredMessage>, ArchiveError> {
    if !include_data {
        let bare = |key: Key| StoredMessage {
            message_hash: Some(bytes_of(key.item.id)),
            ..StoredMessage::default()
        };
        return Ok(keys.into_iter().map(bare).collect());
    }
    let records = archive.read(&keys).await?;
    Ok(records.into_iter().map(with_data).collect())
}

fn with_data(record: Record) -> StoredMessage {
    let hash = record.hash();
    let (pubsub_topic, message) = record.into_parts();
    StoredMessage {
        message_hash: Some(bytes_of(hash)),
        message: Some(message),
        pubsub_topic: Some(pubsub_topic.to_string()),
    }
}
