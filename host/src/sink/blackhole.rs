//! A sink that keeps nothing. It looks at every column all the same, so that a benchmark pays for
//! all that a real sink would ask for.

use std::hint::black_box;

use arrow_array::Array;

use super::{Committed, Committer, Handle, OpenSink, Prepared, Refusal, Sink, SinkError};
use crate::record::{Batch, Epoch};

/// Opens the sink.
pub(super) fn open() -> OpenSink {
    OpenSink { sink: Box::new(Blackhole), committer: Box::new(NothingToCommit) }
}

struct Blackhole;

impl Sink for Blackhole {
    fn write(&mut self, batch: &Batch) -> Result<Vec<Refusal>, SinkError> {
        for column in &batch.columns {
            black_box((column.values.len(), column.values.null_count()));
        }
        Ok(Vec::new())
    }

    fn prepare(&mut self, _: Epoch) -> Result<Prepared, SinkError> {
        Ok(nothing_prepared())
    }
}

/// What a sink without durability has prepared.
pub(super) fn nothing_prepared() -> Prepared {
    Prepared { handle: Handle(serde_json::Value::Null), refused: Vec::new() }
}

/// The committer of a sink whose rows are out of its hands once written.
pub(super) struct NothingToCommit;

impl Committer for NothingToCommit {
    fn commit(&mut self, _: &Handle) -> Result<Committed, SinkError> {
        Ok(Committed::Done)
    }

    fn confirmed(&mut self, _: &Handle) -> Result<(), SinkError> {
        Ok(())
    }

    fn discard_beyond(&mut self, _: &Handle) -> Result<(), SinkError> {
        Ok(())
    }
}
