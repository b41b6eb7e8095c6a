//! `[sinks.NAME]` and `[dead_letters]`.

use std::path::Path;

use super::stream_load::{self, RawStreamLoad};
use super::transform::{RawName, reference};
use super::{ColumnForm, columns, delivery, on_error};
use crate::config::keys::{
    BLACKHOLE_SINK, DEAD_LETTERS, EXPECT_COLUMN, FILE_SINK, Key, SINK, SQLITE_SINK, STDOUT_SINK,
    STREAM_LOAD_SINK,
};
use crate::config::plan::{Delivery, OnError};
use crate::config::problem::{Problem, Span};
use crate::config::section::{At, FilePath, Scope, Section, Word};
use crate::config::tree::Node;
use crate::record::{CsvStyle, DataType};
use crate::sink::{ChangePolicy, CsvConfig, IfExists, ParquetCompression, System, WriteMode};

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
    StreamLoad(Box<RawStreamLoad>),
    Sqlite(RawSqlite),
    File { path: At<FilePath>, if_exists: IfExists, format: RawFileFormat },
    Stdout,
    Blackhole,
}

/// The formats of a sink of type `file`, each with its settings.
#[derive(Debug)]
pub(in crate::config) enum RawFileFormat {
    Json,
    Csv(CsvConfig),
    Parquet { row_group_rows: usize, compression: ParquetCompression },
}

/// A sink of type `sqlite`.
#[derive(Debug)]
pub(in crate::config) struct RawSqlite {
    pub path: At<FilePath>,
    pub table: At<String>,
    pub changes: RawChanges,
}

/// What a sink that fills a table makes of changes.
#[derive(Debug)]
pub(in crate::config) struct RawChanges {
    pub mode: Option<At<WriteMode>>,
    pub key: Option<Vec<At<Word>>>,
    pub if_exists: IfExists,
    pub on_delete: Option<At<ChangePolicy>>,
    pub on_update: Option<At<ChangePolicy>>,
}

#[derive(Clone, Copy)]
enum Kind {
    StreamLoad(System),
    Sqlite,
    File,
    Stdout,
    Blackhole,
}

const KINDS: [(&str, Kind); 6] = [
    ("starrocks", Kind::StreamLoad(System::StarRocks)),
    ("doris", Kind::StreamLoad(System::Doris)),
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
        Kind::StreamLoad(system) => {
            RawSinkKind::StreamLoad(Box::new(stream_load::read(&section, system)?))
        }
        Kind::Sqlite => RawSinkKind::Sqlite(sqlite(&section)?),
        Kind::File => file(&section)?,
        Kind::Stdout => RawSinkKind::Stdout,
        Kind::Blackhole => RawSinkKind::Blackhole,
    };
    Some(RawSink { type_span, input: None, kind, delivery, expect: Vec::new(), on_error: None })
}

const fn keys_of(kind: Kind) -> &'static [Key] {
    match kind {
        Kind::StreamLoad(_) => STREAM_LOAD_SINK,
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
    let changes = changes(section);
    Some(RawSqlite { path: path?, table: table?, changes: changes? })
}

/// The keys that say what becomes of changes.
pub(super) fn changes(section: &Section<'_>) -> Option<RawChanges> {
    let mode = section.choice("mode", &MODES);
    let key = section.texts("key");
    let if_exists = section.choice("if_exists", &IF_EXISTS);
    let on_delete = section.choice("on_delete", &ChangePolicy::NAMES);
    let on_update = section.choice("on_update", &ChangePolicy::NAMES);
    Some(RawChanges { mode, key, if_exists: if_exists?.value, on_delete, on_update })
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

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Json,
    Csv,
    Parquet,
}

const FORMATS: [(&str, Format); 3] =
    [("json", Format::Json), ("csv", Format::Csv), ("parquet", Format::Parquet)];

/// Keys that only one format has.
const FORMAT_KEYS: [(&str, Format); 5] = [
    ("delimiter", Format::Csv),
    ("header", Format::Csv),
    ("null", Format::Csv),
    ("row_group_rows", Format::Parquet),
    ("compression", Format::Parquet),
];

/// The most rows of a row group where nothing is said.
const ROW_GROUP_ROWS: i64 = 1 << 20;

