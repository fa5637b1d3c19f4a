use std::time::Duration;

use futures::FutureExt;
use tokio::time::advance;

use super::*;

fn answering(answers: usize, bulk_answers: usize) -> Arc<Answering> {
    Answering::new(&ServiceLimits {
        answers,
        bulk_answers,
        ..ServiceLimits::default()
    })
}

/// A peer that was given much.
fn reader(answering: &Answering) -> PeerId {
    let peer = PeerId::random();
    answering.given(peer, BULK_BYTES as usize);
    peer
}

fn now(answering: &Arc<Answering>, peer: PeerId) -> Option<Place> {
    answering.place(peer).now_or_never().flatten()
}

#[tokio::test(start_paused = true)]
async fn places_are_bounded_and_given_on() {
    let answering = answering(2, 2);
    let peers = [(); 3].map(|()| PeerId::random());
    let first = now(&answering, peers[0]).unwrap();
    let _second = now(&answering, peers[1]).unwrap();
    let mut third = Box::pin(answering.place(peers[2]));
    assert!(third.as_mut().now_or_never().is_none());
    drop(first);
    assert!(third.now_or_never().flatten().is_some());
}

#[tokio::test(start_paused = true)]
async fn who_reads_a_history_leaves_places_to_those_who_ask_now_and_then() {
    let answering = answering(4, 2);
    let readers = [(); 5].map(|()| reader(&answering));
    let mut reading: Vec<_> = readers
        .iter()
        .map(|reader| Box::pin(answering.place(*reader)))
        .collect();
    let held: Vec<Place> = reading
        .iter_mut()
        .filter_map(|place| place.as_mut().now_or_never().flatten())
        .collect();
    assert_eq!(held.len(), 2);
    let client = PeerId::random();
    for _ in 0..100 {
        assert!(now(&answering, client).is_some(), "nothing is ahead of it");
    }
    drop(held);
    let next = reading.split_off(2);
    let places: Vec<_> = next.into_iter().filter_map(|p| p.now_or_never()).collect();
    assert_eq!(places.len(), 2, "readers get on by themselves");
}

#[tokio::test(start_paused = true)]
async fn of_those_that_wait_who_was_given_least_comes_first_and_equals_in_order() {
    let answering = answering(1, 1);
    let held = now(&answering, PeerId::random()).unwrap();
    let given = [5_000, 0, 9_000_000, 0, 100];
    let peers = given.map(|bytes| {
        let peer = PeerId::random();
        answering.given(peer, bytes);
        peer
    });
    let order = Arc::new(Mutex::new(Vec::new()));
    let waiting = futures::future::join_all(peers.iter().enumerate().map(|(number, peer)| {
        let (answering, order) = (Arc::clone(&answering), Arc::clone(&order));
        async move {
            let place = answering.place(*peer).await;
            order.lock().push(number);
            drop(place);
        }
    }));
    tokio::pin!(waiting);
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(held);
    waiting.await;
    assert_eq!(*order.lock(), [1, 3, 4, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_is_forgotten_and_who_goes_away_keeps_no_place() {
    let answering = answering(2, 1);
    let (one, other) = (reader(&answering), reader(&answering));
    let held = now(&answering, one).unwrap();
    assert!(now(&answering, other).is_none(), "one history at a time");
    drop(held);
    assert_eq!(
        answering.state.lock().busy,
        0,
        "the one that gave up has no place"
    );
    let held = now(&answering, one).unwrap();
    advance(BULK_HALVED + Duration::from_millis(1)).await;
    assert!(
        now(&answering, other).is_some(),
        "it is like anybody by now"
    );
    drop(held);
    for _ in 0..2 * PEERS_REMEMBERED {
        reader(&answering);
    }
    assert_eq!(answering.state.lock().given.len(), PEERS_REMEMBERED);
}
