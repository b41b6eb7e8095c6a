//! A source on its thread: rows, watermarks, and barriers where the coordinator asks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::NodeError;
use super::cuts::Cuts;
use super::dead_letters::LetterBox;
use super::event_time::{EventClock, Quiet};
use super::fanout::Fanout;
use super::message::{Barrier, Control, Event, FINAL_WATERMARK, Message};
use super::repeat::SourceTarget;
use crate::checkpoint::SourceProgress;
use crate::record::{Epoch, Position};
use crate::source::{Budget, Next, Source, SourceBatch};
use crate::telemetry::NodeCounters;

pub(super) struct SourceNode {
    pub name: String,
    pub source: Box<dyn Source>,
    pub budget: Budget,
    pub cuts: Option<Cuts>,
    pub event_clock: EventClock,
    /// The last checkpoint whose barrier was put in.
    pub epoch: Epoch,
    /// Rows handed out since, rejected ones included.
    pub rows: u64,
    /// After how many rows a checkpoint must come.
    pub checkpoint_rows: Option<u64>,
    /// Where to come to and no further, while a checkpoint is repeated.
    pub target: Option<SourceTarget>,
    /// The place's name, once it is there.
    pub reached: Option<Position>,
    /// Whether the end was said downstream.
    pub ended: bool,
    pub outlet: Fanout,
    pub letters: LetterBox,
    pub control: Receiver<Control>,
    pub events: Sender<Event>,
    pub counters: Arc<NodeCounters>,
}

enum State {
    /// Rows may follow.
    Open,
    /// Rows may follow, after the barrier that was asked for.
    Waiting,
    /// The source has ended; barriers may follow.
    Finished,
    /// The last barrier is through; only acknowledgements follow.
    Closed,
}

impl SourceNode {
    /// Runs until the coordinator lets go of the control channel.
    pub(super) fn run(mut self) -> Result<(), NodeError> {
        if let Some(total) = self.source.total_bytes() {
            self.counters.bytes_total.store(total, Ordering::Relaxed);
        }
        if self.event_clock.watermark() != i64::MIN {
            // A restart goes on at the time that it had got to: a late row stays late.
            self.outlet.send(Message::Watermark(self.event_clock.watermark()))?;
        }
        let mut state = State::Open;
        loop {
            let control = match state {
                State::Open => match self.control.try_recv() {
                    Ok(control) => Some(control),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                },
                State::Waiting | State::Finished | State::Closed => match self.control.recv() {
                    Ok(control) => Some(control),
                    Err(_) => return Ok(()),
                },
            };
            match control {
                Some(Control::Barrier(barrier)) => {
                    self.barrier(&barrier)?;
                    state = match state {
                        _ if barrier.last => State::Closed,
                        State::Waiting => State::Open,
                        state => state,
                    };
                }
                Some(Control::Acknowledge(position)) => self.source.acknowledge(&position)?,
                None => state = self.step()?,
            }
        }
    }

    /// Hands the next rows on.
    fn step(&mut self) -> Result<State, NodeError> {
        if let Some(target) = self.target.take() {
            return self.step_towards(target);
        }
        let left = self.checkpoint_rows.map_or(u64::MAX, |limit| limit.saturating_sub(self.rows));
        let budget = self.next_budget(left);
        match self.source.next(&budget)? {
            Next::Rows(rows) => self.send(rows)?,
            Next::Idle => {}
            Next::Finished => {
                self.end_time()?;
                self.tell(Event::SourceFinished)?;
                return Ok(State::Finished);
            }
        }
        match self.event_clock.look(Instant::now()) {
            Quiet::No => {}
            Quiet::Partition(time) => self.outlet.send(Message::Watermark(time))?,
            Quiet::All => self.outlet.send(Message::Idle)?,
        }
        if self.checkpoint_rows.is_some_and(|limit| self.rows >= limit) {
            self.tell(Event::WantsBarrier { beyond: self.epoch })?;
            return Ok(State::Waiting);
        }
        Ok(State::Open)
    }

