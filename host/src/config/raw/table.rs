//! `[tables.NAME]`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use super::{ColumnForm, columns};
use crate::config::keys::{FILE_TABLE, Key, SQLITE_TABLE, TABLE, TABLE_COLUMN};
use crate::config::nearest;
use crate::config::problem::{Problem, Span};
use crate::config::section::{At, Scope, Section};
use crate::config::tree::{Node, Text};
use crate::record::DataType;
use crate::table::{
    FileConfig, FileFormat, SqliteConfig, TableColumn, TableConfig, TableError, TableKind,
};

/// One table.
#[derive(Debug)]
pub(in crate::config) struct RawTable {
    pub config: TableConfig,
    /// The places of the columns' names.
    pub columns: Vec<Span>,
    /// The file that it reads.
    pub path: Span,
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Sqlite,
}

const KINDS: [(&str, Kind); 2] = [("file", Kind::File), ("sqlite", Kind::Sqlite)];

const fn keys_of(kind: Kind) -> &'static [Key] {
    match kind {
        Kind::File => FILE_TABLE,
        Kind::Sqlite => SQLITE_TABLE,
    }
}

pub(super) fn read(name: &str, node: &Node, scope: Scope<'_>) -> Option<RawTable> {
    let mut section = Section::of(node, format!("[tables.{name}]"), TABLE, scope)?;
    let columns = columns(&section, "columns", TABLE_COLUMN, |name, form| match form {
        ColumnForm::Short(data_type) => Some(TableColumn {
            name: name.into(),
            source_name: name.to_owned(),
            data_type: data_type.value,
            required: false,
        }),
        ColumnForm::Long(column) => long_column(name, &column),
    });
    let key = key(&section, columns.as_deref());
    let refresh = section.interval("refresh").map(|refresh| refresh.value);
    let Some(kind) = section.choice("type", &KINDS) else {
        section.missing();
        return None;
    };
    section.also(keys_of(kind.value));
    section.finish();
    let kind = match kind.value {
        Kind::File => file(&section),
        Kind::Sqlite => sqlite(&section),
    };
    let path = section.entry("path")?.node.span.clone();
    let (columns, spans): (Vec<TableColumn>, Vec<Span>) =
        columns?.into_iter().map(|column| (column.value, column.span)).unzip();
    let config = TableConfig { name: name.to_owned(), columns, key: key?, refresh, kind: kind? };
    let table = RawTable { config, columns: spans, path };
    if let TableKind::Sqlite(_) = table.config.kind {
        look(&section, &table);
    }
    Some(table)
}

fn long_column(name: &str, section: &Section<'_>) -> Option<TableColumn> {
    let source_name = match section.entry("path") {
        Some(_) => section.text("path")?.value.value,
        None => name.to_owned(),
    };
    let required = section.boolean("required");
    let data_type = section.data_type("type")?.value;
    Some(TableColumn { name: name.into(), source_name, data_type, required: required?.value })
}

fn key(section: &Section<'_>, columns: Option<&[At<TableColumn>]>) -> Option<Vec<Arc<str>>> {
    let report = section.scope.report;
    let names = section.texts("key")?;
    let columns = columns?;
    let mut key: Vec<Arc<str>> = Vec::new();
    for name in &names {
        let Some(column) = columns.iter().find(|column| *column.value.name == *name.value.value)
        else {
            let known: Vec<&str> = columns.iter().map(|column| &*column.value.name).collect();
            let message = format!("{} has no column `{}`", section.title, name.value);
            let hint = nearest::hint(&name.value.value, "columns", &known);
            report.push(Problem::error(&name.span, message).hint(hint));
            continue;
        };
        if matches!(column.value.data_type, DataType::Float32 | DataType::Float64) {
            let message = format!("`{}` is a float, which cannot be part of a key", name.value);
            report.push(
                Problem::error(&name.span, message)
                    .hint("floats that look equal may differ: use a decimal, an integer or text"),
            );
        } else if key.contains(&column.value.name) {
            report
                .push(Problem::error(&name.span, format!("`{}` is in the key twice", name.value)));
        } else {
            key.push(Arc::clone(&column.value.name));
        }
    }
    (key.len() == names.len()).then_some(key)
}

fn file(section: &Section<'_>) -> Option<TableKind> {
    let path = section.path("path");
    let format = match section.entry("format") {
        Some(_) => section.choice("format", &FileFormat::NAMES)?.value,
        None => {
            let path = path.as_ref()?;
            let Some(format) = format_of(&path.value.path) else {
                section.scope.report.push(
                    Problem::error(&path.span, "this name does not tell the file's format")
                        .hint("add `format = \"csv\"` or `format = \"json\"`"),
                );
                return None;
            };
            format
        }
    };
    let path = path?.value;
    Some(TableKind::File(FileConfig { path: path.path, display: path.display, format }))
}

fn sqlite(section: &Section<'_>) -> Option<TableKind> {
    let path = section.path("path");
    let query = section.text("query");
    let (path, query) = (path?.value, query?.value.value);
    Some(TableKind::Sqlite(SqliteConfig { path: path.path, display: path.display, query }))
}

/// Reports what the database says of the file's words: a query is checked as a key is. That the
/// database cannot be read just now is no mistake of the file.
fn look(section: &Section<'_>, table: &RawTable) {
    let Err(error) = table.config.look() else { return };
    let query = section.text("query");
    let report = section.scope.report;
    report.push(match (&error, query) {
        (TableError::Locked { .. } | TableError::Unavailable { .. }, _) => return,
        (TableError::Query { .. }, Some(At { value: Text { has_variables: true, .. }, span })) => {
            // SQLite quotes the query, where the variables' values stand.
            let message = format!("the database does not take the query of {}", section.title);
            Problem::error(&span, message).hint("look at the values of its variables")
        }
        (TableError::Query { .. }, Some(query)) => Problem::error(&query.span, error.to_string())
            .hint(
                "`query` takes one SELECT over tables of this database; the program `sqlite3` \
                 tries it out",
            ),
        (TableError::ResultColumn { column, .. }, query) => {
            Problem::error(&table.columns[*column], error.to_string())
                .maybe_note(query.as_ref().map(|query| &query.span), "the query is here")
                .hint("name it in the query, or say which column it is with `path = \"…\"`")
        }
        (TableError::Read { source, .. }, _) => {
            Problem::error(&table.path, format!("{error}: {source}")).hint(
                "the database must be there, since it is read and never made; a path is relative \
                 to this file, unless it begins with a variable",
            )
        }
        _ => Problem::error(&table.path, causes(&error)),
    });
}

/// An error with what caused it, in one line.
fn causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}

fn format_of(path: &Path) -> Option<FileFormat> {
    match path.extension()?.to_str()? {
        "csv" => Some(FileFormat::Csv),
        "json" | "jsonl" | "ndjson" => Some(FileFormat::Json),
        _ => None,
    }
}
