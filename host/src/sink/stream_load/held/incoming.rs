//! A batch's rows as the fold asks for them: what each says, and of which columns.

use arrow_array::Array;
use arrow_buffer::BooleanBuffer;

use super::FoldRules;
use super::order::{self, Sequence};
use super::sets::{self, ALL, SetId, Sets};
use crate::record::{Batch, Operation};

/// A batch's rows as the fold asks for them.
pub(super) struct Incoming<'a> {
    batch: &'a Batch,
    sequence: Option<usize>,
    unchanged: Vec<(usize, &'a BooleanBuffer)>,
    all: Vec<u64>,
    mask: Vec<u64>,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(batch: &'a Batch, rules: &FoldRules) -> Self {
        let columns = batch.columns.iter().enumerate();
        let mut all = vec![0; batch.columns.len().div_ceil(64).max(1)];
        (0..batch.columns.len()).for_each(|column| sets::put(&mut all, column));
        Self {
            batch,
            sequence: rules.sequence,
            unchanged: columns
                .filter_map(|(index, column)| Some((index, column.unchanged.as_ref()?)))
                .collect(),
            mask: all.clone(),
            all,
        }
    }

    pub(super) fn is_delete(&self, row: usize) -> bool {
        self.batch.meta.operations.get(row) == Operation::Delete
    }

    /// What a row says of its sequence; `None`: nothing, as it is left out, or there is no such
    /// column.
    pub(super) fn sequence(&self, row: usize) -> Option<Sequence> {
        let column = &self.batch.columns[self.sequence?];
        let is_unchanged = column.unchanged.as_ref().is_some_and(|bits| bits.value(row));
        (!is_unchanged).then(|| order::value(&column.values, row))
    }

    /// The columns that a row says something about.
    pub(super) fn set(&mut self, sets: &mut Sets, row: usize) -> SetId {
        if self.unchanged.iter().all(|(_, bits)| !bits.value(row)) {
            return ALL;
        }
        self.mask.copy_from_slice(&self.all);
        for (column, bits) in &self.unchanged {
            if bits.value(row) {
                sets::cut(&mut self.mask, *column);
            }
        }
        sets.id(&self.mask)
    }

    /// The columns of a before image that are there for certain: a null may stand for a value that
    /// the source did not tell.
    pub(super) fn known(&mut self, sets: &mut Sets, row: usize) -> SetId {
        self.mask.fill(0);
        for (index, column) in self.batch.columns.iter().enumerate() {
            let is_unchanged = column.unchanged.as_ref().is_some_and(|bits| bits.value(row));
            if column.values.is_valid(row) && !is_unchanged {
                sets::put(&mut self.mask, index);
            }
        }
        sets.id(&self.mask)
    }
}
