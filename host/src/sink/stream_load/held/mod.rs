//! The rows of one table in one epoch: kept as they come, folded by key, cut into parts.
//!
//! Of the changes of a key, what is left is one row: the later arrival wins, or with a sequence
//! column the greater or equal value. A value that the source left out as unchanged is taken from
//! the newest change of the epoch that had it; where none had, the row goes into a group of rows
//! that have the same columns, or, where a table takes them together, that leave anything out. A
//! delete wipes out what came before it. An update that changes the key is a delete of the old key
//! and a row of the new one.
//!
//! | file | what it is |
//! |---|---|
//! | `check` | the rows that are refused or left out by what they did |
//! | `keys`, `order` | keys and sequence values in a form that is quickly compared |
//! | `changes` | a batch with a row for each key that an update leaves behind |
//! | `fold`, `incoming`, `links` | which rows are left of each key's |
//! | `sets` | sets of columns |
//! | `rows`, `spill`, `concat` | the rows themselves, in memory and beyond |
//! | `sizes` | what a row takes in a body, roughly |
//! | `parts` | groups of rows, cut by the hash of their key |
//!
//! *Invariants*: a key is in one part, once; the same changes give the same parts with the same
//! rows, however they were cut into batches, where [`Parts::As`] asks for that whatever has become
//! of the table; rows beyond the memory bound are in a file that has no name, so that a dead run
//! leaves nothing behind.
//! *Not here*: what a table takes (`target`), how a row is written (`encode`).

mod changes;
mod check;
mod concat;
mod fold;
mod incoming;
mod keys;
mod links;
mod order;
mod parts;
mod rows;
mod sets;
mod sizes;
mod spill;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_buffer::BooleanBuffer;

use self::changes::Changes;
use self::fold::Fold;
use self::keys::EncodedKeys;
pub(in crate::sink::stream_load) use self::parts::Plan;
use self::rows::Rows;
use self::sizes::Sizes;
use super::config::{Deletes, LoadBounds};
use crate::record::{Batch, RowMeta, Schema};
use crate::sink::{ChangePolicy, Refusal, SinkError, WriteMode};

/// The name of the set of all columns.
pub(in crate::sink::stream_load) const WHOLE: &str = "all";
/// The name of all other sets together, in a table that takes them in one load. A set's own name is
/// hexadecimal.
pub(in crate::sink::stream_load) const FLEXIBLE: &str = "flex";

/// How changes become rows.
#[derive(Clone, Debug)]
pub(in crate::sink::stream_load) struct FoldRules {
    /// Whether a changed row replaces the one of its key.
    pub mode: WriteMode,
    /// Indices of the key's columns in the input; not used in append mode.
    pub key: Vec<usize>,
    /// The column whose greater value wins: a number, a date or a time.
    pub sequence: Option<usize>,
    /// What deletes do in upsert mode.
    pub deletes: Deletes,
    /// What becomes of deletes and truncates in append mode.
    pub on_delete: ChangePolicy,
    /// What becomes of updates in append mode.
    pub on_update: ChangePolicy,
}

/// How many parts there are to be.
#[derive(Clone, Debug)]
pub(in crate::sink::stream_load) enum Parts {
    /// As many as keep to the bounds, by an estimate.
    BySize(LoadBounds),
    /// For each set as many as it says; one for a set that it does not name. Whether there are
    /// flexible parts is what it says, too, whatever the table takes by now.
    As(BTreeMap<String, u32>),
}

/// Rows that go in one load.
#[derive(Clone, Debug)]
pub(in crate::sink::stream_load) struct Part {
    /// The stable name of the set of columns that its rows have: [`WHOLE`], the set's bits by the
    /// input's columns in hexadecimal, or [`FLEXIBLE`] for several.
    pub set: String,
    /// Its place among the parts of its set, from 0.
    pub index: u32,
    /// How many parts its set has; those without rows are left out.
    pub of: u32,
    /// Whether its pieces have different columns, each less than all, and no hard deletes.
    pub is_flexible: bool,
    /// The rows. Unless it is flexible, all have the same columns.
    pub pieces: Vec<Piece>,
    /// How many they are.
    pub rows: usize,
    /// What they take in a body, roughly.
    pub bytes: usize,
    /// Whether surely no text of theirs has anything that JSON escapes, nor the first byte of a byte
    /// order mark.
    pub is_plain: bool,
}

