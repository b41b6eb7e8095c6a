//! The order of a checkpoint: barrier, prepare, one write, commits, confirmations, acknowledgement.
//!
//! *Invariants*: sinks commit only what a stored checkpoint names; a source is acknowledged only
//! after every commit of its checkpoint is confirmed; at most one epoch awaits its commits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::faults::Faults;
use super::message::{Barrier, Control, Event, FINAL_WATERMARK};
use super::recovery::failed;
use super::stop::{StopSignal, Stopping};
use super::table_refresh::TableRefresh;
use super::{NodeError, Outcome, PipelineError};
use crate::checkpoint::{
    Checkpoint, CheckpointStore, Repeat, SinkProgress, StageCheckpoint, state,
};
use crate::record::Epoch;
use crate::sink::{Committed, Committer, Handle};
use crate::telemetry::{Clock, NodeCounters, PipelineCounters};

/// How often the coordinator looks for a signal while nothing happens.
pub(super) const PULSE: Duration = Duration::from_millis(50);

/// The committing half of a sink, in the order in which sinks commit.
pub(super) struct CommittingSink {
    pub name: String,
    pub committer: Box<dyn Committer>,
    /// `None` for the dead letters' sink, which is not counted as a sink.
    pub counters: Option<Arc<NodeCounters>>,
}

pub(super) struct Coordinator {
    pub store: CheckpointStore,
    pub last: Checkpoint,
    pub sources: BTreeMap<String, Sender<Control>>,
    /// Threads of stages that keep nothing: each reports at each barrier.
    pub chains: usize,
    /// The stages that keep something, with an empty place for each instance: each reports, too.
    pub stages: BTreeMap<String, StageCheckpoint>,
    /// Where their files are.
    pub state_folder: PathBuf,
    /// Files that the checkpoint before the last one named, and the last one does not.
    pub garbage: BTreeSet<String>,
    /// Two-phase sinks first, then the others, the dead letters' sink the last of its kind.
    pub sinks: Vec<CommittingSink>,
    pub events: Receiver<Event>,
    /// How often a checkpoint is due while rows flow.
    pub every: Option<Duration>,
    /// The newest epoch that a node has asked for.
    pub wanted: Epoch,
    /// Sources that have ended.
    pub finished: usize,
    pub stop: StopSignal,
    pub tables: TableRefresh,
    pub artifacts: BTreeMap<String, String>,
    /// SHA-256 of what makes the rows, but for the artifacts.
    pub graph: String,
    /// What this run repeats, and nothing else.
    pub repeat: Option<Repeat>,
    /// What there was of progress before the first node began: a pipeline that goes on after a repeat
    /// counts on.
    pub begun: (u64, u64),
    /// Sources that have come to where the repeat wants them.
    pub reached: usize,
    pub counters: Arc<PipelineCounters>,
    pub faults: Faults,
    pub clock: Clock,
}

/// A checkpoint that is being collected.
struct Round {
    checkpoint: Checkpoint,
    last: bool,
    waiting: usize,
}

