//! The graph that all formats draw: nodes and edges of a plan, in words.
//!
//! *Invariants*: an edge leads from a node to a later one; nothing of what a variable gives is in
//! it, but for names.
//! *Not here*: how anything looks (`text`, `mermaid`, `dot`).

use std::fmt::Debug;

use serde_json::{Value, json};

use crate::config::{self, Delivery, NodeId, OnError, Plan, SourcePlan, TransformPlan};
use crate::record::{Field, Schema};
use crate::sandbox::Mode;
use crate::sink::SinkConfig;
use crate::stage::{JoinConfig, Missing};
use crate::table::TableConfig;

/// The port of late rows, which the host adds to a transform that takes its rows in the order of
/// event time.
const LATE: &str = "late";

/// A plan as a graph.
pub(super) struct Graph {
    /// The pipeline's name.
    pub name: String,
    /// The nodes: sources, tables, transforms, sinks, the dead letters' sink.
    pub nodes: Vec<Node>,
    /// The edges, by the node that they leave.
    pub edges: Vec<Edge>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Source,
    Table,
    Transform,
    Sink,
    DeadLetters,
}

impl Role {
    /// In words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Table => "table",
            Self::Transform => "transform",
            Self::Sink => "sink",
            Self::DeadLetters => "dead letters",
        }
    }
}

/// A node.
pub(super) struct Node {
    pub role: Role,
    /// Empty for the dead letters' sink.
    pub name: String,
    /// What there is to say about it: its type or module first.
    pub facts: Vec<String>,
}

impl Node {
    /// The node as text refers to it: `sink ods_wagers`.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.role.name(), self.name).trim_end().to_owned()
    }
}

/// What passes an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    /// Changes.
    Rows,
    /// A table's rows, looked up.
    Join,
    /// Rows that are refused.
    DeadLetters,
}

/// An edge.
pub(super) struct Edge {
    /// Index of the node that it leaves.
    pub from: usize,
    /// Index of the node that it reaches.
    pub to: usize,
    pub passing: Passing,
    /// The port that it leaves, where the node has several.
    pub port: Option<String>,
    /// What else there is to say, such as the name of the input.
    pub note: String,
    /// What passes; empty for dead letters.
    pub columns: Vec<Column>,
}

/// A column of an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    pub data_type: String,
    pub nullable: bool,
    pub key: bool,
    /// Whether the transform that the edge leaves adds or replaces it.
    pub added: bool,
}

impl Column {
    /// The column with its marks.
    pub(super) fn text(&self) -> String {
        let key = if self.key { " (key)" } else { "" };
        let added = if self.added { " (+)" } else { "" };
        format!("{} {}{key}{added}", self.name, self.data_type)
    }
}

/// Where the nodes of each role begin among all.
#[derive(Clone, Copy)]
struct Places {
    tables: usize,
    transforms: usize,
    sinks: usize,
    dead_letters: usize,
}

impl Places {
    fn of(plan: &Plan) -> Self {
        let tables = plan.sources.len();
        let transforms = tables + plan.tables.len();
        let sinks = transforms + plan.transforms.len();
        Self { tables, transforms, sinks, dead_letters: sinks + plan.sinks.len() }
    }

    const fn node(self, id: NodeId) -> usize {
        match id {
            NodeId::Source(index) => index,
            NodeId::Transform(index) => self.transforms + index,
        }
    }
}

