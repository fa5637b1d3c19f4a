//! Private PostgreSQL servers for tests, made from the installed binaries. Nothing that is shipped
//! depends on this.
//!
//! A [`Server`] has a data directory of its own among the temporary files, listens on a socket
//! there and nowhere else, and asks for a password. It runs as an unprivileged user, since
//! `postgres` refuses to run as root. A guard process stops it and removes its files when the
//! process that started it ends, however it ends.
//!
//! Tests of one program share a server and take a database each:
//!
//! ```no_run
//! let url = postgres_server::shared().database();
//! ```

mod binaries;
mod guard;
mod server;
mod user;

use std::sync::OnceLock;

pub use server::{PASSWORD, Server, ServerError, USER};

/// The server that all tests of this program share.
///
/// # Panics
/// When it can't be started: a missing server is a failure of the test, which says what to install.
#[must_use]
#[expect(
    clippy::panic,
    reason = "a missing server fails the test, and nothing else"
)]
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| match Server::start(&[]) {
        Ok(server) => server,
        Err(error) => panic!("{error}"),
    })
}
