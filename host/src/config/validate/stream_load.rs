//! Sinks of type `starrocks` and `doris`: what their settings mean for their input.

use std::sync::Arc;

use super::reads;
use super::types::Typed;
use crate::config::plan::Delivery;
use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::{Raw, RawStreamLoad};
use crate::config::section::At;
use crate::record::DataType;
use crate::sink::{
    BodyFormat, Compression, Deletes, SinkKind, StreamLoadConfig, System, TableName, TablePiece,
    WriteMode,
};
use crate::source::{ColumnOrigin, MetaColumn};

/// What a template calls the column that a source fills with the name of its table.
const SOURCE_TABLE: &str = "source.table";

/// Checks the settings against the input; `None` if there are problems.
pub(super) fn resolve(
    file: &Raw,
    name: &str,
    raw: &RawStreamLoad,
    key: Vec<Arc<str>>,
    input: &Typed,
    report: &Report,
) -> Option<SinkKind> {
    let before = report.errors();
    let mut config = settings(raw, key, report);
    soft_deletes(name, raw, &config, report);
    compressed(raw, report);
    arrow(raw, report);
    audit_names(&config, raw, input, report);
    if let Some(sequence) = &raw.sequence {
        let column = sequence.value.value.as_str();
        match input.schema.index_of(column) {
            Some(index) if has_order(input.schema.fields[index].data_type) => {
                config.sequence = Some(Arc::clone(&input.schema.fields[index].name));
            }
            Some(index) => {
                let found = input.schema.fields[index].data_type;
                let message =
                    format!("`{column}` is {found}, whose values have no order as numbers");
                report.push(
                    Problem::error(&sequence.span, message).hint(
                        "name an integer, a decimal, a date or a timestamp, such as a version",
                    ),
                );
            }
            None => unknown(column, &sequence.span, input, report),
        }
        if config.mode == WriteMode::Append {
            let problem = Problem::warning(
                &sequence.span,
                "`sequence` has no effect where rows are appended",
            );
            report.push(problem.hint("leave it out, or say `mode = \"upsert\"`"));
            config.sequence = None;
        }
    }
    if let Some(table) = template(file, raw, input, report) {
        config.table = table;
    }
    (report.errors() == before).then(|| SinkKind::StreamLoad(Box::new(config)))
}

/// Whether the greater value of a type is the later one in both systems.
const fn has_order(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Decimal { .. }
            | DataType::Date
            | DataType::Timestamp
    )
}

/// The settings where the input is not known or not a matter, such as for dead letters.
pub(super) fn kind(raw: &RawStreamLoad, key: Vec<Arc<str>>, report: &Report) -> SinkKind {
    SinkKind::StreamLoad(Box::new(settings(raw, key, report)))
}

/// Checks what dead letters share with rows, whose columns are always the same.
pub(super) fn letters(raw: &RawStreamLoad, report: &Report) {
    compressed(raw, report);
    arrow(raw, report);
    let At { value: table, span } = &raw.table;
    if table.contains(['{', '}']) {
        let problem = Problem::error(span, "dead letters go to one table");
        report.push(problem.hint("name it, without braces"));
    }
}

/// Reports loads that are to skip the frontends, where what the sink promises needs them.
pub(super) fn check_direct(name: &str, raw: &RawStreamLoad, delivery: Delivery, report: &Report) {
    let needs_frontends =
        raw.settings.system == System::StarRocks && delivery == Delivery::ExactlyOnce;
    if !raw.direct.value || !needs_frontends {
        return;
    }
    let message = format!("`{name}` cannot skip the frontends and be `exactly-once`");
    report.push(
        Problem::error(&raw.direct.span, message)
            .label("a transaction of StarRocks begins at a frontend, which chooses its backend")
            .hint(
                "leave `direct` out; or say `delivery = \"at-least-once\"` in this sink: in upsert \
                 mode rows that come again change nothing",
            ),
    );
}

/// Without a key every row is appended.
fn settings(raw: &RawStreamLoad, key: Vec<Arc<str>>, report: &Report) -> StreamLoadConfig {
    let mode = if key.is_empty() { WriteMode::Append } else { WriteMode::Upsert };
    let (on_delete, on_update) = super::changes::policies(&raw.changes, mode, report);
    StreamLoadConfig {
        table: TableName::Fixed(raw.table.value.clone()),
        mode,
        key,
        on_delete,
        on_update,
        ..raw.settings.clone()
    }
}

fn soft_deletes(name: &str, raw: &RawStreamLoad, config: &StreamLoadConfig, report: &Report) {
    if config.deletes == Deletes::Hard {
        return;
    }
    let span = &raw.deletes.span;
    if config.audit.deleted.is_none() {
        let message = format!("`{name}` has no column that could say that a row is deleted");
        report.push(Problem::error(span, message).hint(
            "say `audit = true`, or name the column: `audit = { deleted = \"is_deleted\" }`",
        ));
    }
    if config.mode == WriteMode::Append {
        let problem = Problem::warning(span, "`deletes` has no effect where rows are appended");
        report.push(problem.hint("`on_delete` says what becomes of them"));
    }
}

