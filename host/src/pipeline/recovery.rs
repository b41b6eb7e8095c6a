//! From a store to a pipeline that is ready to go on: epoch 0 for a new one, else the commits that
//! the last checkpoint names, the end of what came after it, and seeks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::coordinator::CommittingSink;
use super::settle::{Candidate, Settled, settle};
use super::table_refresh::TableRefresh;
use super::{NodeError, PipelineError, RunOptions, dead_letter_schema};
use crate::checkpoint::{Checkpoint, CheckpointStore, Opened, state};
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
    /// Where the files of state and waiting rows are.
    pub state_folder: PathBuf,
    /// Those of them that a checkpoint in the store names.
    pub state_files: BTreeSet<String>,
}

/// Recovers the pipeline of `plan`: after this, rows may flow.
pub(super) fn recover(plan: &Plan, options: &RunOptions) -> Result<Recovered, PipelineError> {
    let Opened { store, last } = CheckpointStore::open(&plan.checkpoint.store, &plan.name)?;
    let resumes = last.is_some();
    let tables = TableRefresh::start(&plan.tables)?;
    let sinks = sinks(plan, &store)?;
    let checkpoint = match last {
        Some(checkpoint) => same_nodes(plan, &sinks, checkpoint)?,
        None => begin(plan, options, &store, &sinks, &tables)?,
    };
    let candidates = sinks.iter().map(|(config, context)| Candidate::of(config, context)).collect();
    let Settled { checkpoint, writers, committers } =
        settle(&store, checkpoint, candidates, &options.faults)?;
    let state_folder = store.state_folder()?;
    let state_files = store.files()?;
    state::sweep(&state_folder, &state_files)?;
    let sources = open_sources(plan, options, &checkpoint)?;
    let resumed_from = resumes.then_some(checkpoint.epoch);
    Ok(Recovered {
        store,
        checkpoint,
        resumed_from,
        sources,
        writers,
        committers,
        tables,
        state_folder,
        state_files,
    })
}

/// The checkpoint, if the plan still has every source and sink of it. A source that goes by another
/// name now would be read from its start again; what was prepared for a sink that is gone would
/// never be committed.
fn same_nodes(
    plan: &Plan,
    sinks: &[(SinkConfig, SinkContext)],
    checkpoint: Checkpoint,
) -> Result<Checkpoint, PipelineError> {
    let (epoch, store) = (checkpoint.epoch, &plan.checkpoint.store);
    let has_source = |name: &str| plan.sources.iter().any(|source| source.config.name == name);
    if let Some(gone) = checkpoint.positions.keys().find(|name| !has_source(name)) {
        let (source_name, store) = (gone.clone(), store.clone());
        return Err(PipelineError::SourceGone { source_name, epoch, store });
    }
    let has_sink = |name: &str| sinks.iter().any(|(_, context)| context.sink == name);
    if let Some(gone) = checkpoint.handles.keys().find(|name| !has_sink(name)) {
        let (sink, store) = (gone.clone(), store.clone());
        return Err(PipelineError::SinkGone { sink, epoch, store });
    }
    let keeps =
        |name: &str| plan.transforms.iter().any(|stage| stage.name == name && stage.is_stateful());
    if let Some(gone) = checkpoint.stages.keys().find(|name| !keeps(name)) {
        let (stage, store) = (gone.clone(), store.clone());
        return Err(PipelineError::StageGone { stage, epoch, store });
    }
    Ok(checkpoint)
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
        options.faults.at("initialised", &context.sink, 0)?;
    }
    store.write(&checkpoint)?;
    options.faults.at("begun", "", 0)?;
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
