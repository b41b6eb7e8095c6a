//! What goes in and out of the decoder beside the lines: limits, progress and the batch.

use arrow_array::ArrayRef;

use crate::format::RowReject;

/// The longest line that is read; a longer one is a reject.
pub const MAX_LINE_BYTES: usize = 256 << 20;

/// The longest input that a reject carries.
pub const MAX_INPUT_BYTES: usize = 64 << 10;

/// When a batch is full: at either limit, counted from the last
/// [`finish`](super::JsonDecoder::finish). Both are at least 1 in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows and rejects together.
    pub rows: usize,
    /// Bytes of lines read; the line that reaches the limit is the last.
    pub bytes: usize,
}

/// How far a chunk was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the chunk that were read: whole lines with their ends, and a byte order mark.
    pub bytes: usize,
    /// Lines that were read, blank ones among them.
    pub lines: u64,
    /// Lines of nothing but white space.
    pub blank_lines: u64,
    /// Whether the batch is full: call [`finish`](super::JsonDecoder::finish), then come back with the rest.
    pub full: bool,
}

/// A batch.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// One array for each column, in the order of the specifications.
    pub columns: Vec<ArrayRef>,
    /// Each row's line number.
    pub lines: Vec<i64>,
    /// The lines between that could not become rows, in order.
    pub rejects: Vec<RowReject>,
    /// How many rows the columns hold.
    pub rows: usize,
}
