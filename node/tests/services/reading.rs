//! Reading the stores of peers over loopback.

use std::collections::BTreeSet;

use store_adapter::store::{ContentCriteria, Ended, Found, Notice, StoreCriteria, Trouble};
use sync_core::Id;
use wakustore::net::{StoreEvent, StoreReader};

use super::*;
use crate::peers::Peer;

/// So many messages, in order.
fn records(count: usize) -> Vec<Record> {
    let mut traffic = Traffic::new(7, 2);
    let now = wakustore::cli::time::now();
    let record = |_| {
        let (topic, message) = traffic.message(now - 1_000_000_000, now);
        Record::new(topic, message).unwrap()
    };
    let mut records: Vec<Record> = (0..count).map(record).collect();
    records.sort_by_key(Record::item);
    records
}

async fn node_of(records: &[Record]) -> Node {
    let store = Store::open(&ArchiveUrl::Memory).await.unwrap();
    let parts = records.iter().cloned().map(Record::into_parts);
    let messages = parts.map(|(topic, message)| (topic.to_string(), message));
    store.put(messages.collect()).await.unwrap();
    let config = NodeConfig::new(identity::generate(), None)
        .listening_on(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    Node::start(config, store).await.unwrap()
}

fn hashes(records: &[Record]) -> Vec<Id> {
    records.iter().map(Record::hash).collect()
}

/// What a reader gives up to its end.
#[derive(Default)]
struct Read {
    found: Vec<Found>,
    notices: Vec<Notice<PeerId>>,
    ended: Option<Ended>,
}

impl Read {
    fn take(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Page(found) => self.found.extend(found),
            StoreEvent::Notice(notice) => self.notices.push(notice),
            StoreEvent::Ended(ended) => self.ended = Some(ended),
        }
    }

    async fn finish(&mut self, reader: &mut StoreReader) {
        let reading = async {
            while let Some(event) = reader.next().await {
                self.take(event);
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap();
    }

    fn hashes(&self) -> Vec<Id> {
        self.found.iter().map(|found| found.hash).collect()
    }
}

#[tokio::test]
async fn a_store_that_goes_away_is_read_on_at_the_next_one() {
    let records = records(60);
    let (first, second) = (node_of(&records).await, node_of(&records[10..]).await);
    let (gone, there) = (first.peer_id(), second.peer_id());
    let reading = node_of(&[]).await;
    for node in [&first, &second] {
        reading.connect(&node.addresses()[0]).await.unwrap();
    }
    let criteria = StoreCriteria::of_content(ContentCriteria::all()).page(7);
    let mut reader = reading.read_stores(criteria, vec![gone, there]);
    let mut read = Read::default();
    for _ in 0..2 {
        read.take(reader.next().await.unwrap());
    }
    first.stop().await;
    read.finish(&mut reader).await;
    assert_eq!(read.hashes(), hashes(&records));
    assert_eq!(read.ended, Some(Ended::Complete));
    let turned = Notice::Turned {
        from: gone,
        to: there,
    };
    assert!(read.notices.contains(&turned), "{:?}", read.notices);
    assert_eq!(reader.next().await, None);
    for found in &read.found {
        assert_eq!(found.record.as_ref().map(Record::hash), Some(found.hash));
    }
}

#[tokio::test]
async fn hashes_are_asked_of_every_store_until_one_has_them() {
    let records = records(250);
    let stores = [
        node_of(&records[..150]).await,
        node_of(&records[100..]).await,
    ];
    let reading = node_of(&[]).await;
    let mut peers = Vec::new();
    for node in &stores {
        peers.push(reading.connect(&node.addresses()[0]).await.unwrap());
    }
    let absent = Id([1; 32]);
    let asked = hashes(&records).into_iter().chain([absent]);
    let criteria = StoreCriteria::of_hashes(asked).hashes_only();
    let mut reader = reading.read_stores(criteria, peers);
    let mut read = Read::default();
    read.finish(&mut reader).await;
    assert_eq!(read.found.len(), 250);
    let found: BTreeSet<Id> = read.hashes().into_iter().collect();
    assert_eq!(found, hashes(&records).into_iter().collect());
    assert_eq!(reader.walk().missing(), BTreeSet::from([absent]));
}

#[tokio::test]
async fn a_peer_that_lies_is_left_for_one_that_does_not() {
    let records = records(20);
    let honest = node_of(&records).await;
    let reading = node_of(&[]).await;
    let mut liar = Peer::connect(&reading.addresses()[0]).await;
    let others = self::records(3);
    liar.answer_queries(move |_| Some(others.clone()));
    let honest_peer = reading.connect(&honest.addresses()[0]).await.unwrap();
    let criteria = StoreCriteria::of_hashes(hashes(&records));
    let mut reader = reading.read_stores(criteria, vec![liar.id, honest_peer]);
    let mut read = Read::default();
    read.finish(&mut reader).await;
    assert_eq!(read.found.len(), 20);
    assert!(matches!(
        read.notices[0],
        Notice::Left { peer, why: Trouble::Unasked(_) } if peer == liar.id
    ));
}

#[tokio::test]
async fn a_peer_that_never_answers_holds_a_walk_up_no_longer_than_its_deadline() {
    let records = records(20);
    let honest = node_of(&records).await;
    let reading = node_of(&[]).await;
    let mut silent = Peer::connect(&reading.addresses()[0]).await;
    silent.answer_queries(|_| None);
    let honest_peer = reading.connect(&honest.addresses()[0]).await.unwrap();
    let unconnected = PeerId::random();
    let criteria = StoreCriteria::of_content(ContentCriteria::all().backward());
    let reader = reading.read_stores(criteria, vec![unconnected, silent.id, honest_peer]);
    let mut reader = reader.with_deadline(Duration::from_millis(300));
    let mut read = Read::default();
    read.finish(&mut reader).await;
    let mut expected = hashes(&records);
    expected.reverse();
    assert_eq!(read.hashes(), expected);
    let backed_off: Vec<PeerId> = read
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::BackedOff { peer, .. } => Some(*peer),
            _ => None,
        })
        .collect();
    assert_eq!(backed_off, [unconnected, silent.id]);
}
