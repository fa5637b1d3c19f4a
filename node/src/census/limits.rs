//! Bounds of `wakustore count`: what is held in memory, how often nodes are asked, and how much is shown.

use std::time::Duration;

/// Most nodes counted at once. Who holds a message is a bit for each.
pub(crate) const NODES: usize = 64;

/// Most buckets of one count.
pub(crate) const BUCKETS: usize = 5_000;

/// Most messages of one count, of all nodes together; each takes some 100 bytes of memory, and 50 more where nodes
/// are reconciled.
pub(crate) const MESSAGES: usize = 10_000_000;

/// How often a node is asked for what it seems to lack before that is called missing.
pub(crate) const CONFIRMATIONS: u32 = 3;

/// The pause between these.
pub(crate) const CONFIRMATION_PAUSE: Duration = Duration::from_millis(500);

/// Most messages that a node is asked for again; it isn't known of the others whether it lacks them.
pub(crate) const CONFIRMED: usize = 10_000;

/// How many of these at once.
pub(crate) const CONFIRMED_AT_ONCE: usize = 1_000;

/// Most nodes that are asked again at the same time.
pub(crate) const NODES_CONFIRMING: usize = 8;

/// How long a node may take to answer for all that it is asked for again.
pub(crate) const CONFIRMING_DEADLINE: Duration = Duration::from_secs(300);

/// How often a node that is busy with other sessions is asked for one.
pub(crate) const SESSION_TRIES: u32 = 10;

/// The pause before a busy node is asked again.
pub(crate) const SESSION_PAUSE: Duration = Duration::from_secs(1);

/// How long a session may take in all, tries included.
pub(crate) const SESSION_DEADLINE: Duration = Duration::from_secs(600);

/// How long a node may take to be counted by reconciliation: its sessions, and telling the times of what it alone
/// holds.
pub(crate) const RECONCILING_DEADLINE: Duration = Duration::from_secs(900);

/// How long a node may take to be counted by Store queries; what it hasn't answered for by then, it isn't asked for.
pub(crate) const LISTING_DEADLINE: Duration = Duration::from_secs(1_800);

/// How many messages that only one node is known to hold are asked for their times by Store queries, which carry
/// their data; where there are more, the node is listed.
pub(crate) const TIMES_ASKED: usize = 1_000;

/// Buckets in a row that a node doesn't answer for, before it isn't asked for the others.
pub(crate) const BUCKETS_UNANSWERED: usize = 2;

/// Missing messages that a report names; the others are counted only.
pub(crate) const MISSING_NAMED: usize = 10_000;

/// Longest reason kept of a node that couldn't be counted, in characters.
pub(crate) const REASON_CHARS: usize = 300;

/// How far back a watch keeps figures.
pub(crate) const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The shortest time between two counts of a watch.
pub(crate) const SHORTEST_WATCH: Duration = Duration::from_secs(1);

/// Most counts that a watch remembers for the availability of nodes: a week's, at one a minute.
pub(crate) const ROUNDS: usize = 10_080;

/// How long a node may take to answer a Store query.
pub(crate) const STORE_DEADLINE: Duration = Duration::from_secs(30);
