//! A live stage and the passing of time, and its state on the way out and back in.

use super::{Stage, StageError, StageOutput};
use crate::checkpoint::StateEntries;
use crate::checkpoint::Varying as Stored;
use crate::sandbox::{Chunk, Fired, SandboxError, Varying};

/// Bytes of a chunk of saved state, about.
const CHUNK_BYTES: u32 = 1 << 20;

/// What one page of timers made.
#[derive(Debug)]
pub struct TimerOutput {
    /// Rows by port; timers refuse none.
    pub output: StageOutput,
    /// Whether there is more: call again with the same time.
    pub more: bool,
    /// The processing time at which the next tick is wanted.
    pub next_tick: Option<i64>,
}

impl Stage {
    /// Whether the transform wants [`Stage::advance_watermark`].
    #[must_use]
    pub fn wants_watermarks(&self) -> bool {
        self.config.description.watermarks
    }

    /// Whether the transform wants [`Stage::tick`].
    #[must_use]
    pub fn wants_ticks(&self) -> bool {
        self.config.description.ticks
    }

    /// Says that event time has reached `time`: no later row is earlier, but for late ones. To be
    /// called again with the same time while the answer has `more`.
    ///
    /// # Errors
    /// [`StageError::Timers`]; nothing of the call has taken effect.
    pub fn advance_watermark(&mut self, time: i64) -> Result<TimerOutput, StageError> {
        let fired = self.instance.advance_watermark(time);
        self.fired(fired, "event time", time)
    }

    /// Says that processing time has reached `now`. To be called again with the same time while the
    /// answer has `more`.
    ///
    /// # Errors
    /// [`StageError::Timers`]; nothing of the call has taken effect.
    pub fn tick(&mut self, now: i64) -> Result<TimerOutput, StageError> {
        let fired = self.instance.tick(now);
        self.fired(fired, "processing time", now)
    }

    fn fired(
        &mut self,
        fired: Result<Fired, SandboxError>,
        clock: &'static str,
        time: i64,
    ) -> Result<TimerOutput, StageError> {
        let Fired { emitted, more, next_tick } =
            fired.map_err(|source| StageError::Timers { clock, time, source })?;
        let mut output = StageOutput::default();
        self.emit(self.clock.now(), emitted, &mut output);
        self.count(&output);
        Ok(TimerOutput { output, more, next_tick })
    }

    /// Hands what changed in the state since the last save to `keep`, chunk by chunk.
    ///
    /// # Errors
    /// [`StageError::State`], or what `keep` answers.
    pub fn save<E: From<StageError>>(
        &mut self,
        mut keep: impl FnMut(StateEntries) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let chunk = self
                .instance
                .save(CHUNK_BYTES)
                .map_err(|source| StageError::State { what: "hand its state over", source })?;
            let more = chunk.more;
            if chunk.entries() > 0 {
                keep(stored(chunk))?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Gives entries back that [`Stage::save`] handed over, in order, before the first batch.
    ///
    /// # Errors
    /// [`StageError::State`] if the transform does not take them.
    pub fn restore(&mut self, entries: StateEntries) -> Result<(), StageError> {
        let chunk = chunk(entries);
        let restored = self.instance.restore(&chunk);
        restored.map_err(|source| StageError::State { what: "take its state back", source })
    }

    /// Bytes of the instance's memory.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.instance.memory_bytes()
    }
}

fn stored(chunk: Chunk) -> StateEntries {
    let varying = |Varying { offsets, bytes }| Stored { offsets, bytes };
    StateEntries {
        states: chunk.states,
        groups: chunk.groups,
        keys: varying(chunk.keys),
        sub_keys: varying(chunk.sub_keys),
        actions: chunk.actions,
        values: varying(chunk.values),
    }
}

fn chunk(entries: StateEntries) -> Chunk {
    let varying = |Stored { offsets, bytes }| Varying { offsets, bytes };
    Chunk {
        states: entries.states,
        groups: entries.groups,
        keys: varying(entries.keys),
        sub_keys: varying(entries.sub_keys),
        actions: entries.actions,
        values: varying(entries.values),
        more: false,
    }
}
