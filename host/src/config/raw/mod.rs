//! The file as it is written: every table read key by key, nothing looked up elsewhere yet.
//!
//! *Invariants*: a node whose `body` is there was read without a problem; one whose `body` is
//! missing has been reported, and nobody needs to say more about it.
//! *Not here*: anything that needs two nodes (`validate`).

mod sink;
mod source;
mod stream_load;
mod table;
mod transform;

use std::path::PathBuf;
use std::time::Duration;

pub(super) use sink::{RawChanges, RawExpect, RawFileFormat, RawSink, RawSinkKind, RawSqlite};
pub(super) use source::RawSource;
pub(super) use stream_load::RawStreamLoad;
pub(super) use table::RawTable;
pub(super) use transform::{RawInput, RawJoin, RawName, RawTransform};

use super::keys::{self, Key};
use super::plan::{Delivery, OnError};
use super::problem::Problem;
use super::section::{At, Scope, Section, short_type};
use super::tree::{Entry, Node, Value};
use crate::record::DataType;
use crate::source::Budget;

/// A named node and what its table says.
#[derive(Debug)]
pub(super) struct RawNode<T> {
    pub name: At<String>,
    /// `None`: it has problems, which are reported.
    pub body: Option<T>,
}

/// When and where progress is saved.
#[derive(Debug)]
pub(super) struct RawCheckpoint {
    pub every: Option<Duration>,
    pub rows: Option<u64>,
    pub store: At<PathBuf>,
}

/// `[pipeline]`.
#[derive(Debug)]
pub(super) struct RawSettings {
    pub name: String,
    pub delivery: Delivery,
    pub checkpoint: RawCheckpoint,
    pub batch: Budget,
    pub stop_timeout: Duration,
}

/// The whole file.
#[derive(Debug)]
pub(super) struct Raw {
    pub settings: Option<RawSettings>,
    pub sources: Vec<RawNode<RawSource>>,
    pub tables: Vec<RawNode<RawTable>>,
    pub transforms: Vec<RawNode<RawTransform>>,
    pub sinks: Vec<RawNode<RawSink>>,
    pub dead_letters: Option<RawNode<RawSink>>,
}

/// Reads the whole file.
pub(super) fn read(entries: &[Entry], scope: Scope<'_>) -> Raw {
    let root = Section::root(entries, keys::ROOT, scope);
    root.finish();
    Raw {
        settings: settings(&root),
        sources: nodes(&root, "sources", source::read),
        tables: nodes(&root, "tables", table::read),
        transforms: nodes(&root, "transforms", transform::read),
        sinks: nodes(&root, "sinks", sink::read),
        dead_letters: root.entry("dead_letters").map(|entry| {
            let before = scope.report.errors();
            let body = sink::dead_letters(&entry.node, scope);
            node_of(entry, body, before, scope)
        }),
    }
}

/// Reads each table of a group such as `[sources.NAME]`.
fn nodes<'a, T>(
    root: &Section<'a>,
    group: &str,
    read: impl Fn(&str, &'a Node, Scope<'a>) -> Option<T>,
) -> Vec<RawNode<T>> {
    let Some(section) = root.section(group, format!("[{group}]"), &[]) else { return Vec::new() };
    section
        .entries()
        .iter()
        .map(|entry| {
            let before = section.scope.report.errors();
            check_name(entry, section.scope);
            let body = read(&entry.key, &entry.node, section.scope);
            node_of(entry, body, before, section.scope)
        })
        .collect()
}

fn node_of<T>(
    entry: &Entry,
    body: Option<T>,
    errors_before: usize,
    scope: Scope<'_>,
) -> RawNode<T> {
    RawNode {
        name: At { value: entry.key.clone(), span: entry.key_span.clone() },
        body: body.filter(|_| scope.report.errors() == errors_before),
    }
}

fn check_name(entry: &Entry, scope: Scope<'_>) {
    if !is_node_name(&entry.key) {
        scope.report.push(
            Problem::error(&entry.key_span, format!("`{}` cannot be a name", entry.key))
                .hint("a name has letters, digits, `_` and `-`; a dot would mean a port"),
        );
    }
}

fn is_node_name(name: &str) -> bool {
    let legal = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    !name.is_empty() && name.chars().all(legal)
}

fn settings(root: &Section<'_>) -> Option<RawSettings> {
    let section = root.section("pipeline", "[pipeline]", keys::PIPELINE)?;
    section.finish();
    let name = section.text("name").and_then(|name| {
        if is_node_name(&name.value.value) {
            return Some(name.value.value);
        }
        let message = format!("`{}` cannot be a pipeline's name", name.value.written);
        let problem = Problem::error(&name.span, message);
        section.scope.report.push(problem.hint("a name has letters, digits, `_` and `-`"));
        None
    });
    let delivery = delivery(&section);
    let checkpoint = checkpoint(&section, name.as_deref());
    let batch = batch(&section);
    let stop_timeout = section.interval("stop_timeout");
    Some(RawSettings {
        name: name?,
        delivery: delivery?.value,
        checkpoint: checkpoint?,
        batch: batch?,
        stop_timeout: stop_timeout?.value,
    })
}

fn delivery(section: &Section<'_>) -> Option<At<Delivery>> {
    section.choice("delivery", &Delivery::NAMES)
}

