//! Rows set aside: who may set aside how many, and how letters become rows of a sink.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use crossbeam_channel::Sender;

use super::NodeError;
use super::edge::Outlet;
use super::message::{Barrier, Message};
use crate::config::OnError;
use crate::record::{
    Batch, Column, DataType, DeadLetter, Field, Operation, Operations, RowMeta, Schema,
};

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

/// A thread's way to the dead letters: it may run several nodes, each with a policy of its own.
pub(super) struct LetterBox {
    nodes: Vec<Allowance>,
    outlet: Outlet<Vec<DeadLetter>>,
}

struct Allowance {
    node: String,
    policy: OnError,
    /// Shared by the instances of a stage.
    set_aside: Arc<AtomicU64>,
}

impl LetterBox {
    /// A box of nodes with their policies, and how many rows each has set aside in this run. Without a sink every rejected row halts.
    pub(super) fn new(
        nodes: impl IntoIterator<Item = (String, OnError, Arc<AtomicU64>)>,
        sink: Option<Sender<Message<Vec<DeadLetter>>>>,
    ) -> Self {
        let allowance = |(node, policy, set_aside)| Allowance {
            node,
            policy: if sink.is_some() { policy } else { OnError::Halt },
            set_aside,
        };
        let nodes = nodes.into_iter().map(allowance).collect();
        Self { nodes, outlet: Outlet::new(sink.into_iter().collect()) }
    }

    /// Sets rows aside, or says that the pipeline must stop.
    pub(super) fn put(&mut self, letters: Vec<DeadLetter>) -> Result<(), NodeError> {
        if letters.is_empty() {
            return Ok(());
        }
        for letter in &letters {
            let node = self.nodes.iter_mut().find(|allowance| allowance.node == letter.stage);
            let Some(node) = node else {
                return Err(NodeError::Rejected(Box::new(letter.clone())));
            };
            let set_aside = node.set_aside.fetch_add(1, Ordering::Relaxed) + 1;
            match node.policy {
                OnError::Halt => return Err(NodeError::Rejected(Box::new(letter.clone()))),
                OnError::DeadLetter { max: Some(max) } if set_aside > max => {
                    let letter = Box::new(letter.clone());
                    return Err(NodeError::TooManyRejected { max, letter });
                }
                OnError::DeadLetter { .. } => {}
            }
        }
        self.outlet.send(Message::Item(letters))
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
        base: 0,
        mixed: None,
        late: None,
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
