//! Rows in SQLite: one connection, one attached database for each database.
//!
//! Besides its rows a table may have a second one, named with `|order` behind, in which a Doris
//! table keeps the sequence of each key, of deleted keys too.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use super::definition::{ColumnDef, TableDef};
use super::rows::Staged;
use super::value::Value;
use super::{functions, merge};
use crate::world::System;

/// A name in double quotes.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `"database"."table"`.
pub(super) fn path(table: &TableDef) -> String {
    format!("{}.{}", quote(&table.database), quote(&table.name))
}

/// The table of sequences that belongs to a table.
pub(super) fn order_path(table: &TableDef) -> String {
    format!("{}.{}", quote(&table.database), quote(&format!("{}|order", table.name)))
}

/// A result of SQLite.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The columns: name, and the declared type where the column is one of a table.
    pub(crate) columns: Vec<(String, Option<String>)>,
    /// The rows.
    pub(crate) rows: Vec<Vec<Value>>,
    /// How many rows a statement without a result changed.
    pub(crate) affected: u64,
}

/// The connection.
pub(crate) struct Store {
    connection: Connection,
    folder: Option<PathBuf>,
}

impl Store {
    /// Opens the store of a directory, or one in memory.
    pub(super) fn open(folder: Option<&Path>) -> rusqlite::Result<Self> {
        let connection = match folder {
            None => Connection::open_in_memory()?,
            Some(folder) => {
                // A folder that cannot be made shows in the next line.
                let _ = std::fs::create_dir_all(folder);
                Connection::open(folder.join("catalog.sqlite"))?
            }
        };
        // A name in double quotes that is no column is a mistake, not a text.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        connection.set_prepared_statement_cache_capacity(64);
        functions::register(&connection)?;
        connection.execute_batch(
            "PRAGMA case_sensitive_like = ON; PRAGMA synchronous = OFF;
             PRAGMA legacy_alter_table = ON; PRAGMA temp_store = MEMORY;
             CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
             ATTACH ':memory:' AS information_schema;",
        )?;
        Ok(Self { connection, folder: folder.map(Path::to_owned) })
    }

    fn file(&self, database: &str) -> Option<PathBuf> {
        let mut name = String::new();
        for byte in database.bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
                name.push(char::from(byte));
            } else {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
        self.folder.as_ref().map(|folder| folder.join(format!("db_{name}.sqlite")))
    }

    /// Attaches a database, making it where it is new.
    pub(super) fn attach(&mut self, database: &str) -> rusqlite::Result<()> {
        let file = self.file(database);
        let file = file.as_deref().map_or(":memory:".into(), Path::to_string_lossy);
        self.connection
            .execute(&format!("ATTACH ?1 AS {}", quote(database)), params![file.as_ref()])?;
        self.connection.execute_batch(&format!("PRAGMA {}.synchronous = OFF", quote(database)))
    }

    /// Detaches a database and removes its file.
    pub(super) fn detach(&mut self, database: &str) -> rusqlite::Result<()> {
        self.connection.flush_prepared_statement_cache();
        self.connection.execute_batch(&format!("DETACH {}", quote(database)))?;
        if let Some(file) = self.file(database) {
            // A file that stays is attached again under the same name, and then emptied by DROP.
            let _ = std::fs::remove_file(file);
        }
        Ok(())
    }

    /// Makes the table of a definition.
    pub(super) fn create_table(&mut self, table: &TableDef) -> rusqlite::Result<()> {
        let columns: Vec<String> = table.columns.iter().map(declaration).collect();
        let mut sql = format!(
            "DROP TABLE IF EXISTS {path}; CREATE TABLE {path} ({});",
            columns.join(", "),
            path = path(table)
        );
        if !table.keys.is_empty() && table.model != super::Model::Duplicate {
            sql.push_str(&index(table, &table.name));
        }
        if table.sequence_type().is_some() {
            let keys: Vec<String> = table.key_columns().map(declaration).collect();
            sql.push_str(&format!(
                "DROP TABLE IF EXISTS {path}; CREATE TABLE {path} ({}, \"|sequence\", \"|dead\" INT);",
                keys.join(", "),
                path = order_path(table)
            ));
            sql.push_str(&index(table, &format!("{}|order", table.name)));
        }
        self.connection.execute_batch(&sql)
    }

    /// Drops the table of a definition.
    pub(super) fn drop_table(&mut self, table: &TableDef) -> rusqlite::Result<()> {
        self.connection.execute_batch(&format!(
            "DROP TABLE IF EXISTS {}; DROP TABLE IF EXISTS {};",
            path(table),
            order_path(table)
        ))
    }

    /// Removes all rows.
    pub(crate) fn truncate(&mut self, table: &TableDef) -> rusqlite::Result<()> {
        self.create_table(table)
    }

