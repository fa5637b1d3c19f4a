//! What the benches, and the program's `bench` command, share: inputs, a clock, and reconciliations
//! in memory between two sets, by this engine and by the `negentropy` crate.
//!
//! ```
//! use benches::{Competitor, Laps, NegentropyCrate, Ours, Placement, pair, tree};
//! use sync_core::Dialect;
//!
//! let pair = pair(1_000, 10, Placement::Spread, 1);
//! let ours = Ours::new(tree(&pair.left), tree(&pair.right), Dialect::Negentropy, 0);
//! let peer = NegentropyCrate::new(&pair.left, &pair.right, 0);
//! for competitor in [&ours as &dyn Competitor, &peer] {
//!     let outcome = competitor.reconcile(&mut Laps::off());
//!     assert!(outcome.is_difference_of(&pair), "{}", competitor.name());
//! }
//! ```

pub mod allocator;
pub mod clock;
pub mod competitor;
pub mod inputs;
pub mod negentropy_crate;
pub mod ours;

pub use clock::{Laps, Side, thread_cpu};
pub use competitor::{Competitor, Outcome, Traffic};
pub use inputs::{HOUR, Pair, Placement, SPAN, START, items, pair, tree, view};
pub use negentropy_crate::NegentropyCrate;
pub use ours::Ours;
