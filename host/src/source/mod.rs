//! Where changes enter: what a source owes, and the sources there are.
//!
//! *Invariants*: a source never knows sinks or guests; its position is exact (the rows after it are
//! the rows not yet handed out); it forgets nothing before [`Source::acknowledge`].
//! *Not here*: threads, barriers and watermarks (`pipeline`).
//!
//! To add one: a folder or file here with its config and its [`Source`], a case in
//! [`SourceKind`] and [`SourceConfig::open`], its keys in `config/`, and a golden pipeline.

mod error;
mod file;
mod generator;
mod lines;

use std::sync::Arc;
use std::time::Duration;

pub use error::SourceError;
pub use file::{Compression, FileConfig, PathPattern, PatternError};
pub use generator::{GeneratorConfig, WagerGenerator};

use crate::format::RecordFormat;
use crate::record::{Batch, DataType, DeadLetter, Field, Position, Schema};
use crate::telemetry::Clock;

/// How much one batch may hold, and how long it may wait to fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Rows at most; at least 1.
    pub rows: usize,
    /// Input bytes at most; one row may exceed it.
    pub bytes: usize,
    /// How long a batch that is not full waits for more rows.
    pub linger: Duration,
}

/// What [`Source::next`] brings.
#[derive(Debug)]
pub enum Next {
    /// Rows, rejected rows, or both.
    Rows(SourceBatch),
    /// Nothing now; ask again. The source has already waited (at most the linger).
    Idle,
    /// The source has ended: all its rows are handed out.
    Finished,
}

/// A batch of changes from one partition, and the rows that could not be decoded.
#[derive(Debug)]
pub struct SourceBatch {
    /// The rows, all selected, with the source's schema; may be empty.
    pub batch: Batch,
    /// Rows refused at decode, in order.
    pub rejected: Vec<DeadLetter>,
    /// The partition that they come from: watermarks are kept by partition.
    pub partition: u32,
    /// Input bytes that these rows took.
    pub bytes: usize,
}

/// A stream of changes with a position.
///
/// Order: [`Source::next`] and [`Source::position`] alternate as the caller likes;
/// [`Source::acknowledge`] is called with positions that [`Source::position`] gave, in order, each
/// only after every sink has made the rows before it durable.
pub trait Source: Send {
    /// The next rows, in the source's order, within `budget`. Blocks for the linger at most, so
    /// that its thread can pass barriers on.
    ///
    /// # Errors
    /// Any error ends the pipeline; what was handed out before stays good. Rows that cannot be
    /// decoded are no error: they come as rejected.
    fn next(&mut self, budget: &Budget) -> Result<Next, SourceError>;

    /// Where to go on after a restart, such that exactly the rows not handed out yet follow.
    fn position(&self) -> Position;

    /// The source may forget everything before `position`.
    ///
    /// # Errors
    /// If the outside system refuses; the pipeline stops, and a restart repeats nothing.
    fn acknowledge(&mut self, position: &Position) -> Result<(), SourceError>;

    /// Bytes that were left to read when the source was opened, where it is finite and knows: the
    /// whole of a file, or the rest of one that is resumed.
    fn total_bytes(&self) -> Option<u64> {
        None
    }
}

/// Where a column's values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnOrigin {
    /// Member names from the record's root.
    Path(Vec<String>),
    /// Something that the source knows about the record.
    Meta(MetaColumn),
}

/// Metadata that a column may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetaColumn {
    /// When the record was written, as a timestamp: when a file's line was read; when a change of
    /// Debezium's was made in its source.
    Timestamp,
    /// The file's name, as text.
    File,
    /// The line's number from 1, as i64.
    Line,
    /// PostgreSQL's log sequence number of a change of Debezium's, as i64.
    Lsn,
    /// The table (or collection) that a change of Debezium's was made in, as text.
    Table,
}

impl MetaColumn {
    /// The names in the TOML.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("timestamp", Self::Timestamp),
        ("file", Self::File),
        ("line", Self::Line),
        ("lsn", Self::Lsn),
        ("table", Self::Table),
    ];

    /// The type of such a column.
    #[must_use]
    pub const fn data_type(self) -> DataType {
        match self {
            Self::Timestamp => DataType::Timestamp,
            Self::File | Self::Table => DataType::Text,
            Self::Line | Self::Lsn => DataType::Int64,
        }
    }

    /// Whether only Debezium's messages tell it.
    #[must_use]
    pub const fn needs_debezium(self) -> bool {
        matches!(self, Self::Lsn | Self::Table)
    }
}

/// One declared column of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceColumn {
    /// Its name from here on.
    pub name: Arc<str>,
    /// Its type.
    pub data_type: DataType,
    /// Where its values come from.
    pub origin: ColumnOrigin,
    /// Whether it belongs to the key (then it is required too).
    pub key: bool,
    /// Whether null is rejected at decode.
    pub required: bool,
    /// The unit of an integer timestamp; `None`: ISO 8601 text. With Debezium's messages also of an
    /// integer time of day, and `None`: what the message's schema says.
    pub unit: Option<crate::format::TimeUnit>,
}

/// Which column is the event time, and how rows may be out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTime {
    /// A timestamp column of the source.
    pub column: Arc<str>,
    /// How much earlier than the greatest one a row may be without being late.
    pub disorder: Duration,
    /// After how long without rows a partition no longer holds the watermark back.
    pub idle: Option<Duration>,
}

/// A source as configured.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// The node's name.
    pub name: String,
    /// The columns that something downstream uses, in declared order.
    pub columns: Vec<SourceColumn>,
    /// Event time, where declared.
    pub event_time: Option<EventTime>,
    /// Which source, with its own settings.
    pub kind: SourceKind,
}

/// The sources there are.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// Records of files.
    File(FileConfig),
    /// Made-up wagers.
    Generator(GeneratorConfig),
}

impl SourceKind {
    /// How the records are written.
    #[must_use]
    pub fn format(&self) -> &RecordFormat {
        static JSON: RecordFormat = RecordFormat::Json;
        match self {
            Self::File(config) => &config.format,
            Self::Generator(_) => &JSON,
        }
    }
}

impl SourceConfig {
    /// The schema of this source's batches: its columns in order, its key, and whether its format
    /// is append-only.
    #[must_use]
    pub fn schema(&self) -> Schema {
        let fields = self
            .columns
            .iter()
            .map(|column| {
                Field::new(&column.name, column.data_type, !(column.key || column.required))
            })
            .collect();
        let key = (0..self.columns.len()).filter(|index| self.columns[*index].key).collect();
        let append_only = self.kind.format().is_append_only();
        Schema { key, append_only, ..Schema::new(fields) }
    }

    /// Whether there is something to open, as far as a look can tell.
    ///
    /// # Errors
    /// What [`SourceConfig::open`] would say now. The input may still come before it is opened.
    pub fn look(&self) -> Result<(), SourceError> {
        match &self.kind {
            SourceKind::File(config) => file::look(self, config),
            SourceKind::Generator(_) => Ok(()),
        }
    }

    /// Opens the source at `position`, or at its start.
    ///
    /// # Errors
    /// If it cannot be reached, or if what stands before `position` is no longer what it was.
    pub fn open(
        &self,
        position: Option<&Position>,
        clock: Clock,
    ) -> Result<Box<dyn Source>, SourceError> {
        Ok(match &self.kind {
            SourceKind::File(config) => {
                Box::new(file::FileSource::open(self, config, position, clock)?)
            }
            SourceKind::Generator(config) => {
                Box::new(generator::GeneratorSource::open(self, config, position, clock)?)
            }
        })
    }
}
