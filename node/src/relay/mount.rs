//! How a relay is set up and ends.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::behaviour::{self, Gossipsub};
use super::driver::{self, Driver};
use super::intake::{self, Intake};
use super::limits::{COMMANDS, FAREWELL};
use super::shared::Shared;
use super::subscriptions::{Change, Subscriptions, sharded};
use super::{Relay, RelayConfig};
use crate::store::Store;

/// A relay, as the node holds it.
pub(crate) struct Mounted {
    pub(crate) handle: Relay,
    archiving: JoinHandle<()>,
}

impl Mounted {
    /// Waits until what was received is archived. The swarm's task must have ended.
    pub(crate) async fn stop(self) {
        if tokio::time::timeout(FAREWELL, self.archiving)
            .await
            .is_err()
        {
            tracing::warn!("relayed messages aren't stored: the archive is too slow");
        }
    }
}

/// The relay's part of the swarm.
pub(crate) struct SwarmPart {
    pub(crate) gossipsub: Gossipsub,
    pub(crate) driver: Driver,
}

/// Sets up a relay over `store`; messages are archived from then on, until the swarm's part is
/// dropped.
///
/// # Errors
/// When the topics to start with aren't topics, or gossipsub can't be set up.
pub(crate) fn mount(
    config: RelayConfig,
    store: &Arc<Store>,
) -> anyhow::Result<(Mounted, SwarmPart)> {
    let mut subscriptions = Subscriptions::default();
    let topics = config.pubsub_topics.iter().cloned().collect();
    subscriptions.change(Change::Subscribe(topics), config.limits.topics)?;
    if !config.content_topics.is_empty() {
        let topics: Vec<String> = config.content_topics.iter().cloned().collect();
        let sharded = sharded(config.autosharding, &topics)?;
        subscriptions.change(Change::SubscribeContent(sharded), config.limits.topics)?;
    }
    let mut gossipsub = behaviour::build(&config)?;
    for topic in subscriptions.topics() {
        driver::join(topic, &mut gossipsub);
    }
    let shared = Arc::new(Shared::new(subscriptions, config.cache_capacity));
    let (intake, waiting) = Intake::new(&config.limits);
    let batch = config.limits.batch;
    let archiving = intake::archive(waiting, Arc::clone(store), Arc::clone(&shared), batch);
    let (commands, received) = mpsc::channel(COMMANDS);
    let driver = Driver {
        commands: received,
        intake,
        shared: Arc::clone(&shared),
        door: store.door().limits().clone(),
        topics: config.limits.topics,
        validator: config.validator,
    };
    let handle = Relay {
        commands,
        shared,
        store: Arc::clone(store),
        autosharding: config.autosharding,
    };
    let mounted = Mounted {
        handle,
        archiving: tokio::spawn(archiving),
    };
    Ok((mounted, SwarmPart { gossipsub, driver }))
}
