//! Which privilege a statement needs, and how it is granted.

use super::sql;
use crate::sink::stream_load::config::{StreamLoadConfig, System};

/// What a user must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Read the table and its description.
    Read,
    /// Load rows into it, and empty it.
    Load,
    /// Add columns to it.
    Alter,
    /// Make a database.
    Database,
    /// Make tables.
    Create,
    /// Make views.
    Views,
    /// List the cluster's nodes.
    Nodes,
}

impl Need {
    /// What a statement needs.
    pub(super) fn of(statement: &str) -> Self {
        let words: Vec<String> =
            statement.split_whitespace().take(3).map(str::to_ascii_uppercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["SHOW", "BACKENDS" | "COMPUTE" | "FRONTENDS", ..] => Self::Nodes,
            ["CREATE", "DATABASE", ..] => Self::Database,
            ["CREATE", "VIEW" | "MATERIALIZED", ..] => Self::Views,
            ["CREATE", ..] => Self::Create,
            ["ALTER", ..] => Self::Alter,
            ["TRUNCATE" | "INSERT" | "DELETE", ..] => Self::Load,
            _ => Self::Read,
        }
    }

    /// The statement that grants it to the sink's user.
    pub(super) fn grant(self, config: &StreamLoadConfig) -> String {
        let user = format!("{}@'%'", sql::literal(&config.username));
        let database = sql::name(&config.database);
        match config.system {
            System::StarRocks => {
                let what = match self {
                    Self::Read => format!("SELECT ON ALL TABLES IN DATABASE {database}"),
                    Self::Load => {
                        format!("INSERT, UPDATE, DELETE ON ALL TABLES IN DATABASE {database}")
                    }
                    Self::Alter => format!("ALTER ON ALL TABLES IN DATABASE {database}"),
                    Self::Database => "CREATE DATABASE ON CATALOG default_catalog".to_owned(),
                    Self::Create => format!("CREATE TABLE ON DATABASE {database}"),
                    Self::Views => {
                        format!("CREATE VIEW, CREATE MATERIALIZED VIEW ON DATABASE {database}")
                    }
                    Self::Nodes => "OPERATE ON SYSTEM".to_owned(),
                };
                format!("GRANT {what} TO USER {user}")
            }
            System::Doris => {
                let (privilege, on) = match self {
                    Self::Read => ("SELECT_PRIV", format!("internal.{database}.*")),
                    Self::Load => ("LOAD_PRIV", format!("internal.{database}.*")),
                    Self::Alter => ("ALTER_PRIV", format!("internal.{database}.*")),
                    Self::Database => ("CREATE_PRIV", "internal.*.*".to_owned()),
                    Self::Create | Self::Views => ("CREATE_PRIV", format!("internal.{database}.*")),
                    Self::Nodes => ("ADMIN_PRIV", "*.*.*".to_owned()),
                };
                format!("GRANT {privilege} ON {on} TO {user}")
            }
        }
    }

    /// Words of which at least one stands in the grants of a user who may do this.
    pub(super) const fn words(self, system: System) -> &'static [&'static str] {
        match (system, self) {
            (System::StarRocks, Self::Read) => &["SELECT", "ALL", "ROOT", "DB_ADMIN"],
            (System::StarRocks, Self::Load) => &["INSERT", "ALL", "ROOT", "DB_ADMIN"],
            (System::StarRocks, Self::Alter) => &["ALTER", "ALL", "ROOT", "DB_ADMIN"],
            (System::StarRocks, Self::Database | Self::Create | Self::Views) => {
                &["CREATE", "ALL", "ROOT", "DB_ADMIN"]
            }
            (System::StarRocks, Self::Nodes) => &["OPERATE", "NODE", "ROOT", "CLUSTER_ADMIN"],
            (System::Doris, Self::Read) => &["SELECT_PRIV", "ADMIN_PRIV", "ALL"],
            (System::Doris, Self::Load) => &["LOAD_PRIV", "ADMIN_PRIV", "ALL"],
            (System::Doris, Self::Alter) => &["ALTER_PRIV", "ADMIN_PRIV", "ALL"],
            (System::Doris, Self::Database | Self::Create | Self::Views) => {
                &["CREATE_PRIV", "ADMIN_PRIV", "ALL"]
            }
            (System::Doris, Self::Nodes) => &["ADMIN_PRIV", "NODE_PRIV", "ALL"],
        }
    }

    /// What it is, as an infinitive.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Read => "read the tables",
            Self::Load => "load rows",
            Self::Alter => "alter the tables",
            Self::Database => "make a database",
            Self::Create => "make tables",
            Self::Views => "make views",
            Self::Nodes => "list the cluster's nodes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_needs_no_more_than_it_does() {
        for (statement, need) in [
            ("CREATE TABLE IF NOT EXISTS `d`.`t` (", Need::Create),
            ("CREATE VIEW IF NOT EXISTS `d`.`v` AS", Need::Views),
            ("create materialized view `d`.`v`", Need::Views),
            ("CREATE DATABASE IF NOT EXISTS `d`", Need::Database),
            ("DELETE FROM `d`.`t`", Need::Load),
        ] {
            assert_eq!(Need::of(statement), need, "{statement}");
        }
    }
}
