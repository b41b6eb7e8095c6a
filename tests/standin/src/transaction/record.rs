//! One transaction: its states and all that is known about it.

use serde::{Deserialize, Serialize};

use crate::catalog::Staged;
use crate::load::Counts;
use crate::world::System;

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// It takes rows; lost with its backend or frontend.
    Prepare,
    /// Its rows are durable (Doris: pre-committed).
    Prepared,
    /// Committed, not visible yet.
    Committed,
    /// Its rows can be seen.
    Visible,
    /// It came to nothing.
    Aborted,
}

impl State {
    /// The word that a frontend gives for it.
    #[must_use]
    pub fn word(self, system: System) -> &'static str {
        match (self, system) {
            (Self::Prepare, _) => "PREPARE",
            (Self::Prepared, System::StarRocks) => "PREPARED",
            (Self::Prepared, System::Doris) => "PRECOMMITTED",
            (Self::Committed, _) => "COMMITTED",
            (Self::Visible, _) => "VISIBLE",
            (Self::Aborted, _) => "ABORTED",
        }
    }

    /// The `ExistingJobStatus` of a load with a label in this state; none where the label is free.
    #[must_use]
    pub fn job_status(self, system: System) -> Option<&'static str> {
        match (self, system) {
            (Self::Prepare, _) | (Self::Prepared, System::StarRocks) => Some("RUNNING"),
            (Self::Prepared, System::Doris) => Some("PRECOMMITTED"),
            (Self::Committed | Self::Visible, _) => Some("FINISHED"),
            (Self::Aborted, _) => None,
        }
    }

    /// Whether it counts as running.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Prepare | Self::Prepared)
    }

    /// Whether nothing can change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Visible | Self::Aborted)
    }
}

/// How a transaction came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A load that commits by itself, or Doris' load in two phases.
    Load,
    /// StarRocks' transaction interface, one table.
    Single,
    /// StarRocks' transaction interface, several tables.
    Multi,
}

/// One transaction, as the frontend knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transaction {
    /// Its number.
    pub id: i64,
    /// The system that is played.
    pub system: System,
    /// Its database.
    pub db: String,
    /// Its table; empty with several.
    pub table: String,
    /// Its label.
    pub label: String,
    /// How it came to be.
    pub kind: Kind,
    /// How far it is.
    pub state: State,
    /// Why it was aborted.
    pub reason: String,
    /// The backend that coordinates it.
    pub backend: usize,
    /// When it began, by the world's clock.
    #[serde(default)]
    pub begun_ms: i64,
    /// When its rows became durable; 0: they are not.
    #[serde(default)]
    pub prepared_ms: i64,
    /// For how long it may take rows.
    #[serde(default)]
    pub timeout_ms: i64,
    /// When it is aborted unless it has gone on.
    pub deadline_ms: i64,
    /// When it reached its last state.
    pub ended_ms: i64,
    /// When its rows become visible, if it is committed.
    pub visible_ms: i64,
    /// Its rows, load after load, each with its table.
    pub staged: Vec<(String, Staged)>,
    /// How many rows.
    pub counts: Counts,
    /// What a load declared: another one with this label should declare the same.
    pub declared: Vec<(String, String)>,
}

/// A transaction that is not ended, as the control port shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenTransaction {
    /// Its database.
    pub db: String,
    /// Its table; empty with several.
    pub table: String,
    /// Its label.
    pub label: String,
    /// Its number.
    pub txn: i64,
    /// Its state, in the system's word.
    pub state: String,
    /// How many rows it has.
    pub rows: u64,
}

impl From<&Transaction> for OpenTransaction {
    fn from(transaction: &Transaction) -> Self {
        Self {
            db: transaction.db.clone(),
            table: transaction.table.clone(),
            label: transaction.label.clone(),
            txn: transaction.id,
            state: transaction.state.word(transaction.system).to_owned(),
            rows: transaction.counts.loaded,
        }
    }
}
