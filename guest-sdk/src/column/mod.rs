//! Columns as a row function's fields read and write them, eight rows at a time.
//!
//! Eight is the unit of everything here, because it is what one byte of a bitmap covers: a block is
//! eight values of a column, and a lane is a row's place in it. The loop takes a block of each
//! column, so that indexing by lane needs no bounds check, runs the function over its lanes without
//! a loop edge between them (the host's deadlines cost a check on each), and writes whole bytes of
//! validity. The last block of a batch may be partial; its columns are padded, and the loop calls
//! the function for the rows that exist.

mod input_value;
mod native;
mod output_value;
mod read;
mod write;

pub use input_value::InputValue;
pub use native::Native;
pub use output_value::OutputValue;
pub(crate) use output_value::{DECIMAL_OVERFLOW, OUT_OF_RANGE};
pub use read::{
    BitReader, BytesReader, FixedReader, NullableReader, OperationReader, Reader, Slot, TextReader,
    ThreeStateReader,
};
pub use write::{
    BitBuilder, Builder, Builders, FixedBuilder, NullableBuilder, ThreeStateBuilder, VaryingBuilder,
};

use crate::raw::{Column, Values, Varying};

/// Rows in a block.
pub(crate) const BLOCK: usize = 8;

/// The last, partial block of a column, padded to a whole one; nothing when the rows fill their
/// blocks. Bitmaps need no padding.
pub(crate) fn tail(column: &Column, rows: usize) -> Option<Values> {
    let start = rows - rows % BLOCK;
    if start == rows {
        return None;
    }
    Some(match &column.values {
        Values::Bools(_) => Values::Bools(Vec::new()),
        Values::Int16s(values) => Values::Int16s(padded(values, start, BLOCK)),
        Values::Int32s(values) => Values::Int32s(padded(values, start, BLOCK)),
        Values::Int64s(values) => Values::Int64s(padded(values, start, BLOCK)),
        Values::Float32s(values) => Values::Float32s(padded(values, start, BLOCK)),
        Values::Float64s(values) => Values::Float64s(padded(values, start, BLOCK)),
        Values::Fixed16s(bytes) => Values::Fixed16s(padded(bytes, start * 16, BLOCK * 16)),
        Values::Varying(varying) => {
            let mut offsets = varying.offsets.get(start..).unwrap_or_default().to_vec();
            offsets.resize(BLOCK + 1, offsets.last().copied().unwrap_or_default());
            Values::Varying(Varying { offsets, bytes: Vec::new() })
        }
    })
}

fn padded<T: Copy + Default>(values: &[T], start: usize, length: usize) -> Vec<T> {
    let mut tail = values.get(start..).unwrap_or_default().to_vec();
    tail.resize(length, T::default());
    tail
}
