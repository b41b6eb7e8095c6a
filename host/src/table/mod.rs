//! Dimension tables that the host keeps for joins: loaded whole, replaced whole at a barrier.
//!
//! *Invariants*: a [`TableSnapshot`] never changes; a key is in it at most once.
//! *Not here*: the join itself (`stage`), when a refreshed table takes effect (`pipeline`).

mod error;
mod file;
mod snapshot;

use std::sync::Arc;
use std::time::Duration;

pub use error::TableError;
pub use file::{FileConfig, FileFormat};
pub use snapshot::TableSnapshot;

use crate::record::{DataType, Field, Schema};

/// One declared column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name in joins.
    pub name: Arc<str>,
    /// Its name in the source: a CSV header's or a member's name.
    pub source_name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether null is an error.
    pub required: bool,
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

    /// Whether there is something to load, as far as a look at the file's beginning can tell.
    ///
    /// # Errors
    /// What [`TableConfig::load`] would say now of the file and its header.
    pub fn look(&self) -> Result<(), TableError> {
        match &self.kind {
            TableKind::File(config) => file::look(self, config),
        }
    }

    /// Loads the whole table.
    ///
    /// # Errors
    /// If it cannot be read, a value does not fit its type, or a key is null or there twice; the
    /// message names file and line.
    pub fn load(&self) -> Result<TableSnapshot, TableError> {
        match &self.kind {
            TableKind::File(config) => file::load(self, config),
        }
    }
}
