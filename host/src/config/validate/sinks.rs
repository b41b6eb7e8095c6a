//! Sinks: what they make of their input, and whether they can keep what is promised.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::reads;
use super::types::{Maker, Origin, Typed, columns};
use crate::config::plan::Delivery;
use crate::config::problem::{Problem, Report};
use crate::config::raw::{RawExpect, RawFileFormat, RawSink, RawSinkKind, RawSqlite};
use crate::config::section::At;
use crate::record::{DataType, Schema};
use crate::sink::{
    Durability, FileConfig, FileFormat, IfExists, ParquetConfig, SinkConfig, SinkKind,
    SqliteConfig, WriteMode,
};

/// Checks a sink against its input, and answers its settings; `None` if it has problems.
pub(super) fn resolve(
    name: &str,
    raw: &RawSink,
    input: &Typed,
    report: &Report,
) -> Option<SinkConfig> {
    let before = report.errors();
    for expected in &raw.expect {
        expect(name, raw, expected, input, report);
    }
    let mut key = Vec::new();
    if let RawSinkKind::Sqlite(sqlite) = &raw.kind {
        names_differ(raw, &input.schema, report);
        key = sqlite_key(name, sqlite, input, report);
    }
    null_alone(raw, &input.schema, report);
    if report.errors() == before {
        warn_of_changes(name, raw, key.is_empty(), input, report);
    }
    let key = key.iter().map(|index| Arc::clone(&input.schema.fields[*index].name)).collect();
    let kind = kind(&raw.kind, key, report);
    (report.errors() == before).then_some(SinkConfig { name: name.to_owned(), kind })
}

/// The settings of the dead letters' sink, which keeps every letter.
pub(super) fn dead_letters(name: &str, raw: &RawSink, report: &Report) -> Option<SinkConfig> {
    let before = report.errors();
    if let RawSinkKind::Sqlite(sqlite) = &raw.kind {
        if let Some(At { value: WriteMode::Upsert, span }) = &sqlite.mode {
            let problem =
                Problem::error(span, "dead letters have no key, so they cannot be upserted");
            report.push(problem.hint("leave `mode` out"));
        }
        if let Some(first) = sqlite.key.iter().flatten().next() {
            let problem = Problem::error(&first.span, "dead letters have no key");
            report.push(problem.hint("leave `key` out"));
        }
    }
    let kind = kind(&raw.kind, Vec::new(), report);
    (report.errors() == before).then_some(SinkConfig { name: name.to_owned(), kind })
}

/// Reports a sink that is to keep a promise that it cannot.
pub(super) fn check_delivery(name: &str, raw: &RawSink, delivery: Delivery, report: &Report) {
    // How a sink is durable follows from its type alone, whatever else may be wrong with it.
    let config =
        SinkConfig { name: name.to_owned(), kind: kind(&raw.kind, Vec::new(), &Report::default()) };
    if delivery == Delivery::AtLeastOnce || config.durability() != Durability::None {
        return;
    }
    let span = raw.delivery.as_ref().map_or(&raw.type_span, |delivery| &delivery.span);
    report.push(
        Problem::error(span, format!("the sink `{name}` cannot keep `exactly-once`"))
            .label("what is printed cannot be taken back when a run is repeated")
            .hint("say `delivery = \"at-least-once\"` in this sink, or take another: sqlite, file"),
    );
}

fn expect(sink: &str, raw: &RawSink, expected: &At<RawExpect>, input: &Typed, report: &Report) {
    let RawExpect { name, data_type, required } = &expected.value;
    let Some(index) = input.schema.index_of(name) else {
        let message = format!("`{sink}` expects a column `{name}`, which its input does not have");
        let problem = Problem::error(&expected.span, message);
        let problem =
            problem.maybe_note(raw.input.as_ref().map(|input| &input.span), "this is its input");
        report.push(problem.hint(reads::columns_hint(name, &input.schema)));
        return;
    };
    let field = &input.schema.fields[index];
    let origin = &input.origins[index];
    let (message, hint) = if field.data_type != *data_type {
        let message =
            format!("`{sink}` expects `{name}` to be {data_type}, and it is {}", field.data_type);
        (message, format!("expect {}, or change what makes the column", field.data_type))
    } else if *required && field.nullable {
        (
            format!("`{sink}` expects a value in every `{name}`, and it may be null"),
            not_null_hint(origin),
        )
    } else {
        return;
    };
    report.push(reads::noted(Problem::error(&expected.span, message), name, origin).hint(hint));
}

