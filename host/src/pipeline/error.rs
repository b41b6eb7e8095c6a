//! Why a pipeline stopped, and what that means for the caller.

use crate::checkpoint::StoreError;
use crate::record::DeadLetter;
use crate::sink::SinkError;
use crate::source::SourceError;
use crate::stage::{OrderError, StageError};
use crate::table::TableError;

/// Why a node cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Another node went away first; its error is the one to read.
    #[error("a neighbouring node stopped")]
    Disconnected,
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The stage failed.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The sink failed.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The store failed at a stage's state.
    #[error(transparent)]
    State(#[from] StoreError),
    /// The rows that wait for their event time could not be kept.
    #[error(transparent)]
    Waiting(#[from] OrderError),
    /// A row was rejected, and the node's `on_error` says to halt.
    #[error("row {position} was rejected{column}: {reason} (with on_error = \"dead-letter\" and a [dead_letters] sink it would be set aside and the rest would go on)", position = .0.position, reason = .0.reason, column = in_column(.0))]
    Rejected(Box<DeadLetter>),
    /// More rows were rejected than `on_error` allows.
    #[error("more than {max} rows were rejected, which on_error does not allow; the last one is row {position}: {reason}", position = .letter.position, reason = .letter.reason)]
    TooManyRejected {
        /// How many are allowed.
        max: u64,
        /// The one that was too many.
        letter: Box<DeadLetter>,
    },
    /// The source does not come again to where a checkpoint that is repeated has it.
    #[error(
        "checkpoint {epoch} is to be repeated, and the source does not come to exactly its position again: {what}; put the input back as it was and start again, or start over with a new store (checkpoint.store) and emptied outputs (if_exists = \"replace\")"
    )]
    Missed {
        /// The checkpoint.
        epoch: u64,
        /// What was found.
        what: String,
    },
    /// A broken invariant of ours; the panic's message is in the log.
    #[error(
        "the node's thread panicked: this is a bug in millrace; what was checkpointed stays good"
    )]
    Panicked,
    /// The dead letters' sink refused a dead letter.
    #[error("the dead letters' sink refused a letter: {reason}")]
    LetterRefused {
        /// Why.
        reason: String,
    },
}

impl NodeError {
    /// The node that failed, as users know it: its kind, as far as the error tells, and its name.
    #[must_use]
    pub fn place(&self, node: &str) -> String {
        let kind = match self {
            Self::Source(_) | Self::Missed { .. } => "source",
            Self::Stage(_) | Self::State(_) | Self::Waiting(_) => "transform",
            Self::Sink(_) => "sink",
            Self::LetterRefused { .. } => return "the dead letters' sink".to_owned(),
            Self::Disconnected
            | Self::Rejected(_)
            | Self::TooManyRejected { .. }
            | Self::Panicked => "node",
        };
        format!("{kind} `{node}`")
    }
}

fn in_column(letter: &DeadLetter) -> String {
    letter.column.as_ref().map_or_else(String::new, |column| format!(" in column `{column}`"))
}

