//! The page that `wakustore run --rest` serves at `/`: how the node is, what it holds, and how it
//! reconciles, as it happens.
//!
//! `assets/` is all that a browser gets, compiled in: nothing is fetched from elsewhere. It reads
//! `/page/state`, and then listens to `/page/events`. The history looks on at sessions and keeps the
//! ranges of their frames within bounds; nothing of it runs in a node without a REST server.

mod assets;
mod events;
pub mod figures;
mod history;
pub mod limits;
mod places;
mod routes;
mod row;
pub mod session;
mod spoken;
mod state;
mod strip;
mod watcher;

use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior};

use self::events::Hub;
use self::figures::PageState;
pub(crate) use self::history::History;
use self::limits::{SESSIONS_EVERY, STATE_EVERY};
pub(crate) use self::routes::{files, routes};
use self::session::{SessionRounds, SessionSummary};
pub(crate) use self::state::Shown;
pub use self::strip::{RangeTally, Said};
use self::watcher::{Both, Watcher};
use crate::node::NodeConfig;
use crate::rest::RestServer;

/// What the page is made of: from the moment that the server listens, of nothing; once the node runs, of
/// what it shows.
#[derive(Default)]
pub(crate) struct Page {
    hub: Hub,
    node: OnceLock<Running>,
}

/// The page of a running node.
struct Running {
    shown: Shown,
    history: Arc<History>,
}

/// Has sessions looked on at that are yet to begin, if the node has a REST server.
pub(crate) fn watch(config: &mut NodeConfig) -> Option<Arc<History>> {
    config.rest.as_ref()?;
    let history = Arc::<History>::default();
    let watcher = Arc::new(Watcher(Arc::clone(&history)));
    config.reconcile.observer = Some(match config.reconcile.observer.take() {
        Some(other) => Arc::new(Both(other, watcher)),
        None => watcher,
    });
    Some(history)
}

/// Has the server's page show a node that runs now; gives what is to be run for it.
pub(crate) fn mount(
    server: &RestServer,
    history: Arc<History>,
    shown: Shown,
) -> impl Future<Output = ()> + Send + use<> {
    let page = Arc::clone(server.page());
    // There is one node for one server.
    let _ = page.node.set(Running { shown, history });
    page.run()
}

impl Page {
    /// All figures; `None` until the node runs.
    fn state(&self) -> Option<PageState> {
        let node = self.node.get()?;
        Some(PageState {
            sessions: Some(node.history.all(SessionSummary::of)),
            ..node.shown.state()
        })
    }

    /// A session with its rounds, if it is kept.
    fn rounds(&self, session: u64) -> Option<SessionRounds> {
        self.node.get()?.history.one(session, SessionRounds::of)
    }

    /// The node ends: so does what pages are told.
    pub(crate) fn end(&self) {
        self.hub.end();
    }

    /// Follows what is done at sessions, and tells pages what has changed.
    async fn run(self: Arc<Self>) {
        let Some(Running { shown, history }) = self.node.get() else {
            return;
        };
        let syncer = &shown.sources.syncer;
        let mut finished = syncer.finished();
        let mut ticks = tokio::time::interval(SESSIONS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told: Option<Instant> = None;
        loop {
            tokio::select! {
                report = finished.recv() => match report {
                    Ok(report) => history.filled(&report),
                    // Of those that were missed it is seen that nobody is at work any more.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                _ = ticks.tick() => {
                    if history.is_at_work() {
                        history.at_work(&syncer.at_work());
                    }
                    self.tell(shown, history, &mut told);
                }
            }
        }
    }

    fn tell(&self, shown: &Shown, history: &History, told: &mut Option<Instant>) {
        let changed = history.changed(SessionSummary::of);
        if self.hub.listeners() == 0 {
            return;
        }
        if !changed.is_empty() {
            self.hub.tell("sessions", &changed);
        }
        if told.is_none_or(|told| told.elapsed() >= STATE_EVERY) {
            *told = Some(Instant::now());
            self.hub.tell("state", &shown.state());
        }
    }
}
