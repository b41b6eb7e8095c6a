//! How a guest's answer can break the contract.

use std::fmt;

/// A breach of the contract: where in the answer, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The output port, where the fault is in one.
    pub port: Option<String>,
    /// The column, where the fault is in one.
    pub column: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(port) = &self.port {
            write!(f, "port `{port}`: ")?;
        }
        if let Some(column) = &self.column {
            write!(f, "column `{column}`: ")?;
        }
        self.fault.fmt(f)
    }
}

impl std::error::Error for Breach {}

impl From<Fault> for Breach {
    fn from(fault: Fault) -> Self {
        Self { port: None, column: None, fault }
    }
}

/// One way of breaking the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A list has another length than the rows ask for.
    #[error("{what} has {found} entries, {wanted} are wanted")]
    Length {
        /// The list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that it must have.
        wanted: usize,
    },
    /// A bitmap has bits set past the last row.
    #[error("{what} has bits set past the last row")]
    TailBits {
        /// The bitmap.
        what: &'static str,
    },
    /// A column's list is not the one that carries its type.
    #[error("values came as {found}, but {data_type} is carried by {wanted}")]
    Carrier {
        /// The port's type of the column.
        data_type: String,
        /// The list that came.
        found: &'static str,
        /// The list that carries the type.
        wanted: &'static str,
    },
    /// Offsets do not start at 0, fall, or do not end at the bytes' length.
    #[error("offsets {what}")]
    Offsets {
        /// What they do wrong.
        what: &'static str,
    },
    /// A text value is not UTF-8.
    #[error("the text of row {row} is not UTF-8")]
    Utf8 {
        /// The row.
        row: usize,
    },
    /// A `json` value is no JSON document, or not on one line.
    #[error("the text of row {row} is not one line of valid JSON")]
    Json {
        /// The row.
        row: usize,
    },
    /// More rows of its own than the bound on output allows, however few bytes they take.
    #[error("{rows} rows were emitted at once, {max} are allowed")]
    Rows {
        /// The rows of all ports.
        rows: u64,
        /// The bound.
        max: u64,
    },
    /// A value lies outside of what its type can hold.
    #[error("the value of row {row} is outside of {data_type}")]
    Range {
        /// The row.
        row: usize,
        /// The type.
        data_type: String,
    },
    /// A kept row has null in a column that is not nullable.
    #[error("row {row} is null, but the column is not nullable")]
    Null {
        /// The row.
        row: usize,
    },
    /// Another number of columns than the port has fields.
    #[error("{found} columns came, {wanted} are declared")]
    Columns {
        /// How many came.
        found: usize,
        /// How many the port declares.
        wanted: usize,
    },
    /// A port index that `describe` did not declare.
    #[error("there is no port {port}, only {ports} are declared")]
    Port {
        /// The index.
        port: u32,
        /// How many there are.
        ports: usize,
    },
    /// A row index beyond the batch.
    #[error("rejected row {row} is beyond the batch of {rows} rows")]
    Row {
        /// The index.
        row: u32,
        /// The batch's rows.
        rows: usize,
    },
    /// A row was rejected more than once.
    #[error("row {row} is rejected twice")]
    RejectedTwice {
        /// The row.
        row: usize,
    },
    /// An operation code that is none.
    #[error("{code} is no operation code")]
    Operation {
        /// The code.
        code: u8,
    },
    /// The answer is not of the transform's mode.
    #[error("a transform of mode {mode} answered {found}")]
    Mode {
        /// The declared mode.
        mode: &'static str,
        /// What came.
        found: &'static str,
    },
    /// Before images where none were given, or none where they were.
    #[error("before images {what}")]
    Before {
        /// What is wrong with them.
        what: &'static str,
    },
    /// An entry of a state chunk is out of range.
    #[error("state entry {entry}: {what}")]
    State {
        /// The entry's index.
        entry: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The description contradicts itself or the contract.
    #[error("the description {what}")]
    Description {
        /// What is wrong with it.
        what: String,
    },
    /// The answer cannot be read from the guest's memory.
    #[error("the answer cannot be read: {message}")]
    Unreadable {
        /// What the runtime says.
        message: String,
    },
}

impl Fault {
    /// The fault in a column of a port.
    pub(super) fn in_column(self, port: &str, column: &str) -> Breach {
        Breach { port: Some(port.to_owned()), column: Some(column.to_owned()), fault: self }
    }

    /// The fault in a port.
    pub(super) fn in_port(self, port: &str) -> Breach {
        Breach { port: Some(port.to_owned()), column: None, fault: self }
    }

    /// A contradiction in a description.
    pub(super) fn description(what: impl Into<String>) -> Self {
        Self::Description { what: what.into() }
    }
}
