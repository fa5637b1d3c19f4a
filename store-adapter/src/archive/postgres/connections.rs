//! The pool of connections, how each is set up, and what is tried again on another one.

use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime,
};

use super::PostgresUrl;
use super::fault::Fault;
use crate::archive::ArchiveError;
use crate::limits::{
    ARCHIVE_CONNECT_TIMEOUT, ARCHIVE_LOCK_MILLISECONDS, ARCHIVE_RETRY_MILLISECONDS,
    ARCHIVE_STATEMENT_MILLISECONDS,
};

/// The connections to a database.
#[derive(Debug)]
pub(super) struct Connections {
    pool: Pool,
    url: PostgresUrl,
}

impl Connections {
    /// At most so many connections; none is made yet.
    pub(super) fn new(url: &PostgresUrl, most: usize) -> Result<Self, ArchiveError> {
        let tls = url.tls().connector();
        let tls = tls.map_err(|error| Fault::Failed(error.to_string()).into_error(url))?;
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(
            url.config().clone(),
            tls,
            ManagerConfig { recycling_method },
        );
        let pool = Pool::builder(manager)
            .max_size(most.max(2))
            // The connections used last have the plans of statements.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_millis(
                ARCHIVE_STATEMENT_MILLISECONDS.into(),
            )))
            .create_timeout(Some(ARCHIVE_CONNECT_TIMEOUT))
            .recycle_timeout(Some(ARCHIVE_CONNECT_TIMEOUT))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    let set_up = client.batch_execute(&setup()).await;
                    set_up.map_err(HookError::Backend)
                })
            }))
            .build()
            .map_err(|error| Fault::Failed(error.to_string()).into_error(url))?;
        Ok(Self {
            pool,
            url: url.clone(),
        })
    }

    pub(super) async fn get(&self) -> Result<Object, Fault> {
        self.pool.get().await.map_err(Fault::from)
    }

    /// Attempts something, and again if its connection is lost or another node was in the way: it must
    /// be such that doing it twice is doing it once.
    pub(super) async fn retry<T, F>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ArchiveError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut pauses = ARCHIVE_RETRY_MILLISECONDS.into_iter();
        loop {
            let fault = match attempt().await {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            match pauses.next() {
                Some(pause) if fault.may_pass() => {
                    tracing::debug!(?fault, archive = %self.url, "trying again");
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                _ => return Err(self.told(fault)),
            }
        }
    }

    /// A fault as others are told of it.
    pub(super) fn told(&self, fault: Fault) -> ArchiveError {
        fault.into_error(&self.url)
    }
}

/// Every session is durable whatever the server's default, gives up what takes too long, and plans for
/// partitions of which the server has no statistics yet: by indices, and without compiling.
fn setup() -> String {
    format!(
        "SELECT set_config('synchronous_commit', 'on', false)
            WHERE current_setting('synchronous_commit') = 'off';
         SET search_path = wakustore;
         SET statement_timeout = {ARCHIVE_STATEMENT_MILLISECONDS};
         SET lock_timeout = {ARCHIVE_LOCK_MILLISECONDS};
         SET idle_in_transaction_session_timeout = {ARCHIVE_STATEMENT_MILLISECONDS};
         SET enable_seqscan = off;
         SET jit = off"
    )
}
