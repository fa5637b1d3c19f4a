//! The bytes of a payload: nwaku's delta encoding.

use alloc::string::String;
use alloc::vec::Vec;

use super::TIME_END;
use super::header::{Header, HeaderForm};
use super::payload::{Content, Payload, PayloadPart, PayloadRange};
use crate::item::{Id, Item};
use crate::limits::SessionLimits;
use crate::session::{SessionError, at_most};
use crate::varint::{read_leb128, write_leb128};

/// The frame without ranges.
pub(super) const EMPTY: [u8; 1] = [0];

/// The most bytes that an integer takes; nwaku's decoder wants as many to be left in some places.
pub(super) const INTEGER_BYTES: usize = 9;

/// The fewest bytes of a range: the difference to its bound, and its type.
const RANGE_BYTES_MIN: usize = 2;

/// So many ranges there is room for at first.
const RANGES_AT_FIRST: usize = 8;

const SKIP: u8 = 0;
const FINGERPRINT: u8 = 1;
const ITEMS: u8 = 2;

/// Writes a payload range by range.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    out: Vec<u8>,
    header_bytes: usize,
    first_id: Id,
    last_time: u64,
}

impl Encoder {
    /// Begins with the header and the lower bound of the first range.
    pub(super) fn new(header: &Header, start: Item) -> Self {
        let mut out = Vec::new();
        write_header(&mut out, header);
        let header_bytes = out.len();
        write_leb128(&mut out, start.timestamp);
        Self {
            out,
            header_bytes,
            first_id: start.id,
            last_time: start.timestamp,
        }
    }

    /// A range of which nothing more is said.
    pub(super) fn skip(&mut self, upper: Item) {
        self.bound(upper, SKIP);
    }

    /// A range with the xor of its ids.
    pub(super) fn fingerprint(&mut self, upper: Item, fingerprint: &[u8; 32]) {
        self.bound(upper, FINGERPRINT);
        self.out.extend_from_slice(fingerprint);
    }

    /// A range with its items, `count` of them, which the caller then pushes.
    pub(super) fn items(&mut self, upper: Item, count: usize) -> ItemsEncoder<'_> {
        self.bound(upper, ITEMS);
        write_leb128(&mut self.out, count as u64);
        ItemsEncoder {
            out: &mut self.out,
            last_time: 0,
        }
    }

    /// How many bytes there are so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// The frame.
    ///
    /// The decoders want nine bytes behind the header. Times of our days alone take nine; a frame
    /// of small times gets a range of no width more.
    pub(super) fn into_readable_bytes(mut self) -> Vec<u8> {
        if self.out.len() - self.header_bytes < INTEGER_BYTES {
            self.skip(Item::new(self.last_time, Id::ZERO));
        }
        self.out
    }

    /// The frame, even if it is too short to be read.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// The difference to the previous bound wraps, as in nwaku, should bounds descend.
    fn bound(&mut self, upper: Item, kind: u8) {
        let difference = upper.timestamp.wrapping_sub(self.last_time);
        self.last_time = upper.timestamp;
        write_leb128(&mut self.out, difference);
        if difference == 0 {
            let same = shared_prefix(&self.first_id, &upper.id);
            let written = (same + 1).min(upper.id.0.len());
            self.out.push(written as u8);
            self.out.extend_from_slice(&upper.id.0[..written]);
        }
        self.out.push(kind);
    }
}

/// Writes the items of one range.
#[derive(Debug)]
pub(super) struct ItemsEncoder<'a> {
    out: &'a mut Vec<u8>,
    last_time: u64,
}

impl ItemsEncoder<'_> {
    pub(super) fn push(&mut self, item: &Item) {
        write_leb128(self.out, item.timestamp.wrapping_sub(self.last_time));
        self.last_time = item.timestamp;
        self.out.extend_from_slice(item.id.as_bytes());
    }

    pub(super) fn end(self, reconciled: bool) {
        self.out.push(u8::from(reconciled));
    }
}

