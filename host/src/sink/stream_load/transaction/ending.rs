//! The end of a prepared transaction, by its label.
//!
//! | the target says of a prepared label | what it means |
//! |---|---|
//! | committed, visible | done |
//! | prepared | commit, again if it was tried |
//! | being prepared | asked again, a while; then the sink halts |
//! | unknown | asked again, a while; then forgotten: proves nothing |
//! | aborted | gone: the rows must come again |
//!
//! *Invariants*: an answer that is in doubt is settled by asking for the state.

use std::time::{Duration, Instant};

use super::handle::PartHandle;
use super::loader::Loader;
use crate::sink::SinkError;
use crate::sink::stream_load::error::StreamLoadError;
use crate::sink::stream_load::protocol::{Decision, FailureKind, LabelState, Step, decide};
use crate::telemetry::LoadPhase;

/// Pauses between questions about a label that should be prepared, and how many are asked.
const ASKING: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// The same where the target does not know the label: it looks in what all its frontends share, so
/// that only one that lags behind may say otherwise soon. About five seconds in all.
const ASKING_UNKNOWN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
const ASKS_MAX: u32 = 10;

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) enum Fate {
    Visible,
    /// Rolled back: its rows are certainly not there.
    Gone,
    /// The target no longer knows it.
    Forgotten,
}

impl Fate {
    /// What the log says.
    pub(in crate::sink::stream_load) const fn words(self) -> &'static str {
        match self {
            Self::Visible => "its rows are visible",
            Self::Gone => "rolled back",
            Self::Forgotten => "no longer known",
        }
    }
}

/// What a label's state means to a part that was prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Is(Fate),
    Commit,
    Ask,
}

const fn reading(state: LabelState) -> Reading {
    match state {
        LabelState::Committed | LabelState::Visible => Reading::Is(Fate::Visible),
        LabelState::Prepared => Reading::Commit,
        LabelState::Prepare | LabelState::Unknown => Reading::Ask,
        LabelState::Aborted => Reading::Is(Fate::Gone),
    }
}

impl Loader {
    /// Commits a part that a checkpoint names.
    pub(in crate::sink::stream_load) fn commit(
        &self,
        part: &PartHandle,
    ) -> Result<Fate, SinkError> {
        let Loader { exchange, waits, counters, .. } = self;
        let mut backoff = waits.backoff();
        loop {
            let started = Instant::now();
            let asked = waits.asking("commit", &part.label);
            let result = exchange.commit(&part.table, &part.label, part.txn);
            drop(asked);
            counters.spent(LoadPhase::Commit, started.elapsed());
            let failure = match result {
                Ok(()) => return Ok(Fate::Visible),
                Err(failure) => failure,
            };
            let decision = decide(&failure, Step::Commit);
            // Whatever the target refused a commit for, it may have committed all the same.
            if !matches!(decision, Decision::Retry { .. })
                && let Some(fate) = self.ask(part)?
            {
                return Ok(fate);
            }
            self.wait(&mut backoff, decision, failure, "commit rows")?;
        }
    }

    /// What became of a part; `None`: it is still to be committed.
    fn ask(&self, part: &PartHandle) -> Result<Option<Fate>, SinkError> {
        let mut backoff = self.waits.backoff();
        loop {
            let state = self.state(&part.label)?;
            match reading(state) {
                Reading::Is(fate) => return Ok(Some(fate)),
                Reading::Commit => return Ok(None),
                Reading::Ask => {}
            }
            let reason = "a prepared transaction is not known at the target";
            let bounds = if state == LabelState::Unknown { ASKING_UNKNOWN } else { ASKING };
            if backoff.again("unknown-label", reason, bounds, Some(ASKS_MAX)) {
                continue;
            }
            if state == LabelState::Unknown {
                return Ok(Some(Fate::Forgotten));
            }
            let message = format!(
                "label `{}` was prepared, but the target says that it still is to be; was the \
                 target restored from a backup? end the transaction there, and start again",
                part.label
            );
            return Err(self.failed(StreamLoadError::Halted { message }));
        }
    }

    /// Ends a transaction that is not to be committed: [`Fate::Visible`] if it is committed.
    pub(in crate::sink::stream_load) fn end(
        &self,
        table: &str,
        label: &str,
        txn: Option<i64>,
    ) -> Result<Fate, SinkError> {
        let Loader { exchange, waits, .. } = self;
        let mut backoff = waits.backoff();
        loop {
            let failure = match exchange.rollback(table, label, txn) {
                Ok(()) => return Ok(Fate::Gone),
                Err(failure) if failure.kind == FailureKind::Committed => return Ok(Fate::Visible),
                Err(failure) => failure,
            };
            let decision = decide(&failure, Step::Rollback);
            if decision == Decision::AskState {
                match self.state(label)? {
                    LabelState::Committed | LabelState::Visible => return Ok(Fate::Visible),
                    LabelState::Aborted | LabelState::Unknown => return Ok(Fate::Gone),
                    LabelState::Prepare | LabelState::Prepared => {}
                }
            }
            self.wait(&mut backoff, decision, failure, "roll back a transaction")?;
        }
    }
}
