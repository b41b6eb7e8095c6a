//! What a running pipeline counts. Relaxed atomics, touched once a batch; what transforms count
//! themselves, once a barrier.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::LoadCounters;

/// The counters of one node of the graph.
#[derive(Debug, Default)]
pub struct NodeCounters {
    /// Rows that came in (for a source: that it read, rejected ones included).
    pub rows_in: AtomicU64,
    /// Rows that went out (for a sink: that are committed).
    pub rows_out: AtomicU64,
    /// Rows that a filter left out.
    pub filtered: AtomicU64,
    /// Rows that came too late for a stage in the order of event time.
    pub late: AtomicU64,
    /// Rows set aside as dead letters.
    pub rejected: AtomicU64,
    /// Batches that came in (for a source: that it made).
    pub batches: AtomicU64,
    /// Bytes read, for sources.
    pub bytes: AtomicU64,
    /// Bytes there are to read in all, for finite sources; 0 where unknown.
    pub bytes_total: AtomicU64,
    /// The greatest event time seen, microseconds; `i64::MIN` for none.
    pub event_time: AtomicI64,
    /// Nanoseconds spent in guest calls, for transforms.
    pub guest_nanos: AtomicU64,
    /// What the transform itself has counted, by name; brought up to date at barriers.
    guest_counts: Mutex<BTreeMap<String, u64>>,
    /// A source's words for where its last row was read.
    position: Mutex<String>,
}

impl NodeCounters {
    /// Adds to one counter.
    pub fn add(counter: &AtomicU64, delta: usize) {
        counter.fetch_add(delta as u64, Ordering::Relaxed);
    }

    /// Replaces what the transform has counted.
    pub fn set_guest_counts(&self, counts: impl Iterator<Item = (String, u64)>) {
        *self.guest_counts.lock().unwrap_or_else(PoisonError::into_inner) = counts.collect();
    }

    /// What the transform has counted, as of the last barrier.
    #[must_use]
    pub fn guest_counts(&self) -> BTreeMap<String, u64> {
        self.guest_counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says where a source has read its last row.
    pub fn set_position(&self, position: String) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }

    /// Where a source has read its last row, in its own words; empty before the first.
    #[must_use]
    pub fn position(&self) -> String {
        self.position.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads one counter.
    #[must_use]
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

/// The counters of a pipeline's nodes, by name, and its checkpoints.
#[derive(Debug, Default)]
pub struct PipelineCounters {
    /// Sources, by name.
    pub sources: BTreeMap<String, Arc<NodeCounters>>,
    /// Transforms, by name.
    pub transforms: BTreeMap<String, Arc<NodeCounters>>,
    /// Sinks, by name; the dead letters' sink is not among them.
    pub sinks: BTreeMap<String, Arc<NodeCounters>>,
    /// What sinks say of their loads, by name, for every sink; those that load no remote table leave
    /// theirs at zero. The dead letters' sink is among them, under its own name.
    pub loads: BTreeMap<String, Arc<LoadCounters>>,
    /// Checkpoints that were committed.
    pub checkpoints: AtomicU64,
    /// The last one's number.
    pub epoch: AtomicU64,
    /// When it was written, microseconds since 1970 UTC; 0: there is none yet.
    pub checkpoint_time: AtomicI64,
    /// Rows that sources read and that are in a checkpoint, or will come again.
    pub rows_saved: AtomicU64,
}

impl PipelineCounters {
    /// The sum of one counter over some nodes.
    pub fn total(
        nodes: &BTreeMap<String, Arc<NodeCounters>>,
        pick: impl Fn(&NodeCounters) -> &AtomicU64,
    ) -> u64 {
        nodes.values().map(|node| NodeCounters::get(pick(node))).sum()
    }
}
