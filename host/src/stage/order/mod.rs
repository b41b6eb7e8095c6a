//! Rows that wait for their event time: the order of stages that ask for it.
//!
//! A batch that comes stays as it is, a [`Chunk`] that knows its rows' order by event time. A heap
//! holds the first row that waits of each chunk, and what is released is merged run by run, a run
//! being the rows that a chunk has before the first of any other. Nothing is done ahead: each batch
//! that leaves is made when it is asked for.
//!
//! *Invariants*: rows leave by (event time, arrival), at every cut into batches and across saves
//! and restores; a batch that leaves has rows of one input; what waits stays
//! within the bound, or is an error; before images are not kept.
//! *Not here*: what the watermark is and which rows are late, when to save, and when files may go
//! that no checkpoint names (`pipeline`).

mod chunk;
mod error;
mod file;
mod gather;
mod layout;
mod save;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;
use std::sync::Arc;

pub use error::OrderError;
use rand::Rng;

use self::chunk::{BatchKey, Chunk};
use self::save::SavedFile;
pub use crate::checkpoint::RowSegment as OrderSegment;
use crate::record::{Batch, RowMeta};

/// Rows that wait for their event time.
#[derive(Debug)]
pub struct OrderBuffer {
    max_bytes: u64,
    /// By arrival; each has rows that wait.
    chunks: BTreeMap<u64, Chunk>,
    /// (Event time, arrival) of the first row that waits of each chunk, the earliest on top.
    heads: BinaryHeap<Reverse<(i64, u64)>>,
    next_arrival: u64,
    rows: usize,
    bytes: u64,
    /// The files that hold rows that wait, oldest first.
    files: Vec<SavedFile>,
    next_file: u64,
    /// Part of the names of files, so that no other run writes the same.
    attempt: u64,
}

/// Rows of one chunk that leave one after another, by their positions.
struct Run {
    arrival: u64,
    positions: Range<usize>,
}

impl OrderBuffer {
    /// A buffer without rows, for as many as take `max_bytes` of memory.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            chunks: BTreeMap::new(),
            heads: BinaryHeap::new(),
            next_arrival: 0,
            rows: 0,
            bytes: 0,
            files: Vec::new(),
            next_file: 0,
            attempt: rand::rng().random(),
        }
    }

    /// Takes a batch of an input: all rows alive, each with an event time. Its buffers are shared,
    /// but for a batch that is a small piece of larger buffers, which is copied. A row that is not
    /// after the watermark leaves with the next release.
    ///
    /// # Errors
    /// If more would wait than the bound allows, or a row has no event time. The batch is then not
    /// taken.
    pub fn push(&mut self, input: usize, batch: Batch) -> Result<(), OrderError> {
        let batch = batch.gathered();
        if batch.rows == 0 {
            return Ok(());
        }
        let batch = chunk::without_ballast(timed(batch)?);
        let chunk = Chunk::new(self.next_arrival, input, batch, None);
        if self.bytes + chunk.bytes() > self.max_bytes {
            return Err(self.full(&chunk));
        }
        self.insert(chunk);
        Ok(())
    }

    /// The next batch of rows with event times up to `watermark`, and its input: at most `most`
    /// rows (at least one), in the order of (event time, arrival). They are forgotten here. `None`
    /// when no such row waits.
    pub fn next_released(&mut self, watermark: i64, most: usize) -> Option<(usize, Batch)> {
        let runs = self.next_runs(watermark, most.max(1));
        let parts: Vec<(&Chunk, Range<usize>)> =
            runs.iter().map(|run| (&self.chunks[&run.arrival], run.positions.clone())).collect();
        let (first, _) = parts.first()?;
        let released = (first.input, gather::gather(&parts));
        self.settle(&runs);
        Some(released)
    }

    /// How many rows wait.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// An estimate of what the rows that wait take in memory: made once for each batch, from the
    /// parts of its buffers that its rows use, and scaled by how many of them wait. Memory follows
    /// within a factor of four, since a batch is copied once fewer than a quarter of it waits.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The earliest event time that waits.
    #[must_use]
    pub fn earliest(&self) -> Option<i64> {
        self.heads.peek().map(|Reverse((time, _))| *time)
    }

    /// Takes a chunk of the arrival `next_arrival`, whatever the bound.
    fn insert(&mut self, chunk: Chunk) {
        let Some(earliest) = chunk.earliest() else { return };
        self.heads.push(Reverse((earliest, chunk.arrival)));
        self.rows += chunk.waiting().len();
        self.bytes += chunk.bytes();
        self.next_arrival = chunk.arrival + 1;
        self.chunks.insert(chunk.arrival, chunk);
    }

    /// Moves the cursors over the rows of the next batch.
    fn next_runs(&mut self, watermark: i64, most: usize) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut key: Option<BatchKey> = None;
        let mut rows = 0;
        while rows < most {
            let Some(&Reverse((time, arrival))) = self.heads.peek() else { break };
            if time > watermark {
                break;
            }
            let chunk = self.chunks.get_mut(&arrival).expect("each head is of a chunk");
            if !key.get_or_insert_with(|| chunk.key()).fits(chunk) {
                break;
            }
            self.heads.pop();
            let next = self.heads.peek().map(|Reverse(head)| *head);
            let before = chunk.bytes();
            let positions = chunk.take_run(watermark, next, most - rows);
            self.bytes -= before - chunk.bytes();
            self.rows -= positions.len();
            rows += positions.len();
            if let Some(earliest) = chunk.earliest() {
                self.heads.push(Reverse((earliest, arrival)));
            }
            runs.push(Run { arrival, positions });
        }
        runs
    }

    /// Lets go what the released rows held.
    fn settle(&mut self, runs: &[Run]) {
        for run in runs {
            let Some(chunk) = self.chunks.get_mut(&run.arrival) else { continue };
            self.bytes -= chunk.bytes();
            if chunk.waiting().is_empty() {
                self.chunks.remove(&run.arrival);
                continue;
            }
            chunk.shrink();
            self.bytes += chunk.bytes();
        }
    }

    fn full(&self, chunk: &Chunk) -> OrderError {
        let all = || self.chunks.values().chain([chunk]);
        OrderError::Full {
            rows: self.rows + chunk.waiting().len(),
            bytes: self.bytes + chunk.bytes(),
            max_bytes: self.max_bytes,
            earliest: all().filter_map(Chunk::earliest).min().unwrap_or(i64::MIN),
            latest: all().filter_map(Chunk::latest).max().unwrap_or(i64::MAX),
        }
    }
}

/// The batch with what is kept of it while it waits, if each of its rows has an event time.
fn timed(batch: Batch) -> Result<Batch, OrderError> {
    let untimed = |row| OrderError::Untimed { position: batch.meta.position(row) };
    let Some((times, nulls)) = &batch.meta.event_times else { return Err(untimed(0)) };
    if let Some(nulls) = nulls
        && let Some(row) = (0..batch.rows).find(|row| nulls.is_null(*row))
    {
        return Err(untimed(row));
    }
    let meta = RowMeta {
        event_times: Some((times.clone(), None)),
        mixed: None,
        late: None,
        ..RowMeta::clone(&batch.meta)
    };
    Ok(Batch { meta: Arc::new(meta), before: None, ..batch })
}
