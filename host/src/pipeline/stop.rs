//! The wish to stop, from a signal handler to every pipeline of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How urgent a stop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// Nobody asked.
    No,
    /// Drain what was read, checkpoint, end.
    Gracefully,
}

/// A flag shared by those who ask for a stop and those who obey.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicU8>);

impl StopSignal {
    /// Asks for a graceful stop.
    pub fn stop(&self) {
        self.0.store(1, Ordering::Release);
    }

    /// What was asked for.
    #[must_use]
    pub fn state(&self) -> Stopping {
        if self.0.load(Ordering::Acquire) == 0 { Stopping::No } else { Stopping::Gracefully }
    }
}
