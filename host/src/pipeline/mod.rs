//! A running pipeline: the graph of nodes, their threads, checkpoints and recovery.
//!
//! [`run`] is the whole life of one: recover, start a thread for each source, chain of stages and
//! sink, coordinate checkpoints, end. Rows flow from node to node over bounded edges; the
//! coordinator never touches a row.
//!
//! *Invariants*: nothing is unbounded; a position is acknowledged only after its checkpoint's
//! commits are confirmed; a node's failure ends its pipeline and nothing else.
//! *Not here*: what nodes do with rows (`source`, `stage`, `sink`), several pipelines
//! (`supervisor`).

mod builder;
mod chain_node;
mod coordinator;
mod cuts;
mod dead_letters;
mod edge;
mod error;
mod event_time;
mod fanout;
mod faults;
mod held;
mod launch;
mod message;
mod recovery;
mod repeat;
mod settle;
mod sink_node;
mod source_node;
mod stand_ins;
mod stateful;
mod stateful_node;
mod status;
mod stop;
mod table_refresh;
mod wiring;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use status::StatusWriter;

pub use dead_letters::dead_letter_schema;
pub use error::{NodeError, PipelineError};
pub use faults::Faults;
pub use stand_ins::{StandIn, StandIns};
pub use status::{
    LoadStatus, RunState, SinkStatus, SourceStatus, Status, TransformStatus, Waiting,
};
pub use stop::{StopSignal, Stopping};

use crate::checkpoint::{CheckpointStore, Opened};
use crate::config::Plan;
use crate::telemetry::{Clock, NodeCounters, PipelineCounters};

/// What a run may be told beside its plan. The default is what users get.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Where processing time comes from.
    pub clock: Clock,
    /// Asks for a graceful stop.
    pub stop: StopSignal,
    /// Where to crash, for tests.
    pub faults: Faults,
    /// A seed to cut batches at random, for tests.
    pub cuts: Option<u64>,
    /// Sinks in the places of configured ones, for tests.
    pub sinks: StandIns,
}

/// How a run ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every source ended; the last checkpoint says so.
    Finished,
    /// There was nothing after the last checkpoint, which was the end already.
    AlreadyFinished,
    /// A signal asked for it; a restart goes on.
    Stopped,
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How it ended.
    pub outcome: Outcome,
    /// The epoch of the checkpoint that it went on from; `None`: it began anew.
    pub resumed_from: Option<u64>,
    /// Whether that checkpoint was an end, so that the input has grown since.
    pub had_finished: bool,
    /// From the first thread to the last.
    pub elapsed: Duration,
}

/// The counters of a plan's nodes, all zero: [`run`] counts in them, others may look.
#[must_use]
pub fn counters(plan: &Plan) -> Arc<PipelineCounters> {
    let node = |name: &str| (name.to_owned(), Arc::new(NodeCounters::default()));
    let letters = plan.dead_letters.iter().map(|_| recovery::DEAD_LETTERS);
    let sinks = plan.sinks.iter().map(|sink| sink.config.name.as_str());
    Arc::new(PipelineCounters {
        loads: sinks.chain(letters).map(|sink| (sink.to_owned(), Arc::default())).collect(),
        sources: plan.sources.iter().map(|source| node(&source.config.name)).collect(),
        transforms: plan.transforms.iter().map(|transform| node(&transform.name)).collect(),
        sinks: plan.sinks.iter().map(|sink| node(&sink.config.name)).collect(),
        ..PipelineCounters::default()
    })
}

/// Runs a pipeline from its last checkpoint to its end, a signal, or a failure.
///
/// # Errors
/// [`PipelineError`]: what was checkpointed stays good, and a restart goes on from there.
pub fn run(
    plan: &Plan,
    options: &RunOptions,
    counters: &Arc<PipelineCounters>,
) -> Result<Summary, PipelineError> {
    let mut life = Life { plan, options, counters, first: None, repeated: false, given_up: 0 };
    let opened = CheckpointStore::open(&plan.checkpoint.store, &plan.name)?;
    // The store is ours now, and with it the status in its folder.
    let status = StatusWriter::start(plan, options, counters)?;
    let result = life.live(opened);
    status.end(&result);
    result
}

/// How often in a row a target may give up what was prepared before the pipeline ends.
const PATIENCE: u32 = 3;

/// A pipeline over its recoveries: there is more than one where a target gives up what was prepared.
struct Life<'a> {
    plan: &'a Plan,
    options: &'a RunOptions,
    counters: &'a Arc<PipelineCounters>,
    /// The epoch that the first recovery went on from, and whether that was an end.
    first: Option<(Option<u64>, bool)>,
    /// Whether the last launch repeated a checkpoint.
    repeated: bool,
    /// How often a target has given something up since the last checkpoint.
    given_up: u32,
}

impl Life<'_> {
    /// Recovers and runs until there is nothing to go back for.
    fn live(&mut self, mut opened: Opened) -> Result<Summary, PipelineError> {
        let started = Instant::now();
        let outcome = loop {
            if let Some(outcome) = self.go_on(opened)? {
                break outcome;
            }
            opened = CheckpointStore::open(&self.plan.checkpoint.store, &self.plan.name)?;
        };
        let (resumed_from, had_finished) = self.first.unwrap_or_default();
        Ok(Summary { outcome, resumed_from, had_finished, elapsed: started.elapsed() })
    }

    /// Recovers and runs. `None`: the pipeline is to go on from its last checkpoint.
    fn go_on(&mut self, opened: Opened) -> Result<Option<Outcome>, PipelineError> {
        let Self { plan, options, counters, .. } = *self;
        let recovered = recovery::recover(plan, options, counters, opened)?;
        // What was read and not saved comes again.
        let read = PipelineCounters::total(&counters.sources, |source| &source.rows_in);
        counters.rows_saved.store(read, Ordering::Relaxed);
        counters.epoch.store(recovered.checkpoint.epoch, Ordering::Relaxed);
        counters.checkpoint_time.store(recovered.checkpoint.time, Ordering::Relaxed);
        self.first.get_or_insert((recovered.resumed_from, recovered.checkpoint.finished));
        let repeats = recovered.repeat.is_some();
        let checkpoints = NodeCounters::get(&counters.checkpoints);
        let landed = launch::launch(plan, options, counters, recovered)?;
        let progressed = NodeCounters::get(&counters.checkpoints) > checkpoints;
        self.given_up = if progressed { 0 } else { self.given_up };
        match landed.result {
            Ok(_) if repeats && options.stop.state() == Stopping::No => {
                if !landed.quiet {
                    return Err(PipelineError::StopTimeout);
                }
                self.repeated = true;
                Ok(None)
            }
            // What the run before repeated was the end.
            Ok(Outcome::AlreadyFinished) if self.repeated => Ok(Some(Outcome::Finished)),
            Ok(outcome) => Ok(Some(outcome)),
            Err(error @ PipelineError::Expired { .. })
                if landed.quiet && self.given_up < PATIENCE =>
            {
                self.given_up += 1;
                tracing::warn!(%error, "the pipeline goes back and makes those rows again");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
