//! Which connections still answer.

use std::collections::HashMap;

use libp2p::ping::Failure;
use libp2p::swarm::ConnectionId;

use super::limits::PINGS_LOST;

/// Counts the pings in a row that each connection left unanswered.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    missed: HashMap<ConnectionId, u32>,
}

impl Liveness {
    /// A ping was answered, or not; gives whether the connection is dead. Peers that don't speak
    /// ping aren't held to it.
    pub(super) fn pinged<T>(
        &mut self,
        connection: ConnectionId,
        result: &Result<T, Failure>,
    ) -> bool {
        match result {
            Ok(_) | Err(Failure::Unsupported) => {
                self.missed.remove(&connection);
                false
            }
            Err(Failure::Timeout | Failure::Other { .. }) => {
                let missed = self.missed.entry(connection).or_default();
                *missed += 1;
                *missed >= PINGS_LOST
            }
        }
    }

    /// The connection ended.
    pub(super) fn ended(&mut self, connection: &ConnectionId) {
        self.missed.remove(connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_dead_when_so_many_pings_in_a_row_go_unanswered() {
        let mut liveness = Liveness::default();
        let [one, other] = [1, 2].map(ConnectionId::new_unchecked);
        let mut miss = |connection| liveness.pinged::<()>(connection, &Err(Failure::Timeout));
        for _ in 1..PINGS_LOST {
            assert!(!miss(one) && !miss(other));
        }
        assert!(!liveness.pinged(one, &Ok(())));
        let mut miss = |connection| liveness.pinged::<()>(connection, &Err(Failure::Timeout));
        assert!(!miss(one) && miss(other));
        liveness.ended(&other);
        assert!(!liveness.pinged::<()>(other, &Err(Failure::Timeout)));
        assert!(!liveness.pinged::<()>(other, &Err(Failure::Unsupported)));
        liveness.ended(&one);
        assert!(liveness.missed.is_empty());
    }
}
