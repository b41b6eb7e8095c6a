//! Updates that leave values out as unchanged and find no row of their key: they are kept beside
//! the table, in the table `_millrace_unplaced`, as JSON without the values that they leave out.
//!
//! *Invariants*: such an update is kept in the transaction that applies its epoch, so neither lost
//! nor doubled; no null is made up for it; it never makes a commit fail.
//! *Not here*: inserts without all of their values, which are refused before the checkpoint
//! (`checks`).

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use rusqlite::Connection;
use serde_json::Value;

use super::Target;
use crate::record::{DataType, Epoch, write_value};
use crate::sink::segment::SegmentRows;

/// The table of such updates.
pub(super) const UNPLACED: &str = "_millrace_unplaced";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS _millrace_unplaced (
    pipeline TEXT NOT NULL,
    sink TEXT NOT NULL,
    table_name TEXT NOT NULL,
    \"key\" TEXT NOT NULL,
    \"row\" TEXT NOT NULL,
    major INTEGER NOT NULL,
    minor INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)";

const INSERT: &str = "INSERT INTO _millrace_unplaced
    (pipeline, sink, table_name, \"key\", \"row\", major, minor, epoch)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Makes the table where there is none: only a database that needs it has it.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(CREATE)
}

/// Keeps a row of a segment.
pub(super) fn keep(
    connection: &Connection,
    target: &Target,
    rows: &SegmentRows,
    row: usize,
    epoch: Epoch,
) -> rusqlite::Result<()> {
    let is_known = |index: &usize| rows.unchanged(row).is_none_or(|bits| !bits.has(*index));
    let key = json(target, rows, row, target.key.iter().copied());
    let known = json(target, rows, row, (0..target.schema.fields.len()).filter(is_known));
    let (major, minor) = rows.sequence(row);
    // As the number of the epoch is kept.
    let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
    let of = (&target.pipeline, &target.sink, &target.table);
    connection
        .prepare_cached(INSERT)?
        .execute((of.0, of.1, of.2, key, known, major, minor, epoch))?;
    Ok(())
}

/// Columns of a row as an object.
fn json(
    target: &Target,
    rows: &SegmentRows,
    row: usize,
    columns: impl Iterator<Item = usize>,
) -> String {
    let mut text = vec![b'{'];
    for (place, index) in columns.enumerate() {
        let field = &target.schema.fields[index];
        let values = &*rows.columns()[index];
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(Value::from(&*field.name).to_string().as_bytes());
        text.push(b':');
        match infinity(field.data_type, values, row) {
            Some(number) => text.extend_from_slice(number.as_bytes()),
            None => write_value(&mut text, field.data_type, values, row),
        }
    }
    text.push(b'}');
    String::from_utf8(text).expect("names, texts and numbers are UTF-8")
}

/// An infinity as SQLite writes it into JSON, which has no word for it; a null would be another
/// value.
fn infinity(data_type: DataType, values: &dyn Array, row: usize) -> Option<&'static str> {
    if values.is_null(row) {
        return None;
    }
    let value = match data_type {
        DataType::Float32 => f64::from(values.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => values.as_primitive::<Float64Type>().value(row),
        _ => return None,
    };
    value.is_infinite().then_some(if value > 0.0 { "9.0e+999" } else { "-9.0e+999" })
}

/// Forgets what was kept for a table that has been emptied.
pub(super) fn forget_table(connection: &Connection, target: &Target) -> rusqlite::Result<()> {
    let is_there = connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")?
        .exists((UNPLACED,))?;
    if is_there {
        connection.execute(
            "DELETE FROM _millrace_unplaced WHERE table_name = ?1 COLLATE NOCASE",
            (&target.table,),
        )?;
    }
    Ok(())
}

/// Tells of `count` updates that a commit has kept.
pub(super) fn warn(target: &Target, count: u64) {
    let updates = if count == 1 { "1 update".to_owned() } else { format!("{count} updates") };
    tracing::warn!(
        sink = %target.sink,
        table = %target.table,
        "{updates} left values out as unchanged where no row is stored to keep them from; they are \
         in table `{UNPLACED}` of `{}`: start from a snapshot that has every row, or let the source \
         send whole rows, in PostgreSQL by REPLICA IDENTITY FULL",
        target.path.display()
    );
}
