//! The end of what a dead run left open: commits are finished, the rest is discarded, and a
//! checkpoint whose handle the target has given up falls back to the one before, to be dropped whole
//! or to be come to again (`repeat`).
//!
//! *Invariants*: two-phase sinks settle first, so while one of their handles can still turn out to
//! have expired, nothing of that checkpoint is visible at a write-ahead or truncating sink; a
//! checkpoint of which anything is visible is never dropped.

use std::collections::BTreeMap;

use super::PipelineError;
use super::coordinator::{CommittingSink, commit};
use super::faults::Faults;
use super::recovery::failed;
use super::repeat::{Muted, lost};
use super::stand_ins::PlannedSink;
use crate::checkpoint::{Checkpoint, CheckpointStore, Repeat, Shown};
use crate::sink::{Committed, Durability, Handle, OpenSink, Sink, SinkError};

/// Opens a sink at a handle.
type Open<'a> = dyn Fn(&Handle) -> Result<OpenSink, SinkError> + 'a;

/// Says why a checkpoint cannot be come to again.
pub(super) type Obstacle<'a> = dyn Fn(&Repeat) -> Option<String> + 'a;

/// A sink that is about to be opened at a handle.
pub(super) struct Candidate<'a> {
    name: String,
    durability: Durability,
    initialise: Box<dyn Fn() -> Result<Handle, SinkError> + 'a>,
    open: Box<Open<'a>>,
}

impl<'a> Candidate<'a> {
    pub(super) fn of(sink: &'a PlannedSink) -> Self {
        Self {
            name: sink.context.sink.clone(),
            durability: sink.durability(),
            initialise: Box::new(|| sink.initialise()),
            open: Box::new(|handle| sink.open(handle)),
        }
    }

    /// Opens the sink where `checkpoint` has it; a sink that is new to the store is initialised.
    fn open(&self, checkpoint: &Checkpoint) -> Result<Opening, PipelineError> {
        let known = checkpoint.handles.get(&self.name).cloned().map(Handle);
        let is_new = known.is_none();
        let handle = match known {
            Some(handle) => handle,
            None => (self.initialise)().map_err(failed(&self.name))?,
        };
        self.open_at(handle, is_new)
    }

    fn open_at(&self, handle: Handle, is_new: bool) -> Result<Opening, PipelineError> {
        let OpenSink { sink, committer } = (self.open)(&handle).map_err(failed(&self.name))?;
        let committing = CommittingSink { name: self.name.clone(), committer, counters: None };
        Ok(Opening { writer: sink, committing, handle, is_new })
    }
}

/// A sink that is open and has not settled yet.
struct Opening {
    writer: Box<dyn Sink>,
    committing: CommittingSink,
    handle: Handle,
    is_new: bool,
}

/// Sinks that stand exactly at a checkpoint, or, where one is to be repeated, at it or at the one
/// before.
pub(super) struct Settled {
    pub checkpoint: Checkpoint,
    /// What is to be repeated from the checkpoint on.
    pub repeat: Option<Repeat>,
    pub writers: BTreeMap<String, Box<dyn Sink>>,
    /// In the order in which sinks commit.
    pub committers: Vec<CommittingSink>,
}

impl Settled {
    /// Discards what lies beyond the sinks' handles.
    fn of(
        checkpoint: Checkpoint,
        repeat: Option<Repeat>,
        open: Vec<Opening>,
    ) -> Result<Self, PipelineError> {
        let mut writers = BTreeMap::new();
        let mut committers = Vec::new();
        for Opening { writer, mut committing, handle, .. } in open {
            let failed = failed(&committing.name);
            committing.committer.discard_beyond(&handle).map_err(failed)?;
            writers.insert(committing.name.clone(), writer);
            committers.push(committing);
        }
        Ok(Self { checkpoint, repeat, writers, committers })
    }

    /// Tells the sinks that rows are about to flow, and which of them are visible already.
    pub(super) fn ready(&mut self) -> Result<(), PipelineError> {
        for (name, writer) in &mut self.writers {
            let failed = failed(name);
            writer.ready().map_err(&failed)?;
            let Some(repeat) = &self.repeat else { continue };
            if let Some(Shown::Part(visible)) = repeat.shown.get(name)
                && let Some(whole) = repeat.target.handles.get(name)
            {
                let (visible, whole) = (Handle(visible.clone()), Handle(whole.clone()));
                writer.mute(&visible, &whole).map_err(&failed)?;
            }
        }
        Ok(())
    }
}

