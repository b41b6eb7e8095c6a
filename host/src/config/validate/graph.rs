//! The graph by its edges alone: an order in which every node comes behind those that it reads,
//! cycles, and which nodes reach a sink.

use std::collections::BTreeSet;

use super::names;
use crate::config::plan::NodeId;
use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::{Raw, RawTransform};
use crate::config::section::At;

/// The transforms, each behind those that it reads. Cycles are reported; the nodes on them, and
/// behind them, are left out.
pub(super) fn order(raw: &Raw, report: &Report) -> Vec<usize> {
    let reads: Vec<Vec<(usize, &Span)>> =
        (0..raw.transforms.len()).map(|at| reads(raw, at)).collect();
    let mut order = Vec::new();
    let mut rest: Vec<usize> = (0..reads.len()).collect();
    loop {
        let ready = |at: &usize| reads[*at].iter().all(|(from, _)| order.contains(from));
        let (next, later): (Vec<usize>, Vec<usize>) = rest.iter().copied().partition(ready);
        if next.is_empty() {
            break;
        }
        order.extend(next);
        rest = later;
    }
    report_cycles(raw, &reads, &rest, report);
    order
}

/// The transforms that a transform reads, with the places where it says so.
fn reads(raw: &Raw, transform: usize) -> Vec<(usize, &Span)> {
    sources_of(raw.transforms[transform].body.as_ref())
        .filter_map(|(name, span)| match names::node(raw, name) {
            Some(NodeId::Transform(from)) => Some((from, span)),
            _ => None,
        })
        .collect()
}

fn sources_of(transform: Option<&RawTransform>) -> impl Iterator<Item = (&str, &Span)> {
    let inputs = transform.into_iter().flat_map(|transform| &transform.inputs);
    inputs.flat_map(|input| &input.from).map(|from| (from.node.value.as_str(), &from.span))
}

/// Reports each cycle among `rest` once. Every one of them reads another one of them, so walking
/// from any leads into a cycle.
fn report_cycles(raw: &Raw, reads: &[Vec<(usize, &Span)>], rest: &[usize], report: &Report) {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for start in rest {
        let mut path: Vec<(usize, &Span)> = Vec::new();
        let mut at = *start;
        while !seen.contains(&at) {
            seen.insert(at);
            let Some((from, span)) = reads[at].iter().find(|(from, _)| rest.contains(from)) else {
                break;
            };
            path.push((at, *span));
            at = *from;
        }
        if let Some(first) = path.iter().position(|(node, _)| *node == at) {
            report.push(cycle(raw, &path[first..]));
        }
    }
}

/// `path` holds each node of the cycle with the place where it reads the next one.
fn cycle(raw: &Raw, path: &[(usize, &Span)]) -> Problem {
    let name = |at: usize| raw.transforms[at].name.value.as_str();
    let (first, span) = path[0];
    let message = match path {
        [_] => format!("`{}` reads its own output", name(first)),
        _ => {
            let others: Vec<String> =
                path[1..].iter().map(|(at, _)| format!("`{}`", name(*at))).collect();
            format!("`{}` reads its own output, through {}", name(first), others.join(" and "))
        }
    };
    let problem = path[1..].iter().fold(Problem::error(span, message), |problem, (at, span)| {
        problem.note(span, format!("`{}` reads this", name(*at)))
    });
    problem.hint("rows flow one way: let one of these read a node that does not depend on it")
}

/// The sources and transforms whose rows reach a sink.
pub(super) fn reaching(raw: &Raw) -> BTreeSet<NodeId> {
    let mut reaching = BTreeSet::new();
    let mut open: Vec<NodeId> = raw
        .sinks
        .iter()
        .filter_map(|sink| names::node(raw, &sink.body.as_ref()?.input.as_ref()?.node.value))
        .collect();
    while let Some(node) = open.pop() {
        if !reaching.insert(node) {
            continue;
        }
        if let NodeId::Transform(at) = node {
            let names = sources_of(raw.transforms[at].body.as_ref());
            open.extend(names.filter_map(|(name, _)| names::node(raw, name)));
        }
    }
    reaching
}

/// Warns of nodes whose rows reach no sink, and of tables that nothing joins.
pub(super) fn warn_of_unused(raw: &Raw, reaching: &BTreeSet<NodeId>, report: &Report) {
    let warn = |name: &At<String>, message: String, hint: &str| {
        report.push(Problem::warning(&name.span, message).hint(hint));
    };
    for (index, source) in raw.sources.iter().enumerate() {
        if !reaching.contains(&NodeId::Source(index)) {
            let message = format!("no sink takes anything of the source `{}`", source.name.value);
            warn(&source.name, message, "it will not be read");
        }
    }
    for (index, transform) in raw.transforms.iter().enumerate() {
        if !reaching.contains(&NodeId::Transform(index)) {
            let message =
                format!("no sink takes anything of the transform `{}`", transform.name.value);
            warn(&transform.name, message, "it will not run");
        }
    }
    for table in &raw.tables {
        let joined = raw.transforms.iter().enumerate().any(|(index, transform)| {
            let mut joins = transform.body.iter().flat_map(|body| &body.joins);
            reaching.contains(&NodeId::Transform(index))
                && joins.any(|join| join.table.value == table.name.value)
        });
        if !joined {
            let message = format!("no transform that runs joins the table `{}`", table.name.value);
            warn(&table.name, message, "it will not be loaded");
        }
    }
}
