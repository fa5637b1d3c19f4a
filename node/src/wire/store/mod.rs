//! Store v3.

mod request;
mod response;

pub use request::{QueryParts, StoreRequestParts};
pub use response::{StoreResponseParts, StoredHashes};
