//! StarRocks' transaction operations at a frontend: who does them, and what it does itself.

use crate::faults::Point;
use crate::http::{Request, Response};
use crate::load::Ordered;
use crate::world::World;

use super::ledger::{DELAY_MS, Ledger};
use super::machine::{self, Decision};
use super::record::{Kind, State};
use super::{FeAnswer, Strikes, Transactions, multi, texts};

/// How many labels the leader remembers backends of before it looks for old ones.
const COORDINATORS: usize = 10_000;

/// An operation with what its headers name.
pub(super) struct Asked<'a> {
    /// Its database.
    pub db: &'a str,
    /// Its label.
    pub label: &'a str,
}

impl Transactions {
    /// Answers `/api/transaction/{op}` at the leading frontend.
    #[must_use]
    pub fn operation_fe(world: &World, request: &Request, op: &str) -> FeAnswer {
        let headers = &request.headers;
        let label = headers.get("label").unwrap_or_default();
        let db = headers.get("db").unwrap_or_default();
        let table = headers.get("table").unwrap_or_default();
        if !["begin", "load", "prepare", "commit", "rollback"].contains(&op) {
            return refused(&format!("Unknown operation: {op}"));
        }
        let several = multi::is_asked(world, headers);
        if label.is_empty() {
            return refused("Empty label.");
        }
        if db.is_empty() {
            return refused("No database selected.");
        }
        if table.is_empty() && (op == "load" || (op == "begin" && !several)) {
            return refused("No table selected.");
        }
        let strikes = Strikes::new(world, request, op, table);
        let asked = Asked { db, label };
        let mut ledger = world.transactions.lock();
        ledger.expire(world);
        if several || ledger.tasks.contains_key(&(db.to_owned(), label.to_owned())) {
            return multi::answer(&mut ledger, world, request, op, &asked, &strikes);
        }
        match op {
            "begin" => begin(&mut ledger, world, &asked),
            "commit" => commit(&mut ledger, world, request, &asked, &strikes),
            "rollback" => rollback(&mut ledger, world, &asked),
            _ => to_backend(&ledger, &asked),
        }
    }
}

/// `FAILED`, with the name of the class that failed.
pub(super) fn refused(message: &str) -> FeAnswer {
    let message = texts::of_class(message);
    let reply = Ordered::new().with("Status", "FAILED").with("Message", message);
    FeAnswer::Reply(Response::json(reply.compact()))
}

/// `OK`.
pub(super) fn ok(message: &str, txn: i64, label: &str) -> FeAnswer {
    let reply = Ordered::new()
        .with("Status", "OK")
        .with("Message", message)
        .with("Label", label)
        .with("TxnId", txn);
    FeAnswer::Reply(Response::json(reply.compact()))
}

/// Chooses the backend, and remembers it for what follows. A label that is running stays where it
/// is.
fn begin(ledger: &mut Ledger, world: &World, asked: &Asked) -> FeAnswer {
    let key = (asked.db.to_owned(), asked.label.to_owned());
    let known = ledger.store.by_label(asked.db, asked.label);
    if known.is_some_and(|known| known.state == State::Prepare)
        && let Some(backend) = ledger.coordinators.get(&key)
    {
        return FeAnswer::ToBackend(*backend);
    }
    let Some(backend) = world.nodes.next_backend() else {
        return refused("No backend alive.");
    };
    if ledger.coordinators.len() >= COORDINATORS {
        let store = &ledger.store;
        ledger.coordinators.retain(|(db, label), _| store.by_label(db, label).is_some());
    }
    if ledger.coordinators.len() < COORDINATORS {
        ledger.coordinators.insert(key, backend);
    }
    FeAnswer::ToBackend(backend)
}

/// The backend that has the label's rows, by the leader's memory or by the transaction's record.
fn to_backend(ledger: &Ledger, asked: &Asked) -> FeAnswer {
    let remembered = ledger.coordinators.get(&(asked.db.to_owned(), asked.label.to_owned()));
    let open = || ledger.store.by_label(asked.db, asked.label).filter(|it| it.state.is_open());
    let recorded = || open().map(|known| known.backend);
    match remembered.copied().or_else(recorded) {
        Some(backend) => FeAnswer::ToBackend(backend),
        None => refused(&format!(
            "Can't find the transaction with db [{}] and label[{}], it may be timed out or the \
             leader has changed",
            asked.db, asked.label
        )),
    }
}

