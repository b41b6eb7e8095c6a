//! The MySQL connection: statements as text, and errors that say which GRANT is missing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{Conn, Row, Value};

use super::connection::{connect, is_denial, unreachable_port};
use super::grants::Need;
use super::sql;
use super::table::{self, Table};
use super::version::Version;
use crate::sink::stream_load::config::{Address, StreamLoadConfig, System};
use crate::sink::stream_load::error::{StreamLoadError, quoted};

/// A connection that was silent for longer is asked whether it lives before it is used.
const IDLE: Duration = Duration::from_secs(10);
/// Rows of an answer that are read; no question here has more.
const MOST_ROWS: usize = 100_000;
/// Characters of a statement that an error shows.
const SHOWN: usize = 120;

/// One row: values by the names of their columns in upper case.
pub(super) type Answer = BTreeMap<String, Option<String>>;

/// A backend or compute node, as the cluster lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) struct Backend {
    /// Where it takes loads.
    pub http: Address,
    /// Whether the cluster counts on it.
    pub alive: bool,
}

/// The connection to the MySQL port of a frontend; made anew where it broke.
pub(in crate::sink::stream_load) struct Admin {
    config: StreamLoadConfig,
    connection: Option<Conn>,
    /// Where the connection leads.
    address: Address,
    used: Instant,
}

impl Admin {
    /// Connects to the first MySQL port that answers.
    ///
    /// # Errors
    /// If none answers, or one refuses the user.
    pub(in crate::sink::stream_load) fn connect(
        sink: &str,
        config: &StreamLoadConfig,
    ) -> Result<Self, StreamLoadError> {
        tracing::debug!(%sink, "connecting to the MySQL port");
        let (connection, address) = connect(config)?;
        let config = config.clone();
        Ok(Self { config, connection: Some(connection), address, used: Instant::now() })
    }

