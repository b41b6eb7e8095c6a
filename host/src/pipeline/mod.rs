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
mod settle;
mod sink_node;
mod source_node;
mod stateful;
mod stateful_node;
mod stop;
mod table_refresh;
mod wiring;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use dead_letters::dead_letter_schema;
pub use error::{NodeError, PipelineError};
pub use faults::Faults;
pub use stop::{StopSignal, Stopping};

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
    Arc::new(PipelineCounters {
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
    let started = Instant::now();
    let recovered = recovery::recover(plan, options)?;
    let (resumed_from, had_finished) = (recovered.resumed_from, recovered.checkpoint.finished);
    let outcome = launch::launch(plan, options, counters, recovered)?;
    Ok(Summary { outcome, resumed_from, had_finished, elapsed: started.elapsed() })
}
