//! The numbers of committed epochs: one for each sink of each store, in the database itself.

use rusqlite::{Connection, OptionalExtension};

use super::Target;
use crate::record::Epoch;
use crate::sink::SinkError;

/// Makes the table where there is none.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS _millrace_commits (
            incarnation TEXT NOT NULL,
            pipeline TEXT NOT NULL,
            sink TEXT NOT NULL,
            table_name TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            PRIMARY KEY (incarnation, pipeline, sink)
        )",
    )
}

/// The epoch at which the table stands for this sink of this store; `None` if the database knows
/// neither.
///
/// # Errors
/// If the database cannot be read, or the store has filled another table of it for this sink.
pub(super) fn read(connection: &Connection, target: &Target) -> Result<Option<Epoch>, SinkError> {
    let Some((stored, number)) = entry(connection, target).map_err(target.failed("read"))? else {
        return Ok(None);
    };
    if !stored.eq_ignore_ascii_case(&target.table) {
        return Err(SinkError::OtherTable {
            sink: target.sink.clone(),
            path: target.path.clone(),
            table: target.table.clone(),
            stored,
        });
    }
    // A negative one is nobody's epoch, and so is this.
    Ok(Some(Epoch::try_from(number).unwrap_or(Epoch::MAX)))
}

/// The table's name and its number.
fn entry(connection: &Connection, target: &Target) -> rusqlite::Result<Option<(String, i64)>> {
    let is_known = connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = '_millrace_commits'")?
        .exists([])?;
    if !is_known {
        return Ok(None);
    }
    connection
        .prepare_cached(
            "SELECT table_name, epoch FROM _millrace_commits
             WHERE incarnation = ?1 AND pipeline = ?2 AND sink = ?3",
        )?
        .query_row((&target.incarnation, &target.pipeline, &target.sink), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

/// Notes that the table stands at `epoch`.
pub(super) fn set(connection: &Connection, target: &Target, epoch: Epoch) -> rusqlite::Result<()> {
    // SQLite's integers are signed; a checkpoint a microsecond fills them in 292,000 years.
    let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO _millrace_commits (incarnation, pipeline, sink, table_name, epoch)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (incarnation, pipeline, sink) DO UPDATE
         SET table_name = excluded.table_name, epoch = excluded.epoch",
        (&target.incarnation, &target.pipeline, &target.sink, &target.table, epoch),
    )?;
    Ok(())
}

/// Forgets every store's number for a table that has been emptied, so that an older store that is
/// started again halts instead of going on as if its rows were there.
pub(super) fn forget_table(connection: &Connection, target: &Target) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM _millrace_commits WHERE table_name = ?1 COLLATE NOCASE",
        (&target.table,),
    )?;
    Ok(())
}