fn not_null_hint(origin: &Origin) -> String {
    match &origin.maker {
        Maker::Declared => "say `required = true` on the column, or `key = true`".to_owned(),
        Maker::Transform(maker) => format!("let `{maker}` give a value in every row"),
    }
}

/// SQLite takes column names that differ only in case for one.
fn names_differ(raw: &RawSink, schema: &Schema, report: &Report) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for field in &schema.fields {
        if let Some(other) = seen.insert(field.name.to_ascii_lowercase(), &field.name) {
            let message =
                format!("SQLite takes the columns `{other}` and `{}` for one", field.name);
            let span = raw.input.as_ref().map_or(&raw.type_span, |input| &input.span);
            report.push(
                Problem::error(span, message)
                    .hint("names must differ in more than case: rename one"),
            );
        }
        if field.name.to_ascii_lowercase().starts_with("_millrace_") {
            let message =
                format!("the column `{}` has a name that this sink keeps to itself", field.name);
            let span = raw.input.as_ref().map_or(&raw.type_span, |input| &input.span);
            report.push(
                Problem::error(span, message)
                    .hint("names that begin with `_millrace_` are taken: rename it"),
            );
        }
    }
}

/// A line of CSV whose only field is a null that nothing stands for is a blank one, which most
/// readers pass over.
fn null_alone(raw: &RawSink, schema: &Schema, report: &Report) {
    let RawSinkKind::File { path, format: RawFileFormat::Csv(csv), .. } = &raw.kind else { return };
    let [only] = &*schema.fields else { return };
    if !only.nullable || !csv.style.null.is_empty() {
        return;
    }
    let message = format!("a null in the only column, `{}`, is a blank line of CSV", only.name);
    report.push(Problem::warning(&path.span, message).hint(
        "most readers pass blank lines over: say what stands for a null, such as `null = \"NULL\"`",
    ));
}

/// Warns of a sink that only adds rows where its input brings changes that take some back: each
/// would be refused.
fn warn_of_changes(name: &str, raw: &RawSink, adds: bool, input: &Typed, report: &Report) {
    // What an emitting transform gives need not be what its source brings.
    let is_read = input.origins.iter().any(|origin| origin.maker == Maker::Declared);
    if input.schema.append_only || !is_read {
        return;
    }
    let (refused, hint) = match &raw.kind {
        RawSinkKind::File { .. } => ("updates and deletes", AS_A_TABLE.to_owned()),
        RawSinkKind::Sqlite(sqlite) if adds => {
            let (refused, keys) = match (&sqlite.on_update, &sqlite.on_delete) {
                (None, None) => ("updates and deletes", "`on_update` and `on_delete`"),
                (None, Some(_)) => ("updates", "`on_update`"),
                (Some(_), None) => ("deletes", "`on_delete`"),
                (Some(_), Some(_)) => return,
            };
            let hint = format!(
                "say `mode = \"upsert\"`, which needs a key; or say in {keys} what becomes of them: \
                 \"append\", \"ignore\" or \"dead-letter\""
            );
            (refused, hint)
        }
        _ => return,
    };
    let message = format!(
        "`{name}` only adds rows, and its input brings changes of rows: it refuses {refused}"
    );
    let span = raw.input.as_ref().map_or(&raw.type_span, |input| &input.span);
    report.push(Problem::warning(span, message).hint(hint));
}

const AS_A_TABLE: &str = "use a sink of type sqlite in upsert mode; to keep each change as a row of \
    its own, read the messages by a source of `format = \"json\"`, with paths such as \
    `payload.after.id`";

