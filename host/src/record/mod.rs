//! What flows: types, schemas, batches of changes as columns, positions and dead letters.
//!
//! *Invariants*: nothing here does I/O; money is decimal, times are microseconds in UTC.
//! *Not here*: reading bytes into columns (`format`), what crosses to a guest (`sandbox`).

mod batch;
mod csv;
mod data_type;
mod dead_letter;
mod json;
mod key;
mod operation;
mod position;
mod schema;
mod take;

pub use self::csv::CsvStyle;
pub(crate) use self::csv::{CsvRows, write_csv_names};
pub use batch::{Batch, Before, Column, MixedOrigins, RowMeta};
pub use data_type::{DataType, TypeParseError};
pub use dead_letter::DeadLetter;
pub use json::{format_timestamp, write_row, write_value};
pub(crate) use json::{
    write_date, write_decimal, write_members, write_sql_timestamp, write_time, write_uuid,
};
pub(crate) use key::KeyCells;
pub use operation::{Operation, Operations};
pub use position::{Epoch, Position};
pub use schema::{Field, Schema};
