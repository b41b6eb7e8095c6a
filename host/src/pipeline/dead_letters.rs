//! Rows set aside: who may set aside how many, and how letters become rows of a sink.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use crossbeam_channel::Sender;

use super::NodeError;
use super::edge::Outlet;
use super::message::{Barrier, Message};
use crate::record::{
    Batch, Column, DataType, DeadLetter, Field, Operation, Operations, RowMeta, Schema,
};

/// What a node does with a row that it rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Stop the pipeline.
    Halt,
    /// Set it aside and go on; `max` says how many are too many.
    DeadLetter {
        /// The most that one run may set aside at this node.
        max: Option<u64>,
    },
}

/// The columns of the dead letters' sink, in order.
#[must_use]
pub fn dead_letter_schema() -> Schema {
    Schema::new(vec![
        Field::new("time", DataType::Timestamp, false),
        Field::new("stage", DataType::Text, false),
        Field::new("reason", DataType::Text, false),
        Field::new("column", DataType::Text, true),
        Field::new("position", DataType::Text, false),
        Field::new("artifact", DataType::Text, true),
        Field::new("input", DataType::Text, false),
    ])
}

/// One node's way to the dead letters.
pub(super) struct LetterBox {
    policy: OnError,
    outlet: Outlet<Vec<DeadLetter>>,
    set_aside: u64,
}

impl LetterBox {
    /// A box of a node with this policy. Without a sink every rejected row halts.
    pub(super) fn new(policy: OnError, sink: Option<Sender<Message<Vec<DeadLetter>>>>) -> Self {
        let policy = if sink.is_some() { policy } else { OnError::Halt };
        Self { policy, outlet: Outlet::new(sink.into_iter().collect()), set_aside: 0 }
    }

    /// Sets rows aside, or says that the pipeline must stop.
    pub(super) fn put(&mut self, letters: Vec<DeadLetter>) -> Result<(), NodeError> {
        let Some(last) = letters.last() else { return Ok(()) };
        self.set_aside += letters.len() as u64;
        match self.policy {
            OnError::Halt => Err(NodeError::Rejected(Box::new(letters[0].clone()))),
            OnError::DeadLetter { max: Some(max) } if self.set_aside > max => {
                Err(NodeError::TooManyRejected { max, letter: Box::new(last.clone()) })
            }
            OnError::DeadLetter { .. } => self.outlet.send(Message::Item(letters)),
        }
    }

    /// Passes a barrier on: the node sets nothing aside before it any more.
    pub(super) fn barrier(&self, barrier: &Barrier) -> Result<(), NodeError> {
        self.outlet.send(Message::Barrier(barrier.clone()))
    }

    /// The node sets nothing aside any more.
    pub(super) fn end(&self) -> Result<(), NodeError> {
        self.outlet.send(Message::End)
    }
}

/// Letters as a batch of the dead letters' schema.
pub(super) fn as_batch(letters: &[DeadLetter], schema: &Arc<Schema>) -> Batch {
    let text = |pick: fn(&DeadLetter) -> &str| -> ArrayRef {
        Arc::new(letters.iter().map(|letter| Some(pick(letter))).collect::<StringArray>())
    };
    let optional = |pick: fn(&DeadLetter) -> Option<&str>| -> ArrayRef {
        Arc::new(letters.iter().map(pick).collect::<StringArray>())
    };
    let times: Vec<i64> = letters.iter().map(|letter| letter.time).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from(times.clone())),
        text(|letter| &letter.stage),
        text(|letter| &letter.reason),
        optional(|letter| letter.column.as_deref()),
        text(|letter| &letter.position),
        optional(|letter| letter.artifact.as_deref()),
        text(|letter| &letter.input),
    ];
    let meta = RowMeta {
        origin: "dead_letters".into(),
        operations: Operations::All(Operation::Insert),
        event_times: None,
        processing_times: times.into(),
        majors: letters.iter().map(|letter| letter.sequence.0).collect::<Vec<_>>().into(),
        minors: Some(letters.iter().map(|letter| letter.sequence.1).collect::<Vec<_>>().into()),
    };
    Batch {
        schema: Arc::clone(schema),
        columns: columns.into_iter().map(Column::from).collect(),
        meta: Arc::new(meta),
        rows: letters.len(),
        selection: None,
        before: None,
    }
}
