//! One batch that waits: its rows' order by event time, and how many of them have gone.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::Array;
use arrow_buffer::ScalarBuffer;

use crate::record::{Batch, RowMeta, Schema};

/// What a chunk holds whatever its rows: the batch, its columns' frames, the entries about it.
const CHUNK_BYTES: u64 = 512;
const COLUMN_BYTES: u64 = 256;
/// What goes with each row: times, sequence, operation and its place in the order.
const META_BYTES: u64 = 8 + 8 + 8 + 4 + 1 + 4;

/// A chunk is gathered anew once fewer than one in this many of its rows wait, and a batch is
/// copied when it comes if it keeps more than this many times its own bytes alive.
const SHRINK: usize = 4;

/// What rows that leave together have in common.
#[derive(Clone, Debug)]
pub(super) struct BatchKey {
    pub(super) input: usize,
    schema: Arc<Schema>,
}

impl BatchKey {
    /// Whether the rows of `chunk` have it in common too.
    pub(super) fn fits(&self, chunk: &Chunk) -> bool {
        let schema = &chunk.batch.schema;
        self.input == chunk.input && (Arc::ptr_eq(&self.schema, schema) || self.schema == *schema)
    }
}

/// What rows that are written together have in common.
#[derive(Clone, Debug)]
pub(super) struct FrameKey {
    pub(super) batch: BatchKey,
    origin: Arc<str>,
    base: i64,
}

impl FrameKey {
    /// Whether the row at a position of `chunk` has it in common too.
    pub(super) fn fits(&self, chunk: &Chunk, position: usize) -> bool {
        let (origin, base) = chunk.batch.meta.origin_of(chunk.row(position));
        self.batch.fits(chunk)
            && self.base == base
            && (Arc::ptr_eq(&self.origin, origin) || self.origin == *origin)
    }
}

/// A batch as it came, and which of its rows still wait.
///
/// A *position* is a row's place in the order of (event time, row); the rows before `cursor` have
/// gone.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Its place among all that came: of equal event times, the earlier arrival goes first.
    pub(super) arrival: u64,
    /// The input that it came from.
    pub(super) input: usize,
    /// Every row has an event time; nothing is selected away.
    pub(super) batch: Batch,
    /// The number of the saved file that holds it.
    pub(super) file: Option<u64>,
    /// Row numbers by position; `None` where the times rise as the rows do.
    order: Option<Vec<u32>>,
    cursor: usize,
    /// Estimated bytes of all rows together.
    row_bytes: u64,
}

impl Chunk {
    pub(super) fn new(arrival: u64, input: usize, batch: Batch, file: Option<u64>) -> Self {
        let times = event_times(&batch.meta);
        let order = (!times.is_sorted()).then(|| {
            let rows = u32::try_from(batch.rows).expect("a batch is small");
            let mut order: Vec<u32> = (0..rows).collect();
            order.sort_by_key(|row| times[*row as usize]);
            order
        });
        let row_bytes = row_bytes(&batch);
        Self { arrival, input, batch, file, order, cursor: 0, row_bytes }
    }

    pub(super) fn key(&self) -> BatchKey {
        BatchKey { input: self.input, schema: Arc::clone(&self.batch.schema) }
    }

    /// What the row at a position has in common with others of its frame.
    pub(super) fn frame_key(&self, position: usize) -> FrameKey {
        let (origin, base) = self.batch.meta.origin_of(self.row(position));
        FrameKey { batch: self.key(), origin: Arc::clone(origin), base }
    }

    /// Where the positions from `start` on end that are of its origin, `end` at the latest.
    pub(super) fn end_of_origin(&self, start: usize, end: usize) -> usize {
        if self.batch.meta.mixed.is_none() {
            return end;
        }
        let key = self.frame_key(start);
        (start..end).find(|position| !key.fits(self, *position)).unwrap_or(end)
    }

