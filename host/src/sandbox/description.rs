//! What a transform says about itself, and what it is told to say it: plain host types.

use std::fmt;

use serde::Serialize;

use crate::record::{DataType, Field};

/// A schema that rows of an input may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSchema {
    /// Index of the input, in the order of the pipeline's TOML.
    pub input: usize,
    /// The input's name.
    pub name: String,
    /// The host's id of the schema, unique within the input.
    pub schema: u32,
    /// The columns.
    pub fields: Vec<Field>,
}

/// A joined table's columns as the stage will see them (nullable where a miss gives null).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSchema {
    /// The table's name.
    pub name: String,
    /// The columns.
    pub fields: Vec<Field>,
}

/// What a transform is, and what it needs and gives, for certain params and schemas.
///
/// Invariants, checked before anyone sees it: names are unique in their lists; a map-like transform
/// has exactly one port, `out`; an emitting one has ports with columns; there is one use for each
/// input, and only given tables are used; state by key is only declared by a keyed transform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// The transform's name.
    pub name: String,
    /// Its author's version.
    pub version: String,
    /// What it does, in a sentence.
    pub about: String,
    /// Whether it maps rows or emits its own.
    pub mode: Mode,
    /// What it takes of each input, in order.
    pub inputs: Vec<InputUse>,
    /// The joined tables that it reads.
    pub tables: Vec<TableUse>,
    /// Its output ports.
    pub outputs: Vec<Port>,
    /// Input columns that make the key of its state; empty leaves it to the TOML.
    pub key: Vec<String>,
    /// Whether it keeps state by key.
    pub keyed: bool,
    /// The order that it needs its rows in.
    pub order: Order,
    /// Its pieces of state.
    pub states: Vec<State>,
    /// Whether it wants [`super::Instance::advance_watermark`].
    pub watermarks: bool,
    /// Whether it wants [`super::Instance::tick`].
    pub ticks: bool,
}

/// How a transform answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// One answer a row: kept or not, columns added or replaced.
    Map,
    /// Rows of its own schema on its ports.
    Emit,
}

/// The order that a transform needs its rows in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As they come.
    Arrival,
    /// By event time, ties by arrival, up to the watermark.
    EventTime,
}

/// What a transform takes of one input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputUse {
    /// The columns that it reads, in its order.
    pub columns: Vec<Read>,
    /// The operations that it takes: bit `1 << code`, as [`crate::record::Operations::among`] asks.
    pub takes: u8,
    /// What it wants beside columns.
    pub extras: Extras,
}

/// What a transform wants beside columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Extras {
    /// The operation of each row.
    pub operations: bool,
    /// The event time of each row.
    pub event_times: bool,
    /// The processing time of each row.
    pub processing_times: bool,
    /// The before images.
    pub before: bool,
}

/// A column that a transform reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Read {
    /// The column's name.
    pub column: String,
    /// The type that it must have, as [`DataType::reads_as`] says.
    pub data_type: DataType,
    /// Whether the transform can deal with null.
    pub nullable: bool,
}

/// The columns that a transform reads of a joined table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableUse {
    /// The table's name.
    pub table: String,
    /// The columns, in its order.
    pub columns: Vec<Read>,
}

/// An output port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// The port's name.
    pub name: String,
    /// The columns added or replaced (map), or all columns (emit).
    pub fields: Vec<Field>,
    /// Names of the key's columns, for an emitting transform; empty: no key.
    pub key: Vec<String>,
}

/// A piece of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// Its name.
    pub name: String,
    /// The author's version of its encoding.
    pub version: u32,
    /// Its shape.
    pub kind: StateKind,
}

/// The shape of a piece of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateKind {
    /// One value a key.
    Value,
    /// An ordered list a key.
    List,
    /// Sub-keys with a value each, a key.
    Map,
    /// The same on every instance.
    Broadcast,
    /// Timers and expiries.
    Timers,
}

/// Why a transform cannot run with certain params and schemas, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it sits.
    pub subject: Subject,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Params(path) if path.is_empty() => f.write_str("params: ")?,
            Subject::Params(path) => write!(f, "params.{path}: ")?,
            Subject::Column(column) => write!(f, "column `{column}`: ")?,
            Subject::Table(table) => write!(f, "table `{table}`: ")?,
            Subject::Whole => {}
        }
        f.write_str(&self.message)
    }
}

/// Where a problem sits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A path in the params, such as `limits.max`; empty for the params as a whole.
    Params(String),
    /// A column.
    Column(String),
    /// A table.
    Table(String),
    /// The transform as a whole.
    Whole,
}
