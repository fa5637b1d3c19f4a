//! Looks on at sessions, and hands what it sees to the writer.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use sync_core::SessionLimits;
use sync_core::waku::HeaderForm;
use sync_net::{Observer, Outcome, ReconcileError, SessionInfo, SessionObserver};
use tokio::sync::oneshot;

use super::line::{End, Head, Line};
use super::queue::{Queue, queue};
use super::writer::Writer;
use crate::exit::Failure;

/// How long the end of a node waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(5);

/// Records the sessions of a [`Reconciler`](sync_net::Reconciler).
#[derive(Debug)]
pub struct Recorder(Queue);

/// A file that sessions are recorded to, by a thread of its own. Dropped, or
/// [finished](Recording::finish), it ends as soon as every [`Recorder`] has gone.
#[derive(Debug)]
pub struct Recording {
    recorder: Arc<Recorder>,
    over: oneshot::Receiver<()>,
}

impl Recording {
    /// Starts a recording to a file of at most `limit` bytes, which mustn't hold anything yet.
    ///
    /// # Errors
    /// When the file can't be written, or holds something.
    pub fn start(file: &Path, limit: u64) -> Result<Self, Failure> {
        let name = file.display();
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(file)
            .with_context(|| format!("the recording {name} can't be written"))?;
        let metadata = opened
            .metadata()
            .with_context(|| format!("the recording {name} can't be looked at"))?;
        if metadata.len() > 0 {
            return Err(Failure::Usage(anyhow!(
                "--record {name}: there is something in this file, and a recording needs a new one: \
                 name another, or move it away"
            )));
        }
        let (queue, waiting) = queue();
        let (ending, over) = oneshot::channel();
        let writer = Writer::new(opened, name.to_string(), limit);
        std::thread::Builder::new()
            .name("recording".into())
            .spawn(move || {
                writer.run(waiting);
                // Nobody may wait for the end.
                let _ = ending.send(());
            })
            .context("no thread for the recording")?;
        Ok(Self {
            recorder: Arc::new(Recorder(queue)),
            over,
        })
    }

    /// The recorder, to look on at sessions.
    #[must_use]
    pub fn recorder(&self) -> Arc<Recorder> {
        Arc::clone(&self.recorder)
    }

    /// Waits until what was recorded is written, after the end of the node that has the recorder.
    pub async fn finish(self) {
        drop(self.recorder);
        if tokio::time::timeout(PATIENCE, self.over).await.is_err() {
            tracing::warn!("the recording isn't written to its end");
        }
    }
}

impl Observer for Recorder {
    fn begins(
        &self,
        session: &SessionInfo,
        limits: &SessionLimits,
        form: HeaderForm,
    ) -> Option<Box<dyn SessionObserver>> {
        let head = Head::new(session, form);
        let line = || Line::Session {
            head: head.now(),
            scope: (&session.scope).into(),
            limits: limits.into(),
        };
        self.0.offer(line, &[]);
        let queue = self.0.clone();
        Some(Box::new(Watched {
            queue,
            head,
            frames: 0,
        }))
    }
}

/// A session that is being recorded.
struct Watched {
    queue: Queue,
    head: Head,
    frames: u64,
}

impl SessionObserver for Watched {
    fn frame(&mut self, direction: sync_net::Direction, frame: &[u8]) {
        let line = || Line::Frame {
            head: self.head.now(),
            number: self.frames,
            direction: direction.into(),
            frame: String::new(),
        };
        self.queue.offer(line, frame);
        self.frames += 1;
    }

    fn ends(&mut self, outcome: &Result<Outcome, ReconcileError>) {
        let line = || Line::End {
            head: self.head.now(),
            end: End {
                frames: self.frames,
                outcome: outcome.into(),
            },
        };
        self.queue.offer(line, &[]);
    }
}
