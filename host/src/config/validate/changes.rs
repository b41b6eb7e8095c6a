//! What sinks that fill tables make of changes: the key of upserts, and what rows that only add refuse.

use super::reads;
use super::types::{Maker, Origin, Typed, columns};
use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::{RawChanges, RawSink, RawSinkKind, RawSqlite};
use crate::config::section::At;
use crate::record::DataType;
use crate::sink::{ChangePolicy, WriteMode};

/// Warns of a sink that only adds rows where its input brings changes that take some back: each
/// would be refused.
pub(super) fn warn(name: &str, raw: &RawSink, adds: bool, input: &Typed, report: &Report) {
    // What an emitting transform gives need not be what its source brings.
    let is_read = input.origins.iter().any(|origin| origin.maker == Maker::Declared);
    if input.schema.append_only || !is_read {
        return;
    }
    let (refused, hint) = match &raw.kind {
        RawSinkKind::File { .. } => ("updates and deletes", AS_A_TABLE.to_owned()),
        RawSinkKind::Sqlite(RawSqlite { changes, .. }) if adds => {
            let Some(found) = refused(changes) else { return };
            found
        }
        RawSinkKind::StreamLoad(raw) if adds => {
            let Some(found) = refused(&raw.changes) else { return };
            found
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

/// What a table that is only added to refuses, and what to say against it; `None`: nothing.
fn refused(changes: &RawChanges) -> Option<(&'static str, String)> {
    let (refused, keys) = match (&changes.on_update, &changes.on_delete) {
        (None, None) => ("updates and deletes", "`on_update` and `on_delete`"),
        (None, Some(_)) => ("updates", "`on_update`"),
        (Some(_), None) => ("deletes", "`on_delete`"),
        (Some(_), Some(_)) => return None,
    };
    let hint = format!(
        "say `mode = \"upsert\"`, which needs a key; or say in {keys} what becomes of them: \
         \"append\", \"ignore\" or \"dead-letter\""
    );
    Some((refused, hint))
}

/// The key of an upsert: the sink's own, or its input's; empty where rows are appended.
pub(super) fn key(
    name: &str,
    raw: &RawChanges,
    table: &Span,
    input: &Typed,
    report: &Report,
) -> Vec<usize> {
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
    let span = span.unwrap_or(table);
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

/// What becomes of deletes and updates; it is nothing to say where rows are upserted.
pub(super) fn policies(
    raw: &RawChanges,
    mode: WriteMode,
    report: &Report,
) -> (ChangePolicy, ChangePolicy) {
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
    let value = |policy: &Option<At<ChangePolicy>>| {
        policy.as_ref().map_or_else(Default::default, |policy| policy.value)
    };
    (value(&raw.on_delete), value(&raw.on_update))
}

pub(super) fn not_null_hint(origin: &Origin) -> String {
    match &origin.maker {
        Maker::Declared => "say `required = true` on the column, or `key = true`".to_owned(),
        Maker::Transform(maker) => format!("let `{maker}` give a value in every row"),
    }
}