const COMPRESSIONS: [(&str, ParquetCompression); 2] =
    [("zstd", ParquetCompression::Zstd), ("none", ParquetCompression::None)];

fn file(section: &Section<'_>) -> Option<RawSinkKind> {
    let path = section.path("path");
    let if_exists = section.choice("if_exists", &IF_EXISTS);
    let format = match section.entry("format") {
        Some(_) => section.choice("format", &FORMATS)?.value,
        None => format_of(&path.as_ref()?.value.path),
    };
    foreign_keys(section, format);
    let format = match format {
        Format::Json => Some(RawFileFormat::Json),
        Format::Csv => csv(section),
        Format::Parquet => parquet(section),
    };
    Some(RawSinkKind::File { path: path?, if_exists: if_exists?.value, format: format? })
}

/// The format that a file's name tells.
fn format_of(path: &Path) -> Format {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("csv") => Format::Csv,
        Some("parquet") => Format::Parquet,
        _ => Format::Json,
    }
}

fn format_name(format: Format) -> &'static str {
    FORMATS.iter().find(|(_, other)| *other == format).map_or("", |(name, _)| *name)
}

/// Reports keys that belong to another format than the sink's.
fn foreign_keys(section: &Section<'_>, format: Format) {
    for (key, owner) in FORMAT_KEYS {
        let Some(entry) = section.entry(key).filter(|_| owner != format) else { continue };
        let message = format!(
            "`{key}` belongs to `format = \"{}\"`, and this sink writes `\"{}\"`",
            format_name(owner),
            format_name(format)
        );
        let hint = format!("leave it out, or say `format = \"{}\"`", format_name(owner));
        section.scope.report.push(Problem::error(&entry.key_span, message).hint(hint));
    }
}

/// The value of a key that only one format has: `default` where it is not there, since only that
/// format has the default, too.
fn given<T>(
    section: &Section<'_>,
    key: &str,
    default: T,
    read: impl FnOnce(&str) -> Option<At<T>>,
) -> Option<T> {
    if section.entry(key).is_none() {
        return Some(default);
    }
    read(key).map(|value| value.value)
}

fn csv(section: &Section<'_>) -> Option<RawFileFormat> {
    let CsvStyle { delimiter, null } = CsvStyle::DEFAULT;
    let delimiter = given(section, "delimiter", delimiter, |key| delimiter_of(section, key));
    let header = given(section, "header", true, |key| section.boolean(key));
    let null = given(section, "null", null, |key| {
        section.text(key).map(|text| text.map(|text| text.value))
    });
    let (delimiter, null) = (delimiter?, null?);
    let is_special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    if null.bytes().any(is_special) {
        let span = section.entry("null").map_or(&section.span, |entry| &entry.node.span);
        section.scope.report.push(
            Problem::error(span, "`null` would be taken for something else")
                .hint("it has neither the delimiter, nor a quote, nor a line break"),
        );
        return None;
    }
    Some(RawFileFormat::Csv(CsvConfig { style: CsvStyle { delimiter, null }, header: header? }))
}

fn delimiter_of(section: &Section<'_>, key: &str) -> Option<At<u8>> {
    let text = section.text(key)?;
    if let [byte] = *text.value.value.as_bytes()
        && CsvStyle::can_delimit(byte)
    {
        return Some(text.map(|_| byte));
    }
    let message = format!("`{key}` cannot be `{}`", text.value.written.escape_debug());
    section.scope.report.push(Problem::error(&text.span, message).hint(
        "one character of ASCII that no number, date or base64 text has, such as `,`, `;`, `|` or \
         a tab, `\\t`",
    ));
    None
}

fn parquet(section: &Section<'_>) -> Option<RawFileFormat> {
    let rows = given(section, "row_group_rows", ROW_GROUP_ROWS, |key| {
        section.integer(key, 1..=i64::from(i32::MAX))
    });
    let compression = given(section, "compression", ParquetCompression::Zstd, |key| {
        section.choice(key, &COMPRESSIONS)
    });
    Some(RawFileFormat::Parquet {
        row_group_rows: usize::try_from(rows?).ok()?,
        compression: compression?,
    })
}
