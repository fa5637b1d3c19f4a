//! Rules for messages of peers beside the node's own, by whoever embeds it.

use std::fmt;
use std::sync::Arc;

use store_adapter::WakuMessage;

type Rule = dyn Fn(&str, &WakuMessage) -> bool + Send + Sync;

/// Decides which messages of peers are taken that are live. One that isn't admitted is neither archived
/// nor passed on, and nobody is blamed for it; it may still come by sync. What the node itself publishes
/// isn't asked about.
#[derive(Clone)]
pub struct Validator(Arc<Rule>);

impl Validator {
    /// A validator that admits what `rule` says yes to, given the pubsub topic and the message. It is
    /// called by the task of the network, so it must not block.
    pub fn new(rule: impl Fn(&str, &WakuMessage) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// Whether a message is taken.
    #[must_use]
    pub fn admits(&self, pubsub_topic: &str, message: &WakuMessage) -> bool {
        (self.0)(pubsub_topic, message)
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Validator")
    }
}
