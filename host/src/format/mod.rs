//! Bytes into columns: how sources and tables read the values that somebody else wrote.
//!
//! [`JsonDecoder`] reads newline-delimited JSON, [`DebeziumDecoder`] Debezium's messages in it,
//! [`CsvDecoder`] CSV. Beneath them stands what every text format shares: [`ColumnBuilder`] takes one
//! [`Scalar`] a row, converts it to its column's type and ends as an Arrow array.
//!
//! *Invariants*: nothing here does I/O, and no bytes from outside make it panic. Money never
//! becomes a float: numbers are read from their digits. A row is in all columns or in none; a line
//! that cannot be a row becomes a [`RowReject`] and its neighbours go on.
//! *Not here*: where the bytes come from and how far a run has read (`source`), which columns a
//! pipeline declares (`config`), what the values mean (`stage`).

mod builder;
mod column;
mod csv;
mod debezium;
mod encoding;
mod json;
mod number;
mod record_format;
mod time;
mod value;

pub use builder::ColumnBuilder;
pub use column::{ColumnSpec, RowReject, TimeUnit};
pub use csv::{CsvDecoder, CsvOptions, HeaderError, RecordEnds};
pub use debezium::{ChangeFact, DebeziumDecoder, DecodedChanges};
pub use json::{
    Decoded, JsonDecoder, Limits, MAX_DEPTH, MAX_INPUT_BYTES, MAX_LINE_BYTES, Progress, is_json,
};
pub use record_format::RecordFormat;
pub use value::Scalar;
