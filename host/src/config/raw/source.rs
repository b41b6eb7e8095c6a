//! `[sources.NAME]`.

use std::path::Path;

use super::{ColumnForm, columns, on_error};
use crate::config::keys::{EVENT_TIME, FILE_SOURCE, GENERATOR_SOURCE, Key, SOURCE, SOURCE_COLUMN};
use crate::config::nearest;
use crate::config::plan::OnError;
use crate::config::problem::{Problem, Span};
use crate::config::section::{At, Scope, Section};
use crate::config::tree::{Node, Value};
use crate::format::{CsvOptions, RecordFormat, TimeUnit};
use crate::record::DataType;
use crate::source::{
    ColumnOrigin, Compression, EventTime, FileConfig, GeneratorConfig, MetaColumn, PathPattern,
    SourceColumn, SourceKind,
};

/// One source.
#[derive(Debug)]
pub(in crate::config) struct RawSource {
    pub kind: SourceKind,
    /// Each with the place of its name.
    pub columns: Vec<At<SourceColumn>>,
    pub event_time: Option<EventTime>,
    pub on_error: Option<At<OnError>>,
    /// The files that it reads, if it reads any.
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
    let debezium = is_debezium(&section);
    let columns = columns(&section, "columns", SOURCE_COLUMN, |name, form| match form {
        ColumnForm::Short(data_type) => short_column(name, &data_type, debezium, scope),
        ColumnForm::Long(column) => long_column(name, &column, debezium),
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
        Kind::File => file(&section, columns.as_deref()),
        Kind::Generator => generator(&section),
    };
    let event_time = match event_time {
        None => None,
        Some(event_time) => Some(event_time?),
    };
    Some(RawSource { kind: kind?, columns: columns?, event_time, on_error, path })
}

/// Whether the records are messages of Debezium: these may tell more of a column than JSON does.
fn is_debezium(section: &Section<'_>) -> bool {
    section.entries().iter().any(|entry| {
        let is_its = |text: &str| text == "debezium-json";
        entry.key == "format"
            && matches!(&entry.node.value, Value::Text(text) if is_its(&text.value))
    })
}

const fn keys_of(kind: Kind) -> &'static [Key] {
    match kind {
        Kind::File => FILE_SOURCE,
        Kind::Generator => GENERATOR_SOURCE,
    }
}

fn file(section: &Section<'_>, columns: Option<&[At<SourceColumn>]>) -> Option<SourceKind> {
    let paths = paths(section);
    let compression = section.choice("compression", &Compression::NAMES);
    let format = format(section)?;
    if let (RecordFormat::Csv(options), Some(columns)) = (&format, columns) {
        check_fields(columns, options, section)?;
    }
    let compression = compression?.value;
    Some(SourceKind::File(FileConfig { paths: paths?, format, compression }))
}

/// One path or pattern, or a list of them.
fn paths(section: &Section<'_>) -> Option<Vec<PathPattern>> {
    let entry = section.entry("path")?;
    let nodes = match &entry.node.value {
        Value::List(nodes) if nodes.is_empty() => {
            let problem = Problem::error(&entry.node.span, "`path` is an empty list");
            section.scope.report.push(problem.hint("name at least one file"));
            return None;
        }
        Value::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(&entry.node),
    };
    let paths: Vec<PathPattern> =
        nodes.iter().filter_map(|node| path(node, section.scope)).collect();
    (paths.len() == nodes.len()).then_some(paths)
}

