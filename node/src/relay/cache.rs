//! Messages that came since somebody asked, for those who ask over REST.

use std::collections::VecDeque;

use store_adapter::WakuMessage;

/// The newest messages, each until it was asked for by its pubsub topic and by its content topic, if
/// the node is subscribed to these.
#[derive(Debug, Default)]
pub(super) struct Cache {
    capacity: usize,
    /// The oldest first.
    kept: VecDeque<Kept>,
}

/// For whom a message is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Readers {
    /// Those who ask by pubsub topic.
    pub(super) by_pubsub: bool,
    /// Those who ask by content topic.
    pub(super) by_content: bool,
}

impl Readers {
    fn any(self) -> bool {
        self.by_pubsub || self.by_content
    }
}

#[derive(Debug)]
struct Kept {
    pubsub_topic: String,
    message: WakuMessage,
    readers: Readers,
}

impl Cache {
    /// Keeps so many messages in all.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: VecDeque::new(),
        }
    }

    /// Whether it keeps a message for these.
    pub(super) fn keeps_for(&self, readers: Readers) -> bool {
        self.capacity > 0 && readers.any()
    }

    /// Keeps a message in place of the oldest one, if it is full.
    pub(super) fn push(&mut self, pubsub_topic: &str, message: WakuMessage, readers: Readers) {
        if !self.keeps_for(readers) {
            return;
        }
        while self.kept.len() >= self.capacity {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept {
            pubsub_topic: pubsub_topic.to_owned(),
            message,
            readers,
        });
    }

    /// Takes what came on a pubsub topic, the oldest first.
    pub(super) fn take_pubsub(&mut self, topic: &str) -> Vec<WakuMessage> {
        self.take(|kept| {
            let asked = kept.readers.by_pubsub && kept.pubsub_topic == topic;
            kept.readers.by_pubsub &= !asked;
            asked
        })
    }

    /// Takes what came with a content topic, the oldest first.
    pub(super) fn take_content(&mut self, topic: &str) -> Vec<WakuMessage> {
        self.take(|kept| {
            let asked = kept.readers.by_content && kept.message.content_topic == topic;
            kept.readers.by_content &= !asked;
            asked
        })
    }

    /// Takes what `asks` for, and leaves it to other readers.
    fn take(&mut self, mut asks: impl FnMut(&mut Kept) -> bool) -> Vec<WakuMessage> {
        let mut taken = Vec::new();
        let mut left = VecDeque::new();
        for mut kept in self.kept.drain(..) {
            match (asks(&mut kept), kept.readers.any()) {
                (true, true) => {
                    taken.push(kept.message.clone());
                    left.push_back(kept);
                }
                (true, false) => taken.push(kept.message),
                (false, _) => left.push_back(kept),
            }
        }
        self.kept = left;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Readers = Readers {
        by_pubsub: true,
        by_content: true,
    };
    const BY_PUBSUB: Readers = Readers {
        by_pubsub: true,
        by_content: false,
    };

    fn message(number: u8, content_topic: &str) -> WakuMessage {
        WakuMessage {
            payload: vec![number],
            content_topic: content_topic.into(),
            ..WakuMessage::default()
        }
    }

    fn numbers(messages: &[WakuMessage]) -> Vec<u8> {
        messages.iter().map(|message| message.payload[0]).collect()
    }

    #[test]
    fn a_message_is_given_once_to_each_kind_of_reader() {
        let mut cache = Cache::new(10);
        cache.push("/s", message(1, "/a"), BOTH);
        cache.push("/s", message(2, "/b"), BY_PUBSUB);
        cache.push("/t", message(3, "/a"), BOTH);
        assert_eq!(numbers(&cache.take_pubsub("/s")), [1, 2]);
        assert!(cache.take_pubsub("/s").is_empty());
        assert_eq!(numbers(&cache.take_content("/a")), [1, 3]);
        assert!(cache.take_content("/b").is_empty(), "nobody reads by it");
        cache.push("/t", message(4, "/a"), BOTH);
        assert_eq!(numbers(&cache.take_content("/a")), [4]);
        assert_eq!(numbers(&cache.take_pubsub("/t")), [3, 4]);
        assert!(cache.kept.is_empty());
    }

    #[test]
    fn the_oldest_message_makes_room_at_the_capacity() {
        let mut cache = Cache::new(3);
        for number in 0..3 {
            cache.push("/s", message(number, "/a"), BOTH);
        }
        assert_eq!(cache.kept.len(), 3);
        cache.push("/t", message(3, "/a"), BOTH);
        assert_eq!(cache.kept.len(), 3);
        assert_eq!(numbers(&cache.take_pubsub("/s")), [1, 2]);
        assert_eq!(numbers(&cache.take_pubsub("/t")), [3]);
    }

    #[test]
    fn without_a_capacity_or_readers_nothing_is_kept() {
        let mut cache = Cache::new(0);
        cache.push("/s", message(1, "/a"), BOTH);
        assert!(cache.kept.is_empty() && !cache.keeps_for(BOTH));
        let nobody = Readers {
            by_pubsub: false,
            by_content: false,
        };
        let mut cache = Cache::new(1);
        cache.push("/s", message(1, "/a"), nobody);
        assert!(cache.kept.is_empty() && !cache.keeps_for(nobody));
    }
}
