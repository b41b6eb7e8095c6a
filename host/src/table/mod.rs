//! Dimension tables that the host keeps for joins: loaded whole, replaced whole at a barrier.
//!
//! *Invariants*: a [`TableSnapshot`] never changes; a key is in it at most once.
//! *Not here*: the join itself (`stage`), when a refreshed table takes effect (`pipeline`).

mod error;
mod file;
mod snapshot;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

pub use error::{QueryRow, TableError};
pub use file::{FileConfig, FileFormat};
pub use snapshot::TableSnapshot;
pub use sqlite::SqliteConfig;

use crate::format::ColumnSpec;
use crate::record::{DataType, Field, Schema};

/// One declared column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name in joins.
    pub name: Arc<str>,
    /// Its name in the source: a CSV header's, a member's, or that of a query's column.
    pub source_name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether null is an error.
    pub required: bool,
}

impl TableColumn {
    /// What the formats are told about it. A null key is left to the index, which says so in the
    /// words of keys.
    fn spec(&self) -> ColumnSpec {
        ColumnSpec {
            name: Arc::clone(&self.name),
            path: vec![self.source_name.clone()],
            data_type: self.data_type,
            unit: None,
            required: self.required,
            key: false,
        }
    }
}

/// A table as configured.
#[derive(Clone, Debug)]
pub struct TableConfig {
    /// The table's name.
    pub name: String,
    /// The columns, in declared order, the key's among them.
    pub columns: Vec<TableColumn>,
    /// The key's columns.
    pub key: Vec<Arc<str>>,
    /// How often to load it again; `None`: never.
    pub refresh: Option<Duration>,
    /// Where it comes from.
    pub kind: TableKind,
}

/// The kinds of tables there are.
#[derive(Clone, Debug)]
pub enum TableKind {
    /// A CSV file or JSON lines.
    File(FileConfig),
    /// The rows of a query over an SQLite database.
    Sqlite(SqliteConfig),
}

impl TableConfig {
    /// The table's columns and key. A key column is never null.
    #[must_use]
    pub fn schema(&self) -> Schema {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| {
                let key = self.key.contains(&column.name);
                Field::new(&column.name, column.data_type, !(column.required || key))
            })
            .collect();
        let schema = Schema::new(fields);
        let key = self.key.iter().filter_map(|name| schema.index_of(name)).collect();
        Schema { key, ..schema }
    }

    /// Whether there is something to load, as far as a look can tell: at a file's beginning, or at
    /// what a database says of the query.
    ///
    /// # Errors
    /// What [`TableConfig::load`] would say now, before the first row.
    pub fn look(&self) -> Result<(), TableError> {
        match &self.kind {
            TableKind::File(config) => file::look(self, config),
            TableKind::Sqlite(config) => sqlite::look(self, config),
        }
    }

    /// Loads the whole table.
    ///
    /// # Errors
    /// If it cannot be read, a value does not fit its type, or a key is null or there twice; the
    /// message names file and line, or the query's row.
    pub fn load(&self) -> Result<TableSnapshot, TableError> {
        match &self.kind {
            TableKind::File(config) => file::load(self, config),
            TableKind::Sqlite(config) => sqlite::load(self, config),
        }
    }
}
