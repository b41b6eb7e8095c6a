//! A table of an SQLite database: a write-ahead sink.
//!
//! Rows are checked for all that the table would refuse and go to a segment; preparing seals it;
//! committing applies it in one transaction together with the epoch's number, which stands in the
//! table `_millrace_commits` under (incarnation, pipeline, sink).
//!
//! | type | declared as | holds |
//! |---|---|---|
//! | bool | `BOOLEAN` | 0 or 1 |
//! | i16, i32, i64 | `SMALLINT`, `INTEGER`, `BIGINT` | the number |
//! | f32, f64 | `REAL` | the number; NaN is refused, since SQLite turns it into null |
//! | decimal(p,s) | `DECIMAL_TEXT(p,s)` | text with all `s` digits; numeric affinity would round |
//! | text, json, uuid | `TEXT`, `JSON_TEXT`, `UUID_TEXT` | text, NUL included |
//! | binary | `BLOB` | the bytes |
//! | date, time, timestamp | `DATE_TEXT`, `TIME_TEXT`, `TIMESTAMP_TEXT` | UTC text, see below |
//!
//! Times are written as `2026-11-20 12:00:00.123456`, which SQLite's date functions read, always
//! with six digits, so that text order is time order.
//!
//! In upsert mode the key is the primary key, and two more columns, `_millrace_major` and
//! `_millrace_minor`, keep the source sequence of each row: a change applies only if its sequence
//! is not below the stored one, whichever epoch it comes in. A delete leaves no trace, so that it
//! relies on the rows of one key coming in order. Sequences of several sources say nothing about
//! each other: to feed one table from several is sound only where their keys differ.
//!
//! An update that leaves values out as unchanged keeps the stored ones; where no row is stored, it
//! goes to the table `_millrace_unplaced`, in the same transaction.
//!
//! A table that could refuse a row at the commit for a reason that cannot be checked before (a
//! unique index, CHECK, a foreign key, a trigger) is refused when the sink opens.
//!
//! *Invariants*: the table and the number change in one transaction; nothing is applied twice; a
//! column of the table never holds a rounded decimal; one store fills one table for a sink.
//! *Not here*: how segments are kept (`segment`).

mod apply;
mod checks;
mod commit;
mod constraints;
mod database;
mod numbers;
mod statements;
mod table;
#[cfg(test)]
mod tests;
mod unplaced;
mod values;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::segment::{self, Sealed};
use super::{Handle, IfExists, OpenSink, SinkContext, SinkError, WriteMode};
use crate::record::{Epoch, Schema};

/// The settings of an SQLite sink.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// The database's file; made where there is none, with its folder.
    pub path: PathBuf,
    /// The table; made where there is none.
    pub table: String,
    /// Whether a changed row replaces the one of its key.
    pub mode: WriteMode,
    /// The key's columns in upsert mode, in order; ignored in append mode.
    pub key: Vec<Arc<str>>,
    /// What to do about a table that has rows when the store is new.
    pub if_exists: IfExists,
    /// What becomes of deletes and truncates in append mode.
    pub on_delete: ChangePolicy,
    /// What becomes of updates in append mode.
    pub on_update: ChangePolicy,
}

/// What becomes of a change that an append-only table has no row for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangePolicy {
    /// It is refused, and so becomes a dead letter.
    #[default]
    DeadLetter,
    /// It is left out.
    Ignore,
    /// It is kept as a row like any other.
    Append,
}

impl ChangePolicy {
    /// The names in the TOML.
    pub const NAMES: [(&'static str, Self); 3] =
        [("dead-letter", Self::DeadLetter), ("ignore", Self::Ignore), ("append", Self::Append)];
}

/// What the checkpoint keeps of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SqliteHandle {
    /// The number in the database before the epoch is applied.
    before: Epoch,
    /// The number once it is; the same where the epoch has no rows.
    after: Epoch,
    /// The epoch's rows, where it has any.
    segment: Option<Sealed>,
}

impl SqliteHandle {
    fn read(handle: &Handle, sink: &str) -> Result<Self, SinkError> {
        serde_json::from_value(handle.0.clone())
            .map_err(|source| SinkError::Handle { sink: sink.to_owned(), source })
    }

