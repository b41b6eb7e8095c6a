//! The writing half of a sink on its thread; the dead letters' sink is one of them.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::NodeError;
use super::dead_letters::{LetterBox, as_batch};
use super::edge::{Arrival, Inbox};
use super::message::{Barrier, Event};
use crate::record::{Batch, DeadLetter, Epoch, Schema, write_row};
use crate::sink::Sink;
use crate::telemetry::{Clock, NodeCounters};

pub(super) struct SinkNode {
    pub name: String,
    pub sink: Box<dyn Sink>,
    pub inbox: Inbox<Batch>,
    pub letters: LetterBox,
    pub events: Sender<Event>,
    pub counters: Arc<NodeCounters>,
    pub clock: Clock,
    /// Rows taken since the last barrier.
    pub rows: u64,
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
        let batch = batch.gathered();
        NodeCounters::add(&self.counters.batches, 1);
        NodeCounters::add(&self.counters.rows_in, batch.rows);
        let refused = self.sink.write(&batch)?;
        self.rows += (batch.rows - refused.len()) as u64;
        let letters = refused
            .into_iter()
            .map(|refusal| {
                let column = refusal.column.map(|column| column.to_string());
                self.letter(&batch, refusal.row, refusal.reason, column)
            })
            .collect();
        self.put(letters)?;
        if !self.asked && self.sink.wants_barrier() {
            self.asked = true;
            return tell(&self.events, Event::WantsBarrier { beyond: self.epoch });
        }
        Ok(())
    }

    fn prepare(&mut self, barrier: &Barrier) -> Result<(), NodeError> {
        let prepared = self.sink.prepare(barrier.epoch)?;
        self.rows -= prepared.refused.len() as u64;
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
        let rows = std::mem::take(&mut self.rows);
        let sink = self.name.clone();
        tell(&self.events, Event::Prepared { sink, handle: prepared.handle, rows })?;
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
        let rows = std::mem::take(&mut self.rows);
        let sink = self.name.clone();
        tell(&self.events, Event::Prepared { sink, handle: prepared.handle, rows })
    }
}

fn tell(events: &Sender<Event>, event: Event) -> Result<(), NodeError> {
    events.send(event).map_err(|_| NodeError::Disconnected)
}
