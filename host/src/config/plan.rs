//! What a checked file comes to: everything that a pipeline needs to run, with every name resolved.
//!
//! *Invariants*: transforms are in topological order, so an edge leads from a source or from an
//! earlier transform; every column index fits its schema; every node of the plan reaches a sink.
//! *Not here*: how it came about (`validate`), how it runs (`pipeline`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::problem::Problems;
use crate::record::Schema;
use crate::sandbox::{Artifact, Description, Limits, Order, TableSchema};
use crate::sink::SinkConfig;
use crate::source::{Budget, SourceConfig};
use crate::stage::{JoinConfig, StageConfig, StageInput};
use crate::table::TableConfig;

/// What a sink promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Every row takes effect once.
    ExactlyOnce,
    /// Every row takes effect, after a crash perhaps more than once.
    AtLeastOnce,
}

impl Delivery {
    /// The names in the TOML.
    pub const NAMES: [(&'static str, Self); 2] =
        [("exactly-once", Self::ExactlyOnce), ("at-least-once", Self::AtLeastOnce)];
}

/// What a node does with a row that it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Stop the pipeline.
    Halt,
    /// Set it aside and go on; `max` says how many are too many.
    DeadLetter {
        /// The most that one run may set aside at this node.
        max: Option<u64>,
    },
}

/// A node that rows come from: its index among the plan's sources or transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeId {
    /// A source.
    Source(usize),
    /// A transform.
    Transform(usize),
}

/// Where an input's rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The node.
    pub node: NodeId,
    /// Index of its port; a source has one.
    pub port: usize,
}

/// When and where progress is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointPlan {
    /// After this much time.
    pub every: Option<Duration>,
    /// After this many rows.
    pub rows: Option<u64>,
    /// The store's folder.
    pub store: PathBuf,
}

/// A source.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// Its settings; the columns are those that something uses.
    pub config: SourceConfig,
    /// What its rows look like: `config.schema()`.
    pub schema: Arc<Schema>,
    /// What it does with a row that it cannot decode.
    pub on_error: OnError,
}

/// One input of a transform.
#[derive(Clone, Debug)]
pub struct InputPlan {
    /// The node's name, or the key of named inputs.
    pub name: String,
    /// Where its rows come from; several edges are a union, and have equal schemas.
    pub edges: Vec<Edge>,
    /// What its rows look like.
    pub schema: Arc<Schema>,
    /// The columns that the module reads, in its order.
    pub reads: Vec<usize>,
    /// The columns that make the key of a keyed transform's state, in its order.
    pub key: Vec<usize>,
}

/// A transform.
#[derive(Clone, Debug)]
pub struct TransformPlan {
    /// The node's name.
    pub name: String,
    /// The module.
    pub artifact: Artifact,
    /// What the module is told, an object.
    pub params: serde_json::Value,
    /// What one instance may use.
    pub limits: Limits,
    /// What the module said about itself, for these inputs.
    pub description: Description,
    /// Its inputs, in order.
    pub inputs: Vec<InputPlan>,
    /// Its joins, in the order of the description's tables.
    pub joins: Vec<JoinConfig>,
    /// The joined tables as the module sees them, in the same order.
    pub table_schemas: Vec<TableSchema>,
    /// What the rows of each port look like: the module's, and then the late rows' where there are
    /// any.
    pub outputs: Vec<Arc<Schema>>,
    /// What becomes of a row that it refuses.
    pub on_error: OnError,
    /// How many instances share the keys.
    pub parallelism: usize,
    /// Bytes of rows that may wait for their event time in one instance.
    pub max_waiting: u64,
}

impl TransformPlan {
    /// Every edge that leads here, with the index of the input.
    #[must_use]
    pub fn edges(&self) -> Vec<(Edge, usize)> {
        self.inputs
            .iter()
            .enumerate()
            .flat_map(|(index, input)| input.edges.iter().map(move |edge| (*edge, index)))
            .collect()
    }

    /// Whether it keeps something between batches: state, timers, or rows that wait for their event
    /// time.
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        let Description { keyed, states, order, watermarks, ticks, .. } = &self.description;
        *keyed || !states.is_empty() || *order == Order::EventTime || *watermarks || *ticks
    }

    /// How many instances it has.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.parallelism.max(1)
    }

    /// The port of late rows, where it has one.
    #[must_use]
    pub fn late_port(&self) -> Option<usize> {
        let ports = self.description.outputs.len();
        (self.outputs.len() > ports).then_some(ports)
    }

    /// What the stage that runs it is told.
    #[must_use]
    pub fn stage(&self) -> StageConfig {
        let input = |input: &InputPlan| StageInput {
            name: input.name.clone(),
            schema: Arc::clone(&input.schema),
            reads: input.reads.clone(),
            key: input.key.clone(),
        };
        StageConfig {
            name: self.name.clone(),
            artifact: self.artifact.clone(),
            params: self.params.clone(),
            limits: self.limits,
            description: self.description.clone(),
            inputs: self.inputs.iter().map(input).collect(),
            joins: self.joins.clone(),
            table_schemas: self.table_schemas.clone(),
            outputs: self.outputs.clone(),
        }
    }
}

/// A sink.
#[derive(Clone, Debug)]
pub struct SinkPlan {
    /// Its settings.
    pub config: SinkConfig,
    /// Where its rows come from.
    pub input: Edge,
    /// What they look like.
    pub schema: Arc<Schema>,
    /// What it promises.
    pub delivery: Delivery,
    /// What becomes of a row that it refuses.
    pub on_error: OnError,
}

/// The sink of the dead letters.
#[derive(Clone, Debug)]
pub struct DeadLettersPlan {
    /// Its settings.
    pub config: SinkConfig,
    /// What it promises.
    pub delivery: Delivery,
}

/// A pipeline that can run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// The file that it was read from, as the caller named it.
    pub file: PathBuf,
    /// What its sinks promise, unless they say otherwise.
    pub delivery: Delivery,
    /// When and where progress is saved.
    pub checkpoint: CheckpointPlan,
    /// How large batches grow.
    pub batch: Budget,
    /// How long a stop may take.
    pub stop_timeout: Duration,
    /// The sources.
    pub sources: Vec<SourcePlan>,
    /// The tables that some join uses.
    pub tables: Vec<TableConfig>,
    /// The transforms, each behind those that it reads.
    pub transforms: Vec<TransformPlan>,
    /// The sinks.
    pub sinks: Vec<SinkPlan>,
    /// The sink of the dead letters, where there is one.
    pub dead_letters: Option<DeadLettersPlan>,
    /// What is probably not as meant, though it can run.
    pub warnings: Problems,
}
