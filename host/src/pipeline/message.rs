//! What travels on edges, and between nodes and the coordinator.

use crate::checkpoint::{InstanceCheckpoint, PartitionTime, SinkProgress, SourceProgress};
use crate::record::{Epoch, Position};
use crate::sink::Handle;
use crate::stage::Tables;

use super::NodeError;

/// The watermark at the end of a finite source: no row follows at all.
pub(super) const FINAL_WATERMARK: i64 = i64::MAX;

/// The marker of a checkpoint in the stream.
#[derive(Clone)]
pub(super) struct Barrier {
    /// The checkpoint's number.
    pub epoch: Epoch,
    /// The tables from here on.
    pub tables: Tables,
    /// Whether nothing follows.
    pub last: bool,
}

/// What travels on an edge: items in order, watermarks between them, barriers, and the end.
#[derive(Clone)]
pub(super) enum Message<T> {
    /// Rows (or dead letters).
    Item(T),
    /// No later row is earlier than this, but for late ones.
    Watermark(i64),
    /// Nothing has come for a while: time goes on without this edge until something does.
    Idle,
    /// A checkpoint's marker.
    Barrier(Barrier),
    /// Nothing follows.
    End,
}

/// What the coordinator tells a source.
pub(super) enum Control {
    /// Put this barrier in now.
    Barrier(Barrier),
    /// Everything before this position is durable.
    Acknowledge(Position),
}

/// What nodes tell the coordinator.
pub(super) enum Event {
    /// A source has put the barrier in; its rows before it are all sent.
    SourceAt {
        source: String,
        position: Position,
        progress: SourceProgress,
        times: Vec<PartitionTime>,
        watermark: i64,
    },
    /// A source has no more rows.
    SourceFinished,
    /// A source has come to where the checkpoint that is repeated has it.
    SourceReached,
    /// A stage has passed the barrier on; the source sequence that it goes on with.
    StageAt { stages: Vec<(String, i64)>, watermark: i64 },
    /// An instance of a stage that keeps something has passed the barrier on, and what it holds is
    /// durable.
    Saved { stage: String, instance: usize, held: Box<InstanceCheckpoint> },
    /// A sink has prepared.
    Prepared { sink: String, handle: Handle, progress: SinkProgress },
    /// A node asks for a checkpoint beyond the last one that it has seen.
    WantsBarrier { beyond: Epoch },
    /// A node cannot go on.
    Failed { node: String, error: Box<NodeError> },
}
