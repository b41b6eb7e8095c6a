//! What the machines here ask of the target, so that scripts can answer in tests.

use crate::sink::stream_load::protocol::{Failure, LabelState, LoadReply, LoadRequest, Protocol};

/// The calls of [`Protocol`] that load, and end what was loaded.
pub(in crate::sink::stream_load) trait Exchange: Send + Sync {
    /// A load that is visible once it has succeeded.
    fn load(&self, load: &LoadRequest<'_>, resent: bool) -> Result<LoadReply, Failure>;
    /// A load that waits for its commit. On failure nothing is rolled back.
    fn prepare(&self, load: &LoadRequest<'_>) -> Result<LoadReply, Failure>;
    /// Makes a prepared load visible; done already is fine.
    fn commit(&self, table: &str, label: &str, txn: Option<i64>) -> Result<(), Failure>;
    /// Ends what is not committed; done already, and never begun, are fine.
    fn rollback(&self, table: &str, label: &str, txn: Option<i64>) -> Result<(), Failure>;
    /// What the target knows of a label.
    fn state(&self, label: &str) -> Result<LabelState, Failure>;
    /// What the target wrote about the rows that it refused.
    fn error_log(&self, url: &str) -> Result<String, Failure>;
}

impl Exchange for Protocol {
    fn load(&self, load: &LoadRequest<'_>, resent: bool) -> Result<LoadReply, Failure> {
        Self::load(self, load, resent)
    }

    fn prepare(&self, load: &LoadRequest<'_>) -> Result<LoadReply, Failure> {
        Self::prepare(self, load)
    }

    fn commit(&self, table: &str, label: &str, txn: Option<i64>) -> Result<(), Failure> {
        Self::commit(self, table, label, txn)
    }

    fn rollback(&self, table: &str, label: &str, txn: Option<i64>) -> Result<(), Failure> {
        Self::rollback(self, table, label, txn)
    }

    fn state(&self, label: &str) -> Result<LabelState, Failure> {
        Self::state(self, label)
    }

    fn error_log(&self, url: &str) -> Result<String, Failure> {
        Self::error_log(self, url)
    }
}