/// See [`Payload::decode`] and [`Payload::decode_parts`].
pub(super) fn decode(
    form: HeaderForm,
    frame: &[u8],
    limits: &SessionLimits,
    mut ended: impl FnMut(PayloadPart, usize),
) -> Result<Payload, SessionError> {
    if frame.len() <= EMPTY.len() {
        return Ok(Payload::empty(form));
    }
    let mut reader = Reader { frame, at: 0 };
    let header = reader.header(form, limits, &mut ended)?;
    let start = Item::new(reader.roomy_integer("the first time")?, Id::ZERO);
    ended(PayloadPart::Start, reader.at);
    let mut ranges = Vec::new();
    let mut items_left = limits.items_per_frame;
    let mut last_time = start.timestamp;
    // One byte that is left over is ignored, as in nwaku.
    while reader.left() > 1 {
        at_most(
            "ranges_per_frame",
            ranges.len() + 1,
            limits.ranges_per_frame,
        )?;
        if ranges.len() == ranges.capacity() {
            // A skip takes 40 times as much here as in the frame: no room for more than can follow.
            let most = reader.left() / RANGE_BYTES_MIN;
            ranges.reserve_exact(most.min(ranges.len().max(RANGES_AT_FIRST)));
        }
        let upper = reader.bound(last_time)?;
        last_time = upper.timestamp;
        let content = reader.content(&mut items_left, limits, &mut ended)?;
        ended(PayloadPart::RangeContent, reader.at);
        ranges.push(PayloadRange { upper, content });
    }
    // Without ranges there is nothing that topics or a start could be of.
    if ranges.is_empty() {
        return Ok(Payload::empty(form));
    }
    Ok(Payload {
        header,
        start,
        ranges,
    })
}

fn write_header(out: &mut Vec<u8>, header: &Header) {
    let content = match header {
        Header::Topics { pubsub, content } => {
            write_topics(out, pubsub);
            content
        }
        Header::Cluster {
            cluster,
            shards,
            content,
        } => {
            write_leb128(out, u64::from(*cluster));
            write_leb128(out, shards.len() as u64);
            for shard in shards {
                write_leb128(out, u64::from(*shard));
            }
            content
        }
    };
    write_topics(out, content);
}

fn write_topics(out: &mut Vec<u8>, topics: &[String]) {
    write_leb128(out, topics.len() as u64);
    for topic in topics {
        write_leb128(out, topic.len() as u64);
        out.extend_from_slice(topic.as_bytes());
    }
}

fn shared_prefix(left: &Id, right: &Id) -> usize {
    left.0
        .iter()
        .zip(&right.0)
        .take_while(|(left, right)| left == right)
        .count()
}

