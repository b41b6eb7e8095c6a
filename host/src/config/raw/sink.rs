//! `[sinks.NAME]` and `[dead_letters]`.

use super::transform::{RawName, reference};
use super::{ColumnForm, columns, delivery, on_error};
use crate::config::keys::{
    BLACKHOLE_SINK, DEAD_LETTERS, EXPECT_COLUMN, FILE_SINK, Key, SINK, SQLITE_SINK, STDOUT_SINK,
};
use crate::config::plan::{Delivery, OnError};
use crate::config::problem::{Problem, Span};
use crate::config::section::{At, FilePath, Scope, Section, Word};
use crate::config::tree::Node;
use crate::record::DataType;
use crate::sink::{ChangePolicy, IfExists, WriteMode};

/// One sink.
#[derive(Debug)]
pub(in crate::config) struct RawSink {
    /// The place of its `type`.
    pub type_span: Span,
    /// `None` for the dead letters' sink.
    pub input: Option<RawName>,
    pub kind: RawSinkKind,
    pub delivery: Option<At<Delivery>>,
    pub expect: Vec<At<RawExpect>>,
    pub on_error: Option<At<OnError>>,
}

/// A column that the target relies on.
#[derive(Debug)]
pub(in crate::config) struct RawExpect {
    pub name: String,
    pub data_type: DataType,
    pub required: bool,
}

/// The sinks there are, with the settings as written.
#[derive(Debug)]
pub(in crate::config) enum RawSinkKind {
    Sqlite(RawSqlite),
    File { path: At<FilePath>, if_exists: IfExists },
    Stdout,
    Blackhole,
}

/// A sink of type `sqlite`.
#[derive(Debug)]
pub(in crate::config) struct RawSqlite {
    pub path: At<FilePath>,
    pub table: At<String>,
    pub mode: Option<At<WriteMode>>,
    pub key: Option<Vec<At<Word>>>,
    pub if_exists: IfExists,
    pub on_delete: Option<At<ChangePolicy>>,
    pub on_update: Option<At<ChangePolicy>>,
}

#[derive(Clone, Copy)]
enum Kind {
    Sqlite,
    File,
    Stdout,
    Blackhole,
}

const KINDS: [(&str, Kind); 4] = [
    ("sqlite", Kind::Sqlite),
    ("file", Kind::File),
    ("stdout", Kind::Stdout),
    ("blackhole", Kind::Blackhole),
];

const MODES: [(&str, WriteMode); 2] =
    [("upsert", WriteMode::Upsert), ("append", WriteMode::Append)];

const IF_EXISTS: [(&str, IfExists); 3] =
    [("error", IfExists::Error), ("append", IfExists::Append), ("replace", IfExists::Replace)];

/// One of `[sinks]`.
pub(super) fn read(name: &str, node: &Node, scope: Scope<'_>) -> Option<RawSink> {
    let section = Section::of(node, format!("[sinks.{name}]"), SINK, scope)?;
    let input = section.text("input").map(|text| reference(text.map(|text| Word::of(&text))));
    let expect = match section.entry("expect") {
        None => Some(Vec::new()),
        Some(_) => columns(&section, "expect", EXPECT_COLUMN, expected),
    };
    let on_error = on_error(&section);
    let sink = any(section)?;
    Some(RawSink { input: Some(input?), expect: expect?, on_error, ..sink })
}

/// `[dead_letters]`.
pub(super) fn dead_letters(node: &Node, scope: Scope<'_>) -> Option<RawSink> {
    any(Section::of(node, "[dead_letters]", DEAD_LETTERS, scope)?)
}

fn expected(name: &str, form: ColumnForm<'_>) -> Option<RawExpect> {
    let (data_type, required) = match form {
        ColumnForm::Short(data_type) => (data_type.value, false),
        ColumnForm::Long(column) => {
            let required = column.boolean("required");
            (column.data_type("type")?.value, required?.value)
        }
    };
    Some(RawExpect { name: name.to_owned(), data_type, required })
}

/// What all sinks have in common, and what belongs to the sink's type.
fn any(mut section: Section<'_>) -> Option<RawSink> {
    let delivery = section.entry("delivery").and_then(|_| delivery(&section));
    let Some(kind) = section.choice("type", &KINDS) else {
        section.missing();
        return None;
    };
    section.also(keys_of(kind.value));
    section.finish();
    let type_span = kind.span;
    let kind = match kind.value {
        Kind::Sqlite => RawSinkKind::Sqlite(sqlite(&section)?),
        Kind::File => file(&section)?,
        Kind::Stdout => RawSinkKind::Stdout,
        Kind::Blackhole => RawSinkKind::Blackhole,
    };
    Some(RawSink { type_span, input: None, kind, delivery, expect: Vec::new(), on_error: None })
}

const fn keys_of(kind: Kind) -> &'static [Key] {
    match kind {
        Kind::Sqlite => SQLITE_SINK,
        Kind::File => FILE_SINK,
        Kind::Stdout => STDOUT_SINK,
        Kind::Blackhole => BLACKHOLE_SINK,
    }
}

fn sqlite(section: &Section<'_>) -> Option<RawSqlite> {
    let path = section.path("path");
    let table =
        section.text("table").and_then(|table| table_name(section, table.map(|table| table.value)));
    let mode = section.choice("mode", &MODES);
    let key = section.texts("key");
    let if_exists = section.choice("if_exists", &IF_EXISTS);
    let on_delete = section.choice("on_delete", &ChangePolicy::NAMES);
    let on_update = section.choice("on_update", &ChangePolicy::NAMES);
    Some(RawSqlite {
        path: path?,
        table: table?,
        mode,
        key,
        if_exists: if_exists?.value,
        on_delete,
        on_update,
    })
}

/// SQLite keeps names that begin with `sqlite_` to itself, and we those with `_millrace_`.
fn table_name(section: &Section<'_>, table: At<String>) -> Option<At<String>> {
    let lower = table.value.to_ascii_lowercase();
    let reserved = lower.starts_with("sqlite_") || lower.starts_with("_millrace_");
    if !reserved && !table.value.is_empty() && !table.value.contains('\0') {
        return Some(table);
    }
    section.scope.report.push(
        Problem::error(&table.span, "a table of this sink cannot have this name")
            .hint("a name is not empty, and begins neither with `sqlite_` nor with `_millrace_`"),
    );
    None
}

fn file(section: &Section<'_>) -> Option<RawSinkKind> {
    let path = section.path("path");
    let if_exists = section.choice("if_exists", &IF_EXISTS);
    Some(RawSinkKind::File { path: path?, if_exists: if_exists?.value })
}
