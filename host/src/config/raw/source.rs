//! `[sources.NAME]`.

use super::{ColumnForm, columns, on_error};
use crate::config::keys::{EVENT_TIME, FILE_SOURCE, GENERATOR_SOURCE, Key, SOURCE, SOURCE_COLUMN};
use crate::config::nearest;
use crate::config::plan::OnError;
use crate::config::problem::{Problem, Span};
use crate::config::section::{At, Scope, Section};
use crate::config::tree::{Node, Value};
use crate::format::TimeUnit;
use crate::record::DataType;
use crate::source::{
    ColumnOrigin, EventTime, FileConfig, GeneratorConfig, MetaColumn, SourceColumn, SourceKind,
};

/// One source.
#[derive(Debug)]
pub(in crate::config) struct RawSource {
    pub kind: SourceKind,
    /// Each with the place of its name.
    pub columns: Vec<At<SourceColumn>>,
    pub event_time: Option<EventTime>,
    pub on_error: Option<At<OnError>>,
    /// The file that it reads, if it reads one.
    pub path: Option<Span>,
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Generator,
}

const KINDS: [(&str, Kind); 2] = [("file", Kind::File), ("generator", Kind::Generator)];

pub(super) fn read(name: &str, node: &Node, scope: Scope<'_>) -> Option<RawSource> {
    let mut section = Section::of(node, format!("[sources.{name}]"), SOURCE, scope)?;
    let columns = columns(&section, "columns", SOURCE_COLUMN, |name, form| match form {
        ColumnForm::Short(data_type) => short_column(name, &data_type, scope),
        ColumnForm::Long(column) => long_column(name, &column),
    });
    let event_time = section.entry("event_time").map(|_| event_time(&section, columns.as_deref()));
    let on_error = on_error(&section);
    let Some(kind) = section.choice("type", &KINDS) else {
        section.missing();
        return None;
    };
    section.also(keys_of(kind.value));
    section.finish();
    let path = match kind.value {
        Kind::File => section.entry("path").map(|entry| entry.node.span.clone()),
        Kind::Generator => None,
    };
    let kind = match kind.value {
        Kind::File => file(&section),
        Kind::Generator => generator(&section),
    };
    let event_time = match event_time {
        None => None,
        Some(event_time) => Some(event_time?),
    };
    Some(RawSource { kind: kind?, columns: columns?, event_time, on_error, path })
}

const fn keys_of(kind: Kind) -> &'static [Key] {
    match kind {
        Kind::File => FILE_SOURCE,
        Kind::Generator => GENERATOR_SOURCE,
    }
}

fn file(section: &Section<'_>) -> Option<SourceKind> {
    // JSON lines are the only format of this source; the key is there so that files say what they are.
    section.choice("format", &[("json", ())])?;
    let path = section.path("path")?.value;
    Some(SourceKind::File(FileConfig { path: path.path, display: path.display }))
}

fn generator(section: &Section<'_>) -> Option<SourceKind> {
    let count = section.integer("count", 0..=i64::MAX).map(|count| count.value.unsigned_abs());
    let seed = section.integer("seed", 0..=i64::MAX);
    let rate = section.positive("rate").map(|rate| rate.value);
    let start = section.moment("start");
    let (seed, start) = (seed?.value.unsigned_abs(), start?.value);
    Some(SourceKind::Generator(GeneratorConfig { count, seed, rate, start }))
}

fn short_column(name: &str, data_type: &At<DataType>, scope: Scope<'_>) -> Option<SourceColumn> {
    if data_type.value == DataType::Timestamp {
        scope.report.push(without_unit(name, &data_type.span));
        return None;
    }
    Some(SourceColumn {
        name: name.into(),
        data_type: data_type.value,
        origin: ColumnOrigin::Path(vec![name.to_owned()]),
        key: false,
        required: false,
        unit: None,
    })
}

fn without_unit(name: &str, span: &Span) -> Problem {
    Problem::error(span, format!("the timestamp `{name}` does not say how it is written")).hint(
        "`{ type = \"timestamp\", unit = \"ms\" }` for a number of milliseconds since 1970 (or \"s\", \
         \"us\", \"ns\"), `unit = \"iso\"` for text such as 2026-01-01T00:00:00Z",
    )
}

fn long_column(name: &str, section: &Section<'_>) -> Option<SourceColumn> {
    let report = section.scope.report;
    let key = section.boolean("key");
    let required = section.boolean("required");
    if let (Some(At { value: true, .. }), Some(At { value: false, span })) = (&key, &required) {
        report.push(
            Problem::error(span, format!("`{name}` is part of the key, so it cannot be null"))
                .hint("leave `required` out, or `key`"),
        );
        return None;
    }
    let origin = origin(name, section);
    let data_type = column_type(name, section, origin.as_ref());
    let unit = unit(name, section, origin.as_ref(), data_type);
    let (origin, data_type, key) = (origin?, data_type?, key?.value);
    if key && matches!(data_type, DataType::Float32 | DataType::Float64) {
        report.push(
            Problem::error(
                &section.span,
                format!("`{name}` is a float, which cannot be part of a key"),
            )
            .hint("floats that look equal may differ: use a decimal, an integer or text"),
        );
        return None;
    }
    let required = key || required.is_some_and(|required| required.value);
    Some(SourceColumn { name: name.into(), data_type, origin, key, required, unit: unit? })
}