fn compressed(raw: &RawStreamLoad, report: &Report) {
    let At { value, span } = &raw.compression;
    if raw.settings.system == System::StarRocks || *value == Compression::None {
        return;
    }
    if *value == Compression::Zstd {
        let problem = Problem::error(span, "Apache Doris does not take `zstd` bodies");
        report.push(problem.hint("`\"lz4\"` or `\"gzip\"`, with `format = \"csv\"`"));
    } else if raw.settings.format == BodyFormat::Json {
        let problem = Problem::error(span, "Apache Doris takes compressed bodies as CSV only");
        report.push(problem.hint("say `format = \"csv\"`, or leave `compression` out"));
    }
}

/// Arrow bodies are Doris's alone, go as they are, and carry no DATETIME, which is what a table that
/// is made has for the time of a load.
fn arrow(raw: &RawStreamLoad, report: &Report) {
    let (At { value, span }, config) = (&raw.format, &raw.settings);
    if *value != BodyFormat::Arrow {
        return;
    }
    if config.system == System::StarRocks {
        let problem = Problem::error(span, "`arrow` bodies are for sinks of type `doris`");
        report.push(problem.hint("say `format = \"csv\"`, or leave `format` out"));
        return;
    }
    // Zstandard is refused for every format of Doris.
    if !matches!(raw.compression.value, Compression::None | Compression::Zstd) {
        let problem =
            Problem::error(&raw.compression.span, "Apache Doris takes `arrow` bodies as they are");
        report.push(problem.hint("leave `compression` out, or say `format = \"csv\"`"));
    }
    if let (true, Some(name)) = (config.create_table, &config.audit.synced_at) {
        let message = format!(
            "the audit column `{name}` is a DATETIME in a table that is made, and Doris reads those \
             of `arrow` bodies in a time zone of its own"
        );
        let problem = Problem::error(span, message);
        report.push(problem.hint("name the other audit columns only, or say `format = \"json\"`"));
    }
}

fn audit_names(config: &StreamLoadConfig, raw: &RawStreamLoad, input: &Typed, report: &Report) {
    let audit = &config.audit;
    let names = [&audit.op, &audit.deleted, &audit.synced_at, &audit.version];
    for (place, name) in names.iter().enumerate() {
        let Some(name) = name else { continue };
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        let twice = names[..place].iter().flat_map(|other| other.iter()).any(|other| same(other));
        if twice || input.schema.fields.iter().any(|field| same(&field.name)) {
            let message = format!("the audit column `{name}` has the name of another column");
            report.push(
                Problem::error(&raw.table.span, message)
                    .hint("give it a name of its own: `audit = { op = \"row_op\", … }`"),
            );
        }
    }
}

fn unknown(column: &str, span: &Span, input: &Typed, report: &Report) {
    let message = format!("the input has no column `{column}`");
    report.push(Problem::error(span, message).hint(reads::columns_hint(column, &input.schema)));
}

/// The table's name, with the columns that its braces name.
fn template(file: &Raw, raw: &RawStreamLoad, input: &Typed, report: &Report) -> Option<TableName> {
    let At { value: text, span } = &raw.table;
    if !text.contains(['{', '}']) {
        return Some(TableName::Fixed(text.clone()));
    }
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((column, behind)) = behind.split_once('}') else { break };
        if !before.is_empty() {
            pieces.push(TablePiece::Text(before.to_owned()));
        }
        pieces.push(TablePiece::Column(table_column(file, column, span, input, report)?));
        rest = behind;
    }
    if rest.contains(['{', '}']) {
        let problem = Problem::error(span, "a brace of the table's name has no partner");
        report.push(problem.hint("write it as `ods_{source.table}`"));
        return None;
    }
    if !rest.is_empty() {
        pieces.push(TablePiece::Text(rest.to_owned()));
    }
    Some(TableName::Template(pieces))
}

fn table_column(
    file: &Raw,
    column: &str,
    span: &Span,
    input: &Typed,
    report: &Report,
) -> Option<usize> {
    let index = if column == SOURCE_TABLE {
        of_source_table(file, input)
    } else {
        input.schema.index_of(column)
    };
    let Some(index) = index else {
        if column == SOURCE_TABLE {
            let problem = Problem::error(span, "no column of the input names its source's table");
            report.push(problem.hint(
                "declare one at the source, and let transforms keep it: `table = { meta = \"table\" }`",
            ));
        } else {
            unknown(column, span, input, report);
        }
        return None;
    };
    let field = &input.schema.fields[index];
    if field.data_type != DataType::Text {
        let message =
            format!("`{}` is {}, and a table's name is text", field.name, field.data_type);
        report.push(Problem::error(span, message).hint("name a text column"));
        return None;
    }
    Some(index)
}

/// The column that some source fills with the name of its table, and that is still among the input's.
fn of_source_table(file: &Raw, input: &Typed) -> Option<usize> {
    let columns = file.sources.iter().filter_map(|node| node.body.as_ref()).flat_map(|source| {
        source
            .columns
            .iter()
            .filter(|column| column.value.origin == ColumnOrigin::Meta(MetaColumn::Table))
    });
    columns.filter_map(|column| input.schema.index_of(&column.value.name)).next()
}
