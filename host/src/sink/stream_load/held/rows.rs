//! The rows themselves, numbered as they came: batches in memory, the older ones in a file where
//! they are too many.
//!
//! *Invariants*: a row keeps its number, wherever it is; small batches that follow each other
//! become one, so that many of them take no more than few large ones.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::StringArray;
use arrow_array::cast::AsArray;

use super::concat::concat;
use super::spill::{self, Frame, Spill};
use crate::record::{Batch, Schema};
use crate::sink::SinkError;

/// Bytes of text that are looked at together.
const BLOCK: usize = 64;
/// The first byte of a byte order mark, which some readers take away.
const BYTE_ORDER_MARK: u8 = 0xef;

/// Batches of fewer rows are put together …
const SMALL_ROWS: usize = 1_024;
/// … unless they are of so many bytes: a column has offsets of 31 bits.
const SMALL_BYTES: usize = 1 << 20;
/// This is done once they have so many rows,
const TOGETHER_ROWS: usize = 4_096;
/// or there are so many of them.
const SMALL_BATCHES: usize = 64;

/// The rows of an epoch.
pub(super) struct Rows {
    schema: Arc<Schema>,
    folder: PathBuf,
    sink: String,
    memory: usize,
    chunks: Vec<Chunk>,
    rows: usize,
    /// Bytes in memory.
    bytes: usize,
    /// The chunks before this one are in the file.
    first_in_memory: usize,
    /// How many chunks at the end are small.
    small: usize,
    /// Whether no text has had anything special so far.
    are_plain: bool,
    spill: Option<Spill>,
}

struct Chunk {
    /// The number of its first row.
    first: usize,
    rows: usize,
    place: Place,
}

enum Place {
    Memory { batch: Batch, bytes: usize },
    Spilled(Frame),
}

impl Rows {
    pub(super) fn new(schema: Arc<Schema>, folder: PathBuf, sink: String, memory: usize) -> Self {
        Self {
            schema,
            folder,
            sink,
            memory,
            chunks: Vec::new(),
            rows: 0,
            bytes: 0,
            first_in_memory: 0,
            small: 0,
            are_plain: true,
            spill: None,
        }
    }

    /// How many rows there are.
    pub(super) const fn len(&self) -> usize {
        self.rows
    }

    /// The number of the next row.
    ///
    /// # Panics
    /// If there are 2^32 rows: their bytes are bounded.
    pub(super) fn next_row(&self) -> u32 {
        u32::try_from(self.rows).expect("an epoch's bytes are bounded, and so its rows")
    }

    /// Whether no text has anything that JSON escapes, or the first byte of a byte order mark.
    pub(super) const fn are_plain(&self) -> bool {
        self.are_plain
    }

