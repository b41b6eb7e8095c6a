//! Why a stage cannot go on.

use std::fmt;

use crate::record::format_timestamp;
use crate::sandbox::SandboxError;

/// A batch in the source's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchPlace {
    /// Position of its first row.
    pub first: String,
    /// Position of its last row.
    pub last: String,
    /// Position of the row that the guest was working on, where it said so.
    pub row: Option<String>,
}

impl fmt::Display for BatchPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the batch of rows {} to {} failed", self.first, self.last)?;
        match &self.row {
            Some(row) => write!(f, " at row {row}"),
            None => Ok(()),
        }
    }
}

/// An error of a stage. All of them end the pipeline: what was checkpointed stays good.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// An instance could not be made or opened.
    #[error(transparent)]
    Open(#[from] SandboxError),
    /// The guest trapped, overran a limit, broke the contract or gave up on a batch.
    #[error("{batch}")]
    Guest {
        /// Which rows the batch held, and which one was at fault where the guest said so.
        batch: Box<BatchPlace>,
        /// What the guest did.
        #[source]
        source: SandboxError,
    },
    /// The guest failed while timers fired.
    #[error("the timers up to {} of {clock} failed", moment(*.time))]
    Timers {
        /// Which time: that of events, or that of the host's clock.
        clock: &'static str,
        /// Up to when, microseconds since 1970 UTC.
        time: i64,
        /// What the guest did.
        #[source]
        source: SandboxError,
    },
    /// The guest failed at its state.
    #[error("the transform could not {what}")]
    State {
        /// What it was asked for.
        what: &'static str,
        /// What the guest did.
        #[source]
        source: SandboxError,
    },
    /// The transform described itself otherwise than it did when the pipeline was checked.
    #[error(
        "the transform of stage `{stage}` describes itself otherwise each time it is asked: its describe must depend on its arguments alone"
    )]
    Undecided {
        /// The stage.
        stage: String,
    },
    /// A table of a join was never loaded.
    #[error("stage `{stage}` joins table `{table}`, which is not loaded")]
    TableMissing {
        /// The stage.
        stage: String,
        /// The table.
        table: String,
    },
}

/// A time as people read it; the end of a finite input has none.
fn moment(time: i64) -> String {
    if time == i64::MAX { "the end".to_owned() } else { format_timestamp(time) }
}
