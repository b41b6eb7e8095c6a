//! Names: unique among all nodes, and resolved to the nodes that they mean.

use std::collections::BTreeMap;

use crate::config::nearest;
use crate::config::plan::NodeId;
use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::{Raw, RawName, RawNode};

/// The name of the dead letters' sink, which no other node may have.
const DEAD_LETTERS: &str = "dead_letters";

/// Reports every name that two nodes have.
pub(super) fn check_unique(raw: &Raw, report: &Report) {
    let nodes = names(&raw.sources, "source")
        .chain(names(&raw.tables, "table"))
        .chain(names(&raw.transforms, "transform"))
        .chain(names(&raw.sinks, "sink"));
    let mut by_place: Vec<(&str, &'static str, &Span)> = nodes.collect();
    by_place.sort_by_key(|(_, _, span)| span.start);
    let mut first: BTreeMap<&str, (&'static str, &Span)> = BTreeMap::new();
    for (name, kind, span) in by_place {
        if name == DEAD_LETTERS {
            let message = format!("the {kind} `{name}` has the name of the dead letters' sink");
            report.push(Problem::error(span, message).hint("give it another name"));
            continue;
        }
        match first.get(name) {
            None => {
                first.insert(name, (kind, span));
            }
            Some((other, place)) => report.push(
                Problem::error(span, format!("the {kind} `{name}` has the name of a {other}"))
                    .note(place, format!("the {other} `{name}` is here"))
                    .hint(
                        "names are unique among sources, tables, transforms and sinks: rename one",
                    ),
            ),
        }
    }
}

fn names<'a, T>(
    nodes: &'a [RawNode<T>],
    kind: &'static str,
) -> impl Iterator<Item = (&'a str, &'static str, &'a Span)> {
    nodes.iter().map(move |node| (node.name.value.as_str(), kind, &node.name.span))
}

/// The node of a name, if there is one that rows come from.
pub(super) fn node(raw: &Raw, name: &str) -> Option<NodeId> {
    let source = raw.sources.iter().position(|node| node.name.value == name);
    let transform = || raw.transforms.iter().position(|node| node.name.value == name);
    source.map(NodeId::Source).or_else(|| transform().map(NodeId::Transform))
}

/// Reports every reference to a node that is not there.
pub(super) fn check_references(raw: &Raw, report: &Report) {
    let transforms = raw.transforms.iter().filter_map(|node| node.body.as_ref());
    let inputs = transforms.flat_map(|transform| &transform.inputs).flat_map(|input| &input.from);
    let sinks = raw.sinks.iter().filter_map(|node| node.body.as_ref());
    for reference in inputs.chain(sinks.filter_map(|sink| sink.input.as_ref())) {
        if node(raw, &reference.node.value).is_none() {
            report.push(unknown(raw, reference));
        }
    }
}

fn unknown(raw: &Raw, reference: &RawName) -> Problem {
    let name = &reference.node;
    let problem =
        Problem::error(&reference.span, format!("there is no source or transform `{name}`"));
    if raw.tables.iter().any(|table| table.name.value == name.value) {
        return problem.hint(format!(
            "`{name}` is a table: a transform joins it, with `join.{name} = {{ on = … }}`"
        ));
    }
    if raw.sinks.iter().any(|sink| sink.name.value == name.value) {
        return problem
            .hint(format!("`{name}` is a sink, which nothing can read; name what it reads"));
    }
    let sources = raw.sources.iter().map(|node| node.name.value.as_str());
    let known: Vec<&str> =
        sources.chain(raw.transforms.iter().map(|node| node.name.value.as_str())).collect();
    problem.hint(nearest::hint(&name.value, "sources and transforms", &known))
}
