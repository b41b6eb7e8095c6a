//! Rows that an output which only grows cannot take: those that take something back, and those that
//! are not whole.

use super::Refusal;
use crate::record::{Batch, Operation};

/// Refuses row `row` of `batch` if it is a change that takes something back; `output` is what
/// cannot take it, in words.
pub(super) fn refuse_change(batch: &Batch, row: usize, output: &str) -> Option<Refusal> {
    let operation = batch.meta.operations.get(row);
    if matches!(operation, Operation::Insert | Operation::Read) {
        return None;
    }
    let change = change_words(operation);
    let reason =
        format!("{output} only grows and cannot take {change}; use an sqlite sink in upsert mode");
    Some(Refusal { row, reason, column: None })
}

/// A change with its article.
pub(super) const fn change_words(operation: Operation) -> &'static str {
    match operation {
        Operation::Insert => "an insert",
        Operation::Update => "an update",
        Operation::Delete => "a delete",
        Operation::Truncate => "a truncate",
        Operation::Read => "a read",
    }
}

/// Refuses row `row` of `batch` if the source left a value of it out, where the output has a place
/// for every column: a null would say something else.
pub(super) fn refuse_partial(batch: &Batch, row: usize, output: &str) -> Option<Refusal> {
    let is_unchanged =
        |bits: &Option<arrow_buffer::BooleanBuffer>| bits.as_ref().is_some_and(|b| b.value(row));
    let index = batch.columns.iter().position(|column| is_unchanged(&column.unchanged))?;
    let reason =
        format!("{output} has whole rows, and the source left this value out as unchanged");
    let column = batch.schema.fields.get(index).map(|field| field.name.clone());
    Some(Refusal { row, reason, column })
}
