//! The search for the messages of a page: keys only, a bounded number of rows, and no transaction of
//! the archive that outlives one of its pages.

use sync_core::{Id, Range, TopicFilter};

use crate::archive::{Archive, ArchiveError, Scan};
use crate::limits::ARCHIVE_SCAN_ROWS;
use crate::record::Key;
use crate::store::query::{Selection, StoreQuery};

/// Keys that match, in the direction of the pages.
pub(super) struct Found {
    pub(super) keys: Vec<Key>,
    /// Where to go on, if the search ended before it was through: behind this hash, if there is one.
    pub(super) on_from: Option<Option<Id>>,
}

/// The matches `behind` the cursor: one more than the page takes, to see whether there is more.
pub(super) async fn find(
    archive: &dyn Archive,
    query: &StoreQuery,
    behind: &Range,
    rows: &mut usize,
) -> Result<Found, ArchiveError> {
    match &query.selection {
        Selection::Hashes {
            hashes,
            pubsub_topics,
        } => Ok(Found {
            keys: located(archive, hashes, pubsub_topics, behind, query.forward).await?,
            on_from: None,
        }),
        Selection::Content {
            range,
            pubsub_topics,
            content_topics,
        } => {
            let scan = Scan {
                pubsub_topics: pubsub_topics.clone(),
                content_topics: content_topics.clone(),
                backward: !query.forward,
                limit: query.limit + 1,
                ..Scan::of_range(range.intersect(behind))
            };
            scanned(archive, scan, rows).await
        }
    }
}

/// The keys of hashes, in the direction of the pages.
async fn located(
    archive: &dyn Archive,
    hashes: &[Id],
    pubsub_topics: &TopicFilter,
    range: &Range,
    forward: bool,
) -> Result<Vec<Key>, ArchiveError> {
    let mut keys = archive.locate(hashes).await?;
    keys.retain(|key| pubsub_topics.allows(&key.pubsub_topic) && range.contains(&key.item));
    if !forward {
        keys.reverse();
    }
    Ok(keys)
}

/// The first `scan.limit` matches, as far as `rows` allow.
async fn scanned(
    archive: &dyn Archive,
    mut scan: Scan,
    rows: &mut usize,
) -> Result<Found, ArchiveError> {
    let (most, whole) = (scan.limit, scan.range);
    let mut keys = Vec::new();
    loop {
        let page = archive.scan(&scan).await?;
        keys.extend(page.keys);
        *rows = rows.saturating_sub(ARCHIVE_SCAN_ROWS);
        let on_from = match page.rest {
            Some(rest) if keys.len() < most && *rows > 0 => {
                scan.limit = most - keys.len();
                scan = scan.on(rest);
                continue;
            }
            Some(rest) if keys.len() < most => {
                Some(last_before(archive, whole, rest, scan.backward).await?)
            }
            _ => None,
        };
        return Ok(Found { keys, on_from });
    }
}

/// The hash of the last row that a walk of `whole` has come by, if `rest` is left to it.
async fn last_before(
    archive: &dyn Archive,
    whole: Range,
    rest: Range,
    backward: bool,
) -> Result<Option<Id>, ArchiveError> {
    let walked = if backward {
        Range::new(rest.upper, whole.upper)
    } else {
        Range::new(whole.lower, rest.lower)
    };
    let nearest = Scan {
        backward: !backward,
        limit: 1,
        ..Scan::of_range(walked)
    };
    let page = archive.scan(&nearest).await?;
    Ok(page.keys.first().map(|key| key.item.id))
}
