//! What a sink that loads a remote table counts and says of itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A step of a load whose time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadPhase {
    /// Columns into a body.
    Encode,
    /// The body to the target, and its answer.
    Load,
    /// Making it durable there (`prepare`).
    Prepare,
    /// Making it visible there.
    Commit,
}

impl LoadPhase {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Encode, Self::Load, Self::Prepare, Self::Commit];

    /// The lowercase name, as the status prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Load => "load",
            Self::Prepare => "prepare",
            Self::Commit => "commit",
        }
    }
}

/// How a sink fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LoadHealth {
    /// It goes on.
    #[default]
    Healthy,
    /// It waits for the target, for this reason, since this time (microseconds since 1970 UTC).
    Waiting {
        /// Why, in words.
        reason: String,
        /// Since when.
        since: i64,
    },
}

/// The counters of one such sink.
#[derive(Debug, Default)]
pub struct LoadCounters {
    /// Loads that the target has taken.
    pub loads: AtomicU64,
    /// Their rows.
    pub rows: AtomicU64,
    /// Their bytes, as sent.
    pub bytes: AtomicU64,
    /// Transactions that are open or prepared at the target and not yet ended.
    pub open_transactions: AtomicU64,
    nanos: [AtomicU64; 4],
    retries: Mutex<BTreeMap<&'static str, u64>>,
    health: Mutex<LoadHealth>,
}

impl LoadCounters {
    /// Adds time to a phase.
    pub fn spent(&self, phase: LoadPhase, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos[phase as usize].fetch_add(nanos, Ordering::Relaxed);
    }

    /// The time spent in a phase, over all loads.
    #[must_use]
    pub fn time(&self, phase: LoadPhase) -> Duration {
        Duration::from_nanos(self.nanos[phase as usize].load(Ordering::Relaxed))
    }

    /// Counts one try again, by its cause.
    pub fn retried(&self, cause: &'static str) {
        *self.retries.lock().unwrap_or_else(PoisonError::into_inner).entry(cause).or_default() += 1;
    }

    /// Tries again, by cause.
    #[must_use]
    pub fn retries(&self) -> BTreeMap<&'static str, u64> {
        self.retries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says how the sink fares. One that waits already keeps the time since when.
    pub fn fares(&self, health: LoadHealth) {
        let mut now = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        *now = match (&*now, health) {
            (LoadHealth::Waiting { since, .. }, LoadHealth::Waiting { reason, .. }) => {
                LoadHealth::Waiting { reason, since: *since }
            }
            (_, health) => health,
        };
    }

    /// How the sink fares.
    #[must_use]
    pub fn health(&self) -> LoadHealth {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
