//! An instance of a stage that keeps something between batches, on its thread: state by key, timers,
//! or rows that wait for their event time.
//!
//! *Invariants*: what a barrier saves holds exactly what came before it; at a barrier no row waits
//! that the watermark has reached; a row is handed to the stage once, or is late once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_buffer::BooleanBuffer;
use crossbeam_channel::Sender;

use super::NodeError;
use super::dead_letters::LetterBox;
use super::edge::{Arrival, Inbox};
use super::fanout::Fanout;
use super::held::Held;
use super::message::{Barrier, Event, FINAL_WATERMARK, Message};
use crate::checkpoint::InstanceCheckpoint;
use crate::record::Batch;
use crate::sandbox::Mode;
use crate::stage::{OrderBuffer, Stage, StageOutput, Tables};
use crate::telemetry::{Clock, NodeCounters};

pub(super) struct StatefulNode {
    pub stage: Stage,
    pub instance: usize,
    /// What is kept durable of it, and what a restart takes up.
    pub held: Held,
    /// For a stage that takes its rows in the order of event time.
    pub ordered: Option<Ordered>,
    pub tables: Tables,
    pub inbox: Inbox<Batch>,
    /// One for each port, the late rows' last where there is one.
    pub outlets: Vec<Fanout>,
    pub letters: LetterBox,
    pub events: Sender<Event>,
    pub counters: Arc<NodeCounters>,
    pub clock: Clock,
    /// The processing time at which the next tick is due.
    pub next_tick: Option<i64>,
    /// Rows of an earlier event time are late.
    pub late_below: i64,
    /// Waiting rows up to this event time have been handed on.
    pub released: i64,
    /// The event time that the transform was last told.
    pub told: i64,
    /// The processing time that the transform was last told.
    pub ticked: i64,
}

/// Event time that a batch spans at most where timers may have to fire within it, in microseconds.
const SPAN: i64 = 60_000_000;

/// The order of event time at a stage.
pub(super) struct Ordered {
    pub buffer: OrderBuffer,
    /// The greatest event time that was handed on.
    pub greatest: i64,
    /// Rows of a batch, at most.
    pub most: usize,
    /// The port of late rows, where something reads it.
    pub late: Option<usize>,
}

impl StatefulNode {
    /// Runs until every input has ended.
    pub(super) fn run(mut self) -> Result<(), NodeError> {
        let buffer = self.ordered.as_mut().map(|ordered| &mut ordered.buffer);
        self.held.restore(&mut self.stage, buffer)?;
        // Instances that were one before may have come to different times.
        self.release(self.released)?;
        loop {
            if self.next_tick.is_some_and(|due| self.clock.now() >= due) {
                self.tick()?;
            }
            match self.inbox.next_before(self.tick_deadline())? {
                Arrival::Item(input, batch) => self.arrive(input, batch)?,
                Arrival::Watermark(time) => self.advance(time)?,
                Arrival::Idle => self.everywhere(&Message::Idle)?,
                Arrival::Barrier(barrier) => self.barrier(barrier)?,
                Arrival::Timeout => {}
                Arrival::End => {
                    self.letters.end()?;
                    return self.everywhere(&Message::End);
                }
            }
        }
    }

    fn tick_deadline(&self) -> Option<Instant> {
        let left = self.next_tick?.saturating_sub(self.clock.now());
        Some(Instant::now() + Duration::from_micros(u64::try_from(left).unwrap_or_default()))
    }

    fn arrive(&mut self, input: usize, batch: Batch) -> Result<(), NodeError> {
        if self.ordered.is_none() {
            return self.process(input, batch);
        }
        let batch = self.timely(self.taken(input, batch).gathered())?;
        let Some(ordered) = &mut self.ordered else { return Ok(()) };
        ordered.buffer.push(input, batch)?;
        // Rows of the very time that was reached need not wait for the next watermark, and must not: a
        // restart takes up only what is later.
        self.release(self.inbox.watermark().max(self.released))
    }

    /// The rows that an emitting transform takes: the others would wait for nothing.
    fn taken(&self, input: usize, mut batch: Batch) -> Batch {
        let description = self.stage.description();
        if description.mode == Mode::Emit {
            let takes = description.inputs[input].takes;
            if let Some(taken) = batch.meta.operations.among(takes, batch.rows) {
                batch.select(&taken);
            }
        }
        batch
    }

    /// The rows that are in time. Those without event time are refused, late ones leave by their
    /// port.
    fn timely(&mut self, batch: Batch) -> Result<Batch, NodeError> {
        let Some((times, nulls)) = &batch.meta.event_times else {
            let none = BooleanBuffer::new_set(batch.rows);
            self.refuse_timeless(&batch, &none)?;
            return Ok(batch.take(&[]));
        };
        let bound = self.late_below;
        let known_all = nulls.as_ref().is_none_or(|nulls| nulls.null_count() == 0);
        let in_time = known_all && batch.meta.late.is_none();
        if in_time && times.iter().all(|time| *time >= bound) {
            return Ok(batch);
        }
        let known = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let marked = |row: usize| batch.meta.late.as_ref().is_some_and(|late| late.value(row));
        let bits = |pick: &dyn Fn(usize) -> bool| BooleanBuffer::collect_bool(batch.rows, pick);
        let timeless = bits(&|row| !known(row));
        let late = bits(&|row| known(row) && (marked(row) || times[row] < bound));
        self.refuse_timeless(&batch, &timeless)?;
        self.late(&batch, &late)?;
        let mut batch = batch;
        batch.select(&!&(&timeless | &late));
        Ok(batch.gathered())
    }

