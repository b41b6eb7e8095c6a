//! From a store to a pipeline that is ready to go on: epoch 0 for a new one, else the commits that
//! the last checkpoint names, the end of what came after it, and seeks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::coordinator::CommittingSink;
use super::repeat::{SourceTarget, obstacle};
use super::settle::{Candidate, Settled, settle};
use super::stand_ins::PlannedSink;
use super::table_refresh::TableRefresh;
use super::{NodeError, PipelineError, RunOptions, dead_letter_schema};
use crate::checkpoint::{Checkpoint, CheckpointStore, Opened, Repeat, state};
use crate::config::Plan;
use crate::record::{Position, Schema};
use crate::sink::{Durability, Sink, SinkConfig, SinkContext, SinkError};
use crate::source::{Source, SourceConfig};
use crate::telemetry::PipelineCounters;

/// The name of the dead letters' sink among the handles.
pub(super) const DEAD_LETTERS: &str = "dead_letters";

/// A pipeline at its last checkpoint, with nothing beyond it anywhere.
pub(super) struct Recovered {
    pub store: CheckpointStore,
    pub checkpoint: Checkpoint,
    pub resumed_from: Option<u64>,
    /// What this run repeats, and nothing else.
    pub repeat: Option<Repeat>,
    /// Where it has to bring the sources.
    pub targets: BTreeMap<String, SourceTarget>,
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

/// Recovers the pipeline of `plan` from its store: after this, rows may flow.
pub(super) fn recover(
    plan: &Plan,
    options: &RunOptions,
    counters: &PipelineCounters,
    Opened { store, last }: Opened,
) -> Result<Recovered, PipelineError> {
    let resumes = last.is_some();
    let tables = TableRefresh::start(&plan.tables)?;
    let sinks = sinks(plan, options, counters, &store)?;
    let checkpoint = match last {
        Some(checkpoint) => {
            same_nodes(plan, &sinks, &checkpoint)?;
            checkpoint
        }
        None => begin(plan, options, &store, &sinks, &tables)?,
    };
    if let Some(repeat) = store.repeat()? {
        same_nodes(plan, &sinks, &repeat.target)?;
    }
    let candidates: Vec<Candidate<'_>> = sinks.iter().map(Candidate::of).collect();
    let versions = tables.versions();
    let obstacle = |repeat: &Repeat| obstacle(plan, repeat, &versions);
    let mut settled = settle(&store, checkpoint, &candidates, &obstacle, &options.faults)?;
    let state_folder = store.state_folder()?;
    let state_files = store.files()?;
    state::sweep(&state_folder, &state_files)?;
    let sources = open_sources(plan, options, &settled.checkpoint)?;
    let targets = targets(plan, options, settled.repeat.as_ref())?;
    settled.ready()?;
    let Settled { checkpoint, repeat, writers, committers } = settled;
    let resumed_from = resumes.then_some(checkpoint.epoch);
    Ok(Recovered {
        store,
        checkpoint,
        resumed_from,
        repeat,
        targets,
        sources,
        writers,
        committers,
        tables,
        state_folder,
        state_files,
    })
}

/// Checks that the plan still has every source and sink of the checkpoint. A source that goes by
/// another name now would be read from its start again; what was prepared for a sink that is gone
/// would never be committed.
fn same_nodes(
    plan: &Plan,
    sinks: &[PlannedSink],
    checkpoint: &Checkpoint,
) -> Result<(), PipelineError> {
    let (epoch, store) = (checkpoint.epoch, &plan.checkpoint.store);
    let has_source = |name: &str| plan.sources.iter().any(|source| source.config.name == name);
    if let Some(gone) = checkpoint.positions.keys().find(|name| !has_source(name)) {
        let (source_name, store) = (gone.clone(), store.clone());
        return Err(PipelineError::SourceGone { source_name, epoch, store });
    }
    let has_sink = |name: &str| sinks.iter().any(|sink| sink.context.sink == name);
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
    Ok(())
}

/// Writes epoch 0: where each source begins, and what each sink holds before the first row.
fn begin(
    plan: &Plan,
    options: &RunOptions,
    store: &CheckpointStore,
    sinks: &[PlannedSink],
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
    for sink in sinks {
        let name = &sink.context.sink;
        let handle = sink.initialise().map_err(failed(name))?;
        checkpoint.handles.insert(name.clone(), handle.0);
        options.faults.at("initialised", name, 0)?;
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
        let open = open_source(&source.config, checkpoint.positions.get(name), options)?;
        sources.insert(name.clone(), open);
    }
    Ok(sources)
}

fn open_source(
    config: &SourceConfig,
    position: Option<&Position>,
    options: &RunOptions,
) -> Result<Box<dyn Source>, PipelineError> {
    config.open(position, options.clock).map_err(|error| PipelineError::Node {
        node: config.name.clone(),
        source: Box::new(NodeError::Source(error)),
    })
}

/// Where a repeat has to bring the sources; each is opened there, too, which checks that what stands
/// before is still what it was.
fn targets(
    plan: &Plan,
    options: &RunOptions,
    repeat: Option<&Repeat>,
) -> Result<BTreeMap<String, SourceTarget>, PipelineError> {
    let mut targets = BTreeMap::new();
    let Some(Repeat { target, .. }) = repeat else { return Ok(targets) };
    for source in &plan.sources {
        let name = &source.config.name;
        // There is both, or the repeat would not have begun.
        let progress = target.read.get(name).copied();
        let Some((progress, position)) = progress.zip(target.positions.get(name)) else { continue };
        let there = open_source(&source.config, Some(position), options)?;
        let (epoch, position) = (target.epoch, position.clone());
        targets.insert(name.clone(), SourceTarget { epoch, progress, position, there });
    }
    Ok(targets)
}

/// Every sink with its context, in the order in which they commit.
fn sinks(
    plan: &Plan,
    options: &RunOptions,
    counters: &PipelineCounters,
    store: &CheckpointStore,
) -> Result<Vec<PlannedSink>, PipelineError> {
    let planned = |sink: &str, config: &SinkConfig, schema: Arc<Schema>| {
        let context = SinkContext {
            pipeline: plan.name.clone(),
            sink: sink.to_owned(),
            incarnation: store.incarnation().to_owned(),
            segments: store.segments(sink)?,
            schema,
            clock: options.clock,
            counters: counters.loads.get(sink).cloned().unwrap_or_default(),
        };
        let stand_in = options.sinks.get(sink);
        Ok::<_, PipelineError>(PlannedSink { config: config.clone(), context, stand_in })
    };
    let mut sinks = Vec::new();
    for sink in &plan.sinks {
        sinks.push(planned(&sink.config.name, &sink.config, Arc::clone(&sink.schema))?);
    }
    if let Some(letters) = &plan.dead_letters {
        sinks.push(planned(DEAD_LETTERS, &letters.config, Arc::new(dead_letter_schema()))?);
    }
    // The dead letters' sink stays the last of its kind; where it is a two-phase one, it can expire,
    // and then nothing may be visible at those that cannot.
    sinks.sort_by_key(|sink| u8::from(sink.durability() != Durability::TwoPhase));
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
