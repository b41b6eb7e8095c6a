//! Which columns of the sources are used by anything downstream.
//!
//! A sink uses all columns of its input, and a map-like transform passes on what it does not read;
//! so only the columns that end at an emitting transform can be left out. What the file demands of
//! a column (`key`, `required`, the event time) is a use too.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{Typed, Types};
use crate::config::plan::{Edge, NodeId};
use crate::config::raw::{RawNode, RawSource};
use crate::record::Schema;
use crate::sandbox::Mode;

/// For each source the columns that are used, as indices into its declared ones.
pub(super) fn used_columns(types: &Types<'_>, order: &[usize], sinks: &[Edge]) -> Vec<Vec<usize>> {
    let mut wanted: BTreeMap<Edge, BTreeSet<String>> = BTreeMap::new();
    for edge in sinks {
        let typed = typed(types, *edge);
        let all = typed.into_iter().flat_map(|typed| &typed.schema.fields);
        wanted.entry(*edge).or_default().extend(all.map(|field| field.name.to_string()));
    }
    for at in order.iter().rev() {
        through(types, *at, &mut wanted);
    }
    types
        .raw
        .sources
        .iter()
        .enumerate()
        .map(|(at, source)| {
            let edge = Edge { node: NodeId::Source(at), port: 0 };
            of_source(source, wanted.get(&edge).unwrap_or(&BTreeSet::new()))
        })
        .collect()
}

fn typed<'a>(types: &'a Types<'_>, edge: Edge) -> Option<&'a Typed> {
    match edge.node {
        NodeId::Source(at) => types.sources[at].as_ref(),
        NodeId::Transform(at) => types.transforms[at].as_ref().map(|node| &node.outputs[edge.port]),
    }
}

/// Adds what a transform wants of its inputs, given what is wanted of its ports.
fn through(types: &Types<'_>, at: usize, wanted: &mut BTreeMap<Edge, BTreeSet<String>>) {
    let Some(transform) = &types.transforms[at] else { return };
    let passed: BTreeSet<String> = match transform.description.mode {
        Mode::Emit => BTreeSet::new(),
        Mode::Map => {
            let edge = Edge { node: NodeId::Transform(at), port: 0 };
            wanted.get(&edge).cloned().unwrap_or_default()
        }
    };
    // Late rows leave as they came.
    let ports = transform.description.outputs.len();
    let late = Edge { node: NodeId::Transform(at), port: ports };
    let late = wanted.get(&late).cloned().unwrap_or_default();
    let join_keys = transform.joins.iter().flat_map(|join| &join.on);
    for (index, input) in transform.inputs.iter().enumerate() {
        let schema: &Schema = &input.schema;
        let name = |column: &usize| schema.fields[*column].name.to_string();
        let mut all: BTreeSet<String> = input.reads.iter().map(name).collect();
        all.extend(schema.key.iter().map(name));
        all.extend(input.key.iter().map(name));
        // Joins are resolved against the first input; where there are more, they have its columns.
        if index == 0 {
            all.extend(join_keys.clone().map(name));
        }
        // A replaced column counts too: its place in the row is the input's.
        all.extend(passed.iter().filter(|column| schema.index_of(column).is_some()).cloned());
        all.extend(late.iter().filter(|column| schema.index_of(column).is_some()).cloned());
        for edge in &input.edges {
            wanted.entry(*edge).or_default().extend(all.iter().cloned());
        }
    }
}

fn of_source(source: &RawNode<RawSource>, wanted: &BTreeSet<String>) -> Vec<usize> {
    let Some(body) = &source.body else { return Vec::new() };
    let event_time = body.event_time.as_ref().map(|time| &time.column);
    let mut used: Vec<usize> = (0..body.columns.len())
        .filter(|index| {
            let column = &body.columns[*index].value;
            column.key
                || column.required
                || event_time == Some(&column.name)
                || wanted.contains(&*column.name)
        })
        .collect();
    if used.is_empty() && !body.columns.is_empty() {
        // Rows must be counted by something.
        used.push(0);
    }
    used
}
