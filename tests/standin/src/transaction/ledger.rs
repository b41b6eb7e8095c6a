//! From state to state: begin, prepare, commit, publish, abort, and what survives a restart.

use std::collections::{HashMap, VecDeque};

use crate::catalog::{NoTable, Staged};
use crate::load::{Counts, Refusal};
use crate::world::{System, World};

use super::context::Context;
use super::error_log::ErrorLogs;
use super::record::{Kind, State, Transaction};
use super::store::{LabelUsed, Store};
use super::texts;

/// The first number of a transaction.
const FIRST: i64 = 1001;
/// How many numbers are reserved at a time: they never come again after a restart.
const RESERVED: i64 = 1000;
/// For how long rows of a commit whose publication was delayed stay unseen, in milliseconds.
pub(super) const DELAY_MS: i64 = 1000;
/// For how long a tablet's version counts as not compacted, in milliseconds.
const COMPACTED_MS: i64 = 60_000;
/// The durable notes of transactions begin so.
const NOTE: &str = "transaction/";
/// The durable note of the first number that is not reserved.
const NUMBERS: &str = "transaction-numbers";

/// All that frontends and backends know of transactions.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// What the frontends know.
    pub store: Store,
    /// What each backend holds, by label.
    pub contexts: HashMap<(usize, String), Context>,
    /// Transactions of several tables, by database and label; the frontend holds them.
    pub tasks: HashMap<(String, String), Context>,
    /// The backend of each label, as the leader remembers it.
    pub coordinators: HashMap<(String, String), usize>,
    /// The logs of refused rows.
    pub logs: ErrorLogs,
    /// How many loads each backend is serving.
    pub loads: HashMap<usize, usize>,
    versions: HashMap<(String, String), VecDeque<i64>>,
    last_commit_ms: i64,
    next: i64,
    reserved: i64,
}

/// A transaction that is to begin.
pub(super) struct Beginning<'a> {
    /// Its database.
    pub db: &'a str,
    /// Its table; empty with several.
    pub table: &'a str,
    /// Its label.
    pub label: &'a str,
    /// How it comes to be.
    pub kind: Kind,
    /// The backend that coordinates it.
    pub backend: usize,
    /// Its timeout in seconds, if the client gives one.
    pub timeout_s: Option<u64>,
    /// What it declares.
    pub declared: Vec<(String, String)>,
}

/// Why a transaction does not begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotBegun {
    /// Its label is in use.
    Used(LabelUsed, Refusal),
    /// Something else.
    Refused(Refusal),
}

impl Ledger {
    /// Begins a transaction.
    pub(super) fn begin(
        &mut self,
        world: &World,
        new: Beginning,
        limit_strikes: bool,
    ) -> Result<i64, NotBegun> {
        let system = world.system;
        let refused = |message: String| {
            NotBegun::Refused(Refusal::of_frontend(system, "ANALYSIS_ERROR", message))
        };
        check_label(system, new.label).map_err(refused)?;
        if !world.catalog.has_database(new.db) {
            return Err(refused(texts::unknown_database(new.db)));
        }
        if !new.table.is_empty() {
            world.catalog.table(new.db, new.table).map_err(|error| {
                refused(match error {
                    NoTable::UnknownDatabase => texts::unknown_database(new.db),
                    NoTable::UnknownTable => texts::unknown_table(system, new.db, new.table),
                })
            })?;
        }
        let running = self.store.running(new.db);
        let limits = world.settings.get();
        let now_ms = world.clock.now_ms();
        let timeout_s = new.timeout_s.unwrap_or(limits.load_timeout_s);
        let transaction = Transaction {
            id: self.number(world),
            system,
            db: new.db.to_owned(),
            table: new.table.to_owned(),
            label: new.label.to_owned(),
            kind: new.kind,
            state: State::Prepare,
            reason: String::new(),
            backend: new.backend,
            begun_ms: now_ms,
            prepared_ms: 0,
            timeout_ms: after(0, timeout_s),
            deadline_ms: after(now_ms, timeout_s),
            ended_ms: 0,
            visible_ms: 0,
            staged: Vec::new(),
            counts: Counts::default(),
            declared: new.declared,
        };
        let id = transaction.id;
        self.store.begin(transaction).map_err(|used| {
            let refusal = texts::label_used(system, new.label, used.txn);
            NotBegun::Used(used, refusal)
        })?;
        if limit_strikes || running >= limits.max_running_txns {
            self.store.remove(id);
            let limit = limits.max_running_txns;
            let running = running.max(limit);
            let refusal = texts::too_many_transactions(system, running, limit);
            return Err(NotBegun::Refused(refusal));
        }
        if !new.table.is_empty() {
            world.catalog.began(new.db, new.table, id);
        }
        Ok(id)
    }

