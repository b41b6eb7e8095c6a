//! The rows of a query into columns, one by one: nothing but the columns is held.

use arrow_array::ArrayRef;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};

use super::values::{Cells, shown};
use crate::table::{QueryRow, TableConfig, TableError};

/// The bytes of values at which a result is no table: all its rows are one batch, with 32-bit
/// offsets into text.
const TOO_LARGE: u64 = 1 << 30;
/// What a value of fixed width counts for, null among them, so that a query without end ends here.
const FIXED_BYTES: u64 = 8;

/// Rows so far.
pub(super) struct Rows<'t> {
    table: &'t TableConfig,
    places: &'t [usize],
    columns: Vec<Cells>,
    rows: u64,
    bytes: u64,
    digest: Sha256,
}

impl<'t> Rows<'t> {
    /// No rows yet; `places` are those of the table's columns in a row.
    pub(super) fn new(table: &'t TableConfig, places: &'t [usize]) -> Self {
        let columns = table.columns.iter().map(Cells::new).collect();
        Self { table, places, columns, rows: 0, bytes: 0, digest: Sha256::new() }
    }

    /// Appends a row.
    ///
    /// # Errors
    /// If a value does not fit its column, or the rows are too many.
    pub(super) fn push(&mut self, row: &Row<'_>) -> Result<(), TableError> {
        self.rows += 1;
        for (index, place) in self.places.iter().enumerate() {
            let value = value(row, *place);
            self.bytes += size(value);
            if self.bytes >= TOO_LARGE {
                return Err(TableError::ResultTooLarge { table: self.table.name.clone() });
            }
            update(&mut self.digest, value);
            if let Err(reason) = self.columns[index].push(value) {
                return Err(self.fault(row, index, reason));
            }
        }
        Ok(())
    }

    /// The columns, and the version of the content.
    pub(super) fn finish(self) -> (Vec<ArrayRef>, String) {
        let columns = self.columns.into_iter().map(Cells::finish).collect();
        (columns, format!("{:x}", self.digest.finalize()))
    }

    fn fault(&self, row: &Row<'_>, column: usize, reason: String) -> TableError {
        let columns = self.table.columns.iter().zip(self.places);
        let key: Vec<String> = columns
            .filter(|(column, _)| self.table.key.contains(&column.name))
            .map(|(column, place)| format!("{} = {}", column.name, shown(value(row, *place))))
            .collect();
        let row =
            QueryRow { table: self.table.name.clone(), number: self.rows, key: key.join(", ") };
        let column = self.table.columns[column].name.to_string();
        TableError::Value { row: Box::new(row), column, reason }
    }
}

/// A value of a row; the places are those of the prepared query's columns.
fn value<'r>(row: &'r Row<'_>, place: usize) -> ValueRef<'r> {
    row.get_ref(place).unwrap_or(ValueRef::Null)
}

fn size(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => FIXED_BYTES + bytes.len() as u64,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => FIXED_BYTES,
    }
}

/// Takes a value into the digest: its type and its bytes, what varies in length with its length in
/// front, so that different rows never give the same bytes.
fn update(digest: &mut Sha256, value: ValueRef<'_>) {
    let sized = |digest: &mut Sha256, tag: u8, bytes: &[u8]| {
        digest.update([tag]);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    match value {
        ValueRef::Null => digest.update([0]),
        ValueRef::Integer(value) => {
            digest.update([1]);
            digest.update(value.to_le_bytes());
        }
        ValueRef::Real(value) => {
            digest.update([2]);
            digest.update(value.to_bits().to_le_bytes());
        }
        ValueRef::Text(bytes) => sized(digest, 3, bytes),
        ValueRef::Blob(bytes) => sized(digest, 4, bytes),
    }
}
