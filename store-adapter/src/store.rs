//! Waku Store v3, `/vac/waku/store-query/3.0.0`, server and client side.

mod answer;
pub mod client;
mod query;
mod serve;
mod wire;

pub use answer::{StoreAnswer, StoreAnswerError, StoreEntry, read_response};
pub use client::{
    Ask, ContentCriteria, Ended, Found, Notice, Step, StoreCriteria, StoreWalk, Trouble,
};
pub use query::{BadRequest, Selection, StoreQuery};
pub use serve::{answer, serve, too_many_requests};
pub use wire::{StoreQueryRequest, StoreQueryResponse, StoredMessage, status};
