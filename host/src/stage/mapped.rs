//! What a map-like transform's answer does to its batch.

use std::sync::Arc;

use arrow_buffer::BooleanBuffer;

use super::projection::Crossing;
use crate::record::{Batch, Before, Column, Operation, Operations, RowMeta, Schema};
use crate::sandbox::{Images, Mapped};

/// The batch with the answer merged in: columns added or replaced, rows left out, and updates that
/// a filter left out turned into deletes of their key (unless the input only appends).
///
/// Rejected rows are not looked at here; the caller has taken them out of the selection.
pub(super) fn merge(
    batch: Batch,
    crossing: &Crossing,
    answer: Mapped,
    schema: &Arc<Schema>,
    places: &[usize],
) -> (Batch, usize) {
    let before_kept = answer.before.as_ref().map(|images| {
        images.kept.clone().unwrap_or_else(|| BooleanBuffer::new_set(crossing.rows()))
    });
    let mut batch = batch;
    batch.schema = Arc::clone(schema);
    place(&mut batch.columns, answer.after.columns, places, crossing);
    match (answer.before, &mut batch.before) {
        (Some(Images { columns, .. }), Some(before)) => {
            place(&mut before.columns, columns, places, crossing);
        }
        // A transform that does not ask for before images leaves none that fit its columns.
        _ => batch.before = None,
    }
    let Some(kept) = answer.after.kept else { return (batch, 0) };
    let kept = crossing.bits_back(kept);
    // Rows that did not cross pass by; dead ones among them stay dead by the batch's selection.
    let mut lives = match crossing.bits() {
        None => kept.clone(),
        Some(crossed) => &kept | &!crossed,
    };
    let before = before_kept.map(|kept| crossing.bits_back(kept));
    if let Some(deleted) = deletes(&batch, &kept, crossing, before.as_ref()) {
        lives = &lives | &deleted;
        batch.meta = Arc::new(as_deletes(&batch.meta, &deleted, batch.rows));
    }
    let had = batch.selected();
    batch.select(&lives);
    let filtered = had - batch.selected();
    (batch, filtered)
}

fn place(columns: &mut Vec<Column>, added: Vec<Column>, places: &[usize], crossing: &Crossing) {
    for (column, place) in added.into_iter().zip(places) {
        let column = crossing.back(column);
        if *place < columns.len() {
            columns[*place] = column;
        } else {
            columns.push(column);
        }
    }
}

/// The crossing updates that the filter left out and whose row the target may have: with before
/// images on both sides those whose before image it kept, else all.
fn deletes(
    batch: &Batch,
    kept: &BooleanBuffer,
    crossing: &Crossing,
    before_kept: Option<&BooleanBuffer>,
) -> Option<BooleanBuffer> {
    let updates = updates(batch)?;
    let left_out = known_before(batch, &(&without(kept, crossing) & &updates), before_kept);
    (left_out.count_set_bits() > 0).then_some(left_out)
}

/// The updates among the rows, unless the input only appends: nothing is to be deleted then.
fn updates(batch: &Batch) -> Option<BooleanBuffer> {
    if batch.schema.append_only {
        return None;
    }
    match &batch.meta.operations {
        Operations::All(Operation::Update) => Some(BooleanBuffer::new_set(batch.rows)),
        Operations::All(_) => None,
        Operations::Each(codes) => Some(BooleanBuffer::collect_bool(batch.rows, |row| {
            codes[row] == Operation::Update as u8
        })),
    }
}

/// Leaves rows out before a transform has seen them, as a filter would: an update becomes a delete
/// of its key (unless the input only appends), every other row goes.
pub(super) fn leave_out(batch: &mut Batch, rows: &BooleanBuffer) {
    let deleted = updates(batch).map(|updates| rows & &updates);
    let mut gone = rows.clone();
    if let Some(deleted) = deleted.filter(|deleted| deleted.count_set_bits() > 0) {
        gone = &gone & &!&deleted;
        batch.meta = Arc::new(as_deletes(&batch.meta, &deleted, batch.rows));
    }
    batch.select(&!&gone);
}

fn without(kept: &BooleanBuffer, crossing: &Crossing) -> BooleanBuffer {
    match crossing.bits() {
        None => !kept,
        Some(crossed) => crossed & &!kept,
    }
}

fn known_before(
    batch: &Batch,
    left_out: &BooleanBuffer,
    before_kept: Option<&BooleanBuffer>,
) -> BooleanBuffer {
    match (&batch.before, before_kept) {
        (Some(Before { present, .. }), Some(kept)) => left_out & &(kept | &!present),
        _ => left_out.clone(),
    }
}

fn as_deletes(meta: &RowMeta, deleted: &BooleanBuffer, rows: usize) -> RowMeta {
    let codes = meta.operations.codes(rows);
    let codes: Vec<u8> = (0..rows)
        .map(|row| if deleted.value(row) { Operation::Delete as u8 } else { codes[row] })
        .collect();
    RowMeta { operations: Operations::Each(codes.into()), ..meta.clone() }
}
