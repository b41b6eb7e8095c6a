//! Which format the records of an input are written in.

use super::CsvOptions;

/// How an input's records are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// One JSON document a line; each is an insert.
    Json,
    /// One Debezium message a line, as JSON: a change each.
    DebeziumJson {
        /// The tables that are read; none: the messages are of one table.
        tables: Vec<String>,
    },
    /// Comma-separated values; each record is an insert.
    Csv(CsvOptions),
}

impl RecordFormat {
    /// Whether rows are only ever added.
    #[must_use]
    pub const fn is_append_only(&self) -> bool {
        !matches!(self, Self::DebeziumJson { .. })
    }
}