impl Coordinator {
    /// Runs until every source has ended and is checkpointed, until a signal to stop has been
    /// obeyed, or until a node fails.
    pub(super) fn run(&mut self) -> Result<Outcome, PipelineError> {
        if let Some(ended) = self.repeat.as_ref().map(|repeat| repeat.target.finished) {
            return self.repeat(ended);
        }
        // Nodes may have begun to count.
        let mut marked = self.begun;
        let mut since = Instant::now();
        loop {
            let stopping = self.stop.state() != Stopping::No;
            let ended = self.finished == self.sources.len();
            if stopping || ended {
                return self.end(ended, marked);
            }
            let progress = progress(&self.counters);
            let due = self.wanted > self.last.epoch
                || self.every.is_some_and(|every| since.elapsed() >= every);
            if due && (progress != marked || self.tables.pending()) {
                self.round(false, false)?;
                (marked, since) = (progress, Instant::now());
                continue;
            }
            let left = self.every.map_or(PULSE, |every| every.saturating_sub(since.elapsed()));
            // What is due but has nothing new to hold waits for an event, not for time.
            let wait = if due { PULSE } else { left.clamp(Duration::from_millis(1), PULSE) };
            match self.events.recv_timeout(wait) {
                Ok(event) => self.note(event)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.deserted()),
            }
        }
    }

    /// Makes the checkpoint that is to be repeated, once every source has come to its place in it. A
    /// signal before that leaves everything as it was: the next start repeats it.
    fn repeat(&mut self, ended: bool) -> Result<Outcome, PipelineError> {
        while self.reached < self.sources.len() {
            if self.stop.state() != Stopping::No {
                return Ok(Outcome::Stopped);
            }
            match self.events.recv_timeout(PULSE) {
                Ok(event) => self.note(event)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.deserted()),
            }
        }
        self.round(true, ended)?;
        Ok(Outcome::Stopped)
    }

    /// The last checkpoint, unless there is nothing to write down.
    fn end(&mut self, ended: bool, marked: (u64, u64)) -> Result<Outcome, PipelineError> {
        if ended && self.last.finished && progress(&self.counters) == marked {
            return Ok(Outcome::AlreadyFinished);
        }
        self.round(true, ended)?;
        Ok(if ended { Outcome::Finished } else { Outcome::Stopped })
    }

    /// Takes note of an event that belongs to no round.
    fn note(&mut self, event: Event) -> Result<(), PipelineError> {
        match event {
            Event::SourceFinished => self.finished += 1,
            Event::SourceReached => self.reached += 1,
            Event::WantsBarrier { beyond } => self.wanted = self.wanted.max(beyond + 1),
            Event::Failed { node, error } => return Err(self.failure(node, error)),
            Event::SourceAt { .. }
            | Event::StageAt { .. }
            | Event::Saved { .. }
            | Event::Prepared { .. } => {}
        }
        Ok(())
    }

    fn round(&mut self, last: bool, ended: bool) -> Result<(), PipelineError> {
        let mut round = self.begin(last, ended);
        while round.waiting > 0 {
            match self.events.recv() {
                Ok(event) => self.collect(&mut round, event)?,
                Err(_) => return Err(self.deserted()),
            }
        }
        self.complete(round)
    }

    /// Every node is gone, and none said why.
    fn deserted(&self) -> PipelineError {
        self.failure("pipeline".to_owned(), Box::new(NodeError::Disconnected))
    }

    fn begin(&mut self, last: bool, ended: bool) -> Round {
        let joined = self.tables.versions();
        let barrier = Barrier { epoch: self.last.epoch + 1, tables: self.tables.take(), last };
        let checkpoint = Checkpoint {
            epoch: barrier.epoch,
            time: self.clock.now(),
            finished: ended,
            tables: self.tables.versions(),
            artifacts: self.artifacts.clone(),
            handles: BTreeMap::new(),
            stages: self.stages.clone(),
            read: BTreeMap::new(),
            taken: BTreeMap::new(),
            joined,
            graph: self.graph.clone(),
            ..self.last.clone()
        };
        // Stages that keep something count in their own part.
        let mut checkpoint = checkpoint;
        checkpoint.emitted.retain(|stage, _| !self.stages.contains_key(stage));
        for control in self.sources.values() {
            // A source that is gone has said why, or will: its event is read in the round.
            drop(control.send(Control::Barrier(barrier.clone())));
        }
        let instances: usize = self.stages.values().map(|stage| stage.instances.len()).sum();
        let waiting = self.sources.len() + self.chains + instances + self.sinks.len();
        Round { checkpoint, last, waiting }
    }

    fn collect(&mut self, round: &mut Round, event: Event) -> Result<(), PipelineError> {
        let checkpoint = &mut round.checkpoint;
        match event {
            Event::SourceAt { source, position, progress, times, watermark } => {
                checkpoint.read.insert(source.clone(), progress);
                checkpoint.positions.insert(source.clone(), position);
                checkpoint.event_times.insert(source.clone(), times);
                checkpoint.watermarks.insert(source, watermark);
            }
            Event::StageAt { stages, watermark } => {
                for (stage, emitted) in stages {
                    // The final mark is not kept: grown input goes on where time had got to.
                    if watermark != FINAL_WATERMARK {
                        checkpoint.watermarks.insert(stage.clone(), watermark);
                    }
                    checkpoint.emitted.insert(stage, emitted);
                }
            }
            Event::Saved { stage, instance, held } => {
                let stored = checkpoint.stages.get_mut(&stage);
                if let Some(place) = stored.and_then(|stage| stage.instances.get_mut(instance)) {
                    *place = *held;
                }
                self.faults.at("saved", &format!("{stage}#{instance}"), checkpoint.epoch)?;
            }
            Event::Prepared { sink, handle, progress } => {
                checkpoint.handles.insert(sink.clone(), handle.0);
                self.faults.at("prepared", &sink, checkpoint.epoch)?;
                checkpoint.taken.insert(sink, progress);
            }
            event => return self.note(event),
        }
        round.waiting -= 1;
        Ok(())
    }

    fn complete(&mut self, round: Round) -> Result<(), PipelineError> {
        let Round { mut checkpoint, last, .. } = round;
        let epoch = checkpoint.epoch;
        self.faults.at("collected", "", epoch)?;
        let visible = self.visible(&mut checkpoint);
        self.store.write_confirmed(&checkpoint, &visible)?;
        self.faults.at("stored", "", epoch)?;
        for sink in self.sinks.iter_mut().filter(|sink| !visible.contains(&sink.name)) {
            let handle = Handle(checkpoint.handles.get(&sink.name).cloned().unwrap_or_default());
            if let Committed::Expired { .. } =
                commit(&self.store, sink, epoch, &handle, &self.faults)?
            {
                return Err(PipelineError::Expired { sink: sink.name.clone(), epoch });
            }
            if let Some(counters) = &sink.counters {
                let SinkProgress { rows, .. } =
                    checkpoint.taken.get(&sink.name).copied().unwrap_or_default();
                NodeCounters::add(&counters.rows_out, usize::try_from(rows).unwrap_or(usize::MAX));
            }
        }
        NodeCounters::add(&self.counters.checkpoints, 1);
        self.counters.epoch.store(epoch, Ordering::Relaxed);
        self.counters.checkpoint_time.store(checkpoint.time, Ordering::Relaxed);
        let rows: u64 = checkpoint.read.values().map(|read| read.rows).sum();
        self.counters.rows_saved.fetch_add(rows, Ordering::Relaxed);
        for (name, control) in &self.sources {
            if let Some(position) = checkpoint.positions.get(name) {
                drop(control.send(Control::Acknowledge(position.clone())));
            }
        }
        self.faults.at("acknowledged", "", epoch)?;
        tracing::debug!(epoch, last, "checkpoint committed");
        self.tidy(&checkpoint);
        self.last = checkpoint;
        Ok(())
    }

    /// The sinks that show all of a repeated checkpoint already; what they were given is what they were
    /// given then.
    fn visible(&self, checkpoint: &mut Checkpoint) -> BTreeSet<String> {
        let Some(repeat) = &self.repeat else { return BTreeSet::new() };
        for sink in repeat.whole() {
            let taken = repeat.target.taken.get(sink).copied().unwrap_or_default();
            checkpoint.taken.insert(sink.to_owned(), taken);
        }
        repeat.whole().map(str::to_owned).collect()
    }

    /// Removes the files that no checkpoint in the store names any more: those of the one before the
    /// last stay until the next one is written.
    fn tidy(&mut self, checkpoint: &Checkpoint) {
        let named = checkpoint.files();
        let unnamed = self.last.files().difference(&named).cloned().collect();
        let garbage = std::mem::replace(&mut self.garbage, unnamed);
        // What stays behind is found by the next start.
        if let Err(error) = state::remove(&self.state_folder, &garbage) {
            tracing::warn!(%error, "files of old state stay behind until the next start");
        }
    }

    /// The error to report: a node that only lost its neighbour waits for the neighbour's own.
    fn failure(&self, node: String, error: Box<NodeError>) -> PipelineError {
        if !matches!(*error, NodeError::Disconnected) {
            return PipelineError::Node { node, source: error };
        }
        while let Ok(event) = self.events.recv_timeout(Duration::from_secs(5)) {
            if let Event::Failed { node, error } = event
                && !matches!(*error, NodeError::Disconnected)
            {
                return PipelineError::Node { node, source: error };
            }
        }
        PipelineError::Node { node, source: error }
    }
}

