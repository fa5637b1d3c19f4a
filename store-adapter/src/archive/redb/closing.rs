//! Units that are closed while others are written to.
//!
//! redb syncs what it closes, several times, and a batch needn't wait for that.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::unit::Unit;

/// Closes units on a thread of its own. When it is dropped, all of them are closed.
#[derive(Debug, Default)]
pub(super) struct Closing {
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Closing {
    /// Closes units until somebody needs them. Waits for those that came before.
    pub(super) fn close(&self, units: Vec<Arc<Unit>>) {
        if units.is_empty() {
            return;
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        wait_for(thread.take());
        let theirs = units.clone();
        let begun = thread::Builder::new()
            .name("closing-units".into())
            .spawn(move || theirs.iter().for_each(|unit| unit.rest()));
        match begun {
            Ok(begun) => *thread = Some(begun),
            // The system has no thread to spare.
            Err(_) => units.iter().for_each(|unit| unit.rest()),
        }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let thread = self.thread.get_mut();
        wait_for(thread.unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn wait_for(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread
        && thread.join().is_err()
    {
        tracing::warn!(
            "a unit of the archive wasn't closed cleanly; it is repaired when it is opened"
        );
    }
}
