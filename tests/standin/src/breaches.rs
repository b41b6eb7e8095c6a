//! The log of what clients did against the protocol. A test that finds an entry fails.

use std::sync::{Mutex, PoisonError};

/// How many breaches are kept: the first ones say what is wrong.
const KEPT: usize = 1000;

/// The breach log of one stand-in.
#[derive(Debug, Default)]
pub struct Breaches(Mutex<Vec<String>>);

impl Breaches {
    /// Writes a breach down, and to stderr.
    pub fn report(&self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("millrace-standin: breach: {what}");
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < KEPT {
            all.push(what);
        }
    }

    /// Every breach so far, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets them, for a test that provoked one.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
