//! The peer of these tests against what nwaku wrote, and our sessions on the recorded sets.

use sync_core::Id;

use crate::support::nwaku::Nwaku;
use crate::support::vectors::{Message, Recorded, bytes, id};

fn ids(hashes: Option<&Vec<String>>) -> Vec<Id> {
    hashes.into_iter().flatten().map(|hash| id(hash)).collect()
}

fn assert_same_message(session: &str, number: usize, message: &Message, ours: &[u8]) {
    assert_eq!(
        hex::encode(ours),
        message.wire,
        "{session}, message {number}"
    );
    assert_eq!(
        hex::encode(message.value.payload().encode()),
        message.wire,
        "{session}, value of message {number}"
    );
}

#[test]
fn the_test_peer_writes_every_recorded_message_byte_for_byte() {
    let sessions = Recorded::read_all();
    assert_eq!(sessions.len(), 5);
    for session in &sessions {
        let mut peers = session
            .archives()
            .map(|archive| Nwaku::new(&archive, &session.pubsub_topics, &session.content_topics));
        let (first, rest) = session.messages.split_first().unwrap();
        let mut frame = peers[0].initiate(session.lower_time, session.upper_time);
        assert_same_message(&session.name, 0, first, &frame);
        for (number, message) in rest.iter().enumerate() {
            let peer = &mut peers[usize::from(message.from == "b")];
            let (sent, received) = (peer.to_send.len(), peer.to_receive.len());
            frame = peer.receive(&frame).unwrap();
            assert_same_message(&session.name, number + 1, message, &frame);
            assert_eq!(peer.to_send[sent..], ids(message.hash_to_send.as_ref()));
            assert_eq!(
                peer.to_receive[received..],
                ids(message.hash_to_recv.as_ref())
            );
        }
        assert_eq!(frame, bytes("00"), "{}", session.name);
    }
}