    /// Makes a transaction's rows durable. False where it is not in PREPARE any more.
    pub(super) fn prepare(
        &mut self,
        world: &World,
        txn: i64,
        staged: Vec<(String, Staged)>,
        counts: Counts,
        timeout_s: u64,
    ) -> bool {
        let now_ms = world.clock.now_ms();
        let Some(known) = self.store.get_mut(txn) else { return false };
        if known.state != State::Prepare {
            return false;
        }
        known.state = State::Prepared;
        known.staged = staged;
        known.counts = counts;
        known.prepared_ms = now_ms;
        known.deadline_ms = after(now_ms, timeout_s);
        self.note(world, txn);
        true
    }

    /// Commits a transaction that is prepared, and makes its rows visible `delay_ms` from now.
    pub(super) fn commit(&mut self, world: &World, txn: i64, delay_ms: i64) {
        // No two commits have the same time: rows become visible in their order.
        let now_ms = world.clock.now_ms().max(self.last_commit_ms.saturating_add(1));
        let Some(known) = self.store.get_mut(txn) else { return };
        if known.state != State::Prepared {
            return;
        }
        self.last_commit_ms = now_ms;
        known.state = State::Committed;
        known.ended_ms = now_ms;
        known.visible_ms = now_ms.saturating_add(delay_ms);
        if delay_ms > 0 {
            self.note(world, txn);
        } else {
            self.publish(world, txn);
        }
    }

    /// Makes a committed transaction's rows visible, after those of earlier commits.
    fn publish(&mut self, world: &World, txn: i64) {
        let Some(known) = self.store.get(txn) else { return };
        let last = (known.ended_ms, known.id);
        let mut due: Vec<_> = self
            .store
            .all()
            .filter(|other| other.state == State::Committed && other.db == known.db)
            .map(|other| (other.ended_ms, other.id))
            .filter(|other| *other <= last)
            .collect();
        due.sort_unstable();
        for (_, id) in due {
            self.show(world, id);
        }
    }

    /// Gives the rows of one committed transaction to the catalog.
    fn show(&mut self, world: &World, txn: i64) {
        let Some(known) = self.store.get_mut(txn) else { return };
        let staged = std::mem::take(&mut known.staged);
        let db = known.db.clone();
        let mut rest = staged.into_iter().peekable();
        while let Some((table, first)) = rest.next() {
            let mut of_table = vec![first];
            while let Some((_, next)) = rest.next_if(|(other, _)| *other == table) {
                of_table.push(next);
            }
            if let Ok(definition) = world.catalog.table(&db, &table) {
                world.catalog.publish(&definition, &of_table);
            }
            let versions = self.versions.entry((db.clone(), table)).or_default();
            versions.push_back(world.clock.now_ms());
        }
        if let Some(known) = self.store.get_mut(txn) {
            known.state = State::Visible;
        }
        self.finished(world, txn);
    }

    /// Makes rows visible that are due.
    pub(super) fn publish_due(&mut self, world: &World) {
        let now_ms = world.clock.now_ms();
        let due: Vec<i64> = self
            .store
            .all()
            .filter(|known| known.state == State::Committed && known.visible_ms <= now_ms)
            .map(|known| known.id)
            .collect();
        for txn in due {
            self.publish(world, txn);
        }
    }

    /// Aborts a transaction that is not committed.
    pub(super) fn abort(&mut self, world: &World, txn: i64, reason: &str) {
        let Some(known) = self.store.get_mut(txn) else { return };
        if !known.state.is_open() {
            return;
        }
        known.state = State::Aborted;
        known.reason = reason.to_owned();
        known.staged.clear();
        known.ended_ms = world.clock.now_ms();
        self.contexts.retain(|_, context| context.txn != txn);
        self.tasks.retain(|_, context| context.txn != txn);
        self.finished(world, txn);
    }

    fn finished(&mut self, world: &World, txn: i64) {
        world.catalog.ended(txn);
        self.note(world, txn);
        self.evict(world);
    }