/// Opens every sink at `checkpoint`, the last one of the store, finishes its commits and discards
/// what lies beyond it. The candidates come in the order in which sinks commit.
///
/// # Errors
/// A sink's or the store's; [`PipelineError::CannotRepeat`] where a handle has expired and the
/// checkpoint can neither be dropped whole nor be come to again.
pub(super) fn settle(
    store: &CheckpointStore,
    checkpoint: Checkpoint,
    candidates: &[Candidate<'_>],
    obstacle: &Obstacle<'_>,
    faults: &Faults,
) -> Result<Settled, PipelineError> {
    if let Some(repeat) = store.repeat()? {
        // A run ended on the way back, or before its first step.
        passable(&repeat, obstacle)?;
        return turn(checkpoint, repeat, candidates);
    }
    let (sink, shown) = match attempt(store, &checkpoint, candidates, faults)? {
        Attempt::Settled(settled) => return Ok(*settled),
        Attempt::Expired { sink, shown } => (sink, shown),
    };
    let epoch = checkpoint.epoch;
    let Some(shown) = shown else { return drop_whole(store, epoch, sink, candidates, faults) };
    let repeat = Repeat { target: checkpoint, shown };
    passable(&repeat, obstacle)?;
    let before = store.go_back(&repeat)?.ok_or_else(|| no_way(&repeat, NONE_BEFORE))?;
    faults.at("turned", "", epoch)?;
    tracing::warn!(
        sink,
        epoch,
        restored = before.epoch,
        "the target gave up a part of what was prepared; its rows come again, and those that are visible \
         stay as they are"
    );
    turn(before, repeat, candidates)
}

const NONE_BEFORE: &str = "the store does not have the checkpoint before it any more";

fn no_way(repeat: &Repeat, reason: impl Into<String>) -> PipelineError {
    let (lost, epoch) = (lost(repeat), repeat.target.epoch);
    PipelineError::CannotRepeat { lost, epoch, reason: reason.into() }
}

fn passable(repeat: &Repeat, obstacle: &Obstacle<'_>) -> Result<(), PipelineError> {
    obstacle(repeat).map_or(Ok(()), |reason| Err(no_way(repeat, reason)))
}

/// Drops a checkpoint of which nothing is visible, and settles at the one before.
fn drop_whole(
    store: &CheckpointStore,
    epoch: u64,
    sink: String,
    candidates: &[Candidate<'_>],
    faults: &Faults,
) -> Result<Settled, PipelineError> {
    let Some(before) = store.fall_back(epoch)? else {
        return Err(PipelineError::Expired { sink, epoch });
    };
    tracing::warn!(
        sink,
        epoch,
        restored = before.epoch,
        "the target gave up what was prepared; the checkpoint is dropped whole and its rows come again"
    );
    match attempt(store, &before, candidates, faults)? {
        Attempt::Settled(settled) => Ok(*settled),
        Attempt::Expired { sink, .. } => Err(PipelineError::Expired { sink, epoch: before.epoch }),
    }
}

/// Opens the sinks for a repeat: those that show something of the target stand there, and those that
/// show all of it are muted; the others stand at the checkpoint before.
fn turn(
    before: Checkpoint,
    repeat: Repeat,
    candidates: &[Candidate<'_>],
) -> Result<Settled, PipelineError> {
    let mut open = Vec::new();
    for candidate in candidates {
        let name = &candidate.name;
        let there = repeat.target.handles.get(name).cloned().map(Handle);
        let opening = match (repeat.shown.get(name), there) {
            (Some(shown), Some(handle)) => {
                let mut opening = candidate.open_at(handle, false)?;
                if *shown == Shown::Whole {
                    opening.writer = Box::new(Muted::new(opening.handle.clone()));
                }
                opening
            }
            _ => candidate.open(&before)?,
        };
        open.push(opening);
    }
    Settled::of(before, Some(repeat), open)
}

enum Attempt {
    Settled(Box<Settled>),
    /// This sink's handle has expired; what is visible of the checkpoint. `None`: nothing is.
    Expired {
        sink: String,
        shown: Option<BTreeMap<String, Shown>>,
    },
}

/// Stands at `checkpoint`; or, where a handle has expired and something else is visible, commits
/// whatever can be committed.
fn attempt(
    store: &CheckpointStore,
    checkpoint: &Checkpoint,
    candidates: &[Candidate<'_>],
    faults: &Faults,
) -> Result<Attempt, PipelineError> {
    let epoch = checkpoint.epoch;
    // A sink that took no row shows nothing, whatever its handle says.
    let took = |name: &str| checkpoint.taken.get(name).is_none_or(|taken| taken.rows > 0);
    let mut visible = false;
    for Candidate { name, durability, .. } in candidates {
        let counts = *durability == Durability::TwoPhase && took(name);
        visible |= counts && store.is_confirmed(epoch, name)?;
    }
    let mut open = Vec::new();
    let mut shown = BTreeMap::new();
    let mut expired = None;
    for candidate in candidates {
        let name = &candidate.name;
        let mut opening = candidate.open(checkpoint)?;
        let confirmed = opening.is_new || store.is_confirmed(epoch, name)?;
        let committed = if confirmed {
            Committed::Done
        } else {
            commit(store, &mut opening.committing, epoch, &opening.handle, faults)?
        };
        match committed {
            Committed::Done if opening.is_new => {}
            Committed::Done => {
                visible |= candidate.durability == Durability::TwoPhase && took(name);
                shown.insert(name.clone(), Shown::Whole);
            }
            Committed::Expired { visible: part } => {
                expired.get_or_insert_with(|| name.clone());
                visible |= part.is_some();
                if let Some(Handle(part)) = part {
                    shown.insert(name.clone(), Shown::Part(part));
                }
                if !visible {
                    return Ok(Attempt::Expired { sink: name.clone(), shown: None });
                }
            }
        }
        open.push(opening);
    }
    match expired {
        None => Settled::of(checkpoint.clone(), None, open).map(Box::new).map(Attempt::Settled),
        Some(sink) => Ok(Attempt::Expired { sink, shown: Some(shown) }),
    }
}

#[cfg(test)]
mod tests;