/// Rows and bytes read so far, and rows that transforms made, which timers do without any being
/// read: what a new checkpoint would have over the last one.
pub(super) fn progress(counters: &PipelineCounters) -> (u64, u64) {
    let PipelineCounters { sources, transforms, .. } = counters;
    let read = PipelineCounters::total(sources, |source| &source.rows_in);
    let made = PipelineCounters::total(transforms, |transform| &transform.rows_out);
    (read + made, PipelineCounters::total(sources, |source| &source.bytes))
}

/// Makes one handle visible, notes it in the store, and lets the sink drop what it kept for it; or
/// answers that the target has given it up.
pub(super) fn commit(
    store: &CheckpointStore,
    sink: &mut CommittingSink,
    epoch: Epoch,
    handle: &Handle,
    faults: &Faults,
) -> Result<Committed, PipelineError> {
    let failed = failed(&sink.name);
    let committed = sink.committer.commit(handle).map_err(&failed)?;
    if committed != Committed::Done {
        return Ok(committed);
    }
    faults.at("committed", &sink.name, epoch)?;
    store.confirm(epoch, &sink.name)?;
    faults.at("confirmed", &sink.name, epoch)?;
    sink.committer.confirmed(handle).map_err(failed)?;
    Ok(Committed::Done)
}
