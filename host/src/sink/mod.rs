//! Where changes leave: what a sink owes, and the sinks there are.
//!
//! A sink has two halves, so that the next epoch's rows can flow while one is being committed: the
//! [`Sink`] takes rows and prepares, on its own thread; the [`Committer`] makes prepared epochs
//! visible, on another. They meet in the [`Handle`], which the checkpoint keeps between them.
//!
//! *Invariants*: nothing that is prepared is lost by a crash; committing a handle twice has the
//! effect of once; a sink never knows sources or guests.
//! *Not here*: when to prepare and commit, and what to note in the store (`pipeline`).
//!
//! To add one: a file or folder here with its config and its two halves, a case in [`SinkKind`],
//! its keys in `config/`, and a golden pipeline.

mod blackhole;
mod connected;
mod error;
mod file;
mod growing;
mod parquet;
mod segment;
mod sqlite;
mod stdout;
mod stream_load;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::parquet::{ParquetCompression, ParquetConfig, PartError};
pub use error::SinkError;
pub use file::{CsvConfig, FileConfig, FileFormat};
pub use sqlite::{ChangePolicy, SqliteConfig};
pub use stream_load::{
    Address, Audit, BackendRules, BodyFormat, Compression, Deletes, Endpoint, Evolution, Finding,
    LoadBounds, PartialUpdateMode, Severity, Statements, StreamLoadConfig, StreamLoadError, System,
    TableName, TablePiece, TruncatePolicy,
};

use crate::record::{Batch, Epoch, Schema};
use crate::telemetry::{Clock, LoadCounters};

/// What a sink has prepared, in its own words; kept in the checkpoint, given back to commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handle(pub serde_json::Value);

/// How a sink is durable; the kinds of exactly-once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Prepared at the target, committed there by name.
    TwoPhase,
    /// Prepared beside the checkpoint, applied together with the epoch's number.
    WriteAhead,
    /// Written at the target; what lies beyond the handle is provisional there, behind the
    /// committed rows or under a hidden name, and goes on recovery. Handles never expire.
    Truncating,
    /// Repeats what it wrote: exactly-once only over a deterministic path and keyed upserts.
    Idempotent,
    /// Keeps nothing and promises nothing to anybody: counts as exactly-once.
    Discarding,
    /// At-least-once only.
    None,
}

/// One row that a sink refuses, by its index in the batch given to [`Sink::write`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Index of the row.
    pub row: usize,
    /// Why, in words.
    pub reason: String,
    /// The column at fault.
    pub column: Option<Arc<str>>,
}

/// A row that a sink refuses late, when it prepares: a batch of one row, taken whole from the batch
/// that was written.
#[derive(Debug)]
pub struct LateRefusal {
    /// The row.
    pub row: Batch,
    /// Why, in words.
    pub reason: String,
    /// The column at fault.
    pub column: Option<Arc<str>>,
}

/// The answer of [`Sink::prepare`].
#[derive(Debug)]
pub struct Prepared {
    /// What the checkpoint keeps.
    pub handle: Handle,
    /// Rows that the target would not take after all.
    pub refused: Vec<LateRefusal>,
}

/// The half of a sink that takes rows.
pub trait Sink: Send {
    /// Takes a batch with the sink's input schema. Its rows are all alive (`selection` is `None`),
    /// unless the sink [takes selections](Self::takes_selections). The rows need not be durable on
    /// return. Rows of one key come in order.
    ///
    /// Answers the rows that it refuses (wrong operation, a value that the target cannot hold);
    /// the others are taken.
    ///
    /// # Errors
    /// Any error ends the pipeline: the epoch is not prepared and will come again.
    fn write(&mut self, batch: &Batch) -> Result<Vec<Refusal>, SinkError>;

    /// Makes every row since the last call durable, such that it can be committed after a crash,
    /// and answers the handle for `epoch`. Without new rows too.
    ///
    /// # Errors
    /// Any error ends the pipeline before the checkpoint is written.
    fn prepare(&mut self, epoch: Epoch) -> Result<Prepared, SinkError>;

    /// Whether batches may come with rows that are left out, which the sink must not look at: for a
    /// sink that copies what it takes anyway, so that nobody has to copy it before.
    fn takes_selections(&self) -> bool {
        false
    }

    /// Whether what is held back nears its bound, so that a checkpoint should come now.
    fn wants_barrier(&self) -> bool {
        false
    }

    /// Every sink has settled at the last checkpoint, and rows are about to flow: called once in the
    /// life of an open sink, before its first [`Sink::write`], in a new store too.
    ///
    /// # Errors
    /// If the target is not fit to take rows; nothing has been written then.
    fn ready(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// The epoch that comes now was prepared before as `whole`, and the target has given a part of
    /// it up: `visible` is the part that it shows. The epoch's rows come again, all of them, and the
    /// next [`Sink::prepare`] makes durable only what `visible` lacks. Its handle names all of the
    /// epoch, the visible part too: should it expire in its turn, what is visible of the epoch must
    /// be known. Called after [`Sink::ready`], before the first [`Sink::write`], on a sink that was
    /// opened at `whole`.
    ///
    /// # Errors
    /// [`SinkError::CannotRepeat`] for sinks whose handles never expire; any other if the parts
    /// cannot be told.
    fn mute(&mut self, visible: &Handle, whole: &Handle) -> Result<(), SinkError> {
        let _ = (visible, whole);
        Err(SinkError::CannotRepeat)
    }
}

/// What [`Committer::commit`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The handle's rows are visible, now or since an earlier call.
    Done,
    /// The target has given the handle up, or a part of it: those rows can no longer be committed.
    /// Everything else of it is visible now.
    Expired {
        /// The part of the handle that is visible at the target; `None`: certainly nothing is. A handle
        /// that names nothing: perhaps something is, and nobody can say what.
        visible: Option<Handle>,
    },
}

