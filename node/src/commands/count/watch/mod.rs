//! `wakustore count --watch`: counts again and again, keeps the figures of a week, and serves them.

mod figures;
mod history;
mod round;
mod selection;
mod server;
mod state;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use parking_lot::Mutex;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use self::history::{History, Round};
use self::selection::Selection;
use self::server::FigureServer;
use self::state::State;
use super::super::asking::asking_node;
use super::count;
use crate::census::limits::WEEK;
use crate::census::{Report, Subjects};
use crate::cli::CountArgs;
use crate::cli::time::now;
use crate::exit::Failure;
use crate::node::Node;
use crate::output::tell;

/// A watch.
struct Watch {
    args: CountArgs,
    subjects: Subjects,
    node: Node,
    history: Arc<Mutex<History>>,
    state: Option<State>,
}

/// Counts every `interval` until the program is told to end.
pub(super) async fn run(
    args: CountArgs,
    subjects: Subjects,
    interval: Duration,
) -> Result<ExitCode, Failure> {
    let mut terminate = signal(SignalKind::terminate()).context("no handler for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no handler for SIGINT")?;
    let mut watch = Watch::start(args, subjects).await?;
    let named = watch.subjects.as_slice().iter();
    let named = named.map(|subject| (subject.peer.to_string(), subject.name.clone()));
    let history = Arc::clone(&watch.history);
    let server = FigureServer::listen(&watch.args.watching, history, named.collect()).await?;
    tell(format_args!("Figures: http://{}/metrics", server.address()));
    let counting = async {
        loop {
            let next = Instant::now() + interval;
            watch.round().await?;
            sleep_until(next).await;
        }
    };
    let ended: Result<(), Failure> = tokio::select! {
        failed = counting => failed,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    server.stop().await;
    watch.node.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}

impl Watch {
    async fn start(args: CountArgs, subjects: Subjects) -> Result<Self, Failure> {
        let asked = Selection::of(&args);
        // A week of buckets has to be held.
        let week = args.counted.span_watched(now(), WEEK);
        week.map_err(|error| Failure::Usage(error.into()))?;
        let (history, state) = match &args.watching.state {
            None => (History::new(asked.width), None),
            Some(file) => {
                let (state, mut history, kept) = State::open(file, &asked).await?;
                if kept != asked {
                    return Err(Failure::Usage(anyhow!(
                        "{} has figures of {kept}, and {asked} is asked for: give the same, or another file",
                        file.display()
                    )));
                }
                let peers = subjects.as_slice().iter();
                history.go_on_with(&peers.map(|subject| subject.peer.to_string()).collect());
                (history, Some(state))
            }
        };
        Ok(Self {
            node: asking_node(args.cluster_id).await?,
            history: Arc::new(Mutex::new(history)),
            args,
            subjects,
            state,
        })
    }

    /// Counts once, and tells of it. Nodes that can't be counted aren't the end; figures that can't be kept are.
    async fn round(&mut self) -> Result<(), Failure> {
        let at = now();
        let whole = self
            .history
            .lock()
            .is_full_due(at, self.args.watching.full_every.0);
        let range = if whole {
            WEEK
        } else {
            self.args.counted.range.0
        };
        let span = self.args.counted.span_watched(at, range);
        let Some(span) = span.map_err(|error| Failure::Usage(error.into()))? else {
            tell("Nothing to count yet: all of it is newer than --delay.");
            return Ok(());
        };
        let report = count(&self.node, &self.subjects, &self.args, span).await;
        self.keep(&report, at, whole).await?;
        round::show(&self.args, &report, at)?;
        Ok(())
    }

    async fn keep(&mut self, report: &Report, at: u64, whole: bool) -> anyhow::Result<()> {
        let round = Round::new(report, at, whole);
        let change = self.history.lock().note(report, round);
        match &self.state {
            Some(state) => state.write(change).await,
            None => Ok(()),
        }
    }
}