    /// Hands on the next rows of an epoch that is repeated, or says that all of them are handed on.
    /// What silence did to event time the first time is not done again: only where several
    /// partitions or inputs meet does it move anything.
    fn step_towards(&mut self, mut target: SourceTarget) -> Result<State, NodeError> {
        let left = target.progress.rows.saturating_sub(self.rows);
        if left == 0 {
            target.check(&mut *self.source, &self.budget)?;
            if target.progress.ended {
                self.end_time()?;
            }
            self.reached = Some(target.position);
            self.tell(Event::SourceReached)?;
            return Ok(State::Waiting);
        }
        let budget = self.next_budget(left);
        match self.source.next(&budget)? {
            Next::Rows(rows) => self.send(rows)?,
            Next::Idle => {}
            Next::Finished => return Err(target.ended_at(self.rows)),
        }
        self.target = Some(target);
        Ok(State::Open)
    }

    /// Says that no row follows.
    fn end_time(&mut self) -> Result<(), NodeError> {
        self.ended = true;
        // What only waits for the disorder need not wait for other inputs' ends.
        if let Some(greatest) = self.event_clock.greatest() {
            self.outlet.send(Message::Watermark(greatest))?;
        }
        self.outlet.send(Message::Watermark(FINAL_WATERMARK))
    }

    /// The configured budget, cut short at so many rows, or at random for tests.
    fn next_budget(&mut self, left: u64) -> Budget {
        let most = self.budget.rows.min(usize::try_from(left).unwrap_or(usize::MAX)).max(1);
        let rows = self.cuts.as_mut().map_or(most, |cuts| cuts.next(most));
        Budget { rows, ..self.budget }
    }

    fn send(&mut self, mut rows: SourceBatch) -> Result<(), NodeError> {
        let counters = &self.counters;
        NodeCounters::add(&counters.batches, 1);
        NodeCounters::add(&counters.rows_in, rows.batch.rows + rows.rejected.len());
        NodeCounters::add(&counters.rows_out, rows.batch.rows);
        NodeCounters::add(&counters.rejected, rows.rejected.len());
        NodeCounters::add(&counters.bytes, rows.bytes);
        self.rows += (rows.batch.rows + rows.rejected.len()) as u64;
        self.letters.put(std::mem::take(&mut rows.rejected))?;
        if self.event_clock.is_idle() {
            // Every instance downstream must know before the first of them gets a row.
            self.outlet.send(Message::Watermark(self.event_clock.watermark()))?;
        }
        let watermark = self.event_clock.observe(&mut rows, Instant::now());
        if let Some(time) = self.event_clock.greatest() {
            counters.event_time.store(time, Ordering::Relaxed);
        }
        if rows.batch.rows > 0 {
            counters.set_position(rows.batch.meta.position(rows.batch.rows - 1));
            self.outlet.send(Message::Item(rows.batch))?;
        }
        match watermark {
            Some(time) => self.outlet.send(Message::Watermark(time)),
            None => Ok(()),
        }
    }

    fn barrier(&mut self, barrier: &Barrier) -> Result<(), NodeError> {
        self.tell(Event::SourceAt {
            source: self.name.clone(),
            position: self.reached.clone().unwrap_or_else(|| self.source.position()),
            progress: SourceProgress { rows: self.rows, ended: self.ended },
            times: self.event_clock.times(),
            watermark: self.event_clock.watermark(),
        })?;
        (self.epoch, self.rows) = (barrier.epoch, 0);
        self.letters.barrier(barrier)?;
        self.outlet.send(Message::Barrier(barrier.clone()))?;
        if barrier.last {
            self.letters.end()?;
            self.outlet.send(Message::End)?;
        }
        Ok(())
    }

    fn tell(&self, event: Event) -> Result<(), NodeError> {
        self.events.send(event).map_err(|_| NodeError::Disconnected)
    }
}
