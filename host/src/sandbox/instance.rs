//! An open instance of a transform: the calls of the contract in the host's own types.

use super::artifact::OpenContext;
use super::convert::{self, Lent};
use super::describe::{describe, with_schema, with_schemas};
use super::description::{Description, InputSchema};
use super::error::{DescribeError, SandboxError};
use super::runner::Runner;
use super::transform::{Call, Chunk, Fired, Outcome};

/// A live transform. One thread at a time calls it; it may move between threads.
///
/// After an error other than [`SandboxError::Failed`] it answers [`SandboxError::Ended`] only.
pub struct Instance {
    runner: Runner,
    description: Description,
    lent: Lent,
}

impl Instance {
    /// Opens a fresh guest. It is described first, so that its answers can be checked against what
    /// it says with these very arguments.
    pub(super) fn open(mut runner: Runner, context: &OpenContext) -> Result<Self, SandboxError> {
        let OpenContext { params, inputs, tables, .. } = context;
        let description = match describe(&mut runner, params, inputs, tables) {
            Ok(description) => description,
            Err(DescribeError::Sandbox(error)) => return Err(error),
            Err(DescribeError::Problems(problems)) => {
                return Err(SandboxError::NotRunnable { at: runner.origin("open"), problems });
            }
        };
        let params = params.to_string();
        with_schemas(inputs, tables, |inputs, tables| {
            runner
                .call("open", None, |guest, store| guest.call_open(store, &params, inputs, tables))
        })?;
        runner.settle("open", Ok(()))?;
        Ok(Self { runner, description, lent: Lent::default() })
    }

    /// What the transform is, for what it was opened with.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Transforms one batch.
    ///
    /// # Errors
    /// [`SandboxError`]; nothing of the call has taken effect.
    ///
    /// # Panics
    /// If a column's array is of an Arrow type that carries no [`crate::record::DataType`].
    pub fn process(&mut self, call: Call<'_>) -> Result<Outcome, SandboxError> {
        const NAME: &str = "process";
        let Self { runner, description, lent } = self;
        let answer = lent.with_batch(&call, |batch| {
            runner.call(NAME, Some(call.now), |guest, store| guest.call_process(store, batch))
        })?;
        let max_rows = runner.max_emitted();
        runner.settle(NAME, convert::outcome(answer, description, &call, max_rows))
    }

    /// Announces another schema of an input, before the first batch that has it.
    ///
    /// # Errors
    /// [`SandboxError`], [`SandboxError::Failed`] if the transform cannot deal with the schema.
    pub fn add_schema(&mut self, schema: &InputSchema) -> Result<(), SandboxError> {
        const NAME: &str = "add-schema";
        with_schema(schema, |schema| {
            self.runner.call(NAME, None, |guest, store| guest.call_add_schema(store, schema))
        })?;
        self.runner.settle(NAME, Ok(()))
    }

    /// Says that event time has reached `time` (microseconds); it never falls. To be called again
    /// with the same time while the answer has `more`.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub fn advance_watermark(&mut self, time: i64) -> Result<Fired, SandboxError> {
        const NAME: &str = "advance-watermark";
        let answer = self
            .runner
            .call(NAME, None, |guest, store| guest.call_advance_watermark(store, time))?;
        let fired = convert::fired(answer, &self.description, self.runner.max_emitted());
        self.runner.settle(NAME, fired)
    }

    /// Says that processing time has reached `now` (microseconds); it never falls. To be called
    /// again with the same time while the answer has `more`.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub fn tick(&mut self, now: i64) -> Result<Fired, SandboxError> {
        const NAME: &str = "tick";
        let answer =
            self.runner.call(NAME, Some(now), |guest, store| guest.call_tick(store, now))?;
        let fired = convert::fired(answer, &self.description, self.runner.max_emitted());
        self.runner.settle(NAME, fired)
    }

    /// Hands over what changed in the state since the last `save`, in a chunk of about `max_bytes`;
    /// to be called again while the answer has `more`.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub fn save(&mut self, max_bytes: u32) -> Result<Chunk, SandboxError> {
        const NAME: &str = "save";
        let answer =
            self.runner.call(NAME, None, |guest, store| guest.call_save(store, max_bytes))?;
        self.runner.settle(NAME, convert::chunk(answer, &self.description))
    }

    /// Gives back what `save` handed over, chunk by chunk, before anything else is called.
    ///
    /// # Errors
    /// [`SandboxError`], [`SandboxError::Failed`] if the transform does not know such a state.
    pub fn restore(&mut self, chunk: &Chunk) -> Result<(), SandboxError> {
        const NAME: &str = "restore";
        let lent = convert::lend_chunk(chunk);
        self.runner.call(NAME, None, |guest, store| guest.call_restore(store, lent))?;
        self.runner.settle(NAME, Ok(()))
    }

    /// What the transform counted, by name, over all calls that succeeded.
    pub fn counters(&self) -> impl Iterator<Item = (&str, u64)> {
        self.runner.counters()
    }

    /// Bytes of its linear memories.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.runner.memory()
    }
}
