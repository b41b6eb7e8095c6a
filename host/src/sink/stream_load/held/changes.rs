//! A batch as it is folded: an update that changes the key is two rows, the first of which stands
//! for the old key.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};

use super::keys::EncodedKeys;
use super::{FoldRules, bare_meta, concat};
use crate::record::{Batch, Column, Operation, Operations, RowMeta};

/// A batch as it is folded: with a row for each old key that an update leaves behind.
pub(super) struct Changes {
    pub(super) batch: Batch,
    /// The rows that stand for old keys, in order; the row behind each is that of the new key.
    pub(super) moved: Vec<u32>,
    /// The row of the batch that came, for each row here.
    origins: Vec<u32>,
}

impl Changes {
    /// The changes of those rows (`None`: all) of a batch, and their keys in `keys`. They are in the
    /// order of parts, but for batches in which a key is replaced; those of a key are in theirs.
    pub(super) fn new(
        rules: &FoldRules,
        batch: &Batch,
        kept: Option<Vec<u32>>,
        keys: &mut EncodedKeys,
    ) -> Self {
        let moved = moved_rows(rules, batch, kept.as_deref());
        if moved.is_empty() {
            let origins = in_parts(batch, kept, &key_columns(rules, batch), keys);
            let batch = bare_meta(batch).take(&origins);
            return Self { batch, moved, origins };
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
        let batch = both.take(&picks);
        keys.encode(&key_columns(rules, &batch), 0..batch.rows);
        Self { batch, moved: places, origins }
    }

    /// The row of the batch that came.
    pub(super) fn original(&self, row: usize) -> usize {
        self.origins[row] as usize
    }
}

/// Those rows (`None`: all) of a batch in the order of the parts that they will be in, and in
/// `keys` the keys by which they are.
pub(super) fn in_parts(
    batch: &Batch,
    kept: Option<Vec<u32>>,
    columns: &[&ArrayRef],
    keys: &mut EncodedKeys,
) -> Vec<u32> {
    match kept {
        None => {
            keys.encode(columns, 0..batch.rows);
            keys.sort()
        }
        Some(kept) => {
            keys.encode(columns, kept.iter().map(|row| *row as usize));
            keys.sort().into_iter().map(|place| kept[place as usize]).collect()
        }
    }
}

fn key_columns<'a>(rules: &FoldRules, batch: &'a Batch) -> Vec<&'a ArrayRef> {
    rules.key.iter().map(|index| &batch.columns[*index].values).collect()
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
