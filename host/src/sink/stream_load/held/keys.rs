//! Keys as bytes, and their hashes.
//!
//! *Invariants*: equal keys encode alike, others never do; the hash is the same in every run, since
//! parts of an epoch that is run again are found by it.
//! *Not here*: how a cell is written (`record`).

use arrow_array::ArrayRef;
use xxhash_rust::xxh64::xxh64;

use crate::record::KeyCells;

/// The hash of an encoded key: the upper half of a longer one, which is enough for parts and for
/// the index, and half as much to keep.
#[inline]
pub(super) fn hash(key: &[u8]) -> u32 {
    (xxh64(key, 0) >> 32) as u32
}

/// The keys of some rows.
#[derive(Debug, Default)]
pub(super) struct EncodedKeys {
    /// Where each key ends.
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl EncodedKeys {
    /// Encodes the keys of `rows` rows, whose cells the columns hold in the order of the key.
    pub(super) fn of(columns: &[&ArrayRef], rows: usize) -> Self {
        let mut keys = Self::default();
        keys.encode(columns, rows);
        keys
    }

    /// The same into buffers that are used again.
    pub(super) fn encode(&mut self, columns: &[&ArrayRef], rows: usize) {
        self.ends.clear();
        self.bytes.clear();
        self.ends.reserve(rows);
        let cells: Vec<KeyCells<'_>> = columns.iter().map(|column| KeyCells::of(column)).collect();
        for row in 0..rows {
            for cells in &cells {
                cells.append(row, &mut self.bytes);
            }
            self.ends.push(self.bytes.len());
        }
    }

    /// The key of a row.
    #[inline]
    pub(super) fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn keys_of_several_columns_stay_apart() {
        let text = |values: [Option<&str>; 4]| -> ArrayRef {
            Arc::new(StringArray::from(values.to_vec()))
        };
        let left = text([Some("ab"), Some("a"), None, Some("")]);
        let right = text([Some("c"), Some("bc"), Some(""), None]);
        let keys = EncodedKeys::of(&[&left, &right], 4);
        for one in 0..4 {
            for other in 0..4 {
                assert_eq!(keys.get(one) == keys.get(other), one == other);
            }
        }
    }

    #[test]
    fn a_slice_starts_at_its_own_row_and_zeros_are_equal() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7, -1]));
        let whole = EncodedKeys::of(&[&numbers], 2);
        let sliced = EncodedKeys::of(&[&numbers.slice(1, 1)], 1);
        assert_eq!(whole.get(1), sliced.get(0));
        let zeros: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0]));
        let zeros = EncodedKeys::of(&[&zeros], 2);
        assert_eq!(zeros.get(0), zeros.get(1));
    }
}
