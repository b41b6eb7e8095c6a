//! From the file as written to a plan that can run: names, graph, types, promises.
//!
//! *Invariants*: every check runs as far as it can, so that all problems are found at once; a plan
//! is made only if there is no error.
//! *Not here*: what a single key may hold (`raw`), how problems look (`render`).

mod assemble;
mod changes;
mod graph;
mod inputs;
mod joins;
mod modules;
mod names;
mod paths;
mod projection;
mod reads;
mod sequences;
mod sinks;
mod state;
mod stream_load;
mod types;

use std::path::Path;
use std::sync::Arc;

use modules::Modules;
use types::{Maker, Origin, Typed, Types};

use super::plan::{Delivery, Edge, OnError, Plan};
use super::problem::{Problem, Report};
use super::raw::{Raw, RawNode, RawSink, RawSource};
use super::section::At;
use crate::sandbox::Sandbox;
use crate::sink::SinkConfig;
use crate::source::{SourceColumn, SourceConfig};

/// A sink with everything resolved; its edge counts nodes as the file does.
struct TypedSink {
    /// Its place among the file's sinks.
    at: usize,
    config: SinkConfig,
    input: Edge,
    typed: Typed,
}

/// Checks the file and makes its plan; `None` if there are errors.
pub(super) fn plan(raw: &Raw, file: &Path, sandbox: &Sandbox, report: &Report) -> Option<Plan> {
    names::check_unique(raw, report);
    names::check_references(raw, report);
    paths::check(raw, report);
    check_policies(raw, report);
    check_promises(raw, report);
    let order = graph::order(raw, report);
    let modules = Modules::load(raw, sandbox, report);
    let all: Vec<Vec<usize>> = raw.sources.iter().map(all_columns).collect();
    let types = Types::of(raw, source_types(raw, &all), &order, &modules, report);
    let sinks = sinks(&types, report);
    let dead_letters = raw
        .dead_letters
        .as_ref()
        .and_then(|node| sinks::dead_letters(&node.name.value, node.body.as_ref()?, report));
    if report.errors() > 0 {
        return None;
    }
    let reaching = graph::reaching(raw);
    graph::warn_of_unused(raw, &reaching, report);
    sequences::warn(&types, &sinks, report);
    let parts = projected(&types, sinks, &all, &order, &modules);
    let plan = assemble::plan(raw, file, &modules, &order, &reaching, parts, dead_letters)?;
    inputs::look(raw, &plan, report);
    Some(plan)
}

/// The graph's types, once with all columns of the sources or once with the used ones.
struct Parts {
    /// For each source its columns.
    columns: Vec<Vec<usize>>,
    sources: Vec<Option<Typed>>,
    transforms: Vec<Option<types::TypedTransform>>,
    sinks: Vec<TypedSink>,
}

/// Types the graph again with only the columns that something uses. Should a module answer
/// differently then, it sees more than it reads, and everything stays as it was.
fn projected(
    types: &Types<'_>,
    full_sinks: Vec<TypedSink>,
    all: &[Vec<usize>],
    order: &[usize],
    modules: &Modules,
) -> Parts {
    let edges: Vec<Edge> = full_sinks.iter().map(|sink| sink.input).collect();
    let used = projection::used_columns(types, order, &edges);
    if used != all {
        let scratch = Report::default();
        let narrow = Types::of(types.raw, source_types(types.raw, &used), order, modules, &scratch);
        let narrow_sinks = sinks(&narrow, &scratch);
        if scratch.errors() == 0 && narrow_sinks.len() == full_sinks.len() && same(types, &narrow) {
            let Types { sources, transforms, .. } = narrow;
            return Parts { columns: used, sources, transforms, sinks: narrow_sinks };
        }
    }
    Parts {
        columns: all.to_vec(),
        sources: types.sources.clone(),
        transforms: types.transforms.clone(),
        sinks: full_sinks,
    }
}

fn same(one: &Types<'_>, other: &Types<'_>) -> bool {
    one.transforms.iter().zip(&other.transforms).all(|(one, other)| {
        one.as_ref().map(|node| &node.description) == other.as_ref().map(|node| &node.description)
    })
}

