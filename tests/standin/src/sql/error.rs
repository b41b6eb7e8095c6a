//! What a statement can fail with.

use crate::catalog::CatalogError;

/// An error as it goes over the MySQL wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({state}): {message}")]
pub struct SqlError {
    /// MySQL's number.
    pub code: u16,
    /// The five characters of the SQL state.
    pub state: &'static str,
    /// What is wrong.
    pub message: String,
}

impl SqlError {
    /// An error of a number.
    #[must_use]
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        let state = match code {
            1044 | 1045 => "28000",
            1046 => "3D000",
            1049 | 1064 | 1142 | 1227 | 5203 => "42000",
            1050 => "42S01",
            1051 | 1146 => "42S02",
            1054 => "42S22",
            _ => "HY000",
        };
        Self { code, state, message: message.into() }
    }

    /// A statement that cannot be read.
    #[must_use]
    pub fn syntax(reason: impl AsRef<str>) -> Self {
        Self::new(1064, format!("Getting syntax error. Detail message: {}.", reason.as_ref()))
    }

    /// A statement that can be read and makes no sense.
    #[must_use]
    pub fn analysis(reason: impl AsRef<str>) -> Self {
        Self::new(1064, format!("Getting analyzing error. Detail message: {}.", reason.as_ref()))
    }

    /// A name without a database, in a session that has chosen none.
    #[must_use]
    pub fn no_database() -> Self {
        Self::new(1046, "No database selected")
    }

    /// A database that is not there.
    #[must_use]
    pub fn unknown_database(name: &str) -> Self {
        Self::new(1049, format!("Unknown database '{name}'"))
    }

    /// A table that is not there.
    #[must_use]
    pub fn unknown_table(database: &str, name: &str) -> Self {
        let message =
            format!("Getting analyzing error. Detail message: Unknown table '{database}.{name}'.");
        Self::new(1146, message)
    }
}

impl From<CatalogError> for SqlError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Definition(reason) => Self::analysis(reason),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        let message = error.to_string();
        if message.contains("no such column") {
            let name = message.split(": ").nth(1).unwrap_or_default();
            // SQLite goes on with the place, or with what may have been meant.
            let name = name.split(" in ").next().unwrap_or_default();
            let name = name.split(" - ").next().unwrap_or_default().trim_matches('"');
            return Self::new(
                1054,
                format!(
                    "Getting analyzing error. Detail message: Column '{name}' cannot be resolved."
                ),
            );
        }
        if message.contains("syntax error") {
            return Self::syntax(message);
        }
        Self::analysis(message)
    }
}