fn path(node: &Node, scope: Scope<'_>) -> Option<PathPattern> {
    let problem = match &node.value {
        Value::Invalid => return None,
        Value::Text(text) if text.value.is_empty() => {
            Problem::error(&node.span, "`path` is empty").hint("it takes a path")
        }
        Value::Text(text) => {
            let path = text.path(scope.folder);
            let by_itself = path == Path::new(&text.value);
            let base = if by_itself { Path::new("") } else { scope.folder };
            match PathPattern::new(base, &text.value) {
                Ok(pattern) => return Some(pattern),
                Err(error) => {
                    let message = format!("`{}` is no pattern of paths: {error}", text.written);
                    Problem::error(&node.span, message).hint(
                        "`*` and `?` stand for characters of a name, `[ab]` for one of these, `**` between \
                         slashes for any folders; a `[` that is meant is written `[[]`",
                    )
                }
            }
        }
        _ => {
            let message = format!("`path` takes a path or a list of paths, not {}", node.kind());
            Problem::error(&node.span, message)
        }
    };
    scope.report.push(problem);
    None
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    DebeziumJson,
    Csv,
}

fn format(section: &Section<'_>) -> Option<RecordFormat> {
    const FORMATS: [(&str, Format); 3] =
        [("json", Format::Json), ("debezium-json", Format::DebeziumJson), ("csv", Format::Csv)];
    let report = section.scope.report;
    let format = section.choice("format", &FORMATS)?.value;
    let mut is_right = true;
    let csv = ["delimiter", "header", "null"].iter().filter(|_| !matches!(format, Format::Csv));
    for entry in csv.filter_map(|key| section.entry(key)) {
        let message = format!("`{}` says how CSV is written, and the format is another", entry.key);
        let problem = Problem::error(&entry.key_span, message);
        report.push(problem.hint("leave it out, or set `format = \"csv\"`"));
        is_right = false;
    }
    let table = section.entry("table").filter(|_| !matches!(format, Format::DebeziumJson));
    if let Some(entry) = table {
        let message = "`table` says which messages of Debezium are read, and the format is another";
        let problem = Problem::error(&entry.key_span, message);
        report.push(problem.hint("leave it out, or set `format = \"debezium-json\"`"));
        is_right = false;
    }
    let format = match format {
        Format::Json => RecordFormat::Json,
        Format::DebeziumJson => RecordFormat::DebeziumJson { tables: table_names(section)? },
        Format::Csv => {
            let (delimiter, header) = (delimiter(section), section.boolean("header"));
            let null = section.text("null").map(|null| null.value.value);
            RecordFormat::Csv(CsvOptions { delimiter: delimiter?, header: header?.value, null })
        }
    };
    is_right.then_some(format)
}

/// The tables whose messages are read, if they are named; `None` stands for a problem.
fn table_names(section: &Section<'_>) -> Option<Vec<String>> {
    if section.entry("table").is_none() {
        return Some(Vec::new());
    }
    let tables = section.texts("table")?;
    let names = tables.iter().map(|table| &table.value.value);
    for (place, table) in tables.iter().enumerate() {
        let (what, hint) = if table.value.value.is_empty() {
            ("`table` is empty", "it takes a name: \"orders\" or \"public.orders\"")
        } else if names.clone().take(place).any(|name| *name == table.value.value) {
            ("this table is named twice", "name it once")
        } else {
            continue;
        };
        section.scope.report.push(Problem::error(&table.span, what).hint(hint));
        return None;
    }
    Some(names.cloned().collect())
}

fn delimiter(section: &Section<'_>) -> Option<u8> {
    let text = section.text("delimiter")?;
    match text.value.value.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Some(*byte),
        _ => {
            let message = format!("`{}` cannot be a delimiter", text.value.written);
            section.scope.report.push(Problem::error(&text.span, message).hint(
                "one ASCII character, and neither a quote nor a line end: \",\", \";\", \"|\" or \"\\t\"",
            ));
            None
        }
    }
}

