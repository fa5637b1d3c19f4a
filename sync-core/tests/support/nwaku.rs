//! nwaku's splitting as a peer: eight equal spans of time, item sets at most 100 items, and all
//! its faults. `recorded.rs` holds it against what nwaku wrote.

use std::collections::BTreeSet;
use std::ops;

use sync_core::waku::{Content, Header, HeaderForm, Payload, PayloadRange};
use sync_core::{Id, Item, SessionLimits};

use super::archive::{Archive, Stored};

/// nwaku's own upper bounds are inclusive, so its first one carries the greatest hash.
const GREATEST: Id = Id([0xff; 32]);

pub(crate) struct Nwaku {
    stored: Vec<Stored>,
    pubsub: Vec<String>,
    content: Vec<String>,
    threshold: usize,
    partitions: u64,
    /// Ids it found the other side to lack, by step.
    pub(crate) to_send: Vec<Id>,
    /// Ids it found itself to lack, by step.
    pub(crate) to_receive: Vec<Id>,
    /// How many ranges it lost.
    pub(crate) lost: usize,
}

/// A range with both bounds, as nwaku holds it before encoding.
#[derive(Clone)]
struct Bounded {
    lower: Item,
    upper: Item,
    content: Content,
}

impl Nwaku {
    /// A node that holds `archive` and supports these topics; none means all.
    pub(crate) fn new(archive: &Archive, pubsub: &[String], content: &[String]) -> Self {
        Self {
            stored: archive.stored.iter().cloned().collect(),
            pubsub: pubsub.to_vec(),
            content: content.to_vec(),
            threshold: 100,
            partitions: 8,
            to_send: Vec::new(),
            to_receive: Vec::new(),
            lost: 0,
        }
    }

    /// The first frame, over the times from `lower` to `upper`.
    pub(crate) fn initiate(&self, lower: u64, upper: u64) -> Vec<u8> {
        let range = Bounded {
            lower: Item::new(lower, Id::ZERO),
            upper: Item::new(upper, GREATEST),
            content: Content::Skip,
        };
        let filter = Filter::new(&self.stored, &self.pubsub, &self.content);
        let ranks = self.ranks(&range).unwrap_or(0..0);
        self.encode(vec![Bounded {
            content: Content::Fingerprint(self.fingerprint(ranks, &filter)),
            ..range
        }])
    }

    /// Its answer to `frame`; nothing if it closes the stream.
    pub(crate) fn receive(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload::decode(HeaderForm::Topics, frame, &SessionLimits::default())
            .expect("this peer is sent well-formed frames only");
        if payload.is_end() {
            return None;
        }
        let Header::Topics { pubsub, content } = &payload.header else {
            panic!("decoded in the form with topics");
        };
        let topics = narrow(&self.pubsub, pubsub).zip(narrow(&self.content, content));
        let Some((pubsub, content)) = topics else {
            return Some(Vec::new());
        };
        let filter = Filter::new(&self.stored, &pubsub, &content);
        let mut output = Vec::new();
        let mut lower = payload.start;
        for PayloadRange { upper, content } in payload.ranges {
            let range = Bounded {
                lower: Item::new(lower.timestamp, Id::ZERO),
                upper,
                content,
            };
            lower = upper;
            self.process(range, &filter, &mut output);
        }
        Some(self.encode(merge_skips(output)))
    }

    fn process(&mut self, range: Bounded, filter: &Filter, output: &mut Vec<Bounded>) {
        match &range.content {
            Content::Skip => output.push(range),
            Content::Fingerprint(theirs) => {
                let theirs = *theirs;
                self.process_fingerprint(range, theirs, filter, output);
            }
            Content::Items { items, reconciled } => {
                let answer = self.process_items(&range, items, *reconciled, filter);
                output.push(Bounded {
                    content: answer,
                    ..range
                });
            }
        }
    }

    fn process_fingerprint(
        &mut self,
        range: Bounded,
        theirs: [u8; 32],
        filter: &Filter,
        output: &mut Vec<Bounded>,
    ) {
        let ranks = self.ranks(&range);
        let ours = self.fingerprint(ranks.clone().unwrap_or(0..0), filter);
        if ours == theirs {
            output.push(Bounded {
                content: Content::Skip,
                ..range
            });
        } else if ranks.is_none_or(|ranks| ranks.len() <= self.threshold) {
            output.push(self.claim(range, filter));
        } else {
            let parts = self.partition(&range);
            self.lost += usize::from(parts.is_empty());
            output.extend(parts.into_iter().map(|part| self.claim(part, filter)));
        }
    }

    /// What it says of a range whose fingerprints differ, or of a part of one. The threshold
    /// counts what the filter excludes, too, and a range before or behind everything held goes
    /// as reconciled.
    fn claim(&self, range: Bounded, filter: &Filter) -> Bounded {
        let content = match self.ranks(&range) {
            None => Content::Items {
                items: Vec::new(),
                reconciled: true,
            },
            Some(ranks) if ranks.len() <= self.threshold => Content::Items {
                items: self.filtered(ranks, filter),
                reconciled: false,
            },
            Some(ranks) => Content::Fingerprint(self.fingerprint(ranks, filter)),
        };
        Bounded { content, ..range }
    }