    /// The row at a position.
    pub(super) fn row(&self, position: usize) -> usize {
        self.order.as_ref().map_or(position, |order| order[position] as usize)
    }

    fn time(&self, position: usize) -> i64 {
        event_times(&self.batch.meta)[self.row(position)]
    }

    /// The positions of the rows that wait.
    pub(super) fn waiting(&self) -> Range<usize> {
        self.cursor..self.batch.rows
    }

    /// The earliest event time that waits.
    pub(super) fn earliest(&self) -> Option<i64> {
        (self.cursor < self.batch.rows).then(|| self.time(self.cursor))
    }

    /// The latest event time that waits.
    pub(super) fn latest(&self) -> Option<i64> {
        (self.cursor < self.batch.rows).then(|| self.time(self.batch.rows - 1))
    }

    /// Estimated bytes: those of its rows, scaled by how many of them wait, and its own. Since
    /// [`Self::shrink`] is called as rows go, what is held is at most four times that.
    pub(super) fn bytes(&self) -> u64 {
        let rows = self.row_bytes * self.waiting().len() as u64 / self.batch.rows.max(1) as u64;
        fixed_bytes(&self.batch) + rows
    }

    /// Lets the rows go that come before those of all other chunks: the positions of at most `most`
    /// rows with times up to `watermark` and before `next`, the first (event time, arrival) that
    /// another chunk has. The caller has seen that there is one.
    pub(super) fn take_run(
        &mut self,
        watermark: i64,
        next: Option<(i64, u64)>,
        most: usize,
    ) -> Range<usize> {
        let last = match next {
            // The other's row goes first among equals; this chunk's first row comes before it, so
            // that there is a lower time.
            Some((time, arrival)) if arrival < self.arrival => watermark.min(time - 1),
            Some((time, _)) => watermark.min(time),
            None => watermark,
        };
        let start = self.cursor;
        let limit = self.batch.rows.min(start.saturating_add(most));
        let mut end = start;
        while end < limit && self.time(end) <= last {
            end += 1;
        }
        self.cursor = end;
        start..end
    }

    /// Gathers the rows that wait into memory of their own once few of them are left. They are put
    /// in the order of their positions, in which rows of equal times stay as they came.
    pub(super) fn shrink(&mut self) {
        let waiting = self.waiting();
        if waiting.len() * SHRINK >= self.batch.rows {
            return;
        }
        let rows: Vec<u32> = waiting.map(|position| self.row(position) as u32).collect();
        *self = Self::new(self.arrival, self.input, self.batch.take(&rows), self.file);
    }
}

/// The event times of a batch that was let in.
///
/// # Panics
/// Never for those: it is checked when they come.
pub(super) fn event_times(meta: &RowMeta) -> &ScalarBuffer<i64> {
    let (times, _) = meta.event_times.as_ref().expect("checked when the batch came");
    times
}

/// The batch, copied if it is a small piece of something larger that would stay in memory with it.
pub(super) fn without_ballast(batch: Batch) -> Batch {
    let own = fixed_bytes(&batch) + row_bytes(&batch);
    if batch.bytes() as u64 <= own * SHRINK as u64 {
        return batch;
    }
    let rows = u32::try_from(batch.rows).expect("a batch is small");
    batch.take(&(0..rows).collect::<Vec<_>>())
}

fn fixed_bytes(batch: &Batch) -> u64 {
    CHUNK_BYTES + COLUMN_BYTES * batch.columns.len() as u64
}

/// An estimate of what the rows take: the parts of the buffers that they use.
fn row_bytes(batch: &Batch) -> u64 {
    let columns: usize = batch
        .columns
        .iter()
        .map(|column| {
            let values = column.values.to_data();
            let used = values.get_slice_memory_size();
            used.unwrap_or_else(|_| column.values.get_array_memory_size())
                + column.unchanged.as_ref().map_or(0, |_| batch.rows.div_ceil(8))
        })
        .sum();
    columns as u64 + META_BYTES * batch.rows as u64
}
