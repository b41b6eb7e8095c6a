//! The rows that cross to a guest: living rows whose operation it takes, without the others.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_select::filter::{FilterBuilder, FilterPredicate};

use crate::record::{Batch, Column};

/// Which rows of a batch a guest sees, and the way there and back.
///
/// In the common case all rows cross and nothing is copied. Otherwise the projected columns are
/// gathered for the call, and what comes back is spread out again, with null where a row did not
/// cross: exactly what a row that passes by shall have in the added columns.
pub(super) struct Crossing {
    predicate: Option<Gather>,
    rows: usize,
}

struct Gather {
    filter: FilterPredicate,
    bits: BooleanBuffer,
    /// For each row of the batch its place among the crossing rows, or null.
    back: UInt32Array,
    /// The batch's row of each crossing row.
    forth: Vec<u32>,
}

impl Crossing {
    /// The crossing of `batch` for a guest that takes the operations in `takes` (bits by code).
    pub(super) fn of(batch: &Batch, takes: u8) -> Self {
        let taken = batch.meta.operations.among(takes, batch.rows);
        let bits = match (&batch.selection, taken) {
            (None, None) => None,
            (Some(selection), None) => Some(selection.clone()),
            (None, Some(taken)) => Some(taken),
            (Some(selection), Some(taken)) => Some(selection & &taken),
        };
        let bits = bits.filter(|bits| bits.count_set_bits() != batch.rows);
        let Some(bits) = bits else { return Self { predicate: None, rows: batch.rows } };
        let forth: Vec<u32> = bits.set_indices().map(row_number).collect();
        let mut back = vec![0; batch.rows];
        for (place, row) in forth.iter().enumerate() {
            back[*row as usize] = row_number(place);
        }
        let rows = forth.len();
        let filter = FilterBuilder::new(&BooleanArray::from(bits.clone())).optimize().build();
        let back = UInt32Array::new(back.into(), Some(NullBuffer::new(bits.clone())));
        Self { predicate: Some(Gather { filter, bits, back, forth }), rows }
    }

    /// How many rows cross.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The batch's row of the crossing row `row`.
    pub(super) fn origin(&self, row: usize) -> usize {
        self.predicate.as_ref().map_or(row, |gather| gather.forth[row] as usize)
    }

    /// The rows that cross, as bits over the batch; `None`: all.
    pub(super) fn bits(&self) -> Option<&BooleanBuffer> {
        self.predicate.as_ref().map(|gather| &gather.bits)
    }

    /// A column of the batch as the guest sees it.
    pub(super) fn forth(&self, column: &Column) -> Column {
        let Some(gather) = &self.predicate else { return column.clone() };
        Column {
            values: self.filter(gather, &column.values),
            unchanged: column.unchanged.as_ref().map(|bits| self.bits_forth(gather, bits)),
        }
    }

    /// A bitmap over the batch as the guest sees it.
    pub(super) fn bitmap(&self, bits: &BooleanBuffer) -> BooleanBuffer {
        match &self.predicate {
            None => bits.clone(),
            Some(gather) => self.bits_forth(gather, bits),
        }
    }

    /// A list with an entry a row as the guest sees it.
    pub(super) fn list<T: Copy + arrow_buffer::ArrowNativeType>(
        &self,
        values: &ScalarBuffer<T>,
    ) -> ScalarBuffer<T> {
        match &self.predicate {
            None => values.clone(),
            Some(gather) => {
                gather.forth.iter().map(|row| values[*row as usize]).collect::<Vec<_>>().into()
            }
        }
    }

    /// A column of the guest's answer, over the whole batch again; null where a row did not cross.
    pub(super) fn back(&self, column: Column) -> Column {
        let Some(gather) = &self.predicate else { return column };
        let values = arrow_select::take::take(&column.values, &gather.back, None)
            .expect("the way back stays within the rows that crossed");
        Column {
            values,
            unchanged: column.unchanged.map(|bits| spread(gather, &bits, self.total(gather))),
        }
    }

    /// A bitmap of the guest's answer, over the whole batch again; clear where a row did not cross.
    pub(super) fn bits_back(&self, bits: BooleanBuffer) -> BooleanBuffer {
        match &self.predicate {
            None => bits,
            Some(gather) => spread(gather, &bits, self.total(gather)),
        }
    }

    fn total(&self, gather: &Gather) -> usize {
        gather.back.len()
    }

    fn filter(&self, gather: &Gather, values: &ArrayRef) -> ArrayRef {
        gather.filter.filter(values).expect("columns have the batch's length")
    }

    fn bits_forth(&self, gather: &Gather, bits: &BooleanBuffer) -> BooleanBuffer {
        BooleanBuffer::collect_bool(self.rows, |row| bits.value(gather.forth[row] as usize))
    }
}

fn spread(gather: &Gather, bits: &BooleanBuffer, rows: usize) -> BooleanBuffer {
    BooleanBuffer::collect_bool(rows, |row| {
        gather.back.is_valid(row) && bits.value(gather.back.value(row) as usize)
    })
}

fn row_number(row: usize) -> u32 {
    u32::try_from(row).expect("a batch has fewer than 2^32 rows")
}

/// A shared null-free list of processing times, for rows that a stage makes.
pub(super) fn repeated(time: i64, rows: usize) -> ScalarBuffer<i64> {
    vec![time; rows].into()
}

/// The name of a stage as the origin of the rows that it makes.
pub(super) fn origin(stage: &str) -> Arc<str> {
    format!("{stage}#").into()
}
