//! Why a table cannot be loaded.

use std::error::Error;
use std::fmt;
use std::io;

/// An error of a table; at the start it ends the pipeline, at a refresh the old content stays.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read: make it readable and start again.
    #[error("cannot read `{file}`")]
    Read {
        /// The file, as the user wrote it.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A line is no row of this table.
    #[error("{file}:{line}: {reason}")]
    Row {
        /// The file, as the user wrote it.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What was found and what was expected.
        reason: String,
    },
    /// A part of a row's key is null.
    #[error("{file}:{line}: the key of table `{table}` is null here")]
    KeyNull {
        /// The table.
        table: String,
        /// The file, as the user wrote it.
        file: String,
        /// The line, from 1.
        line: u64,
    },
    /// Two rows have one key.
    #[error(
        "{file}:{line}: the key of line {first} again; a key of table `{table}` may occur once"
    )]
    KeyDuplicate {
        /// The table.
        table: String,
        /// The file, as the user wrote it.
        file: String,
        /// The line that had the key first, from 1.
        first: u64,
        /// The line that has it again.
        line: u64,
    },
    /// The file changes while it is read, each time: replace it by a rename, or start when it is whole.
    #[error(
        "`{file}` is being written: it changed each of {tries} times that it was read; write a new file and rename it over this one"
    )]
    BeingWritten {
        /// The file, as the user wrote it.
        file: String,
        /// How often it was read.
        tries: u32,
    },
    /// The file is larger than a table that is held in memory may be.
    #[error("`{file}` is not below 1 GiB, so it cannot be held for joins")]
    TooLarge {
        /// The file, as the user wrote it.
        file: String,
    },
    /// Another program holds a database's lock, and did not let go of it: start again later.
    #[error("`{file}` is locked by another program")]
    Locked {
        /// The database, as the user wrote it.
        file: String,
    },
    /// A database cannot be read now: look after its file and its folder, and start again.
    #[error("cannot read the database `{file}`")]
    Unavailable {
        /// The database, as the user wrote it.
        file: String,
        /// What SQLite says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file is no database, or a broken one.
    #[error("`{file}` is no sound SQLite database")]
    Damaged {
        /// The file, as the user wrote it.
        file: String,
        /// What SQLite says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The query is none that a table can be made of.
    #[error("the query of table `{table}`: {reason}")]
    Query {
        /// The table.
        table: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The query's result lacks a declared column, or has it twice.
    #[error("the query of table `{table}` {reason}")]
    ResultColumn {
        /// The table.
        table: String,
        /// The column's place among the declared ones.
        column: usize,
        /// What the query gives.
        reason: String,
    },
    /// A value of a query's row does not fit its column.
    #[error("{row}: column `{column}`: {reason}")]
    Value {
        /// The row.
        row: Box<QueryRow>,
        /// The column.
        column: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A part of the key of a query's row is null.
    #[error("{row}: its key is null")]
    RowKeyNull {
        /// The row.
        row: Box<QueryRow>,
    },
    /// Two rows of a query have one key.
    #[error("{row}: the key of row {first} again; a key may occur once")]
    RowKeyDuplicate {
        /// The row that has it again.
        row: Box<QueryRow>,
        /// The row that had the key first, from 1.
        first: u64,
    },
    /// The query gives more than a table that is held in memory may have.
    #[error(
        "the query of table `{table}` gives 1 GiB or more, which cannot be held for joins; select fewer rows or columns"
    )]
    ResultTooLarge {
        /// The table.
        table: String,
    },
}

/// A row of a query's result.
#[derive(Debug)]
pub struct QueryRow {
    /// The table.
    pub table: String,
    /// The row in the query's order, from 1.
    pub number: u64,
    /// Its key as text; empty if it is not known.
    pub key: String,
}

impl fmt::Display for QueryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table `{}`, row {} of its query", self.table, self.number)?;
        if self.key.is_empty() { Ok(()) } else { write!(f, " ({})", self.key) }
    }
}

impl TableError {
    /// Whether something outside could not be reached, or not now, rather than being wrong.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Read { .. }
                | Self::BeingWritten { .. }
                | Self::Locked { .. }
                | Self::Unavailable { .. }
        )
    }
}
