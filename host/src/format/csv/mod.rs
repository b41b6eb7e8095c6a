//! Comma-separated values into columns.
//!
//! Quoting is RFC 4180's: a field that begins with a quote ends at the next lone one, two of them
//! stand for one, and between them line ends and delimiters are text. A record ends at a line feed,
//! with or without a carriage return before it.
//!
//! | file | holds |
//! |---|---|
//! | `decoder` | records out of chunks, and columns out of records |
//! | `record` | one record's fields |
//! | `header` | which field is which column |
//! | `ends` | where records end, for those who cut the input into chunks |
//!
//! *Invariants*: `ends` and `record` agree on where a record ends, whatever the bytes. How whole
//! records are cut into chunks and batches changes no row and no reject. Offsets are only ever used
//! through checked access. Of a record's fields no more are kept than columns want.
//! *Not here*: what a scalar means for a type (`format::value`).

mod decoder;
mod ends;
mod header;
mod record;

#[cfg(test)]
mod tests;

pub use decoder::CsvDecoder;
pub use ends::RecordEnds;
pub use header::HeaderError;

/// How a CSV file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// What stands between two fields: ASCII, and neither a quote nor a line end.
    pub delimiter: u8,
    /// Whether the first record holds the columns' names. Without it, columns go by number: the
    /// path of each is the number of its field, from 1.
    pub header: bool,
    /// The unquoted text that means null; `None`: an empty unquoted field does.
    pub null: Option<String>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: b',', header: true, null: None }
    }
}
