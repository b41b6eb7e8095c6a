//! What the two systems want said, and what their answers mean.
//!
//! | file | what it is |
//! |---|---|
//! | `headers` | a load into request headers |
//! | `reply` | answers into values; never panics, whatever comes |
//! | `outcome` | what an answer means: success, or which [`Failure`] |
//! | `steps` | what both systems do alike |
//! | `starrocks`, `doris` | the steps of each |
//! | `decide` | what to do about a failure: the one function that says |
//!
//! *Invariants*: a load counts only if the server says so and filtered no row; a lost answer is
//! never taken for a refusal, nor for a success.
//! *Not here*: labels and when to do which step (`transaction`), requests (`http`).

mod decide;
mod doris;
mod headers;
mod outcome;
mod reply;
mod starrocks;
mod steps;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub(super) use decide::{Decision, Step, decide};
pub(super) use headers::segment;

use super::config::{BodyFormat, Compression, PartialUpdateMode, StreamLoadConfig, System};
use super::error::StreamLoadError;
use super::http::{Client, Payload};

/// The header and column of StarRocks that says what a row does.
pub(super) const OP_COLUMN: &str = "__op";
/// The hidden column of Doris that says whether a row deletes.
pub(super) const DELETE_SIGN: &str = "__DORIS_DELETE_SIGN__";
/// What stands between the fields of a CSV body.
pub(super) const CSV_SEPARATOR: u8 = 0x01;
/// What ends each row of a CSV body.
pub(super) const CSV_DELIMITER: u8 = 0x02;
/// An absent value in a CSV body.
pub(super) const CSV_NULL: &str = "\\N";

/// Loads of one sink, in the words of its system.
#[derive(Clone)]
pub(super) struct Protocol(Arc<Shared>);

struct Shared {
    client: Client,
    system: System,
    database: String,
    username: String,
    timeout: Duration,
    prepared_timeout: Duration,
}

/// One load.
#[derive(Clone, Copy)]
pub(super) struct LoadRequest<'a> {
    /// The table.
    pub table: &'a str,
    /// The label.
    pub label: &'a str,
    /// What the body is.
    pub shape: &'a Shape,
    /// The body, compressed if the shape says so.
    pub body: &'a dyn Payload,
    /// Rows in it.
    pub rows: u64,
}

/// What a body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// How rows are written.
    pub format: BodyFormat,
    /// How the body is compressed.
    pub compression: Compression,
    /// The columns as in the body, in order, the operation or delete sign included.
    pub columns: Vec<String>,
    /// Whether only these columns of a row change, and how StarRocks is to go about it.
    pub partial: Option<PartialUpdateMode>,
    /// Whether the body has `__op` or `__DORIS_DELETE_SIGN__`.
    pub has_deletes: bool,
    /// Whether each row of the body has its own columns (Doris's flexible partial update).
    pub flexible: bool,
    /// The column whose greater value wins over earlier loads.
    pub sequence: Option<String>,
}

/// What a load has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LoadReply {
    /// The transaction's number.
    pub txn: Option<i64>,
    /// Rows loaded; those of the request, where the server does not say.
    pub rows: u64,
    /// Bytes loaded; those of the body, where the server does not say.
    pub bytes: u64,
    /// Whether it is committed but not yet visible.
    pub publish_timeout: bool,
}

/// How a label's transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelState {
    /// The target does not know it (any more): proves nothing.
    Unknown,
    /// Begun.
    Prepare,
    /// Durable, to be committed.
    Prepared,
    /// Committed, not yet visible.
    Committed,
    /// Committed and visible.
    Visible,
    /// Rolled back; the label can be used again.
    Aborted,
}

/// A step that has not done what it should, or not surely.
#[derive(Debug)]
pub(super) struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// What happened, in words; server texts are quoted.
    pub message: String,
    /// Where the server lists the rows at fault.
    pub error_url: Option<String>,
    /// The error to halt with, where one is known.
    pub error: Option<Box<StreamLoadError>>,
}

/// Kinds of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// Nothing was sent: nothing can have happened.
    Unreachable,
    /// The answer is lost or says nothing: anything may have happened.
    Lost,
    /// The target asks for patience.
    Busy(BusyCause),
    /// Rows that the table does not take.
    Quality,
    /// The body as a whole cannot be read.
    Unparsable,
    /// The body is too large.
    TooLarge,
    /// The label is in use.
    LabelExists {
        /// Whether by a committed transaction.
        finished: bool,
        /// Whose number, where the server says.
        txn: Option<i64>,
    },
    /// The transaction is committed, and was to be rolled back.
    Committed,
    /// No such transaction or label (any more): proves nothing.
    NotFound,
    /// The transaction is rolled back.
    Aborted,
    /// The target said no in words that are not known.
    Rejected,
    /// Wrong password, or a privilege is missing.
    Denied,
    /// Nothing that trying again would mend.
    Fatal,
}

