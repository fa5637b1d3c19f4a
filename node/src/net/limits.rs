//! Bounds of the connections and requests that this side makes.

use std::time::Duration;

/// The first pause before a lost peer is dialled again; doubled each time.
pub(crate) const FIRST_REDIAL: Duration = Duration::from_secs(1);

/// The longest pause between dials, and how long a connection has to last for the pauses to start
/// over.
pub(crate) const LAST_REDIAL: Duration = Duration::from_secs(60);

/// How often it is looked whether a peer to stay with is still connected.
pub(crate) const LOOK: Duration = Duration::from_secs(2);

/// How many requests may wait for the swarm's task.
pub(crate) const COMMANDS: usize = 64;

/// How long a new peer may take to say what it speaks.
pub(crate) const IDENTIFY_DEADLINE: Duration = Duration::from_secs(10);

/// How long dialling may take in all.
pub(crate) const DIAL_DEADLINE: Duration = Duration::from_secs(15);

/// How long a peer may take to answer a Store query, from the opening of its stream on.
pub(crate) const STORE_QUERY_DEADLINE: Duration = Duration::from_secs(60);

/// How long it is believed what a peer has said that it lacks.
pub(crate) const CLAIMS_BELIEVED: Duration = Duration::from_secs(300);
