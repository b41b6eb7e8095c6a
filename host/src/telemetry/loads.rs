//! What a sink that loads a remote table counts and says of itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// What the target has not answered yet, in the order in which it was asked: in words, and
    /// since when.
    asked: Mutex<BTreeMap<u64, (String, i64)>>,
}

/// An answer that takes longer, in microseconds, is waited for.
const SLOW: i64 = 10_000_000;

/// The target has been asked for something, until this is dropped.
#[derive(Debug)]
pub struct Asked<'a> {
    counters: &'a LoadCounters,
    number: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.counters.unanswered().remove(&self.number);
    }
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

    /// Says that the target was asked for `what`, a clause as in "an answer to `what`", at a time
    /// (microseconds since 1970 UTC).
    #[must_use = "it is answered when this is dropped"]
    pub fn asks(&self, what: String, now: i64) -> Asked<'_> {
        let mut asked = self.unanswered();
        let number = asked.last_key_value().map_or(0, |(last, _)| last + 1);
        asked.insert(number, (what, now));
        Asked { counters: self, number }
    }

    /// How the sink fares at a time (microseconds since 1970 UTC): one whose target has not answered
    /// for long waits, too.
    #[must_use]
    pub fn health(&self, now: i64) -> LoadHealth {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if health != LoadHealth::Healthy {
            return health;
        }
        match self.unanswered().values().min_by_key(|(_, since)| *since) {
            Some((what, since)) if now.saturating_sub(*since) >= SLOW => {
                let reason = format!("the target has not answered {what} yet");
                LoadHealth::Waiting { reason, since: *since }
            }
            _ => LoadHealth::Healthy,
        }
    }

    fn unanswered(&self) -> MutexGuard<'_, BTreeMap<u64, (String, i64)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_does_not_answer_for_long_is_waited_for() {
        let counters = LoadCounters::default();
        let load = counters.asks("load `mr_1`".to_owned(), 1_000_000);
        let commit = counters.asks("commit `mr_2`".to_owned(), 5_000_000);
        assert_eq!(counters.health(10_999_999), LoadHealth::Healthy);
        let reason = "the target has not answered load `mr_1` yet".to_owned();
        let waiting = LoadHealth::Waiting { reason, since: 1_000_000 };
        assert_eq!(counters.health(11_000_000), waiting);
        drop(load);
        assert_eq!(counters.health(11_000_000), LoadHealth::Healthy);
        let reason = "memory is short".to_owned();
        let waiting = LoadHealth::Waiting { reason, since: 7 };
        counters.fares(waiting.clone());
        assert_eq!(counters.health(15_000_000), waiting, "what it says itself comes first");
        drop(commit);
    }
}
