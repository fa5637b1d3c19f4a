//! The frames that an adversary makes of its turns.

use sync_core::negentropy::{Encoder, PrefixBound};
use sync_core::own::{Frame as OwnFrame, Hello, Span, refusal};
use sync_core::waku::{Content, Header, HeaderForm, Payload, PayloadRange};
use sync_core::{Bound, Id, Item};

use crate::sets::id;
use crate::source::{CLUSTER, topic};
use crate::turns::{Greeting, Listed, Position, Said, Told, Topics, Turn};

/// Most ranges of a frame that is made from few bytes, one of them as often as this.
const REPEATED: usize = 500;

/// What the adversary goes by.
pub struct Stage<'a> {
    /// The items of the session's set.
    pub items: &'a [Item],
    /// The header form that the session speaks.
    pub form: HeaderForm,
    /// What was sent so far.
    pub sent: Vec<Vec<u8>>,
    /// What the session has sent last.
    pub last: Vec<u8>,
    /// How many ids the session has told in all.
    pub told: u64,
}

impl Stage<'_> {
    fn item(&self, rank: u8) -> Item {
        self.items
            .get(usize::from(rank))
            .copied()
            .unwrap_or_default()
    }

    fn listed(&self, listed: Listed) -> Item {
        match listed {
            Listed::Held(rank) => self.item(rank),
            Listed::Foreign(number) => {
                let time = self.item(number).timestamp + u64::from(number % 2);
                Item::new(time, id(u64::from(number), 0))
            }
        }
    }

    fn position(&self, position: Position, last: Item) -> Item {
        match position {
            Position::Same => last,
            Position::Further(by) => {
                Item::new(last.timestamp.saturating_add(u64::from(by)), Id::ZERO)
            }
            Position::Item(rank) => self.item(rank),
            Position::Any(time, byte) => {
                let mut id = Id::ZERO;
                id.0[usize::from(byte % 32)] = byte;
                Item::new(time, id)
            }
            Position::End => Item::new(u64::MAX, Id::ZERO),
        }
    }

    /// The ranges with their upper bounds, the repeated ones as often as that goes.
    fn ranges<'a>(&self, start: Item, told: &'a [Told]) -> Vec<(Item, &'a Said)> {
        let (mut last, mut ranges) = (start, Vec::new());
        for told in told {
            last = self.position(told.upper, last);
            ranges.push((last, &told.content));
            while told.repeated && ranges.len() < REPEATED {
                last.timestamp = last.timestamp.saturating_add(1);
                ranges.push((last, &told.content));
            }
        }
        ranges
    }

    fn negentropy(&self, version: Option<u8>, told: &[Told]) -> Vec<u8> {
        let mut encoder = Encoder::new();
        for (upper, content) in self.ranges(Item::default(), told) {
            let upper = PrefixBound::shortest(&Bound::Before(upper));
            match content {
                Said::Skip => encoder.skip(&upper),
                Said::Fingerprint(fill) => encoder.fingerprint(&upper, &[*fill; 16]),
                Said::Items { listed, .. } => {
                    encoder.id_list(&upper, listed.len());
                    listed
                        .iter()
                        .for_each(|item| encoder.id(&self.listed(*item).id));
                }
            }
        }
        let mut frame = encoder.finish();
        frame[0] = version.unwrap_or(frame[0]);
        frame
    }

    fn waku(&self, topics: Topics, start: Position, told: &[Told]) -> Vec<u8> {
        let shards = (0..4).filter(|shard| topics.pubsub >> shard & 1 == 1);
        let content = if topics.content {
            vec![String::from("/c")]
        } else {
            Vec::new()
        };
        let header = match self.form {
            HeaderForm::Topics => Header::Topics {
                pubsub: shards.map(topic).collect(),
                content,
            },
            HeaderForm::Cluster(_) => Header::Cluster {
                cluster: topics.cluster.unwrap_or(CLUSTER),
                shards: shards.map(|shard| shard as u16).collect(),
                content,
            },
        };
        let start = self.position(start, Item::default());
        let range = |(upper, content): (Item, &Said)| PayloadRange {
            upper,
            content: match content {
                Said::Skip => Content::Skip,
                Said::Fingerprint(fill) => Content::Fingerprint([*fill; 32]),
                Said::Items { listed, reconciled } => {
                    let mut items: Vec<Item> =
                        listed.iter().map(|item| self.listed(*item)).collect();
                    items.sort();
                    Content::Items {
                        items,
                        reconciled: *reconciled,
                    }
                }
            },
        };
        let ranges = self.ranges(start, told).into_iter().map(range).collect();
        Payload {
            header,
            start,
            ranges,
        }
        .encode()
    }

    fn hello(&self, told: &Greeting) -> Vec<u8> {
        let at = |position| self.position(position, Item::default());
        let id = |item: Item| match told.id_bytes {
            0 => Vec::new(),
            bytes if bytes < 250 => item.id.0.to_vec(),
            bytes => vec![1; usize::from(bytes)],
        };
        let floor = told.floor.map(at);
        OwnFrame::Hello(Hello {
            since: at(told.since).timestamp,
            since_id: id(at(told.since)),
            until: told.until.map(|until| at(until).timestamp),
            pubsub_topics: (0..4)
                .filter(|bit| told.topics >> bit & 1 == 1)
                .map(topic)
                .collect(),
            content_topics: if told.content_topic {
                vec!["/c".into()]
            } else {
                Vec::new()
            },
            frame_bytes: u64::from(told.frame_bytes),
            items: told.items,
            gaps: vec![
                Span {
                    since: 1,
                    until: told.items
                };
                usize::from(told.gaps)
            ],
            floor: floor.map(|floor| floor.timestamp),
            floor_id: floor.map(id).unwrap_or_default(),
            ..Hello::default()
        })
        .encode()
    }

    /// The frame of this turn.
    pub fn frame(&self, turn: &Turn) -> Vec<u8> {
        match turn {
            Turn::Raw(bytes) => bytes.clone(),
            Turn::Negentropy(version, told) => self.negentropy(*version, told),
            Turn::Waku(topics, start, told) => self.waku(*topics, *start, told),
            Turn::Hello(told) => self.hello(told),
            Turn::Have(last, ids) => {
                let ids = ids.iter().map(|item| self.listed(*item).id).collect();
                OwnFrame::Have { last: *last, ids }.encode()
            }
            Turn::Noted(count) => OwnFrame::Noted(count.unwrap_or(self.told)).encode(),
            Turn::Refusal(code, reason) => refusal(*code, reason),
            Turn::Echo => self.last.clone(),
            Turn::Again(ago) => {
                let back = usize::from(*ago) % self.sent.len().max(1);
                self.sent
                    .iter()
                    .rev()
                    .nth(back)
                    .cloned()
                    .unwrap_or_default()
            }
            Turn::Bent { own, at, flip, cut } => {
                let bent = if *own {
                    Some(&self.last)
                } else {
                    self.sent.last()
                };
                let mut bent = bent.cloned().unwrap_or_default();
                let at = usize::from(*at) % bent.len().max(1);
                if let Some(byte) = bent.get_mut(at) {
                    *byte ^= flip;
                }
                bent.truncate(cut.map_or(usize::MAX, usize::from));
                bent
            }
        }
    }
}
