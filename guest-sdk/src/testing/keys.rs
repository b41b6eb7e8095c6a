//! Keys as the host encodes them.

use serde_json::Value;

use super::{Row, values};
use crate::raw::{Column, DataType, Description, Keys, Values, Varying};
use crate::state::key;

/// The columns of a keyed transform's key and their types.
///
/// # Panics
/// Where the transform does not read a column of its key and the test does not say its type.
pub(super) fn columns(
    description: &Description,
    given: &[(String, DataType)],
) -> Vec<(String, DataType)> {
    if !given.is_empty() || !description.keyed {
        return given.to_vec();
    }
    assert!(!description.key.is_empty(), "say the key that the TOML would: `.key_types(..)`");
    let reads = &description.inputs[0].columns;
    let column = |name: &String| match reads.iter().find(|read| read.column == *name) {
        Some(read) => (name.clone(), read.data_type),
        None => panic!("the type of the key column `{name}` is not known: `.key_types(..)`"),
    };
    description.key.iter().map(column).collect()
}

/// The keys of these rows.
///
/// # Panics
/// Where a value does not fit its column.
pub(super) fn encode(columns: &[(String, DataType)], rows: &[Row]) -> Keys {
    let mut keys = vec![Vec::new(); rows.len()];
    for (name, data_type) in columns {
        let cells: Vec<Value> =
            rows.iter().map(|row| row.after.get(name).cloned().unwrap_or_default()).collect();
        let column = match values::encode(*data_type, &cells) {
            Ok(column) => column,
            Err((row, error)) => panic!("key column `{name}` of row {row} of a batch: {error}"),
        };
        for (row, encoded) in keys.iter_mut().enumerate() {
            let value = (!cells[row].is_null()).then(|| bytes(&column, row));
            key::push(encoded, value.as_deref());
        }
    }
    let mut encoded = Varying::empty();
    for key in &keys {
        encoded.bytes.extend(key);
        encoded.offsets.push(encoded.bytes.len() as i32);
    }
    Keys { groups: keys.iter().map(|encoded| key::group(encoded)).collect(), encoded }
}

/// The bytes of a value, by the table of [`key`].
fn bytes(column: &Column, row: usize) -> Vec<u8> {
    match &column.values {
        Values::Bools(bits) => vec![(bits[row / 8] >> (row % 8)) & 1],
        Values::Int16s(list) => list[row].to_le_bytes().to_vec(),
        Values::Int32s(list) => list[row].to_le_bytes().to_vec(),
        Values::Int64s(list) => list[row].to_le_bytes().to_vec(),
        Values::Float32s(list) => {
            let value = list[row];
            let bits = if value.is_nan() { 0x7fc0_0000 } else { (value + 0.0).to_bits() };
            bits.to_le_bytes().to_vec()
        }
        Values::Float64s(list) => {
            let value = list[row];
            let bits = if value.is_nan() { 0x7ff8_0000_0000_0000 } else { (value + 0.0).to_bits() };
            bits.to_le_bytes().to_vec()
        }
        Values::Fixed16s(bytes) => bytes[row * 16..row * 16 + 16].to_vec(),
        Values::Varying(Varying { offsets, bytes }) => {
            bytes[offsets[row] as usize..offsets[row + 1] as usize].to_vec()
        }
    }
}
