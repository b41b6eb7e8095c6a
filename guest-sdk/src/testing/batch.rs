//! Rows to the batch that the host would make of them.

use serde_json::{Map, Value};

use super::{Row, values};
use crate::raw::{Batch, BeforeImages, Column, Description, Extras, Read, Times};

/// The batch of these rows, with what the description asks for.
///
/// # Panics
/// Where a value does not fit its column, naming row and column.
pub(super) fn batch(description: &Description, rows: &[Row], first: usize) -> Batch {
    let input = &description.inputs[0];
    let wants = |extra: Extras| input.extras.contains(extra);
    let mut columns: Vec<Column> = input
        .columns
        .iter()
        .map(|read| column(read, rows, first, "", |row| Some(&row.after)))
        .collect();
    for table in &description.tables {
        let joined = |row: &'_ Row| row.joined.get(&table.table).cloned().unwrap_or_default();
        let joined: Vec<_> = rows.iter().map(joined).collect();
        for read in &table.columns {
            let of = format!(" of table `{}`", table.table);
            columns.push(cells(read, joined.iter().map(Some), first, &of));
        }
    }
    Batch {
        input: 0,
        schema: 0,
        rows: rows.len() as u32,
        columns,
        before: wants(Extras::BEFORE).then(|| before(&input.columns, rows, first)).flatten(),
        operations: wants(Extras::OPERATIONS)
            .then(|| rows.iter().map(|row| row.operation.code()).collect()),
        event_times: wants(Extras::EVENT_TIMES).then(|| event_times(rows)),
        processing_times: wants(Extras::PROCESSING_TIMES)
            .then(|| rows.iter().map(|row| row.processing_time.micros()).collect()),
        keys: None,
    }
}

fn before(reads: &[Read], rows: &[Row], first: usize) -> Option<BeforeImages> {
    if rows.iter().all(|row| row.before.is_none()) {
        return None;
    }
    let of = " of the before image";
    let columns =
        reads.iter().map(|read| column(read, rows, first, of, |row| row.before.as_ref())).collect();
    Some(BeforeImages { present: bits(rows, |row| row.before.is_some()), columns })
}

fn event_times(rows: &[Row]) -> Times {
    let known = |row: &Row| row.event_time.is_some();
    Times {
        values: rows.iter().map(|row| row.event_time.map_or(0, |time| time.micros())).collect(),
        validity: (!rows.iter().all(known)).then(|| bits(rows, known)),
    }
}

fn bits(rows: &[Row], is_set: impl Fn(&Row) -> bool) -> Vec<u8> {
    let mut bits = vec![0; rows.len().div_ceil(8)];
    for (index, row) in rows.iter().enumerate() {
        bits[index / 8] |= u8::from(is_set(row)) << (index % 8);
    }
    bits
}

fn column<'r>(
    read: &Read,
    rows: &'r [Row],
    first: usize,
    of: &str,
    image: impl Fn(&'r Row) -> Option<&'r Map<String, Value>>,
) -> Column {
    cells(read, rows.iter().map(image), first, of)
}

/// The column of one key of these images. A row without the image has a slot without meaning.
fn cells<'r>(
    read: &Read,
    images: impl Iterator<Item = Option<&'r Map<String, Value>>>,
    first: usize,
    of: &str,
) -> Column {
    let mut wanted = Vec::new();
    let cells: Vec<Value> = images
        .map(|image| {
            wanted.push(image.is_some());
            image.and_then(|image| image.get(&read.column)).cloned().unwrap_or_default()
        })
        .collect();
    let name = &read.column;
    let mut column = match values::encode(read.data_type, &cells) {
        Ok(column) => column,
        Err((row, error)) => panic!("row {}, column `{name}`{of}: {error}", first + row),
    };
    if !read.nullable {
        let null = cells.iter().zip(wanted).position(|(cell, wanted)| wanted && cell.is_null());
        if let Some(row) = null {
            panic!("row {}, column `{name}`{of} is null, but is read as never null", first + row);
        }
        column.validity = None;
    }
    column
}
