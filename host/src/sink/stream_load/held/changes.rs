//! A batch as it is folded: an update that changes the key is two rows, the first of which stands
//! for the old key.

use std::sync::Arc;

use arrow_array::Array;

use super::keys::EncodedKeys;
use super::{FoldRules, bare_meta, chosen, concat};
use crate::record::{Batch, Column, Operation, Operations, RowMeta};

/// A batch as it is folded: with a row for each old key that an update leaves behind.
pub(super) struct Changes {
    pub(super) batch: Batch,
    /// The rows that stand for old keys, in order; the row behind each is that of the new key.
    pub(super) moved: Vec<u32>,
    /// The row of the batch that came, for each row here; `None`: the same.
    origins: Option<Vec<u32>>,
}

impl Changes {
    pub(super) fn new(rules: &FoldRules, batch: &Batch, kept: Option<Vec<u32>>) -> Self {
        let moved = moved_rows(rules, batch, kept.as_deref());
        if moved.is_empty() {
            return Self { batch: chosen(batch, kept.as_deref()), moved, origins: kept };
        }
        let count = u32::try_from(batch.rows).expect("a batch is small");
        let kept = kept.unwrap_or_else(|| (0..count).collect());
        let (mut picks, mut origins) = (Vec::new(), Vec::new());
        let (mut places, mut next) = (Vec::new(), moved.iter().peekable());
        for row in kept {
            if next.next_if_eq(&&row).is_some() {
                places.push(u32::try_from(picks.len()).expect("a batch is small"));
                picks.push(count + row);
                origins.push(row);
            }
            picks.push(row);
            origins.push(row);
        }
        let both = concat::concat(&[bare_meta(batch), old_rows(rules, batch)])
            .expect("an image has the columns of its row");
        Self { batch: both.take(&picks), moved: places, origins: Some(origins) }
    }

    /// The row of the batch that came.
    pub(super) fn original(&self, row: usize) -> usize {
        self.origins.as_ref().map_or(row, |origins| origins[row] as usize)
    }
}

/// The updates whose before image has another key.
fn moved_rows(rules: &FoldRules, batch: &Batch, kept: Option<&[u32]>) -> Vec<u32> {
    let Some(before) = &batch.before else { return Vec::new() };
    let of = |columns: &[Column]| {
        let columns: Vec<_> = rules.key.iter().map(|index| &columns[*index].values).collect();
        EncodedKeys::of(&columns, batch.rows)
    };
    let (old, new) = (of(&before.columns), of(&batch.columns));
    let is_moved = |row: &u32| {
        let row = *row as usize;
        // A key that the image does not tell is that of the row.
        let is_told = |index: &usize| {
            let column = &before.columns[*index];
            column.values.is_valid(row)
                && !column.unchanged.as_ref().is_some_and(|bits| bits.value(row))
        };
        batch.meta.operations.get(row) == Operation::Update
            && before.present.value(row)
            && rules.key.iter().all(is_told)
            && old.get(row) != new.get(row)
    };
    let count = u32::try_from(batch.rows).expect("a batch is small");
    match kept {
        Some(rows) => rows.iter().copied().filter(is_moved).collect(),
        None => (0..count).filter(is_moved).collect(),
    }
}

/// The before images as deletes, of the sequence at which the key was left.
fn old_rows(rules: &FoldRules, batch: &Batch) -> Batch {
    let mut old = bare_meta(batch);
    let mut meta = RowMeta::clone(&old.meta);
    meta.operations = Operations::All(Operation::Delete);
    old.meta = Arc::new(meta);
    if let Some(before) = &batch.before {
        let sequence = rules.sequence.map(|index| (index, batch.columns[index].clone()));
        old.columns.clone_from(&before.columns);
        if let Some((index, column)) = sequence {
            old.columns[index] = column;
        }
    }
    old
}
