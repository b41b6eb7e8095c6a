//! The writing half of a sink on its thread; the dead letters' sink is one of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};

use super::NodeError;
use super::dead_letters::{LetterBox, as_batch};
use super::edge::{Arrival, Inbox};
use super::message::{Barrier, Event};
use crate::checkpoint::SinkProgress;
use crate::record::{Batch, DeadLetter, Epoch, Schema, write_row};
use crate::sink::Sink;
use crate::telemetry::{Clock, NodeCounters, PipelineCounters};

/// How often a sink that is full looks whether the checkpoint before is committed.
const LOOK: Duration = Duration::from_millis(20);
/// After so many looks, whether anybody is there to commit it.
const LOOKS: u32 = 25;

pub(super) struct SinkNode {
    pub name: String,
    pub sink: Box<dyn Sink>,
    pub inbox: Inbox<Batch>,
    pub letters: LetterBox,
    pub events: Sender<Event>,
    pub counters: Arc<NodeCounters>,
    /// Which checkpoint was committed last.
    pub pipeline: Arc<PipelineCounters>,
    pub clock: Clock,
    /// What it was given since the last barrier.
    pub progress: SinkProgress,
    /// The last checkpoint whose barrier came by.
    pub epoch: Epoch,
    /// Whether a checkpoint was asked for since.
    pub asked: bool,
}

impl SinkNode {
    /// Runs until every input has ended.
    pub(super) fn run(mut self) -> Result<(), NodeError> {
        loop {
            match self.inbox.next()? {
                Arrival::Item(_, batch) => self.write(batch)?,
                Arrival::Watermark(_) | Arrival::Idle | Arrival::Timeout => {}
                Arrival::Barrier(barrier) => self.prepare(&barrier)?,
                Arrival::End => return self.letters.end(),
            }
        }
    }

    fn write(&mut self, batch: Batch) -> Result<(), NodeError> {
        let batch = if self.sink.takes_selections() { batch } else { batch.gathered() };
        let rows = batch.selected();
        NodeCounters::add(&self.counters.batches, 1);
        NodeCounters::add(&self.counters.rows_in, rows);
        let refused = self.sink.write(&batch)?;
        self.progress.rows += (rows - refused.len()) as u64;
        self.progress.refused += refused.len() as u64;
        let letters = refused
            .into_iter()
            .map(|refusal| {
                let column = refusal.column.map(|column| column.to_string());
                self.letter(&batch, refusal.row, refusal.reason, column)
            })
            .collect();
        self.put(letters)?;
        if !self.sink.wants_barrier() {
            return Ok(());
        }
        if !self.asked {
            self.asked = true;
            tell(&self.events, Event::WantsBarrier { beyond: self.epoch })?;
        }
        self.wait_for_commits()
    }

    /// Takes nothing more while the checkpoint whose barrier came last awaits its commits: until
    /// they are done no other barrier comes, and what is held would grow without a bound. Nobody
    /// upstream is needed for them: who sends rows behind a barrier has passed it.
    fn wait_for_commits(&self) -> Result<(), NodeError> {
        let mut looks = 0;
        while self.pipeline.epoch.load(Ordering::Relaxed) < self.epoch {
            thread::sleep(LOOK);
            looks += 1;
            if looks % LOOKS == 0
                && let Err(TrySendError::Disconnected(_)) =
                    self.events.try_send(Event::WantsBarrier { beyond: self.epoch })
            {
                return Err(NodeError::Disconnected);
            }
        }
        Ok(())
    }

    fn prepare(&mut self, barrier: &Barrier) -> Result<(), NodeError> {
        let prepared = self.sink.prepare(barrier.epoch)?;
        let late = prepared.refused.len() as u64;
        self.progress.rows = self.progress.rows.saturating_sub(late);
        self.progress.refused += late;
        let letters = prepared
            .refused
            .into_iter()
            .map(|late| {
                let column = late.column.map(|column| column.to_string());
                self.letter(&late.row, 0, late.reason, column)
            })
            .collect();
        self.put(letters)?;
        self.asked = false;
        self.epoch = barrier.epoch;
        let progress = std::mem::take(&mut self.progress);
        let sink = self.name.clone();
        tell(&self.events, Event::Prepared { sink, handle: prepared.handle, progress })?;
        self.letters.barrier(barrier)
    }

    fn put(&mut self, letters: Vec<DeadLetter>) -> Result<(), NodeError> {
        NodeCounters::add(&self.counters.rejected, letters.len());
        self.letters.put(letters)
    }

    fn letter(
        &self,
        batch: &Batch,
        row: usize,
        reason: String,
        column: Option<String>,
    ) -> DeadLetter {
        let mut input = Vec::new();
        write_row(&mut input, batch, row);
        DeadLetter {
            time: self.clock.now(),
            stage: self.name.clone(),
            reason,
            column,
            position: batch.meta.position(row),
            sequence: batch.meta.sequence(row),
            ordinal: 0,
            artifact: None,
            input: String::from_utf8_lossy(&input).into_owned(),
        }
    }
}

pub(super) struct LettersNode {
    pub name: String,
    pub sink: Box<dyn Sink>,
    pub schema: Arc<Schema>,
    pub inbox: Inbox<Vec<DeadLetter>>,
    pub events: Sender<Event>,
    /// Letters taken since the last barrier.
    pub rows: u64,
    /// The last checkpoint whose barrier came by.
    pub epoch: Epoch,
    /// Whether a checkpoint was asked for since.
    pub asked: bool,
}

impl LettersNode {
    /// Runs until every node has set aside its last row. Its barrier is complete when every other
    /// node has passed it, so it prepares last.
    pub(super) fn run(mut self) -> Result<(), NodeError> {
        loop {
            match self.inbox.next()? {
                Arrival::Item(_, letters) => self.write(&letters)?,
                Arrival::Watermark(_) | Arrival::Idle | Arrival::Timeout => {}
                Arrival::Barrier(barrier) => self.prepare(barrier.epoch)?,
                Arrival::End => return Ok(()),
            }
        }
    }

    fn write(&mut self, letters: &[DeadLetter]) -> Result<(), NodeError> {
        let refused = self.sink.write(&as_batch(letters, &self.schema))?;
        self.rows += letters.len() as u64;
        if let Some(refusal) = refused.into_iter().next() {
            return Err(NodeError::LetterRefused { reason: refusal.reason });
        }
        if !self.asked && self.sink.wants_barrier() {
            self.asked = true;
            return tell(&self.events, Event::WantsBarrier { beyond: self.epoch });
        }
        Ok(())
    }

    fn prepare(&mut self, epoch: Epoch) -> Result<(), NodeError> {
        let prepared = self.sink.prepare(epoch)?;
        if let Some(late) = prepared.refused.into_iter().next() {
            return Err(NodeError::LetterRefused { reason: late.reason });
        }
        (self.epoch, self.asked) = (epoch, false);
        let progress = SinkProgress { rows: std::mem::take(&mut self.rows), refused: 0 };
        let sink = self.name.clone();
        tell(&self.events, Event::Prepared { sink, handle: prepared.handle, progress })
    }
}

fn tell(events: &Sender<Event>, event: Event) -> Result<(), NodeError> {
    events.send(event).map_err(|_| NodeError::Disconnected)
}
