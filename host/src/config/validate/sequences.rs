//! Upserts of rows with sequences of several origins: the later sequence wins per key, and those of
//! different sources say nothing about each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::TypedSink;
use super::types::Types;
use crate::config::plan::{Edge, NodeId};
use crate::config::problem::{Problem, Report};
use crate::sandbox::Mode;
use crate::sink::{SinkKind, SqliteConfig, WriteMode};
use crate::source::{ColumnOrigin, MetaColumn, SourceKind};

/// Warns of each upsert that rows of several origins reach, unless its key tells them apart.
pub(super) fn warn(types: &Types<'_>, sinks: &[TypedSink], report: &Report) {
    for sink in sinks {
        let Some((key, stays)) = upsert(&sink.config.kind) else { continue };
        let origins = Origins::of(types, sink.input);
        warn_of_instances(types, sink, key, &origins, report);
        if origins.nodes.len() < 2 || key.iter().any(|column| origins.named_by(types, column)) {
            continue;
        }
        let body = types.raw.sinks[sink.at].body.as_ref();
        let Some(input) = body.and_then(|body| body.input.as_ref()) else { continue };
        let names: Vec<String> =
            origins.nodes.iter().map(|node| format!("`{}`", name(types, *node))).collect();
        let message = format!(
            "`{}` upserts rows of {}, and places in different sources do not compare",
            sink.config.name,
            names.join(" and ")
        );
        report.push(Problem::warning(&input.span, message).hint(format!(
            "where two of them have the same key, {stays}, whichever is newer: make a column that names \
             the source part of the key, such as `{{ meta = \"file\", key = true }}`, say `mode = \
             \"append\"`, or take the rows of one source"
        )));
    }
}

/// The key of an upsert in which the order of rows tells which stays, and which one that is.
fn upsert(kind: &SinkKind) -> Option<(&[Arc<str>], &'static str)> {
    match kind {
        SinkKind::Sqlite(SqliteConfig { mode: WriteMode::Upsert, key, .. }) => {
            Some((key, "the row with the higher place (in a file: the line) stays"))
        }
        SinkKind::StreamLoad(settings)
            if settings.mode == WriteMode::Upsert && settings.sequence.is_none() =>
        {
            Some((&settings.key, "the row that arrives later stays"))
        }
        _ => None,
    }
}

/// Warns of an upsert whose key's rows may come from several instances of a stage: their sequences
/// do not compare either.
fn warn_of_instances(
    types: &Types<'_>,
    sink: &TypedSink,
    key: &[Arc<str>],
    origins: &Origins,
    report: &Report,
) {
    for node in &origins.nodes {
        let NodeId::Transform(at) = node else { continue };
        let (Some(raw), Some(typed)) = (&types.raw.transforms[*at].body, &types.transforms[*at])
        else {
            continue;
        };
        let Some(input) = typed.inputs.first() else { continue };
        let mut own = input.key.iter().map(|index| &input.schema.fields[*index].name);
        if raw.parallelism.value < 2 || own.all(|column| key.contains(column)) {
            continue;
        }
        let message = format!(
            "`{}` upserts rows of `{}`, whose instances count theirs apart",
            sink.config.name,
            name(types, *node)
        );
        report.push(Problem::warning(&raw.parallelism.span, message).hint(
            "where two instances make rows of one key of the table, the one that made more of them wins: \
             make the columns of the stage's key part of the table's, or leave `parallelism` out",
        ));
    }
}

fn name<'a>(types: &Types<'a>, node: NodeId) -> &'a str {
    match node {
        NodeId::Source(at) => &types.raw.sources[at].name.value,
        NodeId::Transform(at) => &types.raw.transforms[at].name.value,
    }
}

/// Where the rows of an edge get their sequences.
#[derive(Default)]
struct Origins {
    /// Sources, and transforms that emit rows of their own, which they count.
    nodes: BTreeSet<NodeId>,
    /// Columns that a transform on the way adds or replaces.
    made: BTreeSet<Arc<str>>,
}

impl Origins {
    fn of(types: &Types<'_>, edge: Edge) -> Self {
        let mut origins = Self::default();
        let mut open = vec![edge];
        let mut seen = BTreeSet::new();
        while let Some(edge) = open.pop() {
            if !seen.insert(edge) {
                continue;
            }
            let transform = match edge.node {
                NodeId::Source(_) => None,
                NodeId::Transform(at) => types.transforms[at].as_ref(),
            };
            match transform {
                // Late rows leave as they came.
                Some(transform) if edge.port == transform.description.outputs.len() => {
                    open.extend(transform.inputs.iter().flat_map(|input| &input.edges));
                }
                Some(transform) if transform.description.mode == Mode::Map => {
                    let fields = transform.description.outputs.iter().flat_map(|port| &port.fields);
                    origins.made.extend(fields.map(|field| Arc::clone(&field.name)));
                    open.extend(transform.inputs.iter().flat_map(|input| &input.edges));
                }
                _ => {
                    origins.nodes.insert(edge.node);
                }
            }
        }
        origins
    }

    /// Whether a column holds the file that a row came from, whichever it came from.
    fn named_by(&self, types: &Types<'_>, column: &str) -> bool {
        !self.made.contains(column)
            && self.nodes.iter().all(|node| is_file_name(types, *node, column))
    }
}

fn is_file_name(types: &Types<'_>, node: NodeId, column: &str) -> bool {
    let NodeId::Source(at) = node else { return false };
    let Some(source) = &types.raw.sources[at].body else { return false };
    let mut columns = source.columns.iter().map(|column| &column.value);
    matches!(source.kind, SourceKind::File(_))
        && columns.any(|declared| {
            *declared.name == *column
                && matches!(declared.origin, ColumnOrigin::Meta(MetaColumn::File))
        })
}
