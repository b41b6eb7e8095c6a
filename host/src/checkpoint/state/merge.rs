//! Many sorted runs made one: for each value, what its entries come to.
//!
//! The entries of a value are merged in the order in which they are to be applied:
//!
//! | behind | put | delete | append |
//! |---|---|---|---|
//! | put | the later put | delete | put of both values |
//! | delete | put | delete | put of the appended value |
//! | append | put | delete | append of both values |
//!
//! A delete is dropped where nothing older can be there. All this leaves a transform that takes the
//! entries with the same state: it takes an append to nothing as a put.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicBool};
use std::vec;

use super::StoreError;
use super::entries::{APPEND, DELETE, Entry, PUT, StateEntries};
use super::file::{Place, SegmentFile};
use super::writer::SegmentWriter;

/// A value that is merged from appends ends at this many bytes, and another append goes on.
const VALUE_BYTES: usize = 1 << 30;

/// A sorted run of a segment.
pub(super) struct Run {
    pub(super) file: Arc<SegmentFile>,
    pub(super) blocks: Vec<Place>,
}

/// The runs of a segment, in order.
pub(super) fn runs(file: SegmentFile, places: Vec<Place>) -> Vec<Run> {
    let file = Arc::new(file);
    let run = |blocks: &[Place]| Run { file: Arc::clone(&file), blocks: blocks.to_vec() };
    places.chunk_by(|_, next| !next.header.begins_run).map(run).collect()
}

/// How a merge ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// All is written.
    Whole,
    /// It was to stop.
    Stopped,
}

/// Merges runs, oldest first, into one of `writer`. `oldest` says that nothing is older than they
/// are. Has a block of each run in memory.
pub(super) fn merge(
    runs: Vec<Run>,
    oldest: bool,
    writer: &mut SegmentWriter,
    stop: &AtomicBool,
) -> Result<Merged, StoreError> {
    let mut scratch = Vec::new();
    let mut heap = BinaryHeap::with_capacity(runs.len());
    for (age, run) in runs.into_iter().enumerate() {
        let Run { file, blocks } = run;
        let mut cursor =
            Cursor { age, file, blocks: blocks.into_iter(), block: StateEntries::default(), at: 0 };
        if cursor.load(&mut scratch)? {
            heap.push(Box::new(cursor));
        }
    }
    let mut value = Value::default();
    while let Some(mut cursor) = heap.peek_mut() {
        let entry = cursor.block.entry(cursor.at);
        let same = value.is(&entry);
        if same && value.has_room(&entry) {
            value.apply(&entry);
        } else {
            value.write(oldest, writer)?;
            value.begin(&entry, same);
        }
        cursor.at += 1;
        if cursor.at == cursor.block.len() {
            if stop.load(atomic::Ordering::Relaxed) {
                return Ok(Merged::Stopped);
            }
            if !cursor.load(&mut scratch)? {
                drop(PeekMut::pop(cursor));
            }
        }
    }
    value.write(oldest, writer)?;
    writer.end_run()?;
    Ok(Merged::Whole)
}

/// A place in a run. The greatest is the one whose entry comes next.
struct Cursor {
    /// The run's place among those that are merged: what is equal is applied in this order.
    age: usize,
    file: Arc<SegmentFile>,
    blocks: vec::IntoIter<Place>,
    block: StateEntries,
    at: usize,
}

impl Cursor {
    /// Goes to the start of the next block, if there is one.
    fn load(&mut self, scratch: &mut Vec<u8>) -> Result<bool, StoreError> {
        let Some(place) = self.blocks.next() else { return Ok(false) };
        self.block = self.file.block(&place, scratch)?;
        self.at = 0;
        Ok(true)
    }
}

impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |cursor: &Self| (cursor.at < cursor.block.len()).then_some(cursor.at);
        let (one, two) = (place(self), place(other));
        let one = one.map(|at| self.block.entry(at));
        let two = two.map(|at| other.block.entry(at));
        let one = one.as_ref().map(Entry::identity);
        two.as_ref().map(Entry::identity).cmp(&one).then(other.age.cmp(&self.age))
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Cursor {}

/// What the entries of a value come to so far. Its memory is used again for the next.
#[derive(Default)]
struct Value {
    present: bool,
    /// A part of it is written already, so that a delete has something to remove.
    begun: bool,
    group: u16,
    state: u32,
    key: Vec<u8>,
    sub_key: Vec<u8>,
    action: u8,
    value: Vec<u8>,
}

impl Value {
    fn is(&self, entry: &Entry<'_>) -> bool {
        self.present && (self.group, self.state, &*self.key, &*self.sub_key) == entry.identity()
    }

    fn has_room(&self, entry: &Entry<'_>) -> bool {
        entry.action != APPEND || self.value.len() + entry.value.len() <= VALUE_BYTES
    }

    fn begin(&mut self, entry: &Entry<'_>, begun: bool) {
        self.present = true;
        self.begun = begun;
        self.group = entry.group;
        self.state = entry.state;
        for (part, from) in [(&mut self.key, entry.key), (&mut self.sub_key, entry.sub_key)] {
            part.clear();
            part.extend_from_slice(from);
        }
        self.value.clear();
        self.action = entry.action;
        if entry.action != DELETE {
            self.value.extend_from_slice(entry.value);
        }
    }

    fn apply(&mut self, entry: &Entry<'_>) {
        self.action = match (self.action, entry.action) {
            (DELETE, APPEND) => PUT,
            (action, APPEND) => action,
            (_, action) => action,
        };
        if entry.action != APPEND {
            self.value.clear();
        }
        if entry.action != DELETE {
            self.value.extend_from_slice(entry.value);
        }
    }

    /// Writes what there is, if it says anything.
    fn write(&mut self, oldest: bool, writer: &mut SegmentWriter) -> Result<(), StoreError> {
        let present = std::mem::replace(&mut self.present, false);
        if !present || (oldest && !self.begun && self.action == DELETE) {
            return Ok(());
        }
        writer.push(&Entry {
            group: self.group,
            state: self.state,
            key: &self.key,
            sub_key: &self.sub_key,
            action: self.action,
            value: &self.value,
        })
    }
}