    /// The target's version.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(in crate::sink::stream_load) fn version(&mut self) -> Result<Version, StreamLoadError> {
        let question = match self.config.system {
            System::StarRocks => "SELECT current_version()",
            System::Doris => "SELECT @@version_comment",
        };
        let rows = self.ask("ask for the version", question)?;
        let text = rows.into_iter().next().and_then(|row| row.into_values().next().flatten());
        Ok(Version::read(&text.unwrap_or_default()))
    }

    /// The nodes that take loads; none where the user may not list them: the caller then goes by
    /// what the configuration allows.
    ///
    /// # Errors
    /// If they cannot be asked for.
    pub(in crate::sink::stream_load) fn backends(
        &mut self,
    ) -> Result<Vec<Backend>, StreamLoadError> {
        match self.listed_backends() {
            Err(StreamLoadError::Denied { what, .. }) => {
                tracing::debug!(%what, "the nodes cannot be listed");
                Ok(Vec::new())
            }
            answer => answer,
        }
    }

    /// The nodes that take loads.
    ///
    /// # Errors
    /// If they cannot be asked for, also for want of the privilege.
    pub(super) fn listed_backends(&mut self) -> Result<Vec<Backend>, StreamLoadError> {
        let mut rows = self.ask("list the backends", "SHOW BACKENDS")?;
        if self.config.system == System::StarRocks {
            // Versions without compute nodes do not know the statement.
            match self.ask("list the compute nodes", "SHOW COMPUTE NODES") {
                Ok(nodes) => rows.extend(nodes),
                Err(StreamLoadError::Sql { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rows.iter().filter_map(backend).collect())
    }

    /// Where the frontends take HTTP requests; none where the user may not list them.
    ///
    /// # Errors
    /// If they cannot be asked for.
    pub(in crate::sink::stream_load) fn frontends(
        &mut self,
    ) -> Result<Vec<Address>, StreamLoadError> {
        match self.ask("list the frontends", "SHOW FRONTENDS") {
            Ok(rows) => Ok(rows.iter().filter_map(backend).map(|node| node.http).collect()),
            Err(StreamLoadError::Denied { .. } | StreamLoadError::Sql { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// A table as it is; `None`: there is none, or the user may not see it.
    ///
    /// # Errors
    /// If it cannot be asked for.
    pub(in crate::sink::stream_load) fn table(
        &mut self,
        table: &str,
    ) -> Result<Option<Table>, StreamLoadError> {
        table::read(self, table)
    }

    /// Whether the database is there, and the user may see it.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(in crate::sink::stream_load) fn has_database(&mut self) -> Result<bool, StreamLoadError> {
        let question = format!(
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}",
            sql::literal(&self.config.database)
        );
        let rows = self.ask("look for the database", &question)?;
        Ok(rows.iter().any(|row| value(row, "SCHEMA_NAME").is_some()))
    }

    /// Whether the table has no row.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(in crate::sink::stream_load) fn is_empty(
        &mut self,
        table: &str,
    ) -> Result<bool, StreamLoadError> {
        let name = sql::table_name(&self.config.database, table);
        let what = format!("look whether table {name} is empty");
        Ok(self.ask(&what, &format!("SELECT 1 FROM {name} LIMIT 1"))?.is_empty())
    }

    /// Runs a statement that changes something: once.
    ///
    /// # Errors
    /// If the target refuses it, or the connection breaks: then it may have run.
    pub(in crate::sink::stream_load) fn execute(
        &mut self,
        statement: &str,
    ) -> Result<(), StreamLoadError> {
        tracing::debug!(%statement, "runs at the target");
        self.revive()?;
        self.run(statement).map(drop).map_err(|error| {
            if error.is_connectivity_error() {
                self.connection = None;
            }
            self.failed(&shown(statement), statement, &error)
        })
    }

    /// The rows that a question answers; asked again where the connection was broken.
    ///
    /// # Errors
    /// If the target refuses it or cannot be reached.
    pub(in crate::sink::stream_load) fn query(
        &mut self,
        question: &str,
    ) -> Result<Vec<Answer>, StreamLoadError> {
        self.ask(&shown(question), question)
    }

    /// As [`Admin::query`]; `what` is what is tried, as a verb.
    pub(super) fn ask(
        &mut self,
        what: &str,
        question: &str,
    ) -> Result<Vec<Answer>, StreamLoadError> {
        self.revive()?;
        let answer = match self.run(question) {
            Err(error) if error.is_connectivity_error() => {
                self.connection = None;
                self.revive()?;
                self.run(question)
            }
            answer => answer,
        };
        answer.map_err(|error| self.failed(what, question, &error))
    }

    /// The settings that it was made with.
    pub(super) const fn config(&self) -> &StreamLoadConfig {
        &self.config
    }

    fn revive(&mut self) -> Result<(), StreamLoadError> {
        let is_alive = match &mut self.connection {
            None => false,
            Some(_) if self.used.elapsed() < IDLE => true,
            Some(connection) => connection.ping().is_ok(),
        };
        if !is_alive {
            self.connection = None;
            let (connection, address) = connect(&self.config)?;
            self.connection = Some(connection);
            self.address = address;
        }
        Ok(())
    }

    fn run(&mut self, statement: &str) -> mysql::Result<Vec<Answer>> {
        let Some(connection) = &mut self.connection else {
            return Err(mysql::Error::server_disconnected());
        };
        let rows = connection
            .query_iter(statement)?
            .take(MOST_ROWS)
            .map(|row| row.map(|row| answer(&row)))
            .collect();
        self.used = Instant::now();
        rows
    }

    fn failed(&self, what: &str, statement: &str, error: &mysql::Error) -> StreamLoadError {
        let config = &self.config;
        match error {
            mysql::Error::MySqlError(refusal) if is_denial(refusal.code, &refusal.message) => {
                let text = quoted(&refusal.message);
                StreamLoadError::Denied {
                    what: format!("user `{}` may not {what}: {text}", config.username),
                    remedy: format!("run: {}", Need::of(statement).grant(config)),
                }
            }
            mysql::Error::MySqlError(refusal) if is_unknown_database(refusal.code) => {
                StreamLoadError::Missing {
                    what: "database",
                    name: config.database.clone(),
                    remedy: format!(
                        "run `millrace ddl --apply FILE`, which makes it with its tables; or run: \
                         CREATE DATABASE {}; or correct `database`",
                        sql::name(&config.database)
                    ),
                }
            }
            mysql::Error::MySqlError(refusal) => {
                StreamLoadError::Sql { what: what.to_owned(), text: quoted(&refusal.message) }
            }
            _ => unreachable_port(&self.address, error),
        }
    }
}

const fn is_unknown_database(code: u16) -> bool {
    matches!(code, 1049 | 5501)
}

fn shown(statement: &str) -> String {
    let line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.floor_char_boundary(SHOWN);
    if end < line.len() { format!("run `{}…`", &line[..end]) } else { format!("run `{line}`") }
}

fn answer(row: &Row) -> Answer {
    let names = row.columns_ref().iter().map(|column| column.name_str().to_ascii_uppercase());
    let values = (0..row.len()).map(|index| match row.as_ref(index) {
        None | Some(Value::NULL) => None,
        Some(Value::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Some(Value::Int(number)) => Some(number.to_string()),
        Some(Value::UInt(number)) => Some(number.to_string()),
        // The text protocol has texts only.
        Some(other) => Some(format!("{other:?}")),
    });
    names.zip(values).collect()
}

/// The value of a column, where it has one.
pub(super) fn value<'a>(row: &'a Answer, column: &str) -> Option<&'a str> {
    row.get(column)?.as_deref()
}

fn backend(row: &Answer) -> Option<Backend> {
    let host = value(row, "IP").or_else(|| value(row, "HOST"))?;
    let port = value(row, "HTTPPORT")?.trim().parse().ok().filter(|port| *port != 0)?;
    let says = |column, wanted| {
        value(row, column).is_some_and(|text| text.trim().eq_ignore_ascii_case(wanted))
    };
    let alive = says("ALIVE", "true") && !says("SYSTEMDECOMMISSIONED", "true");
    Some(Backend { http: Address { host: host.trim().to_owned(), port }, alive })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[(&str, &str)]) -> Answer {
        values.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect()
    }

    #[test]
    fn backends_are_read_as_each_system_lists_them() {
        let starrocks = [("IP", "10.0.0.5"), ("HTTPPORT", "8040"), ("ALIVE", "true")];
        let found = backend(&row(&starrocks)).unwrap();
        assert_eq!((found.http.to_string().as_str(), found.alive), ("10.0.0.5:8040", true));
        let doris = [("HOST", "be1"), ("HTTPPORT", "8040"), ("ALIVE", "false")];
        assert!(!backend(&row(&doris)).unwrap().alive);
        let leaving = [
            ("HOST", "be1"),
            ("HTTPPORT", "8040"),
            ("ALIVE", "true"),
            ("SYSTEMDECOMMISSIONED", "true"),
        ];
        assert!(!backend(&row(&leaving)).unwrap().alive);
        assert_eq!(backend(&row(&[("HOST", "be1"), ("HTTPPORT", "-1")])), None);
    }

    #[test]
    fn statements_are_shown_short_and_in_one_line() {
        assert_eq!(shown("SELECT\n  1"), "run `SELECT 1`");
        assert!(shown(&"x".repeat(500)).len() < 140);
    }
}