/// Why the target asks for patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BusyCause {
    /// Too many versions of a tablet (-235): loads come faster than compaction.
    Versions,
    /// Too many transactions run in the database.
    Transactions,
    /// Memory is short.
    Memory,
    /// Too many requests at once.
    Requests,
    /// A server starts or stops, or no backend is alive.
    Restarting,
    /// An earlier request of the label still runs.
    InProgress,
    /// A lock or a call inside the cluster took too long.
    Cluster,
}

impl BusyCause {
    /// Its name, as the counters of retries use it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Versions => "too-many-versions",
            Self::Transactions => "too-many-transactions",
            Self::Memory => "memory",
            Self::Requests => "too-many-requests",
            Self::Restarting => "restarting",
            Self::InProgress => "in-progress",
            Self::Cluster => "cluster",
        }
    }
}

impl FailureKind {
    /// Its name, as the counters of retries use it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Lost => "lost-reply",
            Self::Busy(cause) => cause.name(),
            Self::Quality => "bad-rows",
            Self::Unparsable => "unparsable",
            Self::TooLarge => "too-large",
            Self::LabelExists { .. } => "label-exists",
            Self::Committed => "committed",
            Self::NotFound => "not-found",
            Self::Aborted => "aborted",
            Self::Rejected => "rejected",
            Self::Denied => "denied",
            Self::Fatal => "fatal",
        }
    }
}

impl Failure {
    /// The error that a sink halts with: the known one, or the words in a `Target`.
    #[must_use]
    pub fn into_error(self, message: &str) -> StreamLoadError {
        match self.error {
            Some(error) => *error,
            None => StreamLoadError::Target { message: message.to_owned(), text: self.message },
        }
    }
}

impl Protocol {
    /// The loads of a sink.
    pub fn new(client: Client, config: &StreamLoadConfig) -> Self {
        Self(Arc::new(Shared {
            client,
            system: config.system,
            database: config.database.clone(),
            username: config.username.clone(),
            timeout: config.timeout,
            prepared_timeout: config.prepared_timeout,
        }))
    }

    /// A load that commits by itself. `resent`: the same bytes have been sent under this label
    /// before, so that a committed label is success.
    ///
    /// # Errors
    /// [`Failure`]; [`decide`] with [`Step::Load`] says what to do.
    pub fn load(&self, load: &LoadRequest<'_>, resent: bool) -> Result<LoadReply, Failure> {
        self.0.load(load, resent)
    }

    /// The first phase of a load that waits for its commit. On a failure nothing is rolled back:
    /// the caller does.
    ///
    /// # Errors
    /// [`Failure`]; [`decide`] with [`Step::Prepare`] says what to do.
    pub fn prepare(&self, load: &LoadRequest<'_>) -> Result<LoadReply, Failure> {
        match self.0.system {
            System::StarRocks => self.0.prepare_starrocks(load),
            System::Doris => self.0.prepare_doris(load),
        }
    }

    /// The second phase. What is committed already is success.
    ///
    /// # Errors
    /// [`Failure`]; [`decide`] with [`Step::Commit`] says what to do.
    pub fn commit(&self, table: &str, label: &str, txn: Option<i64>) -> Result<(), Failure> {
        match self.0.system {
            System::StarRocks => self.0.commit_starrocks(table, label),
            System::Doris => self.0.commit_doris(table, label, txn),
        }
    }

    /// Undoes the first phase. What is rolled back already, or was never begun, is success; what is
    /// committed is [`FailureKind::Committed`].
    ///
    /// # Errors
    /// [`Failure`]; [`decide`] with [`Step::Rollback`] says what to do.
    pub fn rollback(&self, table: &str, label: &str, txn: Option<i64>) -> Result<(), Failure> {
        match self.0.system {
            System::StarRocks => self.0.rollback_starrocks(table, label),
            System::Doris => self.0.rollback_doris(table, label, txn),
        }
    }

    /// How a label stands.
    ///
    /// # Errors
    /// [`Failure`]; [`decide`] with [`Step::State`] says what to do.
    pub fn state(&self, label: &str) -> Result<LabelState, Failure> {
        self.0.state(label)
    }

    /// The list of rows at fault that a failure points to.
    ///
    /// # Errors
    /// [`Failure`]; [`decide`] with [`Step::State`] says what to do.
    pub fn error_log(&self, url: &str) -> Result<String, Failure> {
        let asked = self.0.asked("", "", "the list of rows at fault");
        self.0.client.error_log(url).map_err(|lost| asked.lost(lost))
    }
}