impl Graph {
    /// The graph of a plan.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut edges = edges(plan, Places::of(plan));
        edges.sort_by_key(|edge| edge.from);
        Self { name: plan.name.clone(), nodes: nodes(plan), edges }
    }

    /// The edges that leave a node.
    pub(super) fn leaving(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == node)
    }

    /// The graph for programs.
    pub(super) fn to_json(&self) -> Value {
        let title = |index: usize| self.nodes[index].title();
        let nodes: Vec<Value> = self
            .nodes
            .iter()
            .map(|node| json!({ "role": node.role.name(), "name": node.name, "facts": node.facts }))
            .collect();
        let edges: Vec<Value> = self
            .edges
            .iter()
            .map(|edge| {
                json!({
                    "from": title(edge.from),
                    "to": title(edge.to),
                    "passing": match edge.passing {
                        Passing::Rows => "rows",
                        Passing::Join => "join",
                        Passing::DeadLetters => "dead letters",
                    },
                    "port": edge.port,
                    "note": edge.note,
                    "columns": edge.columns.iter().map(column_json).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({ "pipeline": self.name, "nodes": nodes, "edges": edges })
    }
}

fn column_json(column: &Column) -> Value {
    json!({
        "name": column.name,
        "type": column.data_type,
        "nullable": column.nullable,
        "key": column.key,
        "added": column.added,
    })
}

fn nodes(plan: &Plan) -> Vec<Node> {
    let sources = plan.sources.iter().map(source);
    let tables = plan.tables.iter().map(table);
    let transforms = plan.transforms.iter().map(transform);
    let sinks = plan.sinks.iter().map(|plan| sink(Role::Sink, &plan.config, plan.delivery));
    let dead_letters = plan.dead_letters.iter().map(|plan| Node {
        name: String::new(),
        ..sink(Role::DeadLetters, &plan.config, plan.delivery)
    });
    sources.chain(tables).chain(transforms).chain(sinks).chain(dead_letters).collect()
}

fn source(plan: &SourcePlan) -> Node {
    let mut facts = vec![type_of(&plan.config.kind)];
    if let Some(time) = &plan.config.event_time {
        facts.push(format!("event time {}", time.column));
    }
    Node { role: Role::Source, name: plan.config.name.clone(), facts }
}

fn table(config: &TableConfig) -> Node {
    let mut facts = vec![type_of(&config.kind)];
    if let Some(refresh) = config.refresh {
        facts.push(format!("loaded again every {refresh:?}"));
    }
    Node { role: Role::Table, name: config.name.clone(), facts }
}

fn transform(plan: &TransformPlan) -> Node {
    let mut facts = vec![plan.description.name.clone()];
    let key: Vec<&str> = plan
        .inputs
        .first()
        .into_iter()
        .flat_map(|input| input.key.iter().map(|index| &*input.schema.fields[*index].name))
        .collect();
    if !key.is_empty() {
        facts.push(format!("keyed by {}", key.join(", ")));
    }
    if plan.parallelism > 1 {
        facts.push(format!("{} instances", plan.parallelism));
    }
    Node { role: Role::Transform, name: plan.name.clone(), facts }
}

fn sink(role: Role, config: &SinkConfig, delivery: Delivery) -> Node {
    let promised = Delivery::NAMES.into_iter().find(|(_, named)| *named == delivery);
    let mut facts = vec![type_of(&config.kind)];
    facts.extend(promised.map(|(name, _)| name.to_owned()));
    Node { role, name: config.name.clone(), facts }
}

/// The `type` of the TOML: the variants of the kinds there are have these names.
fn type_of(kind: &impl Debug) -> String {
    let printed = format!("{kind:?}");
    let variant = printed.split(|letter: char| !letter.is_alphanumeric()).next();
    variant.unwrap_or_default().to_lowercase()
}

fn edges(plan: &Plan, places: Places) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (index, transform) in plan.transforms.iter().enumerate() {
        let to = places.transforms + index;
        for (edge, input) in transform.edges() {
            let named = transform.inputs.len() > 1;
            let note = match transform.inputs.get(input) {
                Some(input) if named => format!("input {}", input.name),
                _ => String::new(),
            };
            edges.push(rows(plan, places, edge, to, note));
        }
        for join in &transform.joins {
            edges.extend(joined(plan, places, transform, join, to));
        }
    }
    for (index, sink) in plan.sinks.iter().enumerate() {
        edges.push(rows(plan, places, sink.input, places.sinks + index, String::new()));
    }
    // By port, so that what leaves by one stands together; dead letters are last.
    edges.sort_by_key(|edge| edge.port.clone());
    edges.extend(dead_letters(plan, places));
    edges
}

fn rows(plan: &Plan, places: Places, edge: config::Edge, to: usize, note: String) -> Edge {
    let from = places.node(edge.node);
    let (port, columns) = match edge.node {
        NodeId::Source(index) => (None, columns(&plan.sources[index].schema)),
        NodeId::Transform(index) => {
            let transform = &plan.transforms[index];
            let port = transform.description.outputs.get(edge.port);
            // The late rows' port is behind those of the module.
            let port_name = port.map_or(LATE, |port| port.name.as_str());
            let several = (transform.outputs.len() > 1).then(|| port_name.to_owned());
            let mut columns = columns(&transform.outputs[edge.port]);
            if transform.description.mode == Mode::Map {
                for column in &mut columns {
                    let adds = |field: &Field| *field.name == *column.name;
                    column.added = port.is_some_and(|port| port.fields.iter().any(adds));
                }
            }
            (several, columns)
        }
    };
    Edge { from, to, passing: Passing::Rows, port, note, columns }
}

fn columns(schema: &Schema) -> Vec<Column> {
    let column = |(index, field): (usize, &Field)| Column {
        name: field.name.to_string(),
        data_type: field.data_type.to_string(),
        nullable: field.nullable,
        key: schema.key.contains(&index),
        added: false,
    };
    schema.fields.iter().enumerate().map(column).collect()
}

fn joined(
    plan: &Plan,
    places: Places,
    transform: &TransformPlan,
    join: &JoinConfig,
    to: usize,
) -> Option<Edge> {
    let table = plan.tables.iter().position(|table| table.name == join.table)?;
    let all = columns(&plan.tables[table].schema());
    let read = |column: &usize| all.get(*column).cloned();
    let schema = &transform.inputs.first()?.schema;
    let on: Vec<&str> =
        join.on.iter().filter_map(|column| Some(&*schema.fields.get(*column)?.name)).collect();
    let missing = Missing::NAMES.into_iter().find(|(_, missing)| *missing == join.missing);
    let missing = missing.map_or("", |(name, _)| name);
    Some(Edge {
        from: places.tables + table,
        to,
        passing: Passing::Join,
        port: None,
        note: format!("on {}, missing: {missing}", on.join(", ")),
        columns: join.columns.iter().filter_map(read).collect(),
    })
}

fn dead_letters(plan: &Plan, places: Places) -> Vec<Edge> {
    if plan.dead_letters.is_none() {
        return Vec::new();
    }
    let sources = plan.sources.iter().enumerate().map(|(at, node)| (at, node.on_error));
    let transforms = plan.transforms.iter().enumerate();
    let transforms = transforms.map(|(at, node)| (places.transforms + at, node.on_error));
    let sinks = plan.sinks.iter().enumerate();
    let sinks = sinks.map(|(at, node)| (places.sinks + at, node.on_error));
    let edge = |(from, on_error): (usize, OnError)| {
        let OnError::DeadLetter { max } = on_error else { return None };
        Some(Edge {
            from,
            to: places.dead_letters,
            passing: Passing::DeadLetters,
            port: None,
            note: max.map_or(String::new(), |max| format!("at most {max}")),
            columns: Vec::new(),
        })
    };
    sources.chain(transforms).chain(sinks).filter_map(edge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::SinkKind;

    #[test]
    fn a_kind_goes_by_its_type() {
        assert_eq!(type_of(&SinkKind::Blackhole), "blackhole");
        assert_eq!(type_of(&Some(5)), "some");
    }

    #[test]
    fn marks_follow_the_type() {
        let column = Column {
            name: "a".to_owned(),
            data_type: "i64".to_owned(),
            nullable: false,
            key: true,
            added: true,
        };
        assert_eq!(column.text(), "a i64 (key) (+)");
        assert_eq!(Column { key: false, added: false, ..column }.text(), "a i64");
    }
}