    /// Forgets old labels.
    pub(super) fn evict(&mut self, world: &World) {
        let (limits, now_ms) = (world.settings.get(), world.clock.now_ms());
        for gone in self.store.evict(world.system, &limits, now_ms) {
            world.catalog.forget(&format!("{NOTE}{gone:020}"));
        }
        let store = &self.store;
        self.coordinators.retain(|(db, label), _| store.by_label(db, label).is_some());
        self.versions.retain(|_, versions| {
            versions.retain(|at| now_ms.saturating_sub(*at) < COMPACTED_MS);
            !versions.is_empty()
        });
    }

    /// Forgets a label at once, if its transaction is over.
    pub(super) fn forget_finished(&mut self, world: &World, db: &str, label: &str) {
        let known = self.store.by_label(db, label).filter(|known| known.state.is_final());
        if let Some(txn) = known.map(|known| known.id) {
            self.store.remove(txn);
            world.catalog.forget(&format!("{NOTE}{txn:020}"));
        }
    }

    /// Ends and forgets every transaction of a database.
    pub(super) fn forget_database(&mut self, world: &World, db: &str) {
        let of_db = self.store.all().filter(|known| known.db == db);
        let of_db: Vec<i64> = of_db.map(|known| known.id).collect();
        for txn in of_db {
            self.abort(world, txn, "database is dropped");
            world.catalog.ended(txn);
            self.store.remove(txn);
            world.catalog.forget(&format!("{NOTE}{txn:020}"));
        }
        self.coordinators.retain(|(of, _), _| of != db);
        self.versions.retain(|(of, _), _| of != db);
    }

    /// Whether a table has as many versions as it may.
    pub(super) fn has_too_many_versions(&mut self, world: &World, db: &str, table: &str) -> bool {
        let limit = world.settings.get().max_versions;
        let now_ms = world.clock.now_ms();
        let key = (db.to_owned(), table.to_owned());
        let Some(versions) = self.versions.get_mut(&key).filter(|_| limit > 0) else {
            return false;
        };
        versions.retain(|at| now_ms.saturating_sub(*at) < COMPACTED_MS);
        versions.len() >= limit
    }

    /// Writes a transaction down.
    fn note(&self, world: &World, txn: i64) {
        let Some(known) = self.store.get(txn) else { return };
        match serde_json::to_string(known) {
            Ok(text) => world.catalog.keep(&format!("{NOTE}{txn:020}"), &text),
            Err(error) => eprintln!("millrace-standin: transaction {txn} is not kept: {error}"),
        }
    }

    /// Takes up what was written down.
    pub(super) fn restore(&mut self, world: &World) {
        for (key, value) in world.catalog.kept(NOTE) {
            match serde_json::from_str::<Transaction>(&value) {
                Ok(known) => {
                    if known.state == State::Prepared && !known.table.is_empty() {
                        world.catalog.began(&known.db, &known.table, known.id);
                    }
                    self.next = self.next.max(known.id + 1);
                    self.store.put(known);
                }
                Err(error) => eprintln!("millrace-standin: {key} cannot be read: {error}"),
            }
        }
        let committed = self.store.all().filter(|known| known.state == State::Committed);
        let committed: Vec<i64> = committed.map(|known| known.id).collect();
        for txn in committed {
            self.publish(world, txn);
        }
    }

    /// The next number of a transaction.
    fn number(&mut self, world: &World) -> i64 {
        if self.reserved == 0 {
            let kept = world.catalog.kept(NUMBERS);
            let first = kept.first().and_then(|(_, value)| value.parse().ok()).unwrap_or(FIRST);
            self.next = self.next.max(first);
            self.reserved = self.next;
        }
        if self.next >= self.reserved {
            self.reserved = self.next.saturating_add(RESERVED);
            world.catalog.keep(NUMBERS, &self.reserved.to_string());
        }
        self.next += 1;
        self.next - 1
    }
}

/// A time some seconds after another.
fn after(now_ms: i64, seconds: u64) -> i64 {
    let ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    now_ms.saturating_add(ms)
}

fn check_label(system: System, label: &str) -> Result<(), String> {
    let regex = match system {
        System::StarRocks => "^[-\\w]{1,128}$",
        System::Doris => "^[-_A-Za-z0-9:]{1,128}$",
    };
    let fits = |c: char| match system {
        System::StarRocks => c.is_ascii_alphanumeric() || c == '-' || c == '_',
        System::Doris => c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == ':',
    };
    if (1..=128).contains(&label.len()) && label.chars().all(fits) {
        Ok(())
    } else {
        Err(format!("Label format error. regex: {regex}, label: {label}"))
    }
}