    /// Bytes in memory and in the file.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.spill.as_ref().map_or(0, Spill::bytes)
    }

    /// Takes a batch.
    pub(super) fn push(&mut self, batch: Batch) -> Result<(), SinkError> {
        if batch.rows == 0 {
            return Ok(());
        }
        let (first, rows, bytes) = (self.rows, batch.rows, batch.bytes());
        self.are_plain = self.are_plain && is_plain(&batch);
        self.rows += rows;
        self.bytes += bytes;
        self.chunks.push(Chunk { first, rows, place: Place::Memory { batch, bytes } });
        self.small = if is_small(rows, bytes) { self.small + 1 } else { 0 };
        self.put_together()?;
        while self.bytes > self.memory && self.first_in_memory < self.chunks.len() {
            self.spill_oldest()?;
        }
        Ok(())
    }

    /// Some rows by their numbers, which rise.
    pub(super) fn take(&self, numbers: &[u32]) -> Result<Batch, SinkError> {
        let (mut batches, mut taken) = (Vec::new(), 0);
        for chunk in 0..self.chunks.len() {
            let range = self.range(chunk);
            let end = taken + numbers[taken..].partition_point(|row| (*row as usize) < range.end);
            if end > taken {
                let batch = self.batch(chunk)?;
                batches.push(batch.take(&within(&numbers[taken..end], range.start)));
                taken = end;
            }
        }
        match batches.len() {
            1 => Ok(batches.swap_remove(0)),
            _ => concat(&batches).map_err(|source| self.failed(source)),
        }
    }

    /// How many chunks there are.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// The numbers of a chunk's rows.
    pub(super) fn range(&self, chunk: usize) -> Range<usize> {
        let Chunk { first, rows, .. } = self.chunks[chunk];
        first..first + rows
    }

    /// Whether a chunk's rows are in memory.
    pub(super) fn is_in_memory(&self, chunk: usize) -> bool {
        matches!(self.chunks[chunk].place, Place::Memory { .. })
    }

    /// The rows of a chunk.
    pub(super) fn batch(&self, chunk: usize) -> Result<Batch, SinkError> {
        match &self.chunks[chunk].place {
            Place::Memory { batch, .. } => Ok(batch.clone()),
            Place::Spilled(frame) => self.spill.as_ref().expect("a frame is of a file").read(frame),
        }
    }

    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        (self.rows, self.bytes, self.first_in_memory, self.small) = (0, 0, 0, 0);
        self.are_plain = true;
        self.spill = None;
    }

    fn put_together(&mut self) -> Result<(), SinkError> {
        let in_memory = self.chunks.len() - self.first_in_memory;
        let small = self.small.min(in_memory);
        let at = self.chunks.len() - small;
        let first = self.chunks.get(at).map_or(self.rows, |chunk| chunk.first);
        let rows = self.rows - first;
        if small < 2 || (small < SMALL_BATCHES && rows < TOGETHER_ROWS) {
            return Ok(());
        }
        let mut batches = Vec::with_capacity(small);
        for chunk in self.chunks.drain(at..) {
            if let Place::Memory { batch, bytes } = chunk.place {
                self.bytes -= bytes;
                batches.push(batch);
            }
        }
        let batch = concat(&batches).map_err(|source| self.failed(source))?;
        let bytes = batch.bytes();
        self.bytes += bytes;
        self.chunks.push(Chunk { first, rows, place: Place::Memory { batch, bytes } });
        self.small = usize::from(is_small(rows, bytes));
        Ok(())
    }

    /// Bytes in memory.
    pub(super) const fn in_memory(&self) -> usize {
        self.bytes
    }

    /// Moves every row out of memory.
    pub(super) fn spill(&mut self) -> Result<(), SinkError> {
        while self.first_in_memory < self.chunks.len() {
            self.spill_oldest()?;
        }
        self.small = 0;
        Ok(())
    }

    fn spill_oldest(&mut self) -> Result<(), SinkError> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::create(&self.sink, &self.folder, &self.schema)?),
        };
        let chunk = &mut self.chunks[self.first_in_memory];
        if let Place::Memory { batch, bytes } = &chunk.place {
            let (frame, bytes) = (spill.write(batch)?, *bytes);
            chunk.place = Place::Spilled(frame);
            self.bytes -= bytes;
        }
        self.first_in_memory += 1;
        Ok(())
    }

    /// What went wrong with rows that are put together.
    pub(super) fn failed(&self, source: arrow_schema::ArrowError) -> SinkError {
        spill::failed(&self.sink, "gather rows for", &self.folder, source)
    }
}

const fn is_small(rows: usize, bytes: usize) -> bool {
    rows < SMALL_ROWS && bytes < SMALL_BYTES
}

fn is_plain(batch: &Batch) -> bool {
    let texts = batch.columns.iter().filter_map(|column| column.values.as_string_opt::<i32>());
    texts.map(StringArray::value_data).all(|bytes| {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        blocks.iter().all(|block| !has_special(block)) && !has_special(rest)
    })
}

/// Without branches, so that the compiler makes vectors of it.
#[inline]
fn has_special(bytes: &[u8]) -> bool {
    let mut found = 0;
    for byte in bytes {
        found |= u8::from(*byte < b' ')
            | u8::from(*byte == b'"')
            | u8::from(*byte == b'\\')
            | u8::from(*byte == BYTE_ORDER_MARK);
    }
    found != 0
}

/// Numbers of rows as places within a chunk that starts at `first`.
pub(super) fn within(numbers: &[u32], first: usize) -> Vec<u32> {
    numbers
        .iter()
        .map(|row| u32::try_from(*row as usize - first).expect("numbers are 32 bits"))
        .collect()
}