    fn write(&self) -> Handle {
        Handle(serde_json::to_value(self).expect("numbers and texts are JSON"))
    }
}

/// The table that a sink fills, and what the sink is to it.
#[derive(Debug)]
struct Target {
    pipeline: String,
    sink: String,
    incarnation: String,
    path: PathBuf,
    table: String,
    mode: WriteMode,
    schema: Arc<Schema>,
    /// Indices of the key's columns; empty in append mode.
    key: Vec<usize>,
    segments: PathBuf,
    on_delete: ChangePolicy,
    on_update: ChangePolicy,
}

impl Target {
    fn new(config: &SqliteConfig, context: &SinkContext) -> Result<Self, SinkError> {
        let sink = || context.sink.clone();
        let key = match config.mode {
            WriteMode::Append => Vec::new(),
            WriteMode::Upsert if config.key.is_empty() => {
                return Err(SinkError::NoKey { sink: sink() });
            }
            WriteMode::Upsert => config
                .key
                .iter()
                .map(|column| {
                    context.schema.index_of(column).ok_or_else(|| SinkError::UnknownKey {
                        sink: sink(),
                        column: column.to_string(),
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        let columns = context.schema.fields.iter().map(|field| &*field.name);
        for name in columns.chain([config.table.as_str()]) {
            if table::RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
                return Err(SinkError::ReservedName { sink: sink(), name: name.to_owned() });
            }
        }
        Ok(Self {
            pipeline: context.pipeline.clone(),
            sink: sink(),
            incarnation: context.incarnation.clone(),
            path: config.path.clone(),
            table: config.table.clone(),
            mode: config.mode,
            schema: Arc::clone(&context.schema),
            key,
            segments: context.segments.clone(),
            on_delete: config.on_delete,
            on_update: config.on_update,
        })
    }

    /// Whether null is no value of a column.
    fn is_required(&self, column: usize) -> bool {
        !self.schema.fields[column].nullable || self.key.contains(&column)
    }

    /// Says what was tried when SQLite refused.
    fn failed(&self, action: &'static str) -> impl Fn(rusqlite::Error) -> SinkError {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        move |error| {
            let (sink, path) = (self.sink.clone(), self.path.clone());
            let code = error.sqlite_error_code();
            let source = Box::new(error);
            match code {
                Some(DatabaseBusy | DatabaseLocked) => SinkError::Locked { sink, path, source },
                _ => SinkError::Database { sink, action, path, source },
            }
        }
    }

    fn unexpected(&self, handle: &SqliteHandle, found: Option<Epoch>) -> SinkError {
        SinkError::UnexpectedNumber {
            sink: self.sink.clone(),
            path: self.path.clone(),
            before: handle.before,
            after: handle.after,
            found,
        }
    }
}

/// Readies the table for a new store: see [`super::SinkConfig::initialise`].
pub(super) fn initialise(
    config: &SqliteConfig,
    context: &SinkContext,
) -> Result<Handle, SinkError> {
    let target = Target::new(config, context)?;
    // A new store knows no segments, so those that are there are some other store's garbage.
    segment::remove_others(&target.sink, &target.segments, None)?;
    let mut connection = database::create(&target)?;
    table::initialise(&mut connection, &target, config.if_exists)?;
    database::sync_name(&target)?;
    Ok(SqliteHandle { before: 0, after: 0, segment: None }.write())
}

/// Opens both halves: see [`super::SinkConfig::open`].
pub(super) fn open(
    config: &SqliteConfig,
    context: &SinkContext,
    last: &Handle,
) -> Result<OpenSink, SinkError> {
    let target = Arc::new(Target::new(config, context)?);
    let last = SqliteHandle::read(last, &target.sink)?;
    let committer = commit::SqliteCommitter::open(Arc::clone(&target))?;
    let sink = write::SqliteSink::new(target, last.after);
    Ok(OpenSink { sink: Box::new(sink), committer: Box::new(committer) })
}
