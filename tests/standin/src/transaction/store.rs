//! The label store: every transaction that the frontends remember, by number and by label.

use std::collections::{BTreeMap, HashMap};

use super::record::{State, Transaction};
use crate::settings::Limits;
use crate::world::System;

/// The transactions of all databases.
#[derive(Debug, Default)]
pub(super) struct Store {
    transactions: BTreeMap<i64, Transaction>,
    /// The last transaction of each label of each database.
    labels: HashMap<(String, String), i64>,
}

/// Why a label cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LabelUsed {
    /// The transaction that has it.
    pub txn: i64,
    /// Its state.
    pub state: State,
}

impl Store {
    /// Adds a transaction, unless its label is in use.
    pub(super) fn begin(&mut self, transaction: Transaction) -> Result<(), LabelUsed> {
        if let Some(used) = self.by_label(&transaction.db, &transaction.label)
            && used.state != State::Aborted
        {
            return Err(LabelUsed { txn: used.id, state: used.state });
        }
        self.put(transaction);
        Ok(())
    }

    /// Adds a transaction that was there before a restart.
    pub(super) fn put(&mut self, transaction: Transaction) {
        let key = (transaction.db.clone(), transaction.label.clone());
        let last = self.labels.entry(key).or_insert(transaction.id);
        *last = (*last).max(transaction.id);
        self.transactions.insert(transaction.id, transaction);
    }

    /// The transaction of this number.
    pub(super) fn get(&self, txn: i64) -> Option<&Transaction> {
        self.transactions.get(&txn)
    }

    /// The transaction of this number, to be changed.
    pub(super) fn get_mut(&mut self, txn: i64) -> Option<&mut Transaction> {
        self.transactions.get_mut(&txn)
    }

    /// The last transaction of this label.
    pub(super) fn by_label(&self, db: &str, label: &str) -> Option<&Transaction> {
        let txn = self.labels.get(&(db.to_owned(), label.to_owned()))?;
        self.transactions.get(txn)
    }

    /// Every transaction, by number.
    pub(super) fn all(&self) -> impl Iterator<Item = &Transaction> {
        self.transactions.values()
    }

    /// How many transactions of a database run.
    pub(super) fn running(&self, db: &str) -> usize {
        self.all().filter(|known| known.db == db && known.state.is_open()).count()
    }

    /// Forgets a transaction.
    pub(super) fn remove(&mut self, txn: i64) -> Option<Transaction> {
        let removed = self.transactions.remove(&txn)?;
        let key = (removed.db.clone(), removed.label.clone());
        if self.labels.get(&key) == Some(&txn) {
            self.labels.remove(&key);
        }
        Some(removed)
    }

    /// Forgets finished transactions that are too old, and in StarRocks those beyond the number
    /// that a database keeps, the oldest first. Their numbers are returned.
    pub(super) fn evict(&mut self, system: System, limits: &Limits, now_ms: i64) -> Vec<i64> {
        let kept_ms = i64::try_from(limits.label_keep_s).unwrap_or(i64::MAX).saturating_mul(1000);
        let mut finished: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        for known in self.transactions.values().filter(|known| known.state.is_final()) {
            finished.entry(known.db.clone()).or_default().push((known.ended_ms, known.id));
        }
        let mut evicted = Vec::new();
        for ended in finished.values_mut() {
            ended.sort_unstable();
            let beyond = match system {
                System::StarRocks => ended.len().saturating_sub(limits.label_keep),
                System::Doris => 0,
            };
            let old = |ended_ms: i64| now_ms.saturating_sub(ended_ms) >= kept_ms;
            let gone = ended.iter().enumerate().filter(|(at, (ms, _))| *at < beyond || old(*ms));
            evicted.extend(gone.map(|(_, (_, id))| *id));
        }
        for txn in &evicted {
            self.remove(*txn);
        }
        evicted
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Kind;
    use super::*;
    use crate::load::Counts;

    fn transaction(id: i64, label: &str, state: State, ended_ms: i64) -> Transaction {
        Transaction {
            id,
            system: System::StarRocks,
            db: "d".to_owned(),
            table: "t".to_owned(),
            label: label.to_owned(),
            kind: Kind::Load,
            state,
            reason: String::new(),
            backend: 0,
            begun_ms: 0,
            prepared_ms: 0,
            timeout_ms: 0,
            deadline_ms: i64::MAX,
            ended_ms,
            visible_ms: 0,
            staged: Vec::new(),
            counts: Counts::default(),
            declared: Vec::new(),
        }
    }

    #[test]
    fn only_an_aborted_label_is_free() {
        let states =
            [State::Prepare, State::Prepared, State::Committed, State::Visible, State::Aborted];
        for state in states {
            let mut store = Store::default();
            store.put(transaction(1, "l", state, 0));
            let again = store.begin(transaction(2, "l", State::Prepare, 0));
            if state == State::Aborted {
                assert_eq!(again, Ok(()));
                assert_eq!(store.by_label("d", "l").map(|known| known.id), Some(2));
            } else {
                assert_eq!(again, Err(LabelUsed { txn: 1, state }));
            }
            assert!(store.by_label("e", "l").is_none());
        }
    }

    #[test]
    fn the_oldest_finished_labels_are_evicted() {
        let mut store = Store::default();
        for id in 1..=5 {
            store.put(transaction(id, &format!("l{id}"), State::Visible, 10 - id));
        }
        store.put(transaction(6, "open", State::Prepared, 0));
        let limits = Limits { label_keep: 3, ..Limits::of(System::StarRocks) };
        assert_eq!(store.evict(System::StarRocks, &limits, 10), [5, 4]);
        assert!(store.by_label("d", "l5").is_none() && store.by_label("d", "open").is_some());
        assert_eq!(store.running("d"), 1);
        let limits = Limits { label_keep: 0, label_keep_s: 1, ..limits };
        assert!(store.evict(System::Doris, &limits, 999).is_empty());
        assert_eq!(store.evict(System::Doris, &limits, 1008).len(), 2);
    }

    #[test]
    fn eviction_of_an_aborted_attempt_keeps_the_label_of_the_next() {
        let mut store = Store::default();
        store.put(transaction(1, "l", State::Aborted, 0));
        store.begin(transaction(2, "l", State::Prepare, 0)).unwrap();
        store.remove(1);
        assert_eq!(store.by_label("d", "l").map(|known| known.id), Some(2));
    }
}
