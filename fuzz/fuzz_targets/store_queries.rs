//! Store v3 requests against an archive in memory: the pages that they give, to the end and both ways,
//! are what a filter over a plain list gives.
#![no_main]

use arbitrary::Arbitrary;
use fuzz::records::{Message, Time, content_topic, pubsub_topic};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use store_adapter::archive::{Archive, MemoryArchive};
use store_adapter::limits::StoreLimits;
use store_adapter::store::{StoreQueryRequest, StoreQueryResponse, serve, status};
use store_adapter::{Record, WakuMessage};
use sync_core::Id;

/// Most messages in the archive.
const MESSAGES: usize = 200;

/// What an entry of a page takes besides message and topic, at most, in bytes.
const ENTRY_OVERHEAD: usize = 64;

/// What a response takes besides its entries, at most, in bytes: id, status, cursor.
const RESPONSE_OVERHEAD: usize = 100;

#[derive(Arbitrary, Debug)]
struct Input {
    messages: Vec<Message>,
    page_default: u8,
    page_max: u8,
    page_bytes: u16,
    query: Query,
    /// Whether the next page is asked for by the last hash of this one, until a page is empty, as
    /// js-waku does, and not by the cursor.
    by_last_hash: bool,
    /// A request as bytes, answered whatever it is.
    raw: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
struct Query {
    request_id: bool,
    include_data: bool,
    pubsub_topic: Option<u8>,
    no_topic_named: bool,
    content_topics: Vec<u8>,
    start: Option<Edge>,
    end: Option<Edge>,
    hashes: Vec<Hash>,
    cursor: Option<Hash>,
    forward: bool,
    limit: Option<u8>,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Edge {
    /// The time of a message.
    Message(u8),
    Time(Time),
    Negative(i64),
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Hash {
    Message(u8),
    Unknown(u8),
    OfLength(u8),
}

impl Edge {
    fn time(self, records: &[Record]) -> i64 {
        match self {
            Self::Message(index) => {
                let record = records.get(usize::from(index));
                record.map_or(0, |record| record.message().timestamp())
            }
            Self::Time(time) => time.nanoseconds(),
            Self::Negative(time) => time | i64::MIN,
        }
    }
}

impl Hash {
    fn bytes(self, records: &[Record]) -> Vec<u8> {
        match self {
            Self::Message(index) if !records.is_empty() => records
                [usize::from(index) % records.len()]
            .hash()
            .0
            .to_vec(),
            Self::Message(fill) | Self::Unknown(fill) => vec![fill; 32],
            Self::OfLength(bytes) => vec![7; usize::from(bytes) % 40],
        }
    }
}

impl Query {
    fn request(&self, records: &[Record]) -> StoreQueryRequest {
        let named = self.pubsub_topic.map(pubsub_topic);
        StoreQueryRequest {
            request_id: if self.request_id {
                "request".into()
            } else {
                String::new()
            },
            include_data: self.include_data,
            pubsub_topic: if self.no_topic_named {
                Some(String::new())
            } else {
                named
            },
            content_topics: self
                .content_topics
                .iter()
                .map(|n| content_topic(*n))
                .collect(),
            time_start: self.start.map(|edge| edge.time(records)),
            time_end: self.end.map(|edge| edge.time(records)),
            message_hashes: self.hashes.iter().map(|hash| hash.bytes(records)).collect(),
            pagination_cursor: self.cursor.map(|hash| hash.bytes(records)),
            pagination_forward: self.forward,
            pagination_limit: self.limit.map(u64::from),
        }
    }
}

/// What the answer has to be.
enum Expected {
    Refused(u32),
    /// All matches behind the cursor, in the direction of the pages.
    Matches(Vec<Record>),
}

/// Filters a list, by what the specification of Store v3 and deployed nodes say.
fn expected(request: &StoreQueryRequest, records: &[Record]) -> Expected {
    let is_hash = |bytes: &Vec<u8>| bytes.len() == 32;
    let by_hash = !request.message_hashes.is_empty();
    let by_content = !request.content_topics.is_empty()
        || request.time_start.is_some()
        || request.time_end.is_some();
    if request.request_id.is_empty()
        || (by_hash && by_content)
        || !request.message_hashes.iter().all(is_hash)
        || !request.pagination_cursor.iter().all(is_hash)
    {
        return Expected::Refused(status::BAD_REQUEST);
    }
    let matches = |record: &&Record| {
        let message: &WakuMessage = record.message();
        let topic = request.pubsub_topic.as_deref().unwrap_or_default();
        let hash = record.hash().0.to_vec();
        (topic.is_empty() || topic == &**record.pubsub_topic())
            && (request.content_topics.is_empty()
                || request.content_topics.contains(&message.content_topic))
            && request
                .time_start
                .is_none_or(|start| start <= message.timestamp())
            && request
                .time_end
                .is_none_or(|end| message.timestamp() <= end)
            && (!by_hash || request.message_hashes.contains(&hash))
    };
    let mut behind: Vec<&Record> = records.iter().collect();
    behind.sort_by_key(|record| (record.message().timestamp(), record.hash()));
    if !request.pagination_forward {
        behind.reverse();
    }
    if let Some(cursor) = &request.pagination_cursor {
        match behind
            .iter()
            .position(|record| record.hash().0[..] == cursor[..])
        {
            Some(place) => drop(behind.drain(..=place)),
            None => return Expected::Refused(status::BAD_RESPONSE),
        }
    }
    Expected::Matches(behind.into_iter().filter(matches).cloned().collect())
}

async fn ask(archive: &MemoryArchive, limits: &StoreLimits, request: &[u8]) -> StoreQueryResponse {
    let response = serve(archive, limits, request).await;
    StoreQueryResponse::decode(&response[..]).expect("whatever the request, a response")
}

/// Checks one page against the matches that are left; gives how many of them it has.
fn check_page(
    request: &StoreQueryRequest,
    limits: &StoreLimits,
    page: &StoreQueryResponse,
    left: &[Record],
) -> usize {
    let count = page.messages.len();
    let limit = match request.pagination_limit {
        None | Some(0) => limits.page_default,
        Some(limit) => limit as usize,
    };
    let limit = limit.clamp(1, limits.page_max.max(1));
    assert!(count <= limit.min(left.len()));
    assert!(count > 0 || left.is_empty());
    let size = |record: &Record| {
        let data = record.encoded_len() + record.pubsub_topic().len();
        ENTRY_OVERHEAD + if request.include_data { data } else { 0 }
    };
    if count < limit.min(left.len()) {
        let one_more: usize = left[..=count].iter().map(size).sum();
        // The request's id comes back, and takes its room of the page.
        assert!(
            one_more + request.request_id.len() > limits.page_bytes,
            "a page is as long as it may be"
        );
    }
    if count > 1 {
        assert!(page.encoded_len() <= limits.page_bytes + RESPONSE_OVERHEAD);
    }
    let mut expected: Vec<&Record> = left[..count].iter().collect();
    let next = expected.last().filter(|_| count < left.len());
    let next = next.map(|record| record.hash().0.to_vec());
    assert_eq!(page.pagination_cursor, next);
    if !request.pagination_forward {
        expected.reverse();
    }
    for (entry, record) in page.messages.iter().zip(expected) {
        assert_eq!(entry.message_hash.as_deref(), Some(&record.hash().0[..]));
        let data = request.include_data.then_some(record);
        assert_eq!(entry.message.as_ref(), data.map(Record::message));
        assert_eq!(
            entry.pubsub_topic.as_deref(),
            data.map(|record| &**record.pubsub_topic())
        );
    }
    count
}

async fn check(input: Input) {
    let archive = MemoryArchive::new();
    let messages = input.messages.iter().take(MESSAGES);
    let mut records: Vec<Record> = messages.map(Message::record).collect();
    let new = archive
        .append(records.clone())
        .await
        .expect("memory can be written");
    let mut new = new.into_iter();
    records.retain(|_| new.next().unwrap_or_default());
    let limits = StoreLimits {
        page_default: usize::from(input.page_default),
        page_max: usize::from(input.page_max),
        page_bytes: usize::from(input.page_bytes),
        ..StoreLimits::default()
    };
    ask(&archive, &limits, &input.raw).await;
    let mut request = input.query.request(&records);
    let mut matches = match expected(&request, &records) {
        Expected::Matches(matches) => matches,
        Expected::Refused(code) => {
            let refusal = ask(&archive, &limits, &request.encode_to_vec()).await;
            assert_eq!((refusal.status_code, refusal.messages.len()), (code, 0));
            return;
        }
    };
    loop {
        let page = ask(&archive, &limits, &request.encode_to_vec()).await;
        assert_eq!(
            (page.status_code, &page.request_id),
            (status::OK, &request.request_id)
        );
        let count = check_page(&request, &limits, &page, &matches);
        let last: Option<Id> = count.checked_sub(1).map(|last| matches[last].hash());
        matches.drain(..count);
        let next = if input.by_last_hash {
            last.map(|hash| hash.0.to_vec())
        } else {
            page.pagination_cursor
        };
        match next {
            Some(next) => request.pagination_cursor = Some(next),
            None => break,
        }
    }
    assert!(matches.is_empty(), "pages go on to the end");
}

fuzz_target!(|input: Input| {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(check(input));
});