/// A frame and how far it was read.
struct Reader<'a> {
    frame: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn left(&self) -> usize {
        self.frame.len() - self.at
    }

    fn malformed(&self, expected: &'static str) -> SessionError {
        SessionError::Malformed {
            offset: self.at,
            expected,
        }
    }

    fn take(&mut self, count: usize, expected: &'static str) -> Result<&'a [u8], SessionError> {
        if count > self.left() {
            return Err(self.malformed(expected));
        }
        let bytes = &self.frame[self.at..self.at + count];
        self.at += count;
        Ok(bytes)
    }

    fn byte(&mut self, expected: &'static str) -> Result<u8, SessionError> {
        Ok(self.take(1, expected)?[0])
    }

    fn hash(&mut self, expected: &'static str) -> Result<[u8; 32], SessionError> {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.take(32, expected)?);
        Ok(hash)
    }

    fn integer(&mut self, expected: &'static str) -> Result<u64, SessionError> {
        let until = self.frame.len().min(self.at + INTEGER_BYTES);
        let (value, len) =
            read_leb128(&self.frame[self.at..until]).ok_or_else(|| self.malformed(expected))?;
        self.at += len;
        Ok(value)
    }

    /// An integer where nwaku wants nine bytes to be left.
    fn roomy_integer(&mut self, expected: &'static str) -> Result<u64, SessionError> {
        if self.left() < INTEGER_BYTES {
            return Err(self.malformed(expected));
        }
        self.integer(expected)
    }

    /// A count or length of at most `max`; its limit is called `name`.
    fn count(
        &mut self,
        expected: &'static str,
        name: &'static str,
        max: usize,
    ) -> Result<usize, SessionError> {
        let count = self.roomy_integer(expected)?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= max)
            .ok_or(SessionError::Limit {
                name,
                max: max as u64,
            })
    }

    fn header(
        &mut self,
        form: HeaderForm,
        limits: &SessionLimits,
        ended: &mut impl FnMut(PayloadPart, usize),
    ) -> Result<Header, SessionError> {
        let header = match form {
            HeaderForm::Topics => {
                let pubsub = self.topics("the number of pubsub topics", limits)?;
                ended(PayloadPart::PubsubTopics, self.at);
                let content = self.topics("the number of content topics", limits)?;
                Header::Topics { pubsub, content }
            }
            HeaderForm::Cluster(_) => {
                let cluster = self.number("the number of a cluster, below 65536")?;
                ended(PayloadPart::Cluster, self.at);
                let shards = self.shards(limits)?;
                ended(PayloadPart::Shards, self.at);
                let content = self.topics("the number of content topics", limits)?;
                Header::Cluster {
                    cluster,
                    shards,
                    content,
                }
            }
        };
        ended(PayloadPart::ContentTopics, self.at);
        Ok(header)
    }

    fn topics(
        &mut self,
        expected: &'static str,
        limits: &SessionLimits,
    ) -> Result<Vec<String>, SessionError> {
        let count = self.count(expected, "topics", limits.topics)?;
        let mut topics = Vec::new();
        for _ in 0..count {
            topics.push(self.topic(limits)?);
        }
        Ok(topics)
    }

    fn topic(&mut self, limits: &SessionLimits) -> Result<String, SessionError> {
        let len = self.count("the length of a topic", "topic_bytes", limits.topic_bytes)?;
        let offset = self.at;
        let bytes = self.take(len, "the bytes of a topic")?;
        match core::str::from_utf8(bytes) {
            Ok(topic) => Ok(topic.into()),
            Err(error) => Err(SessionError::Malformed {
                offset: offset + error.valid_up_to(),
                expected: "a topic in UTF-8",
            }),
        }
    }

    fn shards(&mut self, limits: &SessionLimits) -> Result<Vec<u16>, SessionError> {
        let count = self.count("the number of shards", "topics", limits.topics)?;
        let mut shards = Vec::new();
        for _ in 0..count {
            shards.push(self.number("the number of a shard, below 65536")?);
        }
        Ok(shards)
    }

    fn number(&mut self, expected: &'static str) -> Result<u16, SessionError> {
        let fault = self.malformed(expected);
        u16::try_from(self.roomy_integer(expected)?).map_err(|_| fault)
    }

    fn time(&self, last: u64, difference: u64) -> Result<u64, SessionError> {
        last.checked_add(difference)
            .filter(|time| *time <= TIME_END)
            .ok_or_else(|| self.malformed("a time of at most 2^63 - 1 ns before here"))
    }

    #[inline]
    fn bound(&mut self, last_time: u64) -> Result<Item, SessionError> {
        let difference = self.integer("the difference to the next bound")?;
        let timestamp = self.time(last_time, difference)?;
        let mut id = Id::ZERO;
        if difference == 0 {
            let fault = self.malformed("at most 32 bytes of a bound's hash");
            let written = usize::from(self.byte("the length of a bound's hash")?);
            if written > id.0.len() {
                return Err(fault);
            }
            id.0[..written].copy_from_slice(self.take(written, "a bound's hash")?);
        }
        Ok(Item::new(timestamp, id))
    }

    /// The type of a range, and what follows it.
    #[inline]
    fn content(
        &mut self,
        items_left: &mut usize,
        limits: &SessionLimits,
        ended: &mut impl FnMut(PayloadPart, usize),
    ) -> Result<Content, SessionError> {
        const EXPECTED: &str = "0 (skip), 1 (fingerprint) or 2 (item set)";
        let fault = self.malformed(EXPECTED);
        let kind = self.byte(EXPECTED)?;
        if kind <= ITEMS {
            ended(PayloadPart::RangeHead, self.at);
        }
        match kind {
            SKIP => Ok(Content::Skip),
            FINGERPRINT => Ok(Content::Fingerprint(
                self.hash("a fingerprint of 32 bytes")?,
            )),
            ITEMS => self.item_set(items_left, limits),
            _ => Err(fault),
        }
    }

    fn item_set(
        &mut self,
        items_left: &mut usize,
        limits: &SessionLimits,
    ) -> Result<Content, SessionError> {
        let count = self.integer("the number of items")?;
        let mut items = Vec::new();
        let mut last_time = 0;
        for _ in 0..count {
            *items_left = items_left.checked_sub(1).ok_or(SessionError::Limit {
                name: "items_per_frame",
                max: limits.items_per_frame as u64,
            })?;
            let difference = self.roomy_integer("the time of an item")?;
            last_time = self.time(last_time, difference)?;
            items.push(Item::new(last_time, Id(self.hash("the hash of an item")?)));
        }
        let fault = self.malformed("0 or 1 (reconciled)");
        let reconciled = match self.byte("0 or 1 (reconciled)")? {
            0 => false,
            1 => true,
            _ => return Err(fault),
        };
        Ok(Content::Items { items, reconciled })
    }
}
