//! Fused stages on their thread.

use crossbeam_channel::Sender;

use super::NodeError;
use super::dead_letters::LetterBox;
use super::edge::{Arrival, Inbox};
use super::fanout::Fanout;
use super::message::{Barrier, Event, Message};
use crate::record::Batch;
use crate::stage::{Chain, Stage, Tables};

pub(super) struct ChainNode {
    pub chain: Chain,
    pub tables: Tables,
    pub inbox: Inbox<Batch>,
    /// One for each port of the last stage.
    pub outlets: Vec<Fanout>,
    pub letters: LetterBox,
    pub events: Sender<Event>,
}

impl ChainNode {
    /// Runs until every input has ended.
    pub(super) fn run(mut self) -> Result<(), NodeError> {
        loop {
            match self.inbox.next()? {
                Arrival::Item(input, batch) => self.batch(input, batch)?,
                Arrival::Watermark(time) => self.everywhere(&Message::Watermark(time))?,
                Arrival::Idle => self.everywhere(&Message::Idle)?,
                Arrival::Barrier(barrier) => self.barrier(barrier)?,
                // Nobody here waits for a time.
                Arrival::Timeout => {}
                Arrival::End => {
                    self.letters.end()?;
                    return self.everywhere(&Message::End);
                }
            }
        }
    }

    fn batch(&mut self, input: usize, batch: Batch) -> Result<(), NodeError> {
        let output = self.chain.apply(input, batch, &self.tables)?;
        self.letters.put(output.rejected)?;
        for (port, batch) in output.batches {
            self.outlets[port].send(Message::Item(batch))?;
        }
        Ok(())
    }

    fn barrier(&mut self, barrier: Barrier) -> Result<(), NodeError> {
        self.chain.stages().iter().for_each(Stage::publish_counters);
        let at = |stage: &Stage| (stage.name().to_owned(), stage.emitted());
        let stages = self.chain.stages().iter().map(at).collect();
        let event = Event::StageAt { stages, watermark: self.inbox.watermark() };
        self.events.send(event).map_err(|_| NodeError::Disconnected)?;
        self.letters.barrier(&barrier)?;
        self.tables = barrier.tables.clone();
        self.everywhere(&Message::Barrier(barrier))
    }

    fn everywhere(&self, message: &Message<Batch>) -> Result<(), NodeError> {
        self.outlets.iter().try_for_each(|outlet| outlet.send(message.clone()))
    }
}
