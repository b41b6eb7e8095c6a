//! A target that stands still: it takes no byte of a body and answers no load and no operation of a
//! transaction, for a while. Frontends redirect and tell how labels stand all the same, and the MySQL
//! port answers.
//!
//! *Invariants*: it ends by itself; a server that is stopped ends whoever waits at it.
//! *Not here*: one answer that is late (`faults`, `be-slow`): when a stall ends, everything goes on
//! at once, however long it has waited.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::http::Life;

/// How often those who wait look whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Whether the servers of one stand-in stand still.
#[derive(Debug, Default)]
pub struct Stall {
    until: Mutex<Option<Instant>>,
    held: AtomicUsize,
}

impl Stall {
    /// Stands still from now on, for so long unless it is ended before.
    pub fn begin(&self, how_long: Duration) {
        // What is too far away for a clock is told by the longest that it can tell.
        let year = Duration::from_secs(365 * 24 * 3600);
        self.set(Some(Instant::now() + how_long.min(year)));
    }

    /// Goes on.
    pub fn end(&self) {
        self.set(None);
    }

    fn set(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// For how much longer it stands still; zero: it does not.
    #[must_use]
    pub fn left(&self) -> Duration {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// How many requests wait now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Waits until it is over; whether the server still runs then.
    pub fn pass(&self, life: &Life) -> bool {
        let mut left = self.left();
        if left.is_zero() {
            return true;
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        let mut runs = true;
        while runs && !left.is_zero() {
            runs = life.wait(left.min(LOOK_EVERY));
            left = self.left();
        }
        self.held.fetch_sub(1, Ordering::Relaxed);
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_ends_by_itself_and_with_the_server() {
        let (stall, life) = (Stall::default(), Life::default());
        assert!(stall.pass(&life));
        let before = Instant::now();
        stall.begin(Duration::from_millis(30));
        assert!(stall.pass(&life) && before.elapsed() >= Duration::from_millis(30));
        assert_eq!((stall.left(), stall.held()), (Duration::ZERO, 0));
        stall.begin(Duration::MAX);
        life.end();
        assert!(!stall.pass(&life) && stall.held() == 0);
        stall.end();
        assert!(stall.left().is_zero());
    }
}
