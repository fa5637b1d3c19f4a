//! Made-up messages whose topics, times and sizes are like those of a Waku network.

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};
use store_adapter::WakuMessage;

/// The median payload, in bytes.
const MEDIAN_PAYLOAD: f64 = 1_024.0;

/// Spread of the sizes: the standard deviation of their logarithm.
const SIZE_SIGMA: f64 = 1.2;

/// The largest payload, in bytes: leaves room for the other fields of a message of 150 KiB.
const MOST_PAYLOAD: f64 = 149.0 * 1_024.0;

/// Shards that messages are spread over.
pub(crate) const SHARDS: u32 = 8;

const CONTENT_TOPICS: [&str; 6] = [
    "/toychat/2/huilong/proto",
    "/waku/1/0x2b1c9a4f/rfc26",
    "/my-app/1/notifications/proto",
    "/exchange/1/orders/json",
    "/forum/1/posts/proto",
    "/telemetry/3/heartbeat/proto",
];

/// An endless source of messages, the same for the same seed, cluster and times.
#[derive(Debug)]
pub struct Traffic {
    rng: StdRng,
    sizes: LogNormal<f64>,
    cluster_id: u16,
}

impl Traffic {
    /// Messages on the shards of `cluster_id`, drawn from `seed`.
    #[must_use]
    pub fn new(cluster_id: u16, seed: u64) -> Self {
        let sizes = LogNormal::new(MEDIAN_PAYLOAD.ln(), SIZE_SIGMA)
            .expect("a finite mean and a positive deviation make a distribution");
        Self {
            rng: StdRng::seed_from_u64(seed),
            sizes,
            cluster_id,
        }
    }

    /// A message of some time in `since..until` (nanoseconds since 1970), with its pubsub topic.
    pub fn message(&mut self, since: u64, until: u64) -> (String, WakuMessage) {
        let shard = self.rng.random_range(0..SHARDS);
        let size = self.sizes.sample(&mut self.rng).min(MOST_PAYLOAD) as usize;
        let mut payload = vec![0; size];
        self.rng.fill_bytes(&mut payload);
        let topic = CONTENT_TOPICS[self.rng.random_range(0..CONTENT_TOPICS.len())];
        let timestamp = self.rng.random_range(since..until.max(since + 1));
        let meta = self.rng.random_ratio(1, 4).then(|| {
            let mut meta = vec![0; 12];
            self.rng.fill_bytes(&mut meta);
            meta
        });
        let message = WakuMessage {
            payload,
            content_topic: topic.to_owned(),
            version: Some(0),
            timestamp: i64::try_from(timestamp).ok(),
            meta,
            ..WakuMessage::default()
        };
        (format!("/waku/2/rs/{}/{shard}", self.cluster_id), message)
    }

    /// The numbers below `count` in a random order.
    pub fn shuffled(&mut self, count: usize) -> Vec<usize> {
        use rand::seq::SliceRandom;
        let mut numbers: Vec<usize> = (0..count).collect();
        numbers.shuffle(&mut self.rng);
        numbers
    }
}
