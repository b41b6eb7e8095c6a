//! Several pipelines in one process, failures apart.
//!
//! *Invariants*: each pipeline has its own threads and store; one that fails leaves the others be.
//! *Not here*: what a pipeline does (`pipeline`), what a command prints (`cli`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crate::config::Plan;
use crate::pipeline::{self, PipelineError, RunOptions, Summary};
use crate::telemetry::PipelineCounters;

/// How one pipeline's run ended.
#[derive(Debug)]
pub enum Ended {
    /// Well.
    Well(Summary),
    /// With an error; what was checkpointed stays good.
    Failed(PipelineError),
    /// With a panic: a broken invariant of ours.
    Panicked,
}

/// Runs pipelines side by side until all have ended. The endings are in the order of the plans.
///
/// Shape: a plan and its counters each, in; one ending each, out. A signal in `options` reaches all.
#[must_use]
pub fn run_all(plans: &[(Plan, Arc<PipelineCounters>)], options: &RunOptions) -> Vec<Ended> {
    run_all_and_tell(plans, options, &|_, _| {})
}

/// As [`run_all`]; `ended` hears of each ending at once, on the pipeline's own thread, while the
/// others may run on for days.
#[must_use]
pub fn run_all_and_tell(
    plans: &[(Plan, Arc<PipelineCounters>)],
    options: &RunOptions,
    ended: &(dyn Fn(&Plan, &Ended) + Sync),
) -> Vec<Ended> {
    let run = |plan: &Plan, counters: &Arc<PipelineCounters>| {
        let run = AssertUnwindSafe(|| pipeline::run(plan, options, counters));
        let ending = match catch_unwind(run) {
            Ok(Ok(summary)) => Ended::Well(summary),
            Ok(Err(error)) => Ended::Failed(error),
            Err(_) => Ended::Panicked,
        };
        ended(plan, &ending);
        ending
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            plans.iter().map(|(plan, counters)| scope.spawn(move || run(plan, counters))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Ended::Panicked)).collect()
    })
}
