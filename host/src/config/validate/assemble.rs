//! The plan from its checked parts: what reaches no sink is left out, and edges count the rest.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::modules::Modules;
use super::types::TypedTransform;
use super::{Parts, TypedSink, delivery_of, policy, source_config};
use crate::config::plan::{
    CheckpointPlan, DeadLettersPlan, Delivery, Edge, InputPlan, NodeId, Plan, SinkPlan, SourcePlan,
    TransformPlan,
};
use crate::config::problem::Problems;
use crate::config::raw::{Raw, RawTransform};
use crate::sandbox::Artifact;
use crate::sink::{SinkConfig, SinkKind};
use crate::table::TableConfig;

/// The nodes of the file that are in the plan; a node's place here is its place in the plan.
struct Kept {
    sources: Vec<usize>,
    transforms: Vec<usize>,
}

impl Kept {
    /// The edge as the plan counts; `None` never happens, for what a kept node reads is kept.
    fn edge(&self, edge: Edge) -> Option<Edge> {
        let place = |among: &[usize], at: usize| among.iter().position(|kept| *kept == at);
        let node = match edge.node {
            NodeId::Source(at) => NodeId::Source(place(&self.sources, at)?),
            NodeId::Transform(at) => NodeId::Transform(place(&self.transforms, at)?),
        };
        Some(Edge { node, port: edge.port })
    }

    fn input(&self, input: &InputPlan) -> Option<InputPlan> {
        let edges = input.edges.iter().map(|edge| self.edge(*edge)).collect::<Option<_>>()?;
        Some(InputPlan { edges, ..input.clone() })
    }
}

/// Puts the plan together; every part has been checked, so `None` would be a hole in the checks.
pub(super) fn plan(
    raw: &Raw,
    file: &Path,
    modules: &Modules,
    order: &[usize],
    reaching: &BTreeSet<NodeId>,
    parts: Parts,
    dead_letters: Option<SinkConfig>,
) -> Option<Plan> {
    let settings = raw.settings.as_ref()?;
    let kept = Kept {
        sources: (0..raw.sources.len())
            .filter(|at| reaching.contains(&NodeId::Source(*at)))
            .collect(),
        transforms: order
            .iter()
            .copied()
            .filter(|at| reaching.contains(&NodeId::Transform(*at)))
            .collect(),
    };
    let sources =
        kept.sources.iter().map(|at| source(raw, &parts, *at)).collect::<Option<Vec<_>>>()?;
    let transforms = kept
        .transforms
        .iter()
        .map(|at| {
            let node = &raw.transforms[*at];
            let typed = parts.transforms[*at].as_ref()?;
            transform(raw, &node.name.value, node.body.as_ref()?, modules.get(*at)?, typed, &kept)
        })
        .collect::<Option<Vec<_>>>()?;
    let tables = tables(raw, &transforms)?;
    let sinks = parts
        .sinks
        .into_iter()
        .map(|typed| sink(raw, typed, settings.delivery, &kept))
        .collect::<Option<Vec<_>>>()?;
    let dead_letters = match (dead_letters, &raw.dead_letters) {
        (Some(config), Some(node)) => {
            let delivery = delivery_of(node.body.as_ref()?, Some(settings.delivery))?;
            Some(DeadLettersPlan { config: promising(config, delivery), delivery })
        }
        _ => None,
    };
    Some(Plan {
        name: settings.name.clone(),
        file: file.to_owned(),
        delivery: settings.delivery,
        checkpoint: CheckpointPlan {
            every: settings.checkpoint.every,
            rows: settings.checkpoint.rows,
            store: settings.checkpoint.store.value.clone(),
        },
        batch: settings.batch,
        stop_timeout: settings.stop_timeout,
        sources,
        tables,
        transforms,
        sinks,
        dead_letters,
        warnings: Problems::new(file, "", Vec::new()),
    })
}

/// The tables that some join uses.
fn tables(raw: &Raw, transforms: &[TransformPlan]) -> Option<Vec<TableConfig>> {
    let joined: BTreeSet<&str> =
        transforms.iter().flat_map(|node| &node.joins).map(|join| join.table.as_str()).collect();
    raw.tables
        .iter()
        .filter(|table| joined.contains(table.name.value.as_str()))
        .map(|table| Some(table.body.as_ref()?.config.clone()))
        .collect()
}

fn sink(raw: &Raw, sink: TypedSink, general: Delivery, kept: &Kept) -> Option<SinkPlan> {
    let body = raw.sinks[sink.at].body.as_ref()?;
    let delivery = delivery_of(body, Some(general))?;
    Some(SinkPlan {
        config: promising(sink.config, delivery),
        input: kept.edge(sink.input)?,
        schema: sink.typed.schema,
        delivery,
        on_error: policy(body.on_error.as_ref(), raw),
    })
}

/// The settings with what the sink promises, for one that keeps it in different ways.
fn promising(mut config: SinkConfig, delivery: Delivery) -> SinkConfig {
    if let SinkKind::StreamLoad(settings) = &mut config.kind {
        settings.exactly_once = delivery == Delivery::ExactlyOnce;
    }
    config
}

fn source(raw: &Raw, parts: &Parts, at: usize) -> Option<SourcePlan> {
    let node = &raw.sources[at];
    Some(SourcePlan {
        config: source_config(node, &parts.columns[at])?,
        schema: Arc::clone(&parts.sources[at].as_ref()?.schema),
        on_error: policy(node.body.as_ref()?.on_error.as_ref(), raw),
    })
}

fn transform(
    raw: &Raw,
    name: &str,
    body: &RawTransform,
    artifact: &Artifact,
    typed: &TypedTransform,
    kept: &Kept,
) -> Option<TransformPlan> {
    Some(TransformPlan {
        name: name.to_owned(),
        artifact: artifact.clone(),
        params: body.params_json.clone(),
        limits: body.limits,
        description: typed.description.clone(),
        inputs: typed.inputs.iter().map(|input| kept.input(input)).collect::<Option<_>>()?,
        joins: typed.joins.clone(),
        table_schemas: typed.table_schemas.clone(),
        outputs: typed.outputs.iter().map(|port| Arc::clone(&port.schema)).collect(),
        on_error: policy(body.on_error.as_ref(), raw),
        parallelism: body.parallelism.value,
        max_waiting: body.max_waiting,
    })
}
