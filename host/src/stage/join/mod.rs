//! Rows beside the rows of a table: the lookup and the gathering of the columns that it brings.
//!
//! *Invariants*: a pure function of the batch and the snapshot; rows that are dead, and deletes and
//! truncates, which pass transforms by, join nothing and miss nothing.
//! *Not here*: what becomes of the rows that miss (the stage), how keys are found (`table`).

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_buffer::BooleanBuffer;
use arrow_select::take::take;

use crate::record::{Batch, Operation};
use crate::table::TableSnapshot;

/// What to do with a row whose key is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It goes on with nulls in the joined columns.
    Null,
    /// It is rejected.
    Reject,
    /// It is left out.
    Drop,
}

impl Missing {
    /// The names in the TOML.
    pub const NAMES: [(&'static str, Self); 3] =
        [("null", Self::Null), ("reject", Self::Reject), ("drop", Self::Drop)];
}

/// What a join found.
#[derive(Debug)]
pub struct Joined {
    /// The columns that were asked for, as long as the batch; null where a row joined nothing.
    pub columns: Vec<ArrayRef>,
    /// A set bit for each living row whose key is not in the table (a null is in no table);
    /// `None`: there is none.
    pub misses: Option<BooleanBuffer>,
}

/// Operations whose rows join.
const JOINING: u8 =
    (1 << Operation::Insert as u8) | (1 << Operation::Update as u8) | (1 << Operation::Read as u8);

/// Looks each row of `batch` up in `table`.
///
/// Shape: `on` are columns of the batch, one for each key column of the table, in key order and of
/// its types; `columns` are columns of the table, which come back in that order.
///
/// # Panics
/// If the columns do not fit the table: graphs are type-checked before they run.
#[must_use]
pub fn join(batch: &Batch, on: &[usize], table: &TableSnapshot, columns: &[usize]) -> Joined {
    let keys: Vec<ArrayRef> =
        on.iter().map(|index| Arc::clone(&batch.columns[*index].values)).collect();
    let rows = match (&batch.selection, batch.meta.operations.among(JOINING, batch.rows)) {
        (Some(living), Some(joining)) => Some(living & &joining),
        (Some(living), None) => Some(living.clone()),
        (None, joining) => joining,
    };
    let found = table.lookup(&keys, rows.as_ref());
    let columns = columns
        .iter()
        .map(|index| {
            take(&table.columns()[*index], &found, None).expect("a lookup gives rows of its table")
        })
        .collect();
    Joined { columns, misses: misses(&found, rows.as_ref()) }
}

fn misses(found: &dyn Array, rows: Option<&BooleanBuffer>) -> Option<BooleanBuffer> {
    let missing = !found.nulls()?.inner();
    let missing = match rows {
        Some(rows) => &missing & rows,
        None => missing,
    };
    missing.has_true().then_some(missing)
}

#[cfg(test)]
mod tests;
