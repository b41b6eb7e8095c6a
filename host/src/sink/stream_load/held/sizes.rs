//! What rows take in a body, roughly: enough to cut parts that mostly keep to the bounds.

use arrow_array::cast::AsArray;

use crate::record::{Batch, DataType, Schema};

/// Braces, the sign of deletes, and the audit columns with their names.
const FRAME_BYTES: usize = 160;
/// Quotes, colon and comma of a member.
const MEMBER_BYTES: usize = 6;

/// The estimates of all rows.
pub(super) struct Sizes {
    /// What every row takes.
    fixed: usize,
    /// Columns whose values have lengths.
    measured: Vec<Measured>,
    /// What each row takes beyond that.
    rows: Vec<u32>,
}

struct Measured {
    column: usize,
    is_binary: bool,
}

impl Sizes {
    pub(super) fn new(schema: &Schema) -> Self {
        let fields = || schema.fields.iter().enumerate();
        let of_member = |data_type: DataType| match data_type {
            DataType::Bool => 5,
            DataType::Int16 => 5,
            DataType::Int32 | DataType::Date => 10,
            DataType::Int64 | DataType::Float32 => 13,
            DataType::Float64 => 18,
            DataType::Decimal { precision, .. } => usize::from(precision).min(14) + 2,
            DataType::Time => 15,
            DataType::Timestamp => 26,
            DataType::Uuid => 36,
            DataType::Text | DataType::Binary | DataType::Json => 0,
        };
        let members =
            fields().map(|(_, field)| field.name.len() + MEMBER_BYTES + of_member(field.data_type));
        let measured = fields().filter_map(|(column, field)| {
            let is_binary = field.data_type == DataType::Binary;
            let is_measured =
                matches!(field.data_type, DataType::Text | DataType::Binary | DataType::Json);
            is_measured.then_some(Measured { column, is_binary })
        });
        Self {
            fixed: FRAME_BYTES + members.sum::<usize>(),
            measured: measured.collect(),
            rows: Vec::new(),
        }
    }

    /// Adds the rows of a batch.
    pub(super) fn add(&mut self, batch: &Batch) {
        let first = self.rows.len();
        self.rows.resize(first + batch.rows, 0);
        let rows = &mut self.rows[first..];
        for Measured { column, is_binary } in &self.measured {
            let values = &batch.columns[*column].values;
            if *is_binary {
                let offsets = values.as_binary::<i32>().value_offsets();
                // Base64 makes four bytes of three.
                add_lengths(rows, offsets, |length| length / 3 * 4 + 4);
            } else {
                add_lengths(rows, values.as_string::<i32>().value_offsets(), |length| length);
            }
        }
    }

    /// The estimate for a row.
    #[inline]
    pub(super) fn of(&self, row: u32) -> usize {
        self.fixed + self.rows[row as usize] as usize
    }

    /// Bytes that the estimates themselves take.
    pub(super) fn bytes(&self) -> usize {
        self.rows.len() * size_of::<u32>()
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }
}

fn add_lengths(rows: &mut [u32], offsets: &[i32], of: impl Fn(u32) -> u32) {
    for (row, ends) in rows.iter_mut().zip(offsets.windows(2)) {
        // Offsets only rise.
        *row = row.saturating_add(of(ends[1].abs_diff(ends[0])));
    }
}