    fn refuse_timeless(&mut self, batch: &Batch, rows: &BooleanBuffer) -> Result<(), NodeError> {
        const REASON: &str = "the row has no event time, and this transform takes its rows in the \
                              order of event time";
        let letter = |row| self.stage.letter(batch, row, REASON.to_owned(), None);
        let letters: Vec<_> = rows.set_indices().map(letter).collect();
        NodeCounters::add(&self.counters.rows_in, letters.len());
        NodeCounters::add(&self.counters.rejected, letters.len());
        self.letters.put(letters)
    }

    fn late(&mut self, batch: &Batch, rows: &BooleanBuffer) -> Result<(), NodeError> {
        let count = rows.count_set_bits();
        if count == 0 {
            return Ok(());
        }
        NodeCounters::add(&self.counters.rows_in, count);
        NodeCounters::add(&self.counters.late, count);
        let Some(port) = self.ordered.as_ref().and_then(|ordered| ordered.late) else {
            return Ok(());
        };
        let mut late = batch.clone();
        late.select(rows);
        self.outlets[port].send(Message::Item(late.gathered()))
    }

    /// Hands the stage every row that waits and whose time has come. Where timers wait too, those in
    /// front of a batch fire page by page, and a batch spans little time: no call shall have to fire
    /// what gathered in a quiet night.
    fn release(&mut self, watermark: i64) -> Result<(), NodeError> {
        let fires = self.stage.wants_watermarks();
        while let Some(ordered) = &mut self.ordered
            && let Some(first) = ordered.buffer.earliest().filter(|first| *first <= watermark)
        {
            let end = if fires { watermark.min(first.saturating_add(SPAN)) } else { watermark };
            let Some((input, batch)) = ordered.buffer.next_released(end, ordered.most) else {
                return Ok(());
            };
            let last = batch.meta.event_times.as_ref().and_then(|(times, _)| times.last());
            ordered.greatest = ordered.greatest.max(last.copied().unwrap_or(i64::MIN));
            self.fire(first)?;
            self.process(input, batch)?;
        }
        Ok(())
    }

    /// Fires the timers up to an event time, unless that was reached before.
    fn fire(&mut self, time: i64) -> Result<(), NodeError> {
        if !self.stage.wants_watermarks() || time <= self.told {
            return Ok(());
        }
        loop {
            let fired = self.stage.advance_watermark(time)?;
            self.hand_on(fired.output)?;
            if !fired.more {
                break;
            }
        }
        if time != FINAL_WATERMARK {
            self.told = time;
        }
        Ok(())
    }

    fn process(&mut self, input: usize, batch: Batch) -> Result<(), NodeError> {
        let output = self.stage.apply(input, batch, &self.tables)?;
        self.hand_on(output)
    }

    fn hand_on(&mut self, output: StageOutput) -> Result<(), NodeError> {
        self.letters.put(output.rejected)?;
        for (port, batch) in output.batches {
            if batch.selected() > 0 {
                self.outlets[port].send(Message::Item(batch))?;
            }
        }
        Ok(())
    }

    /// Event time has come to `time`.
    fn advance(&mut self, time: i64) -> Result<(), NodeError> {
        self.release(time)?;
        self.fire(time)?;
        // The end of a finite input is not kept: what was handed on is what grown input meets.
        let bound = match (time, &self.ordered) {
            (FINAL_WATERMARK, Some(ordered)) => ordered.greatest.saturating_add(1),
            (FINAL_WATERMARK, None) => self.late_below,
            (time, _) => {
                self.released = self.released.max(time);
                time
            }
        };
        self.late_below = self.late_below.max(bound);
        self.everywhere(&Message::Watermark(time))
    }

    /// Processing time has come to where the stage wanted to be told.
    fn tick(&mut self) -> Result<(), NodeError> {
        // A clock that was put back stands still for the stage.
        let now = self.clock.now().max(self.ticked);
        self.ticked = now;
        loop {
            let fired = self.stage.tick(now)?;
            self.hand_on(fired.output)?;
            if !fired.more {
                self.next_tick = fired.next_tick;
                return Ok(());
            }
        }
    }

    fn barrier(&mut self, barrier: Barrier) -> Result<(), NodeError> {
        let buffer = self.ordered.as_mut().map(|ordered| &mut ordered.buffer);
        let (state, waiting) = self.held.save(barrier.epoch, &mut self.stage, buffer)?;
        self.stage.publish_counters();
        let emitted = self.stage.emitted();
        let held = InstanceCheckpoint {
            emitted,
            late_below: self.late_below,
            released: self.released,
            greatest: self.ordered.as_ref().map_or(i64::MIN, |ordered| ordered.greatest),
            state,
            waiting,
        };
        let (stage, instance) = (self.stage.name().to_owned(), self.instance);
        let event = Event::Saved { stage, instance, held: Box::new(held) };
        self.events.send(event).map_err(|_| NodeError::Disconnected)?;
        self.letters.barrier(&barrier)?;
        self.tables = barrier.tables.clone();
        self.everywhere(&Message::Barrier(barrier))
    }

    fn everywhere(&self, message: &Message<Batch>) -> Result<(), NodeError> {
        self.outlets.iter().try_for_each(|outlet| outlet.send(message.clone()))
    }
}