fn origin(name: &str, section: &Section<'_>) -> Option<ColumnOrigin> {
    let meta = section.entry("meta");
    let path = section.entry("path");
    let report = section.scope.report;
    match (path, meta) {
        (Some(_), Some(meta)) => {
            let message = format!("`{name}` has both a `path` and a `meta`");
            report.push(
                Problem::error(&meta.key_span, message).hint("keep the one that it comes from"),
            );
            None
        }
        (None, Some(_)) => {
            Some(ColumnOrigin::Meta(section.choice("meta", &MetaColumn::NAMES)?.value))
        }
        (None, None) => Some(ColumnOrigin::Path(vec![name.to_owned()])),
        (Some(path), None) => match &path.node.value {
            Value::List(_) => {
                let names = section.texts("path")?;
                Some(ColumnOrigin::Path(names.into_iter().map(|name| name.value.value).collect()))
            }
            _ => {
                let text = section.text("path")?;
                if text.value.value.is_empty() {
                    return Some(ColumnOrigin::Path(Vec::new()));
                }
                let names: Vec<String> = text.value.value.split('.').map(str::to_owned).collect();
                if names.iter().any(String::is_empty) {
                    let message =
                        format!("the path `{}` has an empty name in it", text.value.written);
                    report.push(Problem::error(&text.span, message).hint(
                        "a path is member names joined by dots, such as \"payload._id\"; \
                         a name with a dot goes into a list: [\"a.b\", \"c\"]",
                    ));
                    return None;
                }
                Some(ColumnOrigin::Path(names))
            }
        },
    }
}

fn column_type(
    name: &str,
    section: &Section<'_>,
    origin: Option<&ColumnOrigin>,
) -> Option<DataType> {
    let report = section.scope.report;
    let Some(entry) = section.entry("type") else {
        if let Some(ColumnOrigin::Meta(meta)) = origin {
            return Some(meta.data_type());
        }
        // With a wrong origin nobody knows whether a type is missing; a misspelt one has been told.
        if origin.is_some() && section.misspelt("type").is_none() {
            report.push(
                Problem::error(&section.span, format!("the column `{name}` has no type"))
                    .hint(format!("add `type = …`; types: {}", nearest::listed(DataType::NAMES))),
            );
        }
        return None;
    };
    let data_type = section.data_type("type")?.value;
    if let Some(ColumnOrigin::Meta(meta)) = origin {
        let implied = meta.data_type();
        if implied != data_type {
            let message = format!("`{name}` is {implied} by its `meta`, not {data_type}");
            report.push(Problem::error(&entry.node.span, message).hint("leave `type` out"));
            return None;
        }
    }
    Some(data_type)
}

/// The unit of a timestamp: the outer `None` stands for a problem, the inner one for ISO text or for
/// a column that is no timestamp from a path.
fn unit(
    name: &str,
    section: &Section<'_>,
    origin: Option<&ColumnOrigin>,
    data_type: Option<DataType>,
) -> Option<Option<TimeUnit>> {
    const UNITS: [(&str, Option<TimeUnit>); 5] = [
        ("s", Some(TimeUnit::S)),
        ("ms", Some(TimeUnit::Ms)),
        ("us", Some(TimeUnit::Us)),
        ("ns", Some(TimeUnit::Ns)),
        ("iso", None),
    ];
    let report = section.scope.report;
    let wants =
        data_type == Some(DataType::Timestamp) && matches!(origin, Some(ColumnOrigin::Path(_)));
    match section.entry("unit") {
        Some(_) if wants => section.choice("unit", &UNITS).map(|unit| unit.value),
        Some(entry) => {
            if let (Some(data_type), Some(origin)) = (data_type, origin) {
                let what = match origin {
                    ColumnOrigin::Meta(_) => "comes from `meta`".to_owned(),
                    ColumnOrigin::Path(_) => format!("is {data_type}"),
                };
                let message =
                    format!("`unit` is for timestamps that are read, and `{name}` {what}");
                report.push(Problem::error(&entry.key_span, message).hint("leave `unit` out"));
            }
            None
        }
        None if wants => {
            report.push(without_unit(name, &section.span));
            None
        }
        None => Some(None),
    }
}

fn event_time(section: &Section<'_>, columns: Option<&[At<SourceColumn>]>) -> Option<EventTime> {
    let title = format!("`event_time` of {}", section.title);
    let section = section.section("event_time", title, EVENT_TIME)?;
    section.finish();
    let disorder = section.duration("disorder");
    let idle = section.interval("idle").map(|idle| idle.value);
    let column = section.text("column")?;
    let (name, columns) = (&column.value, columns?);
    let report = section.scope.report;
    let Some(declared) = columns.iter().find(|declared| *declared.value.name == *name.value) else {
        let names: Vec<&str> = columns.iter().map(|column| &*column.value.name).collect();
        let message = format!("there is no column `{}`", name.written);
        let hint = nearest::hint(&name.value, "columns", &names);
        report.push(Problem::error(&column.span, message).hint(hint));
        return None;
    };
    let data_type = declared.value.data_type;
    if data_type != DataType::Timestamp {
        let message =
            format!("the event time must be a timestamp, and `{}` is {data_type}", name.written);
        report.push(
            Problem::error(&column.span, message)
                .note(&declared.span, format!("`{}` is declared here", name.written))
                .hint("name another column, or give it `type = \"timestamp\"` and a `unit`"),
        );
        return None;
    }
    Some(EventTime { column: declared.value.name.clone(), disorder: disorder?.value, idle })
}