/// What is known of the label, after the faults that change it.
fn known(
    ledger: &mut Ledger,
    world: &World,
    asked: &Asked,
    strikes: &Strikes,
) -> Option<(i64, State)> {
    let before = ledger.store.by_label(asked.db, asked.label);
    let (txn, state) = before.map(|known| (known.id, known.state))?;
    if state == State::Prepared && strikes.takes(Point::ExpirePrepared) {
        ledger.abort(world, txn, texts::TIMED_OUT);
    }
    if state.is_final() && strikes.takes(Point::ForgetLabel) {
        ledger.forget_finished(world, asked.db, asked.label);
        ledger.coordinators.remove(&(asked.db.to_owned(), asked.label.to_owned()));
    }
    ledger.store.by_label(asked.db, asked.label).map(|known| (known.id, known.state))
}

fn not_found(ledger: &Ledger, asked: &Asked) -> FeAnswer {
    // A begin that is on its way has a backend and no transaction yet.
    match to_backend(ledger, asked) {
        FeAnswer::ToBackend(backend) => FeAnswer::ToBackend(backend),
        FeAnswer::Reply(_) => refused(&format!(
            "No transaction found with db[{}] and label[{}]",
            asked.db, asked.label
        )),
    }
}

fn commit(
    ledger: &mut Ledger,
    world: &World,
    request: &Request,
    asked: &Asked,
    strikes: &Strikes,
) -> FeAnswer {
    let Some((txn, state)) = known(ledger, world, asked, strikes) else {
        return not_found(ledger, asked);
    };
    match machine::commit(state, txn, asked.label) {
        Decision::ToBackend => to_backend(ledger, asked),
        Decision::Done(message) => ok(&message, txn, asked.label),
        Decision::Refused(message) => {
            let reason = ledger.store.get(txn).map_or("", |known| known.reason.as_str());
            refused(&format!("{message}, reason: {reason}"))
        }
        Decision::Do => {
            let limits = world.settings.get();
            let wait = request.headers.filled("timeout").and_then(|value| value.parse().ok());
            let wait_s: u64 = wait.unwrap_or(limits.publish_timeout_s);
            commit_prepared(ledger, world, (txn, asked.label), wait_s, strikes)
        }
    }
}

/// Commits what is prepared, unless a fault is there.
pub(super) fn commit_prepared(
    ledger: &mut Ledger,
    world: &World,
    (txn, label): (i64, &str),
    wait_s: u64,
    strikes: &Strikes,
) -> FeAnswer {
    if strikes.takes(Point::CommitFails) {
        return refused(&format!("get database write lock timeout, transaction {txn}"));
    }
    let unknown = strikes.strike(Point::StatusUnknown);
    if unknown.is_some_and(|strike| !strike.after) {
        return refused(&texts::status_unknown().message);
    }
    let late = strikes.takes(Point::PublishTimeout);
    ledger.commit(world, txn, if late { DELAY_MS } else { 0 });
    if unknown.is_some() {
        return refused(&texts::status_unknown().message);
    }
    if strikes.takes(Point::CommitDoneButError) {
        return refused(&format!("transaction {txn} has no backend"));
    }
    if late {
        return refused(&format!("publish timeout: {}", wait_s.saturating_mul(1000)));
    }
    ok(&format!("Transaction {txn} commit successfully, label is {label}"), txn, label)
}

fn rollback(ledger: &mut Ledger, world: &World, asked: &Asked) -> FeAnswer {
    let found = ledger.store.by_label(asked.db, asked.label);
    let Some((txn, state)) = found.map(|known| (known.id, known.state)) else {
        return not_found(ledger, asked);
    };
    match machine::rollback(state, txn, asked.label) {
        Decision::ToBackend => to_backend(ledger, asked),
        Decision::Done(message) => ok(&message, txn, asked.label),
        Decision::Refused(message) => refused(&message),
        Decision::Do => {
            ledger.abort(world, txn, "User rollback");
            ok("", txn, asked.label)
        }
    }
}

/// Whether a transaction came to be in this way.
pub(super) fn is_of(ledger: &Ledger, asked: &Asked, kind: Kind) -> bool {
    ledger.store.by_label(asked.db, asked.label).is_some_and(|known| known.kind == kind)
}