/// Rows of a part in one batch.
#[derive(Clone, Debug)]
pub(in crate::sink::stream_load) struct Piece {
    /// Rows without a selection, other parts' among them. Each of this part's has what goes with
    /// the last change of its key.
    pub batch: Batch,
    /// The batch's rows that are of this part, in order; `None`: all.
    pub rows: Option<Vec<u32>>,
    /// The input's columns that the rows have, in order; `None`: all.
    pub present: Option<Arc<[usize]>>,
    /// A set bit for each of the batch's rows whose last change is a delete (`None`: none of this
    /// part's). Under soft deletes it is a row all the same.
    pub deletes: Option<BooleanBuffer>,
}

impl Piece {
    /// How many rows it has.
    pub(in crate::sink::stream_load) fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.batch.rows, Vec::len)
    }

    /// Where in the batch one of its rows is.
    pub(in crate::sink::stream_load) fn place(&self, row: usize) -> usize {
        self.rows.as_ref().map_or(row, |rows| rows[row] as usize)
    }
}

/// The rows of one table in one epoch.
pub(in crate::sink::stream_load) struct Held {
    rules: Arc<FoldRules>,
    rows: Rows,
    sizes: Sizes,
    /// Upsert mode: what is left of each key's rows.
    fold: Fold,
    /// Append mode: a hash of what each row says.
    hashes: Vec<u32>,
    /// Room for the keys of a batch.
    keys: EncodedKeys,
    /// Whether rows that leave out different values make parts together.
    is_flexible: bool,
}

impl Held {
    /// Holds nothing. `memory` bounds the bytes of rows in memory; more go to a file in
    /// `spill_folder`, which exists. `name` is the sink's, for errors.
    pub(in crate::sink::stream_load) fn new(
        rules: Arc<FoldRules>,
        schema: Arc<Schema>,
        spill_folder: PathBuf,
        name: String,
        memory: usize,
    ) -> Self {
        Self {
            fold: Fold::new(Arc::clone(&rules), schema.fields.len()),
            sizes: Sizes::new(&schema),
            rows: Rows::new(schema, spill_folder, name, memory),
            hashes: Vec::new(),
            keys: EncodedKeys::default(),
            is_flexible: false,
            rules,
        }
    }

    /// The same for a table that takes rows with different columns in one load, or does not.
    pub(in crate::sink::stream_load) fn with_flexible_parts(mut self, is_flexible: bool) -> Self {
        self.is_flexible = is_flexible;
        self
    }

    /// Takes those rows (`None`: all) of a batch whose values the target can hold. Answers the rows
    /// that it refuses, in order: they are not taken.
    ///
    /// # Errors
    /// If rows cannot be spilled.
    pub(in crate::sink::stream_load) fn add(
        &mut self,
        batch: &Batch,
        rows: Option<&[u32]>,
    ) -> Result<Vec<Refusal>, SinkError> {
        let check::Verdict { mut refused, kept } = check::inspect(&self.rules, batch, rows);
        if kept.as_ref().map_or(batch.rows, Vec::len) == 0 {
            return Ok(refused);
        }
        let first = self.rows.next_row();
        let batch = match self.rules.mode {
            WriteMode::Append => {
                // A hash of what each row says. Where it was read would not do: the numbers of rows
                // that a transform makes depend on how batches were cut, and rows that say the same
                // are interchangeable.
                let columns: Vec<_> = batch.columns.iter().map(|column| &column.values).collect();
                let rows = changes::in_parts(batch, kept, &columns, &mut self.keys);
                self.hashes.extend_from_slice(self.keys.hashes());
                bare_meta(batch).take(&rows)
            }
            WriteMode::Upsert => {
                let changes = Changes::new(&self.rules, batch, kept, &mut self.keys);
                let late = self.fold.add(&changes, &self.keys, first);
                if !late.is_empty() {
                    refused.extend(
                        late.into_iter().map(|row| {
                            check::refused_late(&self.rules, batch, changes.original(row))
                        }),
                    );
                    refused.sort_by_key(|refusal| refusal.row);
                }
                changes.batch
            }
        };
        self.sizes.add(&batch);
        self.rows.push(bare(batch))?;
        Ok(refused)
    }

