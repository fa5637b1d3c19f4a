//! Ending a session from outside.

use tokio::sync::watch;

/// Why a session is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// For the one that the peer started.
    Yield,
    /// Nobody waits for it any more.
    Cancel,
    /// For another peer, while this one kept silent.
    Displace,
}

/// The end that says "stop". The first word counts.
#[derive(Clone, Debug)]
pub(crate) struct Stopper(watch::Sender<Option<Stop>>);

/// The end that listens.
#[derive(Clone, Debug)]
pub(crate) struct StopSignal(watch::Receiver<Option<Stop>>);

/// Cancels when dropped.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(Stopper);

impl Stopper {
    pub(crate) fn new() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), StopSignal(receiver))
    }

    pub(crate) fn stop(&self, why: Stop) {
        self.0.send_if_modified(|said| {
            let first = said.is_none();
            said.get_or_insert(why);
            first
        });
    }

    pub(crate) fn on_drop(self) -> CancelOnDrop {
        CancelOnDrop(self)
    }
}

impl StopSignal {
    /// What was said, if anything.
    pub(crate) fn said(&self) -> Option<Stop> {
        *self.0.borrow()
    }

    /// Runs `work` unless and until told to stop.
    pub(crate) async fn run<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            why = self.stopped() => Err(why),
            done = work => Ok(done),
        }
    }

    async fn stopped(&mut self) -> Stop {
        match self.0.wait_for(Option::is_some).await {
            Ok(said) => said.unwrap_or(Stop::Cancel),
            Err(_) => Stop::Cancel,
        }
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.stop(Stop::Cancel);
    }
}
