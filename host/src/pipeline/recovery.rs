//! From a store to a pipeline that is ready to go on: epoch 0 for a new one, else the commits that
//! the last checkpoint names, the end of what came after it, and seeks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::coordinator::CommittingSink;
use super::settle::{Candidate, Settled, settle};
use super::table_refresh::TableRefresh;
use super::{NodeError, PipelineError, RunOptions, dead_letter_schema};
use crate::checkpoint::{Checkpoint, CheckpointStore, Opened};
use crate::config::Plan;
use crate::record::Schema;
use crate::sink::{Durability, Sink, SinkConfig, SinkContext, SinkError};
use crate::source::Source;

/// The name of the dead letters' sink among the handles.
pub(super) const DEAD_LETTERS: &str = "dead_letters";

/// A pipeline at its last checkpoint, with nothing beyond it anywhere.
pub(super) struct Recovered {
    pub store: CheckpointStore,
    pub checkpoint: Checkpoint,
    pub resumed_from: Option<u64>,
    pub sources: BTreeMap<String, Box<dyn Source>>,
    /// The writing halves, by name.
    pub writers: BTreeMap<String, Box<dyn Sink>>,
    /// The committing halves, in the order in which sinks commit.
    pub committers: Vec<CommittingSink>,
    pub tables: TableRefresh,
}

/// Recovers the pipeline of `plan`: after this, rows may flow.
pub(super) fn recover(plan: &Plan, options: &RunOptions) -> Result<Recovered, PipelineError> {
    let Opened { store, last } = CheckpointStore::open(&plan.checkpoint.store, &plan.name)?;
    let resumed_from = last.as_ref().map(|checkpoint| checkpoint.epoch);
    let tables = TableRefresh::start(&plan.tables)?;
    let sinks = sinks(plan, &store)?;
    let checkpoint = match last {
        Some(checkpoint) => same_sources(plan, checkpoint)?,
        None => begin(plan, options, &store, &sinks, &tables)?,
    };
    let candidates = sinks.iter().map(|(config, context)| Candidate::of(config, context)).collect();
    let Settled { checkpoint, writers, committers } =
        settle(&store, checkpoint, candidates, &options.faults)?;
    let sources = open_sources(plan, options, &checkpoint)?;
    Ok(Recovered { store, checkpoint, resumed_from, sources, writers, committers, tables })
}

/// The checkpoint, if the plan still has every source of it: one that is gone, or goes by another
/// name now, would be read from its start again and double its rows.
fn same_sources(plan: &Plan, checkpoint: Checkpoint) -> Result<Checkpoint, PipelineError> {
    let known = |name: &str| plan.sources.iter().any(|source| source.config.name == name);
    match checkpoint.positions.keys().find(|name| !known(name)) {
        None => Ok(checkpoint),
        Some(gone) => Err(PipelineError::SourceGone {
            source_name: gone.clone(),
            epoch: checkpoint.epoch,
            store: plan.checkpoint.store.clone(),
        }),
    }
}

/// Writes epoch 0: where each source begins, and what each sink holds before the first row.
fn begin(
    plan: &Plan,
    options: &RunOptions,
    store: &CheckpointStore,
    sinks: &[(SinkConfig, SinkContext)],
    tables: &TableRefresh,
) -> Result<Checkpoint, PipelineError> {
    let mut checkpoint = Checkpoint {
        time: options.clock.now(),
        tables: tables.versions(),
        ..Checkpoint::default()
    };
    for (name, source) in open_sources(plan, options, &checkpoint)? {
        checkpoint.positions.insert(name, source.position());
    }
    for (config, context) in sinks {
        let handle = config.initialise(context).map_err(failed(&context.sink))?;
        checkpoint.handles.insert(context.sink.clone(), handle.0);
    }
    store.write(&checkpoint)?;
    Ok(checkpoint)
}

fn open_sources(
    plan: &Plan,
    options: &RunOptions,
    checkpoint: &Checkpoint,
) -> Result<BTreeMap<String, Box<dyn Source>>, PipelineError> {
    let mut sources = BTreeMap::new();
    for source in &plan.sources {
        let name = &source.config.name;
        let position = checkpoint.positions.get(name);
        let open = source.config.open(position, options.clock).map_err(|error| {
            PipelineError::Node { node: name.clone(), source: Box::new(NodeError::Source(error)) }
        })?;
        sources.insert(name.clone(), open);
    }
    Ok(sources)
}

/// Every sink with its context, in the order in which they commit.
fn sinks(
    plan: &Plan,
    store: &CheckpointStore,
) -> Result<Vec<(SinkConfig, SinkContext)>, PipelineError> {
    let context = |sink: &str, schema: Arc<Schema>| -> Result<SinkContext, PipelineError> {
        Ok(SinkContext {
            pipeline: plan.name.clone(),
            sink: sink.to_owned(),
            incarnation: store.incarnation().to_owned(),
            segments: store.segments(sink)?,
            schema,
        })
    };
    let mut sinks = Vec::new();
    for sink in &plan.sinks {
        let context = context(&sink.config.name, Arc::clone(&sink.schema))?;
        sinks.push((sink.config.clone(), context));
    }
    sinks.sort_by_key(|(config, _)| u8::from(config.durability() != Durability::TwoPhase));
    if let Some(letters) = &plan.dead_letters {
        sinks
            .push((letters.config.clone(), context(DEAD_LETTERS, Arc::new(dead_letter_schema()))?));
    }
    Ok(sinks)
}

/// A sink's error as the pipeline's.
pub(super) fn failed(sink: &str) -> impl Fn(SinkError) -> PipelineError + use<> {
    let node = sink.to_owned();
    move |error| PipelineError::Node {
        node: node.clone(),
        source: Box::new(NodeError::Sink(error)),
    }
}
