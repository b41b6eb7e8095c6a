//! Threads: one for each source, chain of stages and sink, and one for the coordinator, which the
//! caller's watches, so that a stop is timed whatever hangs.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::builder::Builder;
use super::coordinator::{Coordinator, PULSE};
use super::recovery::Recovered;
use super::{NodeError, Outcome, PipelineError, RunOptions, StopSignal, Stopping};
use crate::config::Plan;
use crate::telemetry::PipelineCounters;

/// How a launched pipeline ended.
pub(super) struct Landed {
    pub result: Result<Outcome, PipelineError>,
    /// Whether every node has: then nothing is held any more, and the pipeline can be recovered.
    pub quiet: bool,
}

/// Runs the recovered pipeline to its end.
///
/// # Errors
/// If a thread cannot be started, or the stop has not ended in time.
pub(super) fn launch(
    plan: &Plan,
    options: &RunOptions,
    counters: &Arc<PipelineCounters>,
    recovered: Recovered,
) -> Result<Landed, PipelineError> {
    let mut builder = Builder::new(plan, options, counters, recovered);
    builder.sources()?;
    builder.chains()?;
    builder.stateful()?;
    builder.sinks()?;
    builder.letters()?;
    let (coordinator, alive) = builder.coordinator();
    let result = watch(coordinator, &options.stop, plan.stop_timeout)?;
    // The coordinator has let go of the sources, which ends them, and with them every node
    // downstream; the channel closes with the last of them. One that hangs outside is not waited for
    // without end: the error is what the caller needs.
    let grace = Instant::now() + plan.stop_timeout;
    let quiet = !alive.recv_deadline(grace).is_err_and(|error| error.is_timeout());
    if !quiet {
        tracing::warn!("a node still waits for the outside and is left behind");
    }
    Ok(Landed { result, quiet })
}

/// Runs the coordinator on a thread of its own, so that a stop is timed whatever it waits for.
///
/// The outer error is [`PipelineError::StopTimeout`]: then nobody waits for anything any more, and
/// the abandoned thread keeps the store locked for as long as it may still write.
fn watch(
    mut coordinator: Coordinator,
    stop: &StopSignal,
    stop_timeout: Duration,
) -> Result<Result<Outcome, PipelineError>, PipelineError> {
    let (send, done) = bounded(1);
    thread::Builder::new()
        .name("coordinator".to_owned())
        .spawn(move || {
            let result = coordinator.run();
            drop(coordinator);
            drop(send.send(result));
        })
        .map_err(PipelineError::Thread)?;
    let mut deadline = None;
    loop {
        match done.recv_timeout(PULSE) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => {
                let source = Box::new(NodeError::Panicked);
                return Err(PipelineError::Node { node: "coordinator".to_owned(), source });
            }
            Err(RecvTimeoutError::Timeout) if stop.state() == Stopping::No => {}
            Err(RecvTimeoutError::Timeout) => {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + stop_timeout);
                if Instant::now() >= deadline {
                    return Err(PipelineError::StopTimeout);
                }
            }
        }
    }
}
