//! Why a table cannot be loaded.

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
}

impl TableError {
    /// Whether something outside could not be reached, or not now, rather than being wrong.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::BeingWritten { .. })
    }
}
