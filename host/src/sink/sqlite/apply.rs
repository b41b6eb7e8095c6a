//! A segment's rows into the table, within the caller's transaction.

use rusqlite::{CachedStatement, Connection, Statement};

use super::values::Cells;
use super::{Target, WriteMode, statements, unplaced};
use crate::record::{Epoch, Operation};
use crate::sink::SinkError;
use crate::sink::segment::{SegmentReader, SegmentRows, Unchanged};

const APPLY: &str = "apply rows to";
/// Room for the longest decimal or timestamp, so that the scratch never grows.
const TEXT_BYTES: usize = 64;

/// Applies every change of a segment, in order. Answers how many updates had no place in the table
/// and are kept beside it.
pub(super) fn apply(
    connection: &Connection,
    target: &Target,
    segment: SegmentReader,
    epoch: Epoch,
) -> Result<u64, SinkError> {
    match target.mode {
        WriteMode::Append => append(connection, target, segment).map(|()| 0),
        WriteMode::Upsert => {
            let mut changes = Changes::new(connection, target, epoch)?;
            for rows in segment {
                changes.apply(&rows?)?;
            }
            Ok(changes.unplaced)
        }
    }
}

fn append(
    connection: &Connection,
    target: &Target,
    segment: SegmentReader,
) -> Result<(), SinkError> {
    let failed = target.failed(APPLY);
    let mut insert = connection.prepare_cached(&statements::insert(target)).map_err(&failed)?;
    let mut text = Vec::with_capacity(TEXT_BYTES);
    for rows in segment {
        let rows = rows?;
        let cells = cells(target, &rows);
        for row in 0..rows.len() {
            bind(&mut insert, &cells, row, &mut text)
                .and_then(|()| insert.raw_execute())
                .map_err(&failed)?;
        }
    }
    Ok(())
}

fn cells<'a>(target: &Target, rows: &'a SegmentRows) -> Vec<Cells<'a>> {
    target
        .schema
        .fields
        .iter()
        .zip(rows.columns())
        .map(|(field, array)| Cells::new(field.data_type, array))
        .collect()
}

fn bind(
    statement: &mut Statement<'_>,
    cells: &[Cells<'_>],
    row: usize,
    text: &mut Vec<u8>,
) -> rusqlite::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        cell.bind(statement, index + 1, row, text)?;
    }
    Ok(())
}

/// The statements of upsert mode.
struct Changes<'a> {
    connection: &'a Connection,
    target: &'a Target,
    epoch: Epoch,
    upsert: CachedStatement<'a>,
    delete: CachedStatement<'a>,
    text: Vec<u8>,
    /// Updates that are kept beside the table.
    unplaced: u64,
}

impl<'a> Changes<'a> {
    fn new(
        connection: &'a Connection,
        target: &'a Target,
        epoch: Epoch,
    ) -> Result<Self, SinkError> {
        let prepare = |sql: &str| connection.prepare_cached(sql).map_err(target.failed(APPLY));
        Ok(Self {
            connection,
            target,
            epoch,
            upsert: prepare(&statements::upsert(target))?,
            delete: prepare(&statements::delete(target))?,
            text: Vec::with_capacity(TEXT_BYTES),
            unplaced: 0,
        })
    }

    fn apply(&mut self, rows: &SegmentRows) -> Result<(), SinkError> {
        let cells = cells(self.target, rows);
        for row in 0..rows.len() {
            let sequence = rows.sequence(row);
            let done = match (rows.operation(row), rows.unchanged(row)) {
                (Operation::Delete, _) => self.delete(&cells, row, sequence),
                (Operation::Truncate, _) => self.truncate(sequence),
                (_, None) => self.upsert(&cells, row, sequence),
                (_, Some(unchanged)) => match self.update(&cells, row, sequence, unchanged) {
                    Ok(true) => Ok(()),
                    Ok(false) => self.keep(rows, row),
                    Err(error) => Err(error),
                },
            };
            done.map_err(self.target.failed(APPLY))?;
        }
        Ok(())
    }

    fn upsert(
        &mut self,
        cells: &[Cells<'_>],
        row: usize,
        sequence: (i64, i32),
    ) -> rusqlite::Result<()> {
        bind(&mut self.upsert, cells, row, &mut self.text)?;
        bind_sequence(&mut self.upsert, cells.len(), sequence)?;
        self.upsert.raw_execute()?;
        Ok(())
    }

    fn delete(
        &mut self,
        cells: &[Cells<'_>],
        row: usize,
        sequence: (i64, i32),
    ) -> rusqlite::Result<()> {
        bind_key(&mut self.delete, self.target, cells, row, &mut self.text)?;
        bind_sequence(&mut self.delete, cells.len(), sequence)?;
        self.delete.raw_execute()?;
        Ok(())
    }

    fn truncate(&mut self, sequence: (i64, i32)) -> rusqlite::Result<()> {
        let mut truncate = self.connection.prepare_cached(&statements::truncate(self.target))?;
        bind_sequence(&mut truncate, self.target.schema.fields.len(), sequence)?;
        truncate.raw_execute()?;
        Ok(())
    }

    /// A change that does not say the value of every column: the stored ones stay. Not an upsert,
    /// since there is no value to insert where no row is stored; then it answers false.
    fn update(
        &mut self,
        cells: &[Cells<'_>],
        row: usize,
        sequence: (i64, i32),
        unchanged: Unchanged<'_>,
    ) -> rusqlite::Result<bool> {
        let sql = statements::update(self.target, unchanged);
        let mut update = self.connection.prepare_cached(&sql)?;
        bind_known(&mut update, cells, row, unchanged, &mut self.text)?;
        bind_sequence(&mut update, cells.len(), sequence)?;
        Ok(update.raw_execute()? > 0 || self.exists(cells, row)?)
    }

    fn keep(&mut self, rows: &SegmentRows, row: usize) -> rusqlite::Result<()> {
        if self.unplaced == 0 {
            unplaced::create(self.connection)?;
        }
        self.unplaced += 1;
        unplaced::keep(self.connection, self.target, rows, row, self.epoch)
    }

    fn exists(&mut self, cells: &[Cells<'_>], row: usize) -> rusqlite::Result<bool> {
        let mut exists = self.connection.prepare_cached(&statements::exists(self.target))?;
        bind_key(&mut exists, self.target, cells, row, &mut self.text)?;
        Ok(exists.raw_query().next()?.is_some())
    }
}

/// Binds the columns that have a value; the statement has no parameter for the others, but for
/// those that its numbering skips.
fn bind_known(
    statement: &mut Statement<'_>,
    cells: &[Cells<'_>],
    row: usize,
    unchanged: Unchanged<'_>,
    text: &mut Vec<u8>,
) -> rusqlite::Result<()> {
    for (index, cell) in cells.iter().enumerate().filter(|(index, _)| !unchanged.has(*index)) {
        cell.bind(statement, index + 1, row, text)?;
    }
    Ok(())
}

fn bind_key(
    statement: &mut Statement<'_>,
    target: &Target,
    cells: &[Cells<'_>],
    row: usize,
    text: &mut Vec<u8>,
) -> rusqlite::Result<()> {
    for index in &target.key {
        cells[*index].bind(statement, index + 1, row, text)?;
    }
    Ok(())
}

fn bind_sequence(
    statement: &mut Statement<'_>,
    columns: usize,
    (major, minor): (i64, i32),
) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(columns + 1, major)?;
    statement.raw_bind_parameter(columns + 2, minor)
}
