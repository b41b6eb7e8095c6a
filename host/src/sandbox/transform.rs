//! What goes to a guest and what comes back, in the host's own types.

use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};

use crate::record::{Before, Column, Operations};

/// Event times in microseconds, one a row, and which rows have one (`None`: all).
pub type EventTimes = (ScalarBuffer<i64>, Option<NullBuffer>);

/// One batch for [`super::Instance::process`].
///
/// Shape: `columns` are what `describe` reads of this input, in that order, then each joined table's
/// columns; every list has `rows` entries. What `describe` did not ask for is `None`.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Index into `describe`'s inputs.
    pub input: usize,
    /// The schema's id, announced by `open` or `add_schema`.
    pub schema: u32,
    /// How many rows cross.
    pub rows: usize,
    /// The columns.
    pub columns: &'a [Column],
    /// The before images of the same columns, without those of tables.
    pub before: Option<&'a Before>,
    /// The operation codes.
    pub operations: Option<ScalarBuffer<u8>>,
    /// The event times.
    pub event_times: Option<EventTimes>,
    /// When each row entered the pipeline, microseconds.
    pub processing_times: Option<ScalarBuffer<i64>>,
    /// The keys of a keyed stage's rows.
    pub keys: Option<Keys<'a>>,
    /// The call's processing time, microseconds: what WASI's clocks answer.
    pub now: i64,
}

/// The keys of a keyed stage's rows.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// The key group of each row, 0 to 1023.
    pub groups: &'a [u16],
    /// Ends of the encoded keys: `rows + 1` entries from 0.
    pub offsets: &'a [i32],
    /// The encoded keys, end to end.
    pub encoded: &'a [u8],
}

/// The answer to a batch.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Of a map-like transform.
    Mapped {
        /// The images.
        mapped: Mapped,
        /// Rows that it refuses.
        rejected: Vec<Rejection>,
    },
    /// Of an emitting transform.
    Emitted {
        /// Rows by port, in the guest's order.
        emitted: Vec<Emitted>,
        /// Rows that it refuses.
        rejected: Vec<Rejection>,
    },
}

impl Outcome {
    /// The rows that the transform refuses; no row twice.
    #[must_use]
    pub fn rejected(&self) -> &[Rejection] {
        match self {
            Self::Mapped { rejected, .. } | Self::Emitted { rejected, .. } => rejected,
        }
    }
}

/// What a map-like transform makes of the images of a batch.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// The after images.
    pub after: Images,
    /// The before images; present exactly when the batch carried them.
    pub before: Option<Images>,
}

/// Which rows a map-like transform keeps, and the columns that it adds or replaces.
///
/// Columns have a slot for each row, in the order of the port's fields; the slots of rows that are
/// not kept hold anything.
#[derive(Clone, Debug)]
pub struct Images {
    /// The rows that it keeps (`None`: all).
    pub kept: Option<BooleanBuffer>,
    /// The columns.
    pub columns: Vec<Column>,
}

/// Rows that an emitting transform makes for one port.
#[derive(Clone, Debug)]
pub struct Emitted {
    /// Index into `describe`'s outputs.
    pub port: usize,
    /// How many.
    pub rows: usize,
    /// All of the port's columns.
    pub columns: Vec<Column>,
    /// What each row does (`None`: all inserts).
    pub operations: Option<Operations>,
    /// Event times (`None`: no row has one).
    pub event_times: Option<EventTimes>,
}

/// A row that a transform refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Index of the row in the call's batch.
    pub row: usize,
    /// Why, in words.
    pub reason: String,
    /// The column at fault, where there is one.
    pub column: Option<String>,
}

/// The answer to a watermark or a tick.
#[derive(Clone, Debug)]
pub struct Fired {
    /// Rows of the timers that fired.
    pub emitted: Vec<Emitted>,
    /// Whether there is more: call again with the same time.
    pub more: bool,
    /// The processing time at which the next tick is wanted.
    pub next_tick: Option<i64>,
}

/// Changes of state as columns, one entry a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Index of each entry's state in `describe`'s states.
    pub states: Vec<u32>,
    /// Its key group, 0 to 1023.
    pub groups: Vec<u16>,
    /// Its encoded key.
    pub keys: Varying,
    /// Its sub-key.
    pub sub_keys: Varying,
    /// 0 put, 1 delete, 2 append.
    pub actions: Vec<u8>,
    /// Its value.
    pub values: Varying,
    /// Whether there is more: call `save` again.
    pub more: bool,
}

impl Chunk {
    /// How many entries it has.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.states.len()
    }
}

/// Byte strings end to end: value `i` is `bytes[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Varying {
    /// One more than there are values, from 0.
    pub offsets: Vec<i32>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Varying {
    /// The value of an entry.
    ///
    /// # Panics
    /// If there is no such entry.
    #[must_use]
    pub fn value(&self, entry: usize) -> &[u8] {
        let at = |index: usize| usize::try_from(self.offsets[index]).unwrap_or_default();
        &self.bytes[at(entry)..at(entry + 1)]
    }
}

impl Default for Varying {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}
