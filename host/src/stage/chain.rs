//! Consecutive stateless stages, fused: a batch goes through all of them on one thread.

use super::{Stage, StageError, StageOutput, Tables};
use crate::record::Batch;

/// Stages of which each but the first has one input, the one port of the stage before it.
pub struct Chain {
    stages: Vec<Stage>,
}

impl Chain {
    /// A chain of at least one stage.
    ///
    /// # Panics
    /// If there is no stage.
    #[must_use]
    pub fn new(stages: Vec<Stage>) -> Self {
        assert!(!stages.is_empty(), "a chain has at least one stage");
        Self { stages }
    }

    /// The stages, in order.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Takes one batch of the first stage's input `input` through all stages; the ports are the
    /// last stage's. A batch that has no living row left goes no further.
    ///
    /// # Errors
    /// [`StageError`] of the first stage that fails.
    pub fn apply(
        &mut self,
        input: usize,
        batch: Batch,
        tables: &Tables,
    ) -> Result<StageOutput, StageError> {
        let mut output = StageOutput { batches: vec![(0, batch)], rejected: Vec::new() };
        for (index, stage) in self.stages.iter_mut().enumerate() {
            let input = if index == 0 { input } else { 0 };
            let mut next = StageOutput { batches: Vec::new(), rejected: output.rejected };
            for (_, batch) in output.batches {
                if batch.selected() == 0 {
                    continue;
                }
                let made = stage.apply(input, batch, tables)?;
                next.batches.extend(made.batches);
                next.rejected.extend(made.rejected);
            }
            output = next;
        }
        output.batches.retain(|(_, batch)| batch.selected() > 0);
        Ok(output)
    }
}
