//! Rows that wait, across a restart: saved as they come, read back while they still wait.
//!
//! *Invariants*: each row that waits at a save is in exactly one of the files that the save names;
//! a named file never changes. A row in a file is dead once it was released, which its event time
//! tells: at a save, what waits is after the watermark.

use std::path::Path;
use std::sync::Arc;

use arrow_buffer::BooleanBuffer;
use hashbrown::HashMap;

use super::chunk::{Chunk, event_times};
use super::file::{self, Reader};
use super::{OrderBuffer, OrderError, OrderSegment};
use crate::record::{Batch, Epoch, Schema};

/// More files than this are written anew as one.
const MOST_FILES: usize = 16;
/// So are files of whose rows fewer than one in this many wait.
const LIVE_SHARE: u64 = 4;
/// How a file's name ends.
const ENDING: &str = ".order";

/// A file that holds rows that wait.
#[derive(Debug)]
pub(super) struct SavedFile {
    /// What chunks call it.
    number: u64,
    segment: OrderSegment,
}

impl OrderBuffer {
    /// Makes the rows that wait durable: writes those that are in no file yet to one in `folder`,
    /// which exists, and answers all files that hold rows that wait, oldest first, for a checkpoint
    /// to name. Too many files, or too many dead rows in them, are written anew as one file. A file
    /// that is no longer named may go once no checkpoint names it.
    ///
    /// Every row up to the watermark has been released. `owner` is one that nobody else saves as in
    /// this folder, and `epoch` rises from save to save, since both make the file's name.
    ///
    /// # Errors
    /// If the file cannot be written; the rows still wait, and a later save has them.
    pub fn save(
        &mut self,
        folder: &Path,
        owner: &str,
        epoch: Epoch,
    ) -> Result<Vec<OrderSegment>, OrderError> {
        let mut live: HashMap<u64, u64> = HashMap::new();
        let mut unsaved = false;
        for chunk in self.chunks.values() {
            match chunk.file {
                Some(file) => *live.entry(file).or_default() += chunk.waiting().len() as u64,
                None => unsaved = true,
            }
        }
        self.files.retain(|file| live.contains_key(&file.number));
        let held: u64 = self.files.iter().map(|file| file.segment.rows).sum();
        let all = self.files.len() + usize::from(unsaved) > MOST_FILES
            || live.values().sum::<u64>() * LIVE_SHARE < held;
        if all || unsaved {
            let name = format!("{owner}-{epoch:020}-{:016x}{ENDING}", self.attempt);
            self.write(folder, &name, all)?;
        }
        Ok(self.files.iter().map(|file| file.segment.clone()).collect())
    }

    /// Writes the rows that wait, or those of them that are in no file, to a new one.
    fn write(&mut self, folder: &Path, name: &str, all: bool) -> Result<(), OrderError> {
        let chosen = |chunk: &Chunk| all || chunk.file.is_none();
        let segment =
            file::write(folder, name, self.chunks.values().filter(|chunk| chosen(chunk)))?;
        let number = self.next_file;
        self.next_file += 1;
        for chunk in self.chunks.values_mut() {
            if chosen(chunk) {
                chunk.file = Some(number);
            }
        }
        if all {
            self.files.clear();
        }
        self.files.push(SavedFile { number, segment });
        Ok(())
    }

    /// Takes up the rows of saved files that still wait, behind those that wait here: the ones with
    /// event times after `released`, the watermark that the checkpoint names, that `keep` answers a
    /// set bit for (`None`: all of the batch). `keep` sees an input and its rows that still wait.
    /// `schemas` are those of the inputs now. What is taken up may exceed the bound: it fitted when
    /// it was saved, and if it no longer does, the next batch that comes says so.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged, or has other columns than its input. Some of the rows
    /// may be taken up then.
    ///
    /// # Panics
    /// If `keep` answers another number of bits than its batch has rows.
    pub fn restore(
        &mut self,
        folder: &Path,
        segments: &[OrderSegment],
        schemas: &[Arc<Schema>],
        released: i64,
        mut keep: impl FnMut(usize, &Batch) -> Option<BooleanBuffer>,
    ) -> Result<(), OrderError> {
        for segment in segments {
            let number = self.next_file;
            self.next_file += 1;
            let mut reader = Reader::open(folder, segment)?;
            while let Some((input, mut batch)) = reader.next(schemas)? {
                let times = event_times(&batch.meta);
                let waiting = BooleanBuffer::collect_bool(batch.rows, |row| times[row] > released);
                batch.select(&waiting);
                let mut batch = batch.gathered();
                if batch.rows > 0
                    && let Some(kept) = keep(input, &batch)
                {
                    batch.select(&kept);
                    batch = batch.gathered();
                }
                if batch.rows > 0 {
                    self.insert(Chunk::new(self.next_arrival, input, batch, Some(number)));
                }
            }
            self.files.push(SavedFile { number, segment: segment.clone() });
        }
        Ok(())
    }
}