fn checkpoint(pipeline: &Section<'_>, name: Option<&str>) -> Option<RawCheckpoint> {
    let default_store = pipeline.scope.folder.join(".millrace").join(name.unwrap_or("pipeline"));
    if pipeline.entry("checkpoint").is_none() {
        let store = At { value: default_store, span: pipeline.span.clone() };
        return Some(RawCheckpoint { every: Some(DEFAULT_EVERY), rows: None, store });
    }
    let section = pipeline.section("checkpoint", "`checkpoint`", keys::CHECKPOINT)?;
    section.finish();
    let every = section.interval("every").map(|every| every.value);
    let rows = section.integer("rows", 1..=i64::MAX).map(|rows| rows.value.unsigned_abs());
    let store = match section.entry("store") {
        Some(_) => section.path("store")?.map(|store| store.path),
        None => At { value: default_store, span: section.span.clone() },
    };
    let every = every.or_else(|| rows.is_none().then_some(DEFAULT_EVERY));
    Some(RawCheckpoint { every, rows, store })
}

/// How often progress is saved where the file says nothing.
const DEFAULT_EVERY: Duration = Duration::from_secs(5);

fn batch(pipeline: &Section<'_>) -> Option<Budget> {
    static NOTHING: Node = Node { value: Value::Table(Vec::new()), span: 0..0 };
    let section = match pipeline.entry("batch") {
        Some(entry) => Section::of(&entry.node, "`batch`", keys::BATCH, pipeline.scope)?,
        None => Section::of(&NOTHING, "`batch`", keys::BATCH, pipeline.scope)?,
    };
    section.finish();
    let rows = section.integer("rows", 1..=MAX_BATCH_ROWS);
    let bytes = section.size("bytes");
    let linger = linger(&section);
    Some(Budget {
        rows: usize::try_from(rows?.value).ok()?,
        bytes: usize::try_from(bytes?.value).ok()?,
        linger: linger?.value,
    })
}

/// How long a batch waits for more rows.
fn linger(batch: &Section<'_>) -> Option<At<Duration>> {
    let linger = batch.duration("linger")?;
    if linger.value > MAX_LINGER {
        let problem = Problem::error(&linger.span, "`linger` is too long");
        batch.scope.report.push(
            problem
                .hint("`\"10s\"` at most: checkpoints and stops wait until a batch is handed on"),
        );
        return None;
    }
    Some(linger)
}

/// A source that waits for rows answers nothing else: no barrier passes it, and no stop.
const MAX_LINGER: Duration = Duration::from_secs(10);

/// A batch's rows are counted in 32 bits at the boundary; this also bounds what one may hold.
const MAX_BATCH_ROWS: i64 = 1 << 24;

/// `on_error`, as a word or as a table; the outer `None` means that it is not there.
fn on_error(section: &Section<'_>) -> Option<At<OnError>> {
    const ACTIONS: [(&str, OnError); 2] =
        [("dead-letter", OnError::DeadLetter { max: None }), ("halt", OnError::Halt)];
    let entry = section.entry("on_error")?;
    if !matches!(entry.node.value, Value::Table(_)) {
        return section.choice("on_error", &ACTIONS);
    }
    let table = section.section("on_error", "`on_error`", keys::ON_ERROR_TABLE)?;
    table.finish();
    let action = table.choice("action", &ACTIONS);
    let max = table.integer("max", 0..=i64::MAX);
    match (action?.value, max) {
        (OnError::DeadLetter { .. }, max) => {
            let max = max.map(|max| max.value.unsigned_abs());
            Some(At { value: OnError::DeadLetter { max }, span: entry.node.span.clone() })
        }
        (OnError::Halt, Some(max)) => {
            let problem =
                Problem::error(&max.span, "`max` counts dead letters, and \"halt\" makes none");
            table
                .scope
                .report
                .push(problem.hint("leave `max` out, or set `action = \"dead-letter\"`"));
            None
        }
        (OnError::Halt, None) => Some(At { value: OnError::Halt, span: entry.node.span.clone() }),
    }
}

/// How a column is written.
enum ColumnForm<'a> {
    /// `name = "type"`.
    Short(At<DataType>),
    /// `name = { … }`.
    Long(Section<'a>),
}

/// Reads a table that holds one entry a column; `read` makes the column of its name.
fn columns<'a, T>(
    section: &Section<'a>,
    key: &str,
    keys: &'static [Key],
    read: impl Fn(&str, ColumnForm<'a>) -> Option<T>,
) -> Option<Vec<At<T>>> {
    let (owner, scope) = (&section.title, section.scope);
    let table = section.section(key, format!("`{key}` of {owner}"), &[])?;
    if table.entries().is_empty() {
        let problem = Problem::error(&table.span, format!("{} is empty", table.title));
        scope.report.push(problem.hint("declare at least one column: `name = \"text\"`"));
    }
    let columns = table.entries().iter().filter_map(|entry| {
        if entry.key.is_empty() {
            scope.report.push(Problem::error(&entry.key_span, "a column needs a name"));
        }
        let form = match &entry.node.value {
            Value::Table(_) => {
                let title = format!("column `{}` of {owner}", entry.key);
                let column = Section::of(&entry.node, title, keys, scope)?;
                column.finish();
                ColumnForm::Long(column)
            }
            _ => ColumnForm::Short(short_type(entry, scope)?),
        };
        Some(At { value: read(&entry.key, form)?, span: entry.key_span.clone() })
    });
    Some(columns.collect())
}