    /// Gives a table another definition, its rows kept.
    pub(super) fn rebuild(
        &mut self,
        old: &TableDef,
        new: &TableDef,
        renames: &[(&str, &str)],
    ) -> rusqlite::Result<()> {
        let aside = quote(&format!("{}|old", old.name));
        let database = quote(&old.database);
        let mut values = Vec::new();
        for column in &new.columns {
            let renamed = renames.iter().find(|(_, to)| *to == column.name);
            let source = renamed.map_or(column.name.as_str(), |(from, _)| from);
            values.push(match old.column(source) {
                Some(before) if before.column_type == column.column_type => quote(&before.name),
                Some(before) => {
                    let name = column.column_type.sql(System::StarRocks);
                    format!("cast_as({}, '{name}')", quote(&before.name))
                }
                None => literal(&merge::initial(column)),
            });
        }
        let transaction = self.connection.transaction()?;
        transaction.execute_batch(&format!("ALTER TABLE {} RENAME TO {aside};", path(old)))?;
        let columns: Vec<String> = new.columns.iter().map(declaration).collect();
        transaction.execute_batch(&format!(
            "CREATE TABLE {path} ({}); INSERT INTO {path} SELECT {} FROM {database}.{aside} ORDER BY rowid;
             DROP TABLE {database}.{aside};",
            columns.join(", "),
            values.join(", "),
            path = path(new)
        ))?;
        if !new.keys.is_empty() && new.model != super::Model::Duplicate {
            transaction.execute_batch(&index(new, &new.name))?;
        }
        transaction.commit()
    }

    /// Stores staged rows, in order, in one transaction.
    pub(super) fn publish(
        &mut self,
        table: &TableDef,
        staged: &[Staged],
        system: System,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for staged in staged {
            merge::apply(&transaction, table, staged, system)?;
        }
        transaction.commit()
    }

    /// Whether a row of this key is stored.
    pub(super) fn has_row(&self, table: &TableDef, key: &[Value]) -> rusqlite::Result<bool> {
        let sql = format!("SELECT 1 FROM {} WHERE {}", path(table), merge::key_condition(table));
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement.exists(rusqlite::params_from_iter(key))
    }

    /// Runs one statement of SQLite.
    pub(crate) fn run(&mut self, sql: &str) -> rusqlite::Result<Answer> {
        let mut statement = self.connection.prepare(sql)?;
        if statement.column_count() == 0 {
            let affected = statement.execute([])? as u64;
            return Ok(Answer { affected, ..Answer::default() });
        }
        let columns: Vec<(String, Option<String>)> = statement
            .columns()
            .map(|column| (column.name().to_owned(), column.decl_type().map(str::to_owned)))
            .collect();
        let mut rows = Vec::new();
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let mut values = Vec::with_capacity(columns.len());
            for at in 0..columns.len() {
                values.push(Value::of(row.get_ref(at)?));
            }
            rows.push(values);
        }
        Ok(Answer { columns, rows, affected: 0 })
    }

    /// Runs statements without results: the tables of the information schema.
    pub(crate) fn fill(&mut self, sql: &str, rows: &[Vec<Value>]) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        for row in rows {
            statement.execute(rusqlite::params_from_iter(row))?;
        }
        Ok(())
    }

    /// Runs statements without results.
    pub(crate) fn batch(&mut self, sql: &str) -> rusqlite::Result<()> {
        self.connection.execute_batch(sql)
    }

    /// Writes a note.
    pub(super) fn keep(&mut self, key: &str, value: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO main.notes (key, value) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![key, value]).map(|_| ())
    }

    /// Removes a note.
    pub(super) fn forget(&mut self, key: &str) -> rusqlite::Result<()> {
        let sql = "DELETE FROM main.notes WHERE key = ?1";
        self.connection.prepare_cached(sql)?.execute(params![key]).map(|_| ())
    }

    /// The notes whose keys begin so.
    pub(super) fn kept(&self, prefix: &str) -> rusqlite::Result<Vec<(String, String)>> {
        let sql = "SELECT key, value FROM main.notes WHERE substr(key, 1, ?2) = ?1 ORDER BY key";
        let mut statement = self.connection.prepare_cached(sql)?;
        let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![prefix, length], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        rows.collect()
    }
}

/// A column as SQLite is told of it.
fn declaration(column: &ColumnDef) -> String {
    format!("{} {}", quote(&column.name), column.column_type.declared())
}

/// The index over the key; not a unique one, since SQLite tells nulls apart and Doris does not.
fn index(table: &TableDef, name: &str) -> String {
    let keys: Vec<String> = table.key_columns().map(|column| quote(&column.name)).collect();
    format!(
        "CREATE INDEX {}.{} ON {} ({});",
        quote(&table.database),
        quote(&format!("{name}|key")),
        quote(name),
        keys.join(", ")
    )
}

/// A value in a statement.
pub(crate) fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
    }
}
