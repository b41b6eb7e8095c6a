//! Bytes into columns: how sources and tables read the values that somebody else wrote.
//!
//! [`JsonDecoder`] reads newline-delimited JSON. Beneath it stands what every text format shares:
//! [`ColumnBuilder`] takes one [`Scalar`] a row, converts it to its column's type and ends as an
//! Arrow array.
//!
//! *Invariants*: nothing here does I/O, and no bytes from outside make it panic. Money never
//! becomes a float: numbers are read from their digits. A row is in all columns or in none; a line
//! that cannot be a row becomes a [`RowReject`] and its neighbours go on.
//! *Not here*: where the bytes come from and how far a run has read (`source`), which columns a
//! pipeline declares (`config`), what the values mean (`stage`).

mod builder;
mod column;
mod encoding;
mod json;
mod number;
mod time;
mod value;

pub use builder::ColumnBuilder;
pub use column::{ColumnSpec, RowReject, TimeUnit};
pub use json::{
    Decoded, JsonDecoder, Limits, MAX_DEPTH, MAX_INPUT_BYTES, MAX_LINE_BYTES, Progress, is_json,
};
pub use value::Scalar;
