//! The keys of a keyed stage's rows: encoded as the SDK's `state::key` documents, and the key groups
//! that state and rows are shared out by.
//!
//! *Invariants*: encoding and groups are frozen, for saved state is found by both; equal keys encode
//! alike (one NaN, no negative zero), others never do.
//! *Not here*: which columns make the key (`config`), who runs which group (`pipeline`).

use std::ops::Range;

use arrow_array::ArrayRef;
use xxhash_rust::xxh64::xxh64;

use crate::record::KeyCells;

/// Key groups that state is split in.
pub const KEY_GROUPS: u16 = 1_024;

/// The key groups of the instance `instance` of `instances`.
///
/// # Panics
/// Never: there are at most as many instances as groups.
#[must_use]
pub fn groups_of(instance: usize, instances: usize) -> Range<u16> {
    let first = |instance: usize| {
        let group = (instance * usize::from(KEY_GROUPS)).div_ceil(instances.max(1));
        u16::try_from(group).unwrap_or(KEY_GROUPS)
    };
    first(instance)..first(instance + 1)
}

/// The instance, of `instances`, that a key group belongs to.
#[must_use]
pub fn owner_of(group: u16, instances: usize) -> usize {
    usize::from(group) * instances / usize::from(KEY_GROUPS)
}

/// The keys of some rows.
#[derive(Debug, Default)]
pub struct EncodedKeys {
    /// The key group of each row.
    pub groups: Vec<u16>,
    /// Ends of the encoded keys: one more than there are rows, from 0.
    pub offsets: Vec<i32>,
    /// The encoded keys, end to end.
    pub bytes: Vec<u8>,
}

impl EncodedKeys {
    /// Encodes the keys of `rows` rows, whose cells the columns hold in the order of the key.
    ///
    /// # Panics
    /// If a column is shorter, or of an Arrow type that carries no column type.
    #[must_use]
    pub fn of(columns: &[&ArrayRef], rows: usize) -> Self {
        let mut keys = Self::default();
        keys.encode(columns, rows);
        keys
    }

    /// The same into buffers that are used again.
    ///
    /// # Panics
    /// As [`EncodedKeys::of`].
    pub fn encode(&mut self, columns: &[&ArrayRef], rows: usize) {
        self.groups.clear();
        self.offsets.clear();
        self.bytes.clear();
        self.groups.reserve(rows);
        self.offsets.reserve(rows + 1);
        self.offsets.push(0);
        let cells: Vec<KeyCells<'_>> = columns.iter().map(|column| KeyCells::of(column)).collect();
        let mut start = 0;
        for row in 0..rows {
            cells.iter().for_each(|cells| cells.append(row, &mut self.bytes));
            let end = self.bytes.len();
            self.groups.push(group(&self.bytes[start..end]));
            self.offsets.push(i32::try_from(end).expect("a batch's keys are below 2 GiB"));
            start = end;
        }
    }
}

/// The key group of an encoded key.
fn group(encoded: &[u8]) -> u16 {
    u16::try_from(xxh64(encoded, 0) % u64::from(KEY_GROUPS)).expect("a remainder of 1,024")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Array, Float32Array, Float64Array, Int64Array, StringArray};

    use super::*;

    fn text(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn the_vectors_of_the_contract_hold() {
        let long = "a".repeat(130);
        let keys = EncodedKeys::of(&[&text(&[Some("u1"), Some(""), None, Some(&long)])], 4);
        assert_eq!(keys.groups, [438, 816, 872, 773]);
        assert_eq!(&keys.bytes[..5], [3, 0x75, 0x31, 1, 0]);
        assert_eq!(&keys.offsets[..4], [0, 3, 4, 5]);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![42]));
        assert_eq!(EncodedKeys::of(&[&numbers], 1).groups, [651]);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7, -1]));
        // A sliced column starts at its own first value.
        let numbers = numbers.slice(1, 1);
        assert_eq!(EncodedKeys::of(&[&numbers, &text(&[Some("eu")])], 1).groups, [749]);
    }

    #[test]
    fn floats_that_are_equal_encode_alike() {
        let odd = f64::from_bits(0xfff8_0000_0000_0001);
        let wide: ArrayRef = Arc::new(Float64Array::from(vec![odd, f64::NAN, -0.0, 0.0]));
        let odd = f32::from_bits(0xffc0_0001);
        let narrow: ArrayRef = Arc::new(Float32Array::from(vec![odd, f32::NAN, -0.0, 0.0]));
        for (column, width, nan) in [
            (&wide, 9, 0x7ff8_0000_0000_0000_u64.to_le_bytes().to_vec()),
            (&narrow, 5, 0x7fc0_0000_u32.to_le_bytes().to_vec()),
        ] {
            let keys = EncodedKeys::of(&[column], 4);
            let key = |row: usize| &keys.bytes[row * width..][..width];
            assert_eq!((key(0), key(2)), (key(1), key(3)));
            assert_eq!(key(0)[1..], nan);
        }
    }

    #[test]
    fn every_group_has_one_owner() {
        for instances in [1, 2, 3, 4, 7, 16, 1_000, 1_024] {
            let mut next = 0;
            for instance in 0..instances {
                let groups = groups_of(instance, instances);
                assert_eq!(groups.start, next, "{instances} instances leave no gap");
                assert!(!groups.is_empty());
                assert!(groups.clone().all(|group| owner_of(group, instances) == instance));
                next = groups.end;
            }
            assert_eq!(next, KEY_GROUPS);
        }
    }
}
