//! The trait behind every transform.

use super::{
    Batch, Description, Failure, Fired, InputSchema, Outcome, Problem, StateChunk, TableSchema,
};

/// A transform, function by function as the host calls it; `wit/transform.wit` is the contract.
///
/// The defaults are those of a stateless transform: any schema is fine, no timers, nothing to save.
pub trait Guest: Sized {
    /// Answers what the transform is for these params (JSON text, an object) and schemas.
    ///
    /// # Errors
    /// Every problem that keeps it from running.
    fn describe(
        params: &str,
        inputs: &[InputSchema],
        tables: &[TableSchema],
    ) -> Result<Description, Vec<Problem>>;

    /// Makes an instance. The arguments are those of a `describe` that succeeded.
    ///
    /// # Errors
    /// A failure stops the pipeline.
    fn open(params: &str, inputs: &[InputSchema], tables: &[TableSchema]) -> Result<Self, Failure>;

    /// Transforms one batch.
    ///
    /// # Errors
    /// A failure stops the pipeline; a bad row is a rejection in the outcome.
    fn process(&mut self, batch: Batch) -> Result<Outcome, Failure>;

    /// Takes note of another schema of an input, before the first batch that has it.
    ///
    /// # Errors
    /// A failure stops the pipeline.
    fn add_schema(&mut self, schema: InputSchema) -> Result<(), Failure> {
        drop(schema);
        Ok(())
    }

    /// Fires the event-time timers up to `time` (microseconds).
    ///
    /// # Errors
    /// A failure stops the pipeline.
    fn advance_watermark(&mut self, time: i64) -> Result<Fired, Failure> {
        let _ = time;
        Ok(Fired::none())
    }

    /// Fires the processing-time timers up to `now` (microseconds).
    ///
    /// # Errors
    /// A failure stops the pipeline.
    fn tick(&mut self, now: i64) -> Result<Fired, Failure> {
        let _ = now;
        Ok(Fired::none())
    }

    /// Hands over what changed in the state since the last call, about `max_bytes` of it.
    ///
    /// # Errors
    /// A failure stops the pipeline.
    fn save(&mut self, max_bytes: u32) -> Result<StateChunk, Failure> {
        let _ = max_bytes;
        Ok(StateChunk::empty())
    }

    /// Takes entries that `save` once handed over.
    ///
    /// # Errors
    /// A state that the transform does not know; by default, any entry.
    fn restore(&mut self, chunk: StateChunk) -> Result<(), Failure> {
        if chunk.states.is_empty() {
            return Ok(());
        }
        Err(Failure::new("this transform keeps no state, and was given some to restore"))
    }
}