/// Checks that each column can be found in a CSV record.
fn check_fields(
    columns: &[At<SourceColumn>],
    options: &CsvOptions,
    section: &Section<'_>,
) -> Option<()> {
    let report = section.scope.report;
    let mut is_right = true;
    for column in columns {
        let ColumnOrigin::Path(path) = &column.value.origin else { continue };
        let name = &column.value.name;
        let is_number = path.join(".").parse::<usize>().is_ok_and(|number| number > 0);
        let problem = if path.is_empty() {
            let message = format!("`{name}` is the whole record, and CSV has only fields");
            Problem::error(&column.span, message)
                .hint("name a column of the header: `path = \"…\"`; its own name is the default")
        } else if !options.header && !is_number {
            let message =
                format!("`{name}` does not say which field it is, and there is no header");
            Problem::error(&column.span, message)
                .hint("`path = \"1\"` is the first field of a record, `path = \"2\"` the next")
        } else {
            continue;
        };
        report.push(problem);
        is_right = false;
    }
    is_right.then_some(())
}

fn generator(section: &Section<'_>) -> Option<SourceKind> {
    let count = section.integer("count", 0..=i64::MAX).map(|count| count.value.unsigned_abs());
    let seed = section.integer("seed", 0..=i64::MAX);
    let rate = section.positive("rate").map(|rate| rate.value);
    let start = section.moment("start");
    let (seed, start) = (seed?.value.unsigned_abs(), start?.value);
    Some(SourceKind::Generator(GeneratorConfig { count, seed, rate, start }))
}

fn short_column(
    name: &str,
    data_type: &At<DataType>,
    debezium: bool,
    scope: Scope<'_>,
) -> Option<SourceColumn> {
    if data_type.value == DataType::Timestamp && !debezium {
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

fn long_column(name: &str, section: &Section<'_>, debezium: bool) -> Option<SourceColumn> {
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
    let origin = origin(name, section, debezium);
    let data_type = column_type(name, section, origin.as_ref());
    let unit = unit(name, section, origin.as_ref(), data_type, debezium);
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

fn origin(name: &str, section: &Section<'_>, debezium: bool) -> Option<ColumnOrigin> {
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
        (None, Some(entry)) => {
            let meta = section.choice("meta", &MetaColumn::NAMES)?;
            if meta.value.needs_debezium() && !debezium {
                let message = format!(
                    "only messages of Debezium tell what `{name}` is, and this source has none"
                );
                report.push(
                    Problem::error(&entry.node.span, message)
                        .hint("set `format = \"debezium-json\"`, or leave the column out"),
                );
                return None;
            }
            Some(ColumnOrigin::Meta(meta.value))
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
/// a column that is no timestamp from a path. Debezium's messages may have a schema that says it, and
/// they also have times of day in units.
fn unit(
    name: &str,
    section: &Section<'_>,
    origin: Option<&ColumnOrigin>,
    data_type: Option<DataType>,
    debezium: bool,
) -> Option<Option<TimeUnit>> {
    const UNITS: [(&str, Option<TimeUnit>); 5] = [
        ("s", Some(TimeUnit::S)),
        ("ms", Some(TimeUnit::Ms)),
        ("us", Some(TimeUnit::Us)),
        ("ns", Some(TimeUnit::Ns)),
        ("iso", None),
    ];
    let report = section.scope.report;
    let is_read = matches!(origin, Some(ColumnOrigin::Path(_)));
    let takes = is_read
        && (data_type == Some(DataType::Timestamp)
            || debezium && data_type == Some(DataType::Time));
    let wants = takes && !debezium;
    match section.entry("unit") {
        Some(_) if takes => section.choice("unit", &UNITS).map(|unit| unit.value),
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
    let columns_entry = section.entry("columns");
    let title = format!("`event_time` of {}", section.title);
    let section = section.section("event_time", title, EVENT_TIME)?;
    section.finish();
    let disorder = section.duration("disorder");
    let idle = section.interval("idle").map(|idle| idle.value);
    let column = section.text("column")?;
    let (name, columns) = (&column.value, columns?);
    let report = section.scope.report;
    let Some(declared) = columns.iter().find(|declared| *declared.value.name == *name.value) else {
        // One that is there and wrong has been told.
        let all = columns_entry.map(|entry| &entry.node.value);
        if let Some(Value::Table(all)) = all
            && all.iter().any(|column| column.key == name.value)
        {
            return None;
        }
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