fn all_columns(source: &RawNode<RawSource>) -> Vec<usize> {
    (0..source.body.as_ref().map_or(0, |body| body.columns.len())).collect()
}

/// A source's settings with some of its columns.
fn source_config(node: &RawNode<RawSource>, columns: &[usize]) -> Option<SourceConfig> {
    let body = node.body.as_ref()?;
    let columns: Vec<SourceColumn> =
        columns.iter().map(|index| body.columns[*index].value.clone()).collect();
    Some(SourceConfig {
        name: node.name.value.clone(),
        columns,
        event_time: body.event_time.clone(),
        kind: body.kind.clone(),
    })
}

fn source_types(raw: &Raw, columns: &[Vec<usize>]) -> Vec<Option<Typed>> {
    let typed = |(node, columns): (&RawNode<RawSource>, &Vec<usize>)| {
        let config = source_config(node, columns)?;
        let body = node.body.as_ref()?;
        let origin = |index: &usize| Origin {
            span: body.columns[*index].span.clone(),
            maker: Maker::Declared,
        };
        Some(Typed {
            schema: Arc::new(config.schema()),
            origins: columns.iter().map(origin).collect(),
            event_time: config.event_time.is_some(),
        })
    };
    raw.sources.iter().zip(columns).map(typed).collect()
}

fn sinks(types: &Types<'_>, report: &Report) -> Vec<TypedSink> {
    types
        .raw
        .sinks
        .iter()
        .enumerate()
        .filter_map(|(at, node)| {
            let body = node.body.as_ref()?;
            let (input, typed) = types.resolve(body.input.as_ref()?, report)?;
            let config = sinks::resolve(types.raw, &node.name.value, body, &typed, report)?;
            Some(TypedSink { at, config, input, typed })
        })
        .collect()
}

/// Reports `on_error = "dead-letter"` where there is nowhere to put a dead letter.
fn check_policies(raw: &Raw, report: &Report) {
    if raw.dead_letters.is_some() {
        return;
    }
    let sources = raw.sources.iter().filter_map(|node| node.body.as_ref()?.on_error.as_ref());
    let transforms = raw.transforms.iter().filter_map(|node| node.body.as_ref()?.on_error.as_ref());
    let sinks = raw.sinks.iter().filter_map(|node| node.body.as_ref()?.on_error.as_ref());
    for policy in sources.chain(transforms).chain(sinks) {
        if matches!(policy.value, OnError::DeadLetter { .. }) {
            report.push(
                Problem::error(&policy.span, "there is no sink for dead letters").hint(
                    "add one: `[dead_letters]` with `type = \"sqlite\"`, a `path` and a `table`; or say \
                     `on_error = \"halt\"`",
                ),
            );
        }
    }
}

fn check_promises(raw: &Raw, report: &Report) {
    let general = raw.settings.as_ref().map(|settings| settings.delivery);
    for node in raw.sinks.iter().chain(&raw.dead_letters) {
        let Some(body) = &node.body else { continue };
        if let Some(delivery) = delivery_of(body, general) {
            sinks::check_delivery(&node.name.value, body, delivery, report);
        }
    }
    let empty: [(bool, &str); 2] =
        [(raw.sources.is_empty(), "sources"), (raw.sinks.is_empty(), "sinks")];
    for (is_empty, group) in empty {
        // A file without the group at all has been told so.
        if is_empty && report.errors() == 0 {
            report.push(Problem::of_the_file(format!("there are no {group}")));
        }
    }
}

/// What a sink promises: its own word, or the pipeline's.
fn delivery_of(sink: &RawSink, general: Option<Delivery>) -> Option<Delivery> {
    sink.delivery.as_ref().map(|delivery| delivery.value).or(general)
}

/// The policy of a node: its own, or what follows from there being a sink for dead letters.
fn policy(own: Option<&At<OnError>>, raw: &Raw) -> OnError {
    match own {
        Some(policy) => policy.value,
        None if raw.dead_letters.is_some() => OnError::DeadLetter { max: None },
        None => OnError::Halt,
    }
}
