//! From a port to its consumers: whole batches to most, rows by their key to the instances of a
//! stage.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::NodeError;
use super::message::Message;
use crate::record::{Batch, Schema};
use crate::stage::{EncodedKeys, owner_of};

/// A consumer of a port.
pub(super) struct Leg {
    /// One for each instance.
    pub edges: Vec<Sender<Message<Batch>>>,
    /// What goes to whom, for a stage that keeps something.
    pub routing: Option<Routing>,
}

/// How rows get to the instances of a stage.
#[derive(Clone, Debug)]
pub(super) struct Routing {
    /// The columns that the stage needs, and what is left of the schema; `None`: all.
    pub carried: Option<(Vec<usize>, Arc<Schema>)>,
    /// The columns of the key, among those carried.
    pub key: Vec<usize>,
}

/// The sending side of a port of batches.
pub(super) struct Fanout {
    legs: Vec<Leg>,
}

impl Fanout {
    pub(super) fn new(legs: Vec<Leg>) -> Self {
        Self { legs }
    }

    /// Sends to every consumer, waiting where an edge is full. The rows of a key go to one instance,
    /// in order; everything else goes to all.
    pub(super) fn send(&self, message: Message<Batch>) -> Result<(), NodeError> {
        let Some((last, others)) = self.legs.split_last() else { return Ok(()) };
        for leg in others {
            leg.send(message.clone())?;
        }
        last.send(message)
    }
}

impl Leg {
    fn send(&self, message: Message<Batch>) -> Result<(), NodeError> {
        let message = match (message, &self.routing) {
            (Message::Item(batch), Some(routing)) => {
                let batch = routing.narrowed(batch);
                if self.edges.len() > 1 {
                    return self.share_out(batch, routing);
                }
                Message::Item(batch)
            }
            (message, _) => message,
        };
        let Some((last, others)) = self.edges.split_last() else { return Ok(()) };
        for edge in others {
            edge.send(message.clone()).map_err(|_| NodeError::Disconnected)?;
        }
        last.send(message).map_err(|_| NodeError::Disconnected)
    }

    fn share_out(&self, batch: Batch, routing: &Routing) -> Result<(), NodeError> {
        let batch = batch.gathered();
        let instances = self.edges.len();
        let key: Vec<_> = routing.key.iter().map(|index| &batch.columns[*index].values).collect();
        let groups = EncodedKeys::of(&key, batch.rows).groups;
        let mut shares: Vec<Vec<u32>> = vec![Vec::with_capacity(batch.rows); instances];
        for (row, group) in (0..).zip(groups) {
            shares[owner_of(group, instances)].push(row);
        }
        for (edge, rows) in self.edges.iter().zip(shares).filter(|(_, rows)| !rows.is_empty()) {
            let share = batch.take(&rows);
            edge.send(Message::Item(share)).map_err(|_| NodeError::Disconnected)?;
        }
        Ok(())
    }
}

impl Routing {
    /// The batch with only the columns that the stage needs.
    fn narrowed(&self, mut batch: Batch) -> Batch {
        let Some((columns, schema)) = &self.carried else { return batch };
        batch.columns = columns.iter().map(|index| batch.columns[*index].clone()).collect();
        batch.schema = Arc::clone(schema);
        // The images would no longer fit, and no stage that keeps something is shown them.
        batch.before = None;
        batch
    }
}
