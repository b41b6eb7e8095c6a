//! The half that takes rows: checks them, and writes them ahead to a segment.

use std::sync::Arc;

use super::{SqliteHandle, Target, checks};
use crate::record::{Batch, Epoch};
use crate::sink::segment::SegmentWriter;
use crate::sink::{Prepared, Refusal, Sink, SinkError};

/// Bytes of prepared rows at which a checkpoint should come, so that a commit stays short and the
/// disk is not filled by a pipeline whose checkpoints are far apart.
const SEGMENT_BYTES_WANTED: u64 = 512 << 20;

pub(super) struct SqliteSink {
    target: Arc<Target>,
    segment: SegmentWriter,
    /// The number at which the table stands once all that is prepared is committed.
    number: Epoch,
}

impl SqliteSink {
    pub(super) fn new(target: Arc<Target>, number: Epoch) -> Self {
        let segment = SegmentWriter::new(&target.sink, target.segments.clone(), &target.schema);
        Self { target, segment, number }
    }
}

impl Sink for SqliteSink {
    fn write(&mut self, batch: &Batch) -> Result<Vec<Refusal>, SinkError> {
        let verdict = checks::inspect(&self.target, batch);
        match verdict.kept {
            None => self.segment.append(batch)?,
            Some(rows) => self.segment.append(&batch.take(&rows))?,
        }
        Ok(verdict.refused)
    }

    fn prepare(&mut self, epoch: Epoch) -> Result<Prepared, SinkError> {
        let segment = self.segment.seal(epoch)?;
        let before = self.number;
        if segment.is_some() {
            self.number = epoch;
        }
        let handle = SqliteHandle { before, after: self.number, segment };
        Ok(Prepared { handle: handle.write(), refused: Vec::new() })
    }

    fn wants_barrier(&self) -> bool {
        self.segment.bytes() >= SEGMENT_BYTES_WANTED
    }
}