    /// Whether there are no rows.
    pub(in crate::sink::stream_load) fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Rows that are left after folding.
    pub(in crate::sink::stream_load) fn rows(&self) -> usize {
        match self.rules.mode {
            WriteMode::Append => self.rows.len(),
            WriteMode::Upsert => self.fold.len(),
        }
    }

    /// Bytes that are held, in memory and spilled, the index of keys included.
    pub(in crate::sink::stream_load) fn bytes(&self) -> usize {
        self.rows.bytes() + self.index_bytes()
    }

    /// Bytes of rows that are in memory.
    pub(in crate::sink::stream_load) const fn in_memory(&self) -> usize {
        self.rows.in_memory()
    }

    /// Bytes of the index of rows and keys, which is always in memory.
    pub(in crate::sink::stream_load) fn index_bytes(&self) -> usize {
        self.sizes.bytes() + self.fold.bytes() + self.hashes.len() * size_of::<u32>()
    }

    /// Moves the rows out of memory; more may come.
    ///
    /// # Errors
    /// If they cannot be spilled.
    pub(in crate::sink::stream_load) fn spill(&mut self) -> Result<(), SinkError> {
        self.rows.spill()
    }

    /// The folded rows, each key once, in groups of equal present columns (for flexible parts: of
    /// whole rows and of all others), each group cut into parts by the hash of key (append mode: of
    /// the whole row). All rows are in memory then, and nothing is held here any more: see
    /// [`Self::plan`] for a way that needs less.
    ///
    /// # Errors
    /// If spilled rows cannot be read back.
    pub(in crate::sink::stream_load) fn finish(
        &mut self,
        parts: Parts,
    ) -> Result<Vec<Part>, SinkError> {
        let plan = self.plan(&parts);
        let Self { rows, fold, sizes, .. } = self;
        let loaded = plan.load(0..plan.len(), rows, fold, sizes, false);
        self.clear();
        loaded
    }

    /// Which rows make which part. It holds until the next row comes.
    pub(in crate::sink::stream_load) fn plan(&mut self, parts: &Parts) -> Plan {
        match self.rules.mode {
            WriteMode::Append => parts::plan_rows(&self.hashes, &self.sizes, parts),
            WriteMode::Upsert => {
                let is_flexible = match parts {
                    Parts::BySize(_) => self.is_flexible,
                    Parts::As(sets) => sets.contains_key(FLEXIBLE),
                };
                parts::plan_keys(&mut self.fold, &self.sizes, parts, is_flexible)
            }
        }
    }

    /// Some of the planned parts, with their rows. Each call reads what is spilled once, so ask for
    /// as many parts as memory allows.
    ///
    /// # Errors
    /// If spilled rows cannot be read back.
    pub(in crate::sink::stream_load) fn load(
        &self,
        plan: &Plan,
        which: Range<usize>,
    ) -> Result<Vec<Part>, SinkError> {
        plan.load(which, &self.rows, &self.fold, &self.sizes, true)
    }

    /// Forgets every row.
    pub(in crate::sink::stream_load) fn clear(&mut self) {
        self.rows.clear();
        self.sizes.clear();
        self.fold.clear();
        self.hashes.clear();
    }
}

/// The batch without what nothing here asks for: images, event times, lateness.
fn bare_meta(batch: &Batch) -> Batch {
    let mut batch = Batch { before: None, selection: None, ..batch.clone() };
    if batch.meta.event_times.is_some() || batch.meta.late.is_some() {
        let meta = RowMeta { event_times: None, late: None, ..RowMeta::clone(&batch.meta) };
        batch.meta = Arc::new(meta);
    }
    batch
}

/// The batch without the marks of unchanged values, which the fold has read.
fn bare(mut batch: Batch) -> Batch {
    // Nobody asks when a row that is held was read: no memory is spent on it.
    let majors = batch.meta.majors.clone();
    Arc::make_mut(&mut batch.meta).processing_times = majors;
    for column in &mut batch.columns {
        column.unchanged = None;
    }
    batch
}
