//! What is wrong with a definition or a name, with the numbers that MySQL clients know.

use std::fmt;

/// How many databases there may be: as many as SQLite attaches, but for the information schema.
pub(crate) const MAX_DATABASES: usize = 9;

/// A table that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTable {
    /// The database is not there.
    UnknownDatabase,
    /// The database is, the table is not.
    UnknownTable,
}

impl fmt::Display for NoTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownDatabase => "unknown database",
            Self::UnknownTable => "unknown table",
        })
    }
}

/// Why a definition cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// There is such a database.
    #[error("Can't create database '{0}'; database exists")]
    DatabaseExists(String),
    /// There is no such database.
    #[error("Unknown database '{0}'")]
    UnknownDatabase(String),
    /// There is such a table.
    #[error("Table '{0}' already exists")]
    TableExists(String),
    /// There is no such table or view.
    #[error("Unknown table '{0}'")]
    UnknownTable(String),
    /// The definition is wrong.
    #[error("{0}")]
    Definition(String),
    /// As many databases are there as SQLite attaches to one connection.
    #[error("the stand-in keeps no more than {} databases: drop one first", MAX_DATABASES)]
    Full,
    /// The rows cannot be kept.
    #[error("the stand-in's database failed: {0}")]
    Storage(String),
}

impl CatalogError {
    /// The number of the error on the MySQL wire.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::DatabaseExists(_) => 1007,
            Self::UnknownDatabase(_) => 1049,
            Self::TableExists(_) => 1050,
            Self::UnknownTable(_) => 1146,
            Self::Definition(_) => 1064,
            Self::Full | Self::Storage(_) => 1105,
        }
    }
}

impl From<rusqlite::Error> for CatalogError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}
