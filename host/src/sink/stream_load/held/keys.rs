//! Keys as bytes, and their hashes.
//!
//! *Invariants*: equal keys encode alike, others never do; the hash is the same in every run, since
//! parts of an epoch that is run again are found by it.
//! *Not here*: how a cell is written (`record`).

use arrow_array::ArrayRef;
use xxhash_rust::xxh64::xxh64;

use crate::record::KeyCells;

/// Rows are put in the order of so many upper bits of their hashes.
pub(super) const BITS: u32 = 8;

/// The hash of an encoded key: the upper half of a longer one, which is enough for parts and for
/// the index, and half as much to keep.
#[inline]
pub(super) fn hash(key: &[u8]) -> u32 {
    (xxh64(key, 0) >> 32) as u32
}

/// The place of a hash in that order.
#[inline]
pub(super) const fn place(hash: u32) -> usize {
    (hash >> (u32::BITS - BITS)) as usize
}

/// The keys of some rows.
#[derive(Debug, Default)]
pub(super) struct EncodedKeys {
    /// Where each key begins and ends.
    spans: Vec<(u32, u32)>,
    hashes: Vec<u32>,
    bytes: Vec<u8>,
}

impl EncodedKeys {
    /// Encodes the keys of `rows` rows, whose cells the columns hold in the order of the key.
    pub(super) fn of(columns: &[&ArrayRef], rows: usize) -> Self {
        let mut keys = Self::default();
        keys.encode(columns, 0..rows);
        keys
    }

    /// The same of rows by their places, into buffers that are used again.
    pub(super) fn encode(
        &mut self,
        columns: &[&ArrayRef],
        rows: impl ExactSizeIterator<Item = usize>,
    ) {
        self.bytes.clear();
        self.spans.clear();
        self.spans.reserve(rows.len());
        let cells: Vec<KeyCells<'_>> = columns.iter().map(|column| KeyCells::of(column)).collect();
        for row in rows {
            let start = number(self.bytes.len());
            for cells in &cells {
                cells.append(row, &mut self.bytes);
            }
            self.spans.push((start, number(self.bytes.len())));
        }
        self.hashes.clear();
        let Self { spans, hashes, bytes } = self;
        hashes
            .extend(spans.iter().map(|(start, end)| hash(&bytes[*start as usize..*end as usize])));
    }

    /// The key of a row.
    #[inline]
    pub(super) fn get(&self, row: usize) -> &[u8] {
        let (start, end) = self.spans[row];
        &self.bytes[start as usize..end as usize]
    }

    /// The hashes of all keys.
    pub(super) fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    /// Puts the keys in the order of the parts that they will be in, how many those will be; those
    /// of one part stay as they are. Answers for each place the row that comes there.
    ///
    /// A part has one row of many. Where its rows lie side by side, reading them costs a fraction
    /// of picking them out of all the others.
    pub(super) fn sort(&mut self) -> Vec<u32> {
        let mut ends = [0; 1 << BITS];
        for hash in &self.hashes {
            ends[place(*hash)] += 1;
        }
        let mut next = 0;
        for end in &mut ends {
            (*end, next) = (next, next + *end);
        }
        let mut order = vec![0; self.hashes.len()];
        for (row, hash) in self.hashes.iter().enumerate() {
            let place = &mut ends[place(*hash)];
            order[*place] = number(row);
            *place += 1;
        }
        self.spans = order.iter().map(|row| self.spans[*row as usize]).collect();
        self.hashes = order.iter().map(|row| self.hashes[*row as usize]).collect();
        order
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("the keys of a batch take less than 4 GiB")
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
    fn keys_in_the_order_of_parts_keep_theirs() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..2_000).map(|n| n % 700)));
        let plain = EncodedKeys::of(&[&numbers], 2_000);
        let mut sorted = EncodedKeys::of(&[&numbers], 2_000);
        let order = sorted.sort();
        for (place, row) in order.iter().enumerate() {
            assert_eq!(sorted.get(place), plain.get(*row as usize));
            assert_eq!(sorted.hashes()[place], plain.hashes()[*row as usize]);
        }
        let part = |place: &usize| sorted.hashes()[*place] >> (u32::BITS - BITS);
        assert!((0..2_000).is_sorted_by_key(|place| part(&place)));
        let places: Vec<usize> = (0..2_000).collect();
        for same in places.chunk_by(|one, other| part(one) == part(other)) {
            assert!(
                same.is_sorted_by_key(|place| order[*place]),
                "those of one part stay in order"
            );
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