/// Why a pipeline stopped before its end. What the last checkpoint holds stays good: a restart goes
/// on from there.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The checkpoint store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A node failed.
    #[error("{} failed", .source.place(.node))]
    Node {
        /// The node's name.
        node: String,
        /// Why.
        #[source]
        source: Box<NodeError>,
    },
    /// A table could not be loaded at the start.
    #[error("table `{table}` cannot be loaded")]
    Table {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: TableError,
    },
    /// The checkpoint has a sink that the pipeline no longer has.
    #[error(
        "checkpoint {epoch} in {store} has the sink `{sink}`, which this pipeline has not: what was prepared for it would never be committed, and under another name it would be filled anew; name it `{sink}` again, or start over with a new store (checkpoint.store) and if_exists on the sinks", store = .store.display()
    )]
    SinkGone {
        /// The sink's name in the checkpoint.
        sink: String,
        /// The checkpoint.
        epoch: u64,
        /// The store's folder.
        store: std::path::PathBuf,
    },
    /// The checkpoint has a source that the pipeline no longer has.
    #[error(
        "checkpoint {epoch} in {store} has the source `{source_name}`, which this pipeline has not: under another name it would be read from its start again and its rows doubled; name it `{source_name}` again, or start over with a new store (checkpoint.store) and if_exists on the sinks", store = .store.display()
    )]
    SourceGone {
        /// The source's name in the checkpoint.
        source_name: String,
        /// The checkpoint.
        epoch: u64,
        /// The store's folder.
        store: std::path::PathBuf,
    },
    /// The checkpoint has a stage that keeps something, which the pipeline no longer has.
    #[error(
        "checkpoint {epoch} in {store} has the state of the transform `{stage}`, which this pipeline has not (or which keeps none now): its state and the rows that wait in it would be lost; name it `{stage}` again, or start over with a new store (checkpoint.store) and if_exists on the sinks", store = .store.display()
    )]
    StageGone {
        /// The stage's name in the checkpoint.
        stage: String,
        /// The checkpoint.
        epoch: u64,
        /// The store's folder.
        store: std::path::PathBuf,
    },
    /// The state of a stage does not fit what it is now.
    #[error(
        "checkpoint {epoch} in {store}: the state of the transform `{stage}` {what}; run the module and the key that it was kept by, or start over with a new store (checkpoint.store) and if_exists on the sinks", store = .store.display()
    )]
    StateMismatch {
        /// The stage.
        stage: String,
        /// The checkpoint.
        epoch: u64,
        /// The store's folder.
        store: std::path::PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The target gave a prepared epoch up.
    #[error(
        "sink `{sink}`: its target gave up what was prepared for checkpoint {epoch} before it was committed; nothing is lost, and a start makes those rows again; if it comes to this each time, the target keeps prepared transactions for too short a time"
    )]
    Expired {
        /// The sink.
        sink: String,
        /// The checkpoint.
        epoch: u64,
    },
    /// The target gave a part of a checkpoint up, and its rows cannot be made again.
    #[error(
        "the target has given up what was prepared for {lost}, while the rest of checkpoint {epoch} is visible, and the rows would not come again as they were: {reason}; undo that and start again, or load by hand what is missing since checkpoint {before} and start over with a new store (checkpoint.store) behind it, or start over with a new store and emptied outputs (if_exists = \"replace\")", before = .epoch.saturating_sub(1)
    )]
    CannotRepeat {
        /// The sinks and labels, in words.
        lost: String,
        /// The checkpoint.
        epoch: u64,
        /// Why.
        reason: String,
    },
    /// The graceful stop did not end in time.
    #[error(
        "the pipeline did not drain within its stop_timeout; at the next start, what no checkpoint holds comes again, and a checkpoint whose commits are open is finished"
    )]
    StopTimeout,
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// A test asked for a crash here.
    #[error("crash injected at {0}")]
    Injected(String),
}

impl PipelineError {
    /// Whether something outside could not be reached, rather than failed.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::StopTimeout | Self::Store(StoreError::InUse { .. }) => true,
            Self::Table { source, .. } => source.is_unreachable(),
            Self::Node { source, .. } => match &**source {
                NodeError::Source(error) => error.is_unreachable(),
                NodeError::Sink(error) => error.is_transient(),
                _ => false,
            },
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_in_use_is_out_of_reach_and_another_pipelines_is_not() {
        let in_use = StoreError::InUse { path: "s".into() };
        assert!(PipelineError::Store(in_use).is_unreachable());
        let (found, wanted) = ("rev".to_owned(), "other".to_owned());
        let other = StoreError::Mismatch { path: "s".into(), what: "pipeline", found, wanted };
        assert!(!PipelineError::Store(other).is_unreachable());
    }
}
