//! What was served, in counts, and which transactions had a load fail.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::message::Node;

/// How many spoilt transactions are remembered.
const MAX_SPOILT: usize = 10_000;

/// Counts of what was served.
#[derive(Debug, Default)]
pub struct Stats {
    requests: Mutex<BTreeMap<String, u64>>,
    backend_connections: AtomicU64,
    body_bytes: AtomicU64,
    formats: Mutex<BTreeMap<&'static str, u64>>,
    spoilt: Mutex<HashSet<String>>,
}

impl Stats {
    /// Counts a request: `fe load`, `be prepare`.
    pub fn count(&self, node: Node, operation: &str) {
        let kind = match node {
            Node::Frontend(_) => "fe",
            Node::Backend(_) => "be",
        };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(format!("{kind} {operation}")).or_default() += 1;
    }

    /// Counts a connection that is opened.
    pub fn count_connection(&self, node: Node) {
        if let Node::Backend(_) = node {
            self.backend_connections.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many connections to backends were opened.
    #[must_use]
    pub fn backend_connections(&self) -> u64 {
        self.backend_connections.load(Ordering::Relaxed)
    }

    /// Counts bytes of bodies that backends took.
    pub fn count_bytes(&self, bytes: u64) {
        self.body_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a body of rows by its format.
    pub fn count_format(&self, format: &'static str) {
        let mut formats = self.formats.lock().unwrap_or_else(PoisonError::into_inner);
        *formats.entry(format).or_default() += 1;
    }

    /// How many bodies of each format came: `csv`, `json`, `arrow`.
    #[must_use]
    pub fn formats(&self) -> BTreeMap<&'static str, u64> {
        self.formats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests of each kind were served.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many bytes of bodies the backends took.
    #[must_use]
    pub fn body_bytes(&self) -> u64 {
        self.body_bytes.load(Ordering::Relaxed)
    }

    /// Notes that a load inside this transaction failed without a reply that says so.
    pub(super) fn spoil(&self, label: &str) {
        let mut spoilt = self.spoilt.lock().unwrap_or_else(PoisonError::into_inner);
        if spoilt.len() < MAX_SPOILT {
            spoilt.insert(label.to_owned());
        }
    }

    /// Whether it did; a transaction that begins or ends is as new.
    pub(super) fn is_spoilt(&self, label: &str) -> bool {
        self.spoilt.lock().unwrap_or_else(PoisonError::into_inner).contains(label)
    }

    /// Forgets that it did.
    pub(super) fn renew(&self, label: &str) {
        self.spoilt.lock().unwrap_or_else(PoisonError::into_inner).remove(label);
    }
}
