//! Sinks: what they make of their input, and whether they can keep what is promised.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::types::Typed;
use super::{changes, reads, stream_load};
use crate::config::plan::Delivery;
use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::{
    Raw, RawChanges, RawExpect, RawFileFormat, RawSink, RawSinkKind, RawSqlite,
};
use crate::config::section::At;
use crate::record::Schema;
use crate::sink::{
    Durability, FileConfig, FileFormat, IfExists, ParquetConfig, SinkConfig, SinkKind,
    SqliteConfig, WriteMode,
};

/// Checks a sink against its input, and answers its settings; `None` if it has problems.
pub(super) fn resolve(
    file: &Raw,
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
    if let Some((own, table)) = own_changes(&raw.kind) {
        names_differ(raw, &input.schema, report);
        key = changes::key(name, own, table, input, report);
    }
    null_alone(raw, &input.schema, report);
    if report.errors() == before {
        changes::warn(name, raw, key.is_empty(), input, report);
    }
    let key: Vec<Arc<str>> =
        key.iter().map(|index| Arc::clone(&input.schema.fields[*index].name)).collect();
    let kind = match &raw.kind {
        RawSinkKind::StreamLoad(raw) => stream_load::resolve(file, name, raw, key, input, report)?,
        raw => kind(raw, key, report),
    };
    (report.errors() == before).then_some(SinkConfig { name: name.to_owned(), kind })
}

/// The settings of the dead letters' sink, which keeps every letter.
pub(super) fn dead_letters(name: &str, raw: &RawSink, report: &Report) -> Option<SinkConfig> {
    let before = report.errors();
    if let Some((own, _)) = own_changes(&raw.kind) {
        if let Some(At { value: WriteMode::Upsert, span }) = &own.mode {
            let problem =
                Problem::error(span, "dead letters have no key, so they cannot be upserted");
            report.push(problem.hint("leave `mode` out"));
        }
        if let Some(first) = own.key.iter().flatten().next() {
            let problem = Problem::error(&first.span, "dead letters have no key");
            report.push(problem.hint("leave `key` out"));
        }
    }
    if let RawSinkKind::StreamLoad(load) = &raw.kind {
        stream_load::letters(load, report);
    }
    let kind = kind(&raw.kind, Vec::new(), report);
    (report.errors() == before).then_some(SinkConfig { name: name.to_owned(), kind })
}

/// Reports a sink that is to keep a promise that it cannot.
pub(super) fn check_delivery(name: &str, raw: &RawSink, delivery: Delivery, report: &Report) {
    if let RawSinkKind::StreamLoad(load) = &raw.kind {
        stream_load::check_direct(name, load, delivery, report);
    }
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
            .hint(
                "say `delivery = \"at-least-once\"` in this sink, or take another: starrocks, doris, \
                 sqlite, file",
            ),
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
            changes::not_null_hint(origin),
        )
    } else {
        return;
    };
    report.push(reads::noted(Problem::error(&expected.span, message), name, origin).hint(hint));
}

/// Databases take column names that differ only in case for one.
fn names_differ(raw: &RawSink, schema: &Schema, report: &Report) {
    let system = match &raw.kind {
        RawSinkKind::StreamLoad(raw) => raw.settings.system.name(),
        _ => "SQLite",
    };
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for field in &schema.fields {
        if let Some(other) = seen.insert(field.name.to_ascii_lowercase(), &field.name) {
            let message =
                format!("{system} takes the columns `{other}` and `{}` for one", field.name);
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

/// What a sink that fills a table makes of changes, and where its table is named.
fn own_changes(kind: &RawSinkKind) -> Option<(&RawChanges, &Span)> {
    match kind {
        RawSinkKind::StreamLoad(raw) => Some((&raw.changes, &raw.table.span)),
        RawSinkKind::Sqlite(raw) => Some((&raw.changes, &raw.table.span)),
        RawSinkKind::File { .. } | RawSinkKind::Stdout | RawSinkKind::Blackhole => None,
    }
}

/// Without a key every row is appended.
fn sqlite_config(raw: &RawSqlite, key: Vec<Arc<str>>, report: &Report) -> SqliteConfig {
    let mode = if key.is_empty() { WriteMode::Append } else { WriteMode::Upsert };
    let (on_delete, on_update) = changes::policies(&raw.changes, mode, report);
    SqliteConfig {
        path: raw.path.value.path.clone(),
        table: raw.table.value.clone(),
        mode,
        key,
        if_exists: raw.changes.if_exists,
        on_delete,
        on_update,
    }
}

/// The settings of a sink's type; `key` is the key of an upsert, and empty otherwise.
fn kind(raw: &RawSinkKind, key: Vec<Arc<str>>, report: &Report) -> SinkKind {
    match raw {
        RawSinkKind::StreamLoad(raw) => stream_load::kind(raw, key, report),
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
