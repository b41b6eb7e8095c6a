//! A table's content at one moment, and the index that finds rows by key.
//!
//! *Invariants*: the columns have one length, at most `u32::MAX`; every row's key is there once and
//! has no null; the version is a function of the content.
//! *Not here*: reading files (`file`), what becomes of a miss (`stage`).

mod key;

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, StringArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType as Arrow;
use hashbrown::{DefaultHashBuilder, HashTable};

use self::key::KeyCells;
use crate::record::Schema;

/// A table as it was loaded, ready for lookups by its key.
#[derive(Debug)]
pub struct TableSnapshot {
    schema: Arc<Schema>,
    columns: Vec<ArrayRef>,
    version: String,
    index: KeyIndex,
}

/// Why a table has no snapshot: a row whose key cannot be one. Rows count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFault {
    /// A part of the key is null.
    Null {
        /// The row at fault.
        row: usize,
    },
    /// Two rows have one key.
    Duplicate {
        /// The row that had it first.
        first: usize,
        /// The row that has it again.
        row: usize,
    },
}

impl TableSnapshot {
    /// Indexes `columns`, which are those of `schema`, by the schema's key.
    ///
    /// # Errors
    /// The first row whose key is null or there twice.
    pub(super) fn new(
        schema: Arc<Schema>,
        columns: Vec<ArrayRef>,
        version: String,
    ) -> Result<Self, KeyFault> {
        let keys: Vec<ArrayRef> =
            schema.key.iter().map(|index| Arc::clone(&columns[*index])).collect();
        let index = KeyIndex::build(&keys)?;
        Ok(Self { schema, columns, version, index })
    }

    /// The columns' names and types, and the key.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The columns, in the schema's order.
    #[must_use]
    pub fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Array::len)
    }

    /// SHA-256 of the content in hexadecimal: equal content has an equal version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The rows of this table whose keys are those of the given rows.
    ///
    /// Shape: `keys` are columns of one length, one for each key column of the table, in key order
    /// and of its types. One index a row comes back, null where the key has a null, is not in this
    /// table, or where `selection` leaves the row out.
    ///
    /// Cost: one probe a row; no allocation per row.
    ///
    /// # Panics
    /// If the columns are not of the key's types: graphs are type-checked before they run.
    #[must_use]
    pub fn lookup(&self, keys: &[ArrayRef], selection: Option<&BooleanBuffer>) -> UInt32Array {
        let rows = keys.first().map_or(0, Array::len);
        let valid = NullBuffer::union_many(keys.iter().map(|key| key.nulls()));
        let live = match (valid, selection) {
            (Some(valid), Some(selection)) => Some(valid.inner() & selection),
            (Some(valid), None) => Some(valid.into_inner()),
            (None, selection) => selection.cloned(),
        };
        let mut found = vec![0_u32; rows];
        let hits = match &self.index {
            KeyIndex::Text(index) => {
                let cells = keys[0].as_string::<i32>();
                probe(live.as_ref(), &mut found, |row| index.find(cells.value(row)))
            }
            KeyIndex::Int64(index) => {
                let cells = keys[0].as_primitive::<Int64Type>().values();
                probe(live.as_ref(), &mut found, |row| index.find(cells[row]))
            }
            KeyIndex::Encoded(index) => {
                let cells: Vec<_> = keys.iter().map(KeyCells::of).collect();
                let mut key = Vec::new();
                probe(live.as_ref(), &mut found, |row| {
                    encode(&cells, row, &mut key);
                    index.find(&key)
                })
            }
        };
        UInt32Array::new(found.into(), Some(NullBuffer::new(hits)))
    }
}

/// Looks every live row up; a set bit for each row that was found, its index in `found`.
fn probe(
    live: Option<&BooleanBuffer>,
    found: &mut [u32],
    mut find: impl FnMut(usize) -> Option<u32>,
) -> BooleanBuffer {
    BooleanBuffer::collect_bool(found.len(), |row| {
        let at = if live.is_none_or(|live| live.value(row)) { find(row) } else { None };
        found[row] = at.unwrap_or(0);
        at.is_some()
    })
}

/// The rows by key: typed for the usual single columns, by encoded bytes for the rest.
#[derive(Debug)]
enum KeyIndex {
    Text(TextIndex),
    Int64(Int64Index),
    Encoded(EncodedIndex),
}

