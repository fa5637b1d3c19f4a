//! What the tests of the `waku` dialect share: sets with topics, the recorded vectors, and nwaku's
//! splitting as a peer.

pub(crate) mod archive;
pub(crate) mod cases;
pub(crate) mod frames;
pub(crate) mod nwaku;
pub(crate) mod run;
pub(crate) mod vectors;