    fn process_items(
        &mut self,
        range: &Bounded,
        theirs: &[Item],
        reconciled: bool,
        filter: &Filter,
    ) -> Content {
        let mut ours = Vec::new();
        if let Some(ranks) = self.ranks(range) {
            ours = self.filtered(ranks, filter);
            self.compare(&ours, theirs);
        }
        if reconciled {
            Content::Skip
        } else {
            Content::Items {
                items: ours,
                reconciled: true,
            }
        }
    }

    fn compare(&mut self, ours: &[Item], theirs: &[Item]) {
        let mut theirs = theirs.iter().peekable();
        for our in ours {
            while let Some(their) = theirs.next_if(|their| *their < our) {
                self.to_receive.push(their.id);
            }
            if theirs.next_if_eq(&our).is_none() {
                self.to_send.push(our.id);
            }
        }
        self.to_receive.extend(theirs.map(|their| their.id));
    }

    /// The ranks of what lies in the range, its upper bound included; nothing if all it holds lies
    /// before it or behind it.
    fn ranks(&self, range: &Bounded) -> Option<ops::Range<usize>> {
        let start = self
            .stored
            .partition_point(|stored| stored.item < range.lower);
        let end = self
            .stored
            .partition_point(|stored| stored.item <= range.upper);
        (end > 0 && start < self.stored.len()).then_some(start..end.max(start))
    }

    fn filtered(&self, ranks: ops::Range<usize>, filter: &Filter) -> Vec<Item> {
        self.stored[ranks]
            .iter()
            .filter(|stored| filter.allows(stored))
            .map(|stored| stored.item)
            .collect()
    }

    fn fingerprint(&self, ranks: ops::Range<usize>, filter: &Filter) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        for item in self.filtered(ranks, filter) {
            for (byte, other) in fingerprint.iter_mut().zip(item.id.0) {
                *byte ^= other;
            }
        }
        fingerprint
    }

    /// Equal spans of time, the first ones longer by one where it doesn't come out even; none at
    /// all for a range too short, which thereby gets lost.
    fn partition(&self, range: &Bounded) -> Vec<Bounded> {
        let length = range.upper.timestamp - range.lower.timestamp;
        let (part, rest) = (length / self.partitions, length % self.partitions);
        if part == 0 {
            return Vec::new();
        }
        let bound = |index: u64| {
            let time = range.lower.timestamp + index * part + index.min(rest);
            Item::new(time, Id::ZERO)
        };
        (0..self.partitions)
            .map(|index| Bounded {
                lower: bound(index),
                upper: bound(index + 1),
                content: Content::Skip,
            })
            .collect()
    }

    /// Lower bounds aren't written, so a lost range falls to the one behind it.
    fn encode(&self, ranges: Vec<Bounded>) -> Vec<u8> {
        let start = ranges.first().map_or(Item::default(), |range| range.lower);
        let payload = Payload {
            header: Header::Topics {
                pubsub: self.pubsub.clone(),
                content: self.content.clone(),
            },
            start,
            ranges: ranges
                .into_iter()
                .map(|Bounded { upper, content, .. }| PayloadRange { upper, content })
                .collect(),
        };
        payload.encode()
    }
}

/// The topics that a frame is about; nothing if both sides name some and none in common.
fn narrow(ours: &[String], theirs: &[String]) -> Option<Vec<String>> {
    if ours.is_empty() || theirs.is_empty() {
        return Some([ours, theirs].concat());
    }
    let common: Vec<_> = ours
        .iter()
        .filter(|topic| theirs.contains(topic))
        .cloned()
        .collect();
    (!common.is_empty()).then_some(common)
}

fn merge_skips(ranges: Vec<Bounded>) -> Vec<Bounded> {
    let mut merged: Vec<Bounded> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.content == Content::Skip && range.content == Content::Skip => {
                last.upper = range.upper;
            }
            _ => merged.push(range),
        }
    }
    if merged.iter().all(|range| range.content == Content::Skip) {
        merged.clear();
    }
    merged
}

/// The topics of a filter that it knows; a filter of unknown ones only acts as none.
struct Filter {
    pubsub: BTreeSet<String>,
    content: BTreeSet<String>,
}

impl Filter {
    fn new(stored: &[Stored], pubsub: &[String], content: &[String]) -> Self {
        let known = |topics: &[String], topic: fn(&Stored) -> &String| {
            let held: BTreeSet<&String> = stored.iter().map(topic).collect();
            topics
                .iter()
                .filter(|topic| held.contains(topic))
                .cloned()
                .collect()
        };
        Self {
            pubsub: known(pubsub, |stored| &stored.pubsub),
            content: known(content, |stored| &stored.content),
        }
    }

    fn allows(&self, stored: &Stored) -> bool {
        let passes = |topics: &BTreeSet<String>, topic| topics.is_empty() || topics.contains(topic);
        passes(&self.pubsub, &stored.pubsub) && passes(&self.content, &stored.content)
    }
}
