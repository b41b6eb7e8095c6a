//! What a backend holds of a transaction that is not prepared: rows, and what was asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Staged;
use crate::load::{Batch, Counts, Refusal, Timings};

/// A transaction in a backend's memory; of several tables, in the frontend's.
#[derive(Debug)]
pub(super) struct Context {
    /// Its number.
    pub txn: i64,
    /// The database of its begin.
    pub db: String,
    /// The table of its begin; empty with several.
    pub table: String,
    /// The tables that a load is running for.
    pub busy: BTreeSet<String>,
    /// The parameters of the loads, by table.
    pub parameters: BTreeMap<String, Vec<(String, String)>>,
    /// For how long it may be idle, in milliseconds.
    pub idle_ms: Option<i64>,
    /// When it was last used.
    pub used_ms: i64,
    /// A load failed: nothing but a rollback is possible.
    pub spoilt: bool,
    /// What failed while rows were written, told when the transaction is to be prepared.
    pub failed: Option<Refusal>,
    /// The rows, load after load, each with its table.
    pub staged: Vec<(String, Staged)>,
    /// The rows that were refused, and why.
    pub bad: Vec<(String, String)>,
    /// How many rows.
    pub counts: Counts,
    /// The ratio of refused rows that is allowed.
    pub max_filter_ratio: f64,
    /// When it began, and how long its stages took.
    pub timings: Timings,
}

/// How many refused rows a transaction remembers.
const BAD_ROWS: usize = 50;

impl Context {
    /// A transaction without loads.
    pub(super) fn new(txn: i64, db: &str, table: &str, now_ms: i64) -> Self {
        Self {
            txn,
            db: db.to_owned(),
            table: table.to_owned(),
            busy: BTreeSet::new(),
            parameters: BTreeMap::new(),
            idle_ms: None,
            used_ms: now_ms,
            spoilt: false,
            failed: None,
            staged: Vec::new(),
            bad: Vec::new(),
            counts: Counts::default(),
            max_filter_ratio: 0.0,
            timings: Timings::start(),
        }
    }

    /// Whether it has waited for too long.
    pub(super) fn is_idle(&self, now_ms: i64) -> bool {
        self.busy.is_empty()
            && self.idle_ms.is_some_and(|idle| now_ms.saturating_sub(self.used_ms) >= idle)
    }

    /// Adds the rows of a load.
    pub(super) fn add(&mut self, table: &str, batch: Batch) {
        self.counts.add(&batch.counts);
        self.staged.push((table.to_owned(), batch.staged));
        let room = BAD_ROWS.saturating_sub(self.bad.len());
        self.bad.extend(batch.bad.into_iter().take(room));
    }

    /// Why it cannot be prepared now; `true` beside it says that it is over.
    pub(super) fn unfit(&self, label: &str) -> Option<(Refusal, bool)> {
        if !self.busy.is_empty() {
            return Some((in_processing(), false));
        }
        if self.spoilt {
            let aborted = Refusal::new("ABORTED", format!("{ABORTED}, label: {label}"));
            return Some((aborted, false));
        }
        if self.parameters.is_empty() {
            let message = format!("transaction {} hasn't send any data yet", self.txn);
            return Some((Refusal::new("INTERNAL_ERROR", message), false));
        }
        if let Some(failed) = &self.failed {
            return Some((Refusal::new("INTERNAL_ERROR", failed.message.clone()), true));
        }
        let refused = Refusal::new("INTERNAL_ERROR", super::texts::TOO_MANY_FILTERED);
        self.counts.exceed(self.max_filter_ratio).then_some((refused, true))
    }
}

/// What a transaction with a failed load says.
pub(super) const ABORTED: &str = "current transaction is aborted";

/// Another request of the same label is running.
pub(super) fn in_processing() -> Refusal {
    Refusal::new("TXN_IN_PROCESSING", "Transaction in processing, please retry later")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        let mut context = Context::new(7, "d", "t", 0);
        context.parameters.insert("t".to_owned(), Vec::new());
        context
    }

    #[test]
    fn what_keeps_a_transaction_from_being_prepared() {
        assert_eq!(context().unfit("l"), None);
        let unfit = |change: fn(&mut Context)| {
            let mut context = context();
            change(&mut context);
            context.unfit("l").map(|(refusal, over)| (refusal.code, refusal.message, over))
        };
        let texts = |code, message: &str, over| Some((code, message.to_owned(), over));
        assert_eq!(
            unfit(|context| context.parameters.clear()),
            texts("INTERNAL_ERROR", "transaction 7 hasn't send any data yet", false)
        );
        assert_eq!(
            unfit(|context| {
                context.busy.insert("t".to_owned());
            }),
            texts("TXN_IN_PROCESSING", "Transaction in processing, please retry later", false)
        );
        assert_eq!(
            unfit(|context| context.spoilt = true),
            texts("ABORTED", "current transaction is aborted, label: l", false)
        );
        assert_eq!(
            unfit(|context| context.counts = Counts { total: 2, filtered: 1, ..Counts::default() }),
            texts("INTERNAL_ERROR", "too many filtered rows", true)
        );
    }

    #[test]
    fn only_a_transaction_at_rest_is_idle() {
        let mut context = Context { idle_ms: Some(10), ..context() };
        assert!(!context.is_idle(9) && context.is_idle(10));
        context.busy.insert("t".to_owned());
        assert!(!context.is_idle(1000));
    }
}
