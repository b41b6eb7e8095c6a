//! Columns and answers from plain lists.

use crate::bindings::millrace::transform::types::{
    Column, Failure, Images, Mapped, Outcome, Output, Values, Varying,
};

/// A column without nulls.
pub(crate) fn column(values: Values) -> Column {
    Column { values, validity: None, unchanged: None }
}

/// A column with nulls.
pub(crate) fn nullable(values: Values, valid: &[bool]) -> Column {
    Column { values, validity: Some(bitmap(valid)), unchanged: None }
}

/// Packed bits.
pub(crate) fn bitmap(bits: &[bool]) -> Vec<u8> {
    let mut packed = vec![0; bits.len().div_ceil(8)];
    for (row, bit) in bits.iter().enumerate() {
        packed[row / 8] |= u8::from(*bit) << (row % 8);
    }
    packed
}

/// Byte strings end to end.
pub(crate) fn varying<T: AsRef<[u8]>>(values: impl IntoIterator<Item = T>) -> Varying {
    let mut varying = Varying { offsets: vec![0], bytes: Vec::new() };
    for value in values {
        varying.bytes.extend_from_slice(value.as_ref());
        varying.offsets.push(varying.bytes.len() as i32);
    }
    varying
}

/// The value of an entry.
pub(crate) fn value(varying: &Varying, entry: usize) -> &[u8] {
    &varying.bytes[varying.offsets[entry] as usize..varying.offsets[entry + 1] as usize]
}

/// All rows kept, with these columns.
pub(crate) fn mapped(columns: Vec<Column>) -> Outcome {
    let after = Images { kept: None, columns };
    Outcome { output: Output::Mapped(Mapped { after, before: None }), rejected: Vec::new() }
}

/// A failure.
pub(crate) fn failure(message: impl Into<String>) -> Failure {
    Failure { message: message.into() }
}
