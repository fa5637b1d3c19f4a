//! The REST API: nwaku's calls, over HTTP/1.1.
//!
//! A [`RestServer`] listens from before the archive is opened, so that `/health` tells how the start goes;
//! everything else is answered once the node runs. Calls are grouped by file. Each is described where it is
//! written, and the OpenAPI document that the node serves at `/openapi.json` is made of these descriptions.
//! What isn't a success is plain text, as nwaku has it: clients match on its words.

mod admin;
mod answering;
mod body;
mod config;
mod counts;
mod gate;
mod health;
mod http;
mod info;
pub mod limits;
mod message;
mod openapi;
mod origin;
mod parameters;
mod peer_address;
mod problem;
mod relay;
mod routes;
mod segment;
mod sent;
mod server;
mod store;
mod topics;

pub(crate) use answering::{Answering, mount};
pub use config::RestConfig;
pub(crate) use gate::From;
pub(crate) use http::{HttpServer, Listening};
pub(crate) use problem::{Always, Problem};
pub use server::RestServer;