/// The key of an upsert: the sink's own, or its input's; empty where rows are appended.
fn sqlite_key(name: &str, raw: &RawSqlite, input: &Typed, report: &Report) -> Vec<usize> {
    let mode = raw.mode.as_ref();
    if let (Some(At { value: WriteMode::Append, .. }), Some(key)) = (mode, &raw.key) {
        if let Some(first) = key.first() {
            let problem =
                Problem::warning(&first.span, "`key` has no effect where rows are appended");
            report.push(problem.hint("leave it out, or say `mode = \"upsert\"`"));
        }
        columns(key, &input.schema, report);
        return Vec::new();
    }
    if mode.is_some_and(|mode| mode.value == WriteMode::Append) {
        return Vec::new();
    }
    let (key, span) = match &raw.key {
        Some(names) => {
            (columns(names, &input.schema, report), names.first().map(|first| &first.span))
        }
        None => (input.schema.key.clone(), mode.map(|mode| &mode.span)),
    };
    if let (true, None, Some(mode)) = (key.is_empty(), &raw.key, mode) {
        report.push(
            Problem::error(&mode.span, format!("`{name}` is to upsert, and its input has no key")).hint(
                "say `key = true` on a column of the source, name columns with `key` in this sink, or \
                 say `mode = \"append\"`",
            ),
        );
    }
    let span = span.unwrap_or(&raw.table.span);
    for index in &key {
        let field = &input.schema.fields[*index];
        let origin = &input.origins[*index];
        let (message, hint) = if field.nullable {
            (format!("the key column `{}` may be null", field.name), not_null_hint(origin))
        } else if matches!(field.data_type, DataType::Float32 | DataType::Float64) {
            let message = format!("`{}` is a float, which cannot be part of a key", field.name);
            (
                message,
                "floats that look equal may differ: use a decimal, an integer or text".to_owned(),
            )
        } else {
            continue;
        };
        report.push(reads::noted(Problem::error(span, message), &field.name, origin).hint(hint));
    }
    key
}

/// Without a key every row is appended.
fn sqlite_config(raw: &RawSqlite, key: Vec<Arc<str>>, report: &Report) -> SqliteConfig {
    let mode = if key.is_empty() { WriteMode::Append } else { WriteMode::Upsert };
    if mode == WriteMode::Upsert {
        for policy in [("on_delete", &raw.on_delete), ("on_update", &raw.on_update)] {
            if let (name, Some(At { span, .. })) = policy {
                let message = format!("`{name}` has no effect where rows are upserted");
                report.push(
                    Problem::warning(span, message)
                        .hint("leave it out, or say `mode = \"append\"`"),
                );
            }
        }
    }
    SqliteConfig {
        path: raw.path.value.path.clone(),
        table: raw.table.value.clone(),
        mode,
        key,
        if_exists: raw.if_exists,
        on_delete: raw.on_delete.as_ref().map_or_else(Default::default, |policy| policy.value),
        on_update: raw.on_update.as_ref().map_or_else(Default::default, |policy| policy.value),
    }
}

/// The settings of a sink's type; `key` is the key of an upsert, and empty otherwise.
fn kind(raw: &RawSinkKind, key: Vec<Arc<str>>, report: &Report) -> SinkKind {
    match raw {
        RawSinkKind::Sqlite(sqlite) => SinkKind::Sqlite(sqlite_config(sqlite, key, report)),
        RawSinkKind::File { path, if_exists, format } => {
            file_kind(path.value.path.clone(), *if_exists, format)
        }
        RawSinkKind::Stdout => SinkKind::Stdout,
        RawSinkKind::Blackhole => SinkKind::Blackhole,
    }
}

fn file_kind(path: PathBuf, if_exists: IfExists, format: &RawFileFormat) -> SinkKind {
    let format = match format {
        RawFileFormat::Json => FileFormat::Json,
        RawFileFormat::Csv(csv) => FileFormat::Csv(csv.clone()),
        RawFileFormat::Parquet { row_group_rows, compression } => {
            return SinkKind::Parquet(ParquetConfig {
                path,
                if_exists,
                row_group_rows: *row_group_rows,
                compression: *compression,
            });
        }
    };
    SinkKind::File(FileConfig { path, if_exists, format })
}
