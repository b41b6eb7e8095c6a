//! Tables from files: CSV with a header, or JSON lines; read whole, since tables are small.
//!
//! *Invariants*: every value is read as the sources' formats read it, so decimals are exact; one
//! wrong row fails the load, for a table with a hole gives wrong joins; a file that changes while it is
//! read is no table; the version is the SHA-256 of the file's bytes.
//! *Not here*: the index (`snapshot`), when to load (`pipeline`).

mod csv;
mod lines;
mod whole;

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::ArrayRef;
use sha2::{Digest, Sha256};

use super::snapshot::KeyFault;
use super::{TableConfig, TableError, TableSnapshot};

/// A table's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// Where it is.
    pub path: PathBuf,
    /// The path as the user wrote it, for messages.
    pub display: String,
    /// How it is written.
    pub format: FileFormat,
}

/// How a table's file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated values with a header; an empty cell is null.
    Csv,
    /// One JSON object a line; a missing member is null.
    Json,
}

impl FileFormat {
    /// The names in the TOML.
    pub const NAMES: [(&'static str, Self); 2] = [("csv", Self::Csv), ("json", Self::Json)];
}

/// What a reader makes of a file.
struct Rows {
    /// One for each declared column.
    columns: Vec<ArrayRef>,
    /// The line of each row, from 1.
    lines: Vec<u64>,
}

/// A line that is no row.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: u64,
    reason: String,
}

impl Fault {
    fn in_column(line: u64, column: &str, reason: &str) -> Self {
        Self { line, reason: format!("column `{column}`: {reason}") }
    }

    fn within(self, file: &FileConfig) -> TableError {
        TableError::Row { file: file.display.clone(), line: self.line, reason: self.reason }
    }
}

/// A header is looked for in this many bytes of a file's beginning.
const HEADER_BYTES: u64 = 64 << 10;

/// Whether the file is there and, if it is CSV, its header has the table's columns.
pub(super) fn look(table: &TableConfig, file: &FileConfig) -> Result<(), TableError> {
    let unreadable = |source| TableError::Read { file: file.display.clone(), source };
    // What a pipe holds can be read only once, and not now.
    if !fs::metadata(&file.path).map_err(unreadable)?.is_file() || file.format != FileFormat::Csv {
        return Ok(());
    }
    let mut content = Vec::new();
    let opened = File::open(&file.path).map_err(unreadable)?;
    opened.take(HEADER_BYTES).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 == HEADER_BYTES && !content.contains(&b'\n') {
        return Ok(());
    }
    csv::check_header(&content, &table.columns).map_err(|fault| fault.within(file))
}

/// Reads a table's file and indexes it.
///
/// # Errors
/// [`TableError`], with the line at fault.
pub(super) fn load(table: &TableConfig, file: &FileConfig) -> Result<TableSnapshot, TableError> {
    let content = whole::read(file)?;
    let version = format!("{:x}", Sha256::digest(&content));
    let read = match file.format {
        FileFormat::Csv => csv::read(&content, &table.columns),
        FileFormat::Json => lines::read(&content, &table.columns),
    };
    let rows = read.map_err(|fault| fault.within(file))?;
    let lines = rows.lines;
    TableSnapshot::new(Arc::new(table.schema()), rows.columns, version).map_err(|fault| {
        let (name, path) = (table.name.clone(), file.display.clone());
        match fault {
            KeyFault::Null { row } => {
                TableError::KeyNull { table: name, file: path, line: lines[row] }
            }
            KeyFault::Duplicate { first, row } => TableError::KeyDuplicate {
                table: name,
                file: path,
                first: lines[first],
                line: lines[row],
            },
        }
    })
}

#[cfg(test)]
mod tests;