impl KeyIndex {
    fn build(keys: &[ArrayRef]) -> Result<Self, KeyFault> {
        let rows = keys.first().map_or(0, Array::len);
        if let Some(row) = (0..rows).find(|row| keys.iter().any(|key| key.is_null(*row))) {
            return Err(KeyFault::Null { row });
        }
        Ok(match keys {
            [key] if *key.data_type() == Arrow::Utf8 => {
                Self::Text(TextIndex::build(key.as_string::<i32>().clone())?)
            }
            [key] if *key.data_type() == Arrow::Int64 => {
                Self::Int64(Int64Index::build(key.as_primitive::<Int64Type>().clone())?)
            }
            keys => Self::Encoded(EncodedIndex::build(keys, rows)?),
        })
    }
}

/// Inserts every row by the hash of its key; the keys themselves stay where they are.
fn insert_all(
    rows: usize,
    hash: impl Fn(usize) -> u64,
    equal: impl Fn(usize, usize) -> bool,
) -> Result<HashTable<u32>, KeyFault> {
    let mut table = HashTable::with_capacity(rows);
    for row in 0..rows {
        let hashed = hash(row);
        if let Some(first) = table.find(hashed, |other: &u32| equal(*other as usize, row)) {
            return Err(KeyFault::Duplicate { first: *first as usize, row });
        }
        let at = u32::try_from(row).expect("a table has fewer rows than 2^32");
        table.insert_unique(hashed, at, |other| hash(*other as usize));
    }
    Ok(table)
}

#[derive(Debug)]
struct TextIndex {
    hasher: DefaultHashBuilder,
    keys: StringArray,
    table: HashTable<u32>,
}

impl TextIndex {
    fn build(keys: StringArray) -> Result<Self, KeyFault> {
        let hasher = DefaultHashBuilder::default();
        let table = insert_all(
            keys.len(),
            |row| hasher.hash_one(keys.value(row)),
            |left, right| keys.value(left) == keys.value(right),
        )?;
        Ok(Self { hasher, keys, table })
    }

    fn find(&self, key: &str) -> Option<u32> {
        self.table
            .find(self.hasher.hash_one(key), |row| self.keys.value(*row as usize) == key)
            .copied()
    }
}

#[derive(Debug)]
struct Int64Index {
    hasher: DefaultHashBuilder,
    keys: Int64Array,
    table: HashTable<u32>,
}

impl Int64Index {
    fn build(keys: Int64Array) -> Result<Self, KeyFault> {
        let hasher = DefaultHashBuilder::default();
        let table = insert_all(
            keys.len(),
            |row| hasher.hash_one(keys.value(row)),
            |left, right| keys.value(left) == keys.value(right),
        )?;
        Ok(Self { hasher, keys, table })
    }

    fn find(&self, key: i64) -> Option<u32> {
        self.table
            .find(self.hasher.hash_one(key), |row| self.keys.value(*row as usize) == key)
            .copied()
    }
}

/// Keys as bytes, one after the other: key r is `bytes[ends[r - 1]..ends[r]]`.
#[derive(Debug)]
struct EncodedIndex {
    hasher: DefaultHashBuilder,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    table: HashTable<u32>,
}

impl EncodedIndex {
    fn build(keys: &[ArrayRef], rows: usize) -> Result<Self, KeyFault> {
        let cells: Vec<_> = keys.iter().map(KeyCells::of).collect();
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(rows));
        for row in 0..rows {
            for cell in &cells {
                cell.append(row, &mut bytes);
            }
            ends.push(bytes.len());
        }
        let hasher = DefaultHashBuilder::default();
        let key = |row| key_at(&bytes, &ends, row);
        let table = insert_all(
            rows,
            |row| hasher.hash_one(key(row)),
            |left, right| key(left) == key(right),
        )?;
        Ok(Self { hasher, bytes, ends, table })
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        self.table
            .find(self.hasher.hash_one(key), |row| {
                key_at(&self.bytes, &self.ends, *row as usize) == key
            })
            .copied()
    }
}

fn key_at<'a>(bytes: &'a [u8], ends: &[usize], row: usize) -> &'a [u8] {
    let start = if row == 0 { 0 } else { ends[row - 1] };
    &bytes[start..ends[row]]
}

fn encode(cells: &[KeyCells<'_>], row: usize, key: &mut Vec<u8>) {
    key.clear();
    for cell in cells {
        cell.append(row, key);
    }
}
