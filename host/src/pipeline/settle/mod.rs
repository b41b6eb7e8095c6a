//! The end of what a dead run left open: commits are finished, the rest is discarded, and a
//! checkpoint whose handle the target has given up falls back to the one before.
//!
//! *Invariants*: two-phase sinks settle first, so while one of their handles can still turn out to
//! have expired, nothing of that checkpoint is visible at a write-ahead or truncating sink.

use std::collections::BTreeMap;

use super::PipelineError;
use super::coordinator::{CommittingSink, commit};
use super::faults::Faults;
use super::recovery::failed;
use crate::checkpoint::{Checkpoint, CheckpointStore};
use crate::sink::{
    Committed, Durability, Handle, OpenSink, Sink, SinkConfig, SinkContext, SinkError,
};

/// Opens a sink at a handle.
type Open<'a> = dyn Fn(&Handle) -> Result<OpenSink, SinkError> + 'a;

/// A sink that is about to be opened at a handle.
pub(super) struct Candidate<'a> {
    name: String,
    durability: Durability,
    initialise: Box<dyn Fn() -> Result<Handle, SinkError> + 'a>,
    open: Box<Open<'a>>,
}

impl<'a> Candidate<'a> {
    pub(super) fn of(config: &'a SinkConfig, context: &'a SinkContext) -> Self {
        Self {
            name: context.sink.clone(),
            durability: config.durability(),
            initialise: Box::new(|| config.initialise(context)),
            open: Box::new(|handle| config.open(context, handle)),
        }
    }
}

/// Sinks that stand exactly at a checkpoint.
pub(super) struct Settled {
    pub checkpoint: Checkpoint,
    pub writers: BTreeMap<String, Box<dyn Sink>>,
    /// In the order in which sinks commit.
    pub committers: Vec<CommittingSink>,
}

/// Opens every sink at `checkpoint`, finishes its commits and discards what lies beyond it. The
/// candidates come in the order in which sinks commit.
///
/// # Errors
/// A sink's or the store's; [`PipelineError::Expired`] where a handle has expired and the
/// checkpoint can no longer be dropped whole.
pub(super) fn settle(
    store: &CheckpointStore,
    checkpoint: Checkpoint,
    candidates: Vec<Candidate<'_>>,
    faults: &Faults,
) -> Result<Settled, PipelineError> {
    let expired = match attempt(store, checkpoint.clone(), &candidates, faults)? {
        Attempt::Settled(settled) => return Ok(*settled),
        Attempt::Expired { sink } => sink,
    };
    let epoch = checkpoint.epoch;
    let gone = || PipelineError::Expired { sink: expired.clone(), epoch };
    let before = store.fall_back(epoch)?.ok_or_else(gone)?;
    tracing::warn!(
        sink = expired,
        epoch,
        restored = before.epoch,
        "the target gave up what was prepared; the checkpoint is dropped whole and its rows come again"
    );
    match attempt(store, before, &candidates, faults)? {
        Attempt::Settled(settled) => Ok(*settled),
        Attempt::Expired { .. } => Err(gone()),
    }
}

enum Attempt {
    Settled(Box<Settled>),
    /// This sink's handle has expired, and nothing of the checkpoint is committed anywhere.
    Expired {
        sink: String,
    },
}

fn attempt(
    store: &CheckpointStore,
    checkpoint: Checkpoint,
    candidates: &[Candidate<'_>],
    faults: &Faults,
) -> Result<Attempt, PipelineError> {
    let epoch = checkpoint.epoch;
    let mut writers = BTreeMap::new();
    let mut open = Vec::new();
    let mut visible = false;
    for candidate in candidates {
        let name = &candidate.name;
        let known = checkpoint.handles.get(name).cloned().map(Handle);
        let handle = match &known {
            Some(handle) => handle.clone(),
            None => (candidate.initialise)().map_err(failed(name))?,
        };
        let OpenSink { sink, committer } = (candidate.open)(&handle).map_err(failed(name))?;
        let mut committing = CommittingSink { name: name.clone(), committer, counters: None };
        let confirmed = known.is_none() || store.is_confirmed(epoch, name)?;
        if !confirmed
            && commit(store, &mut committing, epoch, &handle, faults)? == Committed::Expired
        {
            if visible {
                return Err(PipelineError::Expired { sink: name.clone(), epoch });
            }
            return Ok(Attempt::Expired { sink: name.clone() });
        }
        visible |= known.is_some() && candidate.durability == Durability::TwoPhase;
        writers.insert(name.clone(), sink);
        open.push((committing, handle));
    }
    let mut committers = Vec::new();
    for (mut committing, handle) in open {
        let failed = failed(&committing.name);
        committing.committer.discard_beyond(&handle).map_err(failed)?;
        committers.push(committing);
    }
    Ok(Attempt::Settled(Box::new(Settled { checkpoint, writers, committers })))
}

#[cfg(test)]
mod tests;