/// The half of a sink that makes prepared epochs visible.
pub trait Committer: Send {
    /// Makes the rows of `handle` visible, exactly once however often it is called.
    ///
    /// # Errors
    /// If the target cannot be reached or is not in the state that the handle names; the message
    /// says what was found and what to do. Nothing is lost: the handle stays in the checkpoint.
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError>;

    /// The store has noted that `handle` is committed: what was kept for a repetition may go.
    ///
    /// # Errors
    /// If the remains cannot be removed.
    fn confirmed(&mut self, handle: &Handle) -> Result<(), SinkError>;

    /// Undoes whatever a dead run wrote or prepared beyond `last`, the newest handle that a
    /// checkpoint names. Called once, on recovery, after `last` is committed and before rows flow.
    /// What lies beyond is what `last` does not name: an epoch that came twice has one number, so
    /// that its remains may have the number of `last`, whose lost part is not committed then.
    ///
    /// # Errors
    /// As [`Committer::commit`]; also if what `last` promises is no longer there.
    fn discard_beyond(&mut self, last: &Handle) -> Result<(), SinkError>;
}

/// What a sink is told when it is opened.
#[derive(Clone, Debug)]
pub struct SinkContext {
    /// The pipeline's name.
    pub pipeline: String,
    /// The sink's name.
    pub sink: String,
    /// The store's random incarnation: part of every label and number at the target.
    pub incarnation: String,
    /// A folder of the store for this sink's write-ahead rows; exists.
    pub segments: PathBuf,
    /// The input's schema.
    pub schema: Arc<Schema>,
    /// Where processing time comes from.
    pub clock: Clock,
    /// What a sink that loads a remote table counts and says of itself.
    pub counters: Arc<LoadCounters>,
}

/// A sink as configured.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// The node's name.
    pub name: String,
    /// Which sink, with its own settings.
    pub kind: SinkKind,
}

/// The sinks there are.
#[derive(Clone, Debug)]
pub enum SinkKind {
    /// A table of an SQLite database.
    Sqlite(SqliteConfig),
    /// A file of JSON lines or CSV.
    File(FileConfig),
    /// A folder of Parquet files.
    Parquet(ParquetConfig),
    /// Tables of StarRocks or Apache Doris.
    StreamLoad(Box<StreamLoadConfig>),
    /// Standard output, as JSON lines.
    Stdout,
    /// Nowhere; every column is asked for all the same.
    Blackhole,
}

/// What to do about an output that is not empty when the store is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Refuse to start.
    #[default]
    Error,
    /// Keep what is there and add to it.
    Append,
    /// Empty it first.
    Replace,
}

/// Whether a changed row replaces the one of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// One row a key; the later source sequence wins; deletes remove.
    Upsert,
    /// Every row is kept; updates and deletes are refused unless said otherwise.
    Append,
}

/// An opened sink: its two halves.
pub struct OpenSink {
    /// Takes rows.
    pub sink: Box<dyn Sink>,
    /// Makes them visible.
    pub committer: Box<dyn Committer>,
}

impl SinkConfig {
    /// How this sink is durable.
    #[must_use]
    pub fn durability(&self) -> Durability {
        match &self.kind {
            SinkKind::Sqlite(_) => Durability::WriteAhead,
            SinkKind::File(_) | SinkKind::Parquet(_) => Durability::Truncating,
            SinkKind::StreamLoad(config) if config.exactly_once => Durability::TwoPhase,
            SinkKind::Stdout | SinkKind::StreamLoad(_) => Durability::None,
            SinkKind::Blackhole => Durability::Discarding,
        }
    }

    /// Readies an output for a new store: creates it, and refuses or empties one that has rows, as
    /// its `if_exists` says. Answers the handle of epoch 0. Safe to repeat until epoch 0 is stored.
    ///
    /// # Errors
    /// If the output has rows and may not, cannot be made, or does not fit the schema.
    pub fn initialise(&self, context: &SinkContext) -> Result<Handle, SinkError> {
        match &self.kind {
            SinkKind::Sqlite(config) => sqlite::initialise(config, context),
            SinkKind::File(config) => file::initialise(config, context),
            SinkKind::Parquet(config) => self::parquet::initialise(config, context),
            SinkKind::StreamLoad(config) => stream_load::initialise(config, context),
            SinkKind::Stdout | SinkKind::Blackhole => Ok(Handle(serde_json::Value::Null)),
        }
    }

    /// Opens both halves after epoch `last`, whose handle this is. Does not look at rows: the
    /// caller commits `last` and discards what lies beyond it before the first write.
    ///
    /// # Errors
    /// If the output cannot be opened.
    pub fn open(&self, context: &SinkContext, last: &Handle) -> Result<OpenSink, SinkError> {
        match &self.kind {
            SinkKind::Sqlite(config) => sqlite::open(config, context, last),
            SinkKind::File(config) => file::open(config, context, last),
            SinkKind::Parquet(config) => self::parquet::open(config, context, last),
            SinkKind::StreamLoad(config) => stream_load::open(config, context, last),
            SinkKind::Stdout => Ok(stdout::open()),
            SinkKind::Blackhole => Ok(blackhole::open()),
        }
    }
}
