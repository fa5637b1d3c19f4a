//! Bounds of the relay.

use std::time::Duration;

/// Requests that wait for the swarm's task, from all users of the handle.
pub(super) const COMMANDS: usize = 64;

/// How often a batch is brought to an archive that can't be written before it is given up.
pub(super) const ATTEMPTS: u32 = 3;

/// The pause between these attempts.
pub(super) const ATTEMPT_PAUSE: Duration = Duration::from_secs(1);

/// How long a node that ends waits until what was received is archived.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// Bounds of the relay. The longest message is the archive's door's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelayLimits {
    /// Most topics that the node subscribes to, and most content topics; 1,024 each.
    pub topics: usize,
    /// Most topics that one peer may subscribe to, and tell of at a time; 1,024.
    pub topics_per_peer: usize,
    /// Longest frame of a peer, in bytes; 2 MiB. It may hold several messages.
    pub frame_bytes: usize,
    /// Most messages that wait to be sent to one peer; 256. More aren't sent to it.
    pub sending_per_peer: usize,
    /// Most messages that wait to be archived; 4,096. More are neither archived nor passed on.
    pub waiting: usize,
    /// Most bytes of messages that wait to be archived; 16 MiB.
    pub waiting_bytes: usize,
    /// Most messages that are archived in one commit; 256.
    pub batch: usize,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            topics: 1_024,
            topics_per_peer: 1_024,
            frame_bytes: 2 << 20,
            sending_per_peer: 256,
            waiting: 4_096,
            waiting_bytes: 16 << 20,
            batch: 256,
        }
    }
}
