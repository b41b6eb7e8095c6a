//! Doris' second phase: commit or abort of a pre-committed load, at any backend.

use crate::faults::Point;
use crate::http::{Cut, Request, Response};
use crate::load::{Ordered, Refusal};
use crate::world::{System, World};

use super::ledger::{DELAY_MS, Ledger};
use super::machine::{self, SecondPhase};
use super::record::State;
use super::{Strikes, Transactions, texts};

/// How a request names its transaction.
enum Named {
    Id(i64),
    Label(String),
}

impl Transactions {
    /// Serves `_stream_load_2pc` at a backend.
    ///
    /// # Errors
    /// Where the connection is to be dropped without a reply.
    pub fn two_phase(world: &World, request: &Request, db: &str) -> Result<Response, Cut> {
        let headers = &request.headers;
        let phase = match headers.get("txn_operation") {
            Some("commit") => SecondPhase::Commit,
            Some("abort") => SecondPhase::Abort,
            _ => {
                let message = "transaction operation should be 'commit' or 'abort'";
                return Ok(reply(Err(Refusal::new("INVALID_ARGUMENT", message))));
            }
        };
        let id = headers.filled("txn_id").map(str::parse::<i64>);
        let named = match (id, headers.filled("label")) {
            (Some(Ok(id)), _) => Named::Id(id),
            (Some(Err(_)), _) => {
                let message = "convert txn_id [txn_id] failed";
                return Ok(reply(Err(Refusal::new("INVALID_ARGUMENT", message))));
            }
            (None, Some(label)) => Named::Label(label.to_owned()),
            (None, None) => {
                let message = "transaction id and label are empty";
                return Ok(reply(Err(Refusal::new("INVALID_ARGUMENT", message))));
            }
        };
        let table = headers.get("table").unwrap_or_default();
        let operation = match phase {
            SecondPhase::Commit => "2pc-commit",
            SecondPhase::Abort => "2pc-abort",
        };
        let strikes = Strikes::new(world, request, operation, table);
        let mut ledger = world.transactions.lock();
        ledger.expire(world);
        Ok(reply(end(&mut ledger, world, db, phase, &named, &strikes)))
    }
}

fn end(
    ledger: &mut Ledger,
    world: &World,
    db: &str,
    phase: SecondPhase,
    named: &Named,
    strikes: &Strikes,
) -> Result<String, Refusal> {
    let refused = |message: String| Refusal::of_frontend(System::Doris, "ANALYSIS_ERROR", message);
    let (txn, who) = find(ledger, world, db, phase, named, strikes).map_err(refused)?;
    let done = match phase {
        SecondPhase::Commit => "commit",
        SecondPhase::Abort => "abort",
    };
    if phase == SecondPhase::Abort {
        ledger.abort(world, txn, "User Abort");
        return Ok(format!("{who} {done} successfully."));
    }
    if strikes.takes(Point::CommitFails) {
        let message = format!("failed to commit transaction [{txn}]: get table write lock timeout");
        return Err(refused(message));
    }
    let unknown = strikes.strike(Point::StatusUnknown);
    if unknown.is_some_and(|strike| !strike.after) {
        return Err(texts::status_unknown());
    }
    // The commit does not wait for its rows to be seen.
    let delay_ms = if strikes.takes(Point::PublishTimeout) { DELAY_MS } else { 0 };
    ledger.commit(world, txn, delay_ms);
    if unknown.is_some() {
        return Err(texts::status_unknown());
    }
    if strikes.takes(Point::CommitDoneButError) {
        return Err(Refusal::new("THRIFT_RPC_ERROR", "call frontend service failed: timed out"));
    }
    Ok(format!("{who} {done} successfully."))
}

/// The transaction that is meant, if it can be ended so, and how the reply names it.
fn find(
    ledger: &mut Ledger,
    world: &World,
    db: &str,
    phase: SecondPhase,
    named: &Named,
    strikes: &Strikes,
) -> Result<(i64, String), String> {
    if !world.catalog.has_database(db) {
        return Err(texts::unknown_database(db));
    }
    let of = |ledger: &Ledger| {
        let known = match named {
            Named::Id(txn) => ledger.store.get(*txn).filter(|known| known.db == db),
            Named::Label(label) => ledger.store.by_label(db, label),
        };
        known.map(|known| (known.id, known.state, known.label.clone()))
    };
    if let Some((txn, state, label)) = of(ledger) {
        if state == State::Prepared && strikes.takes(Point::ExpirePrepared) {
            ledger.abort(world, txn, texts::TIMED_OUT);
        }
        if state.is_final() && strikes.takes(Point::ForgetLabel) {
            ledger.forget_finished(world, db, &label);
        }
    }
    let known = of(ledger);
    match named {
        Named::Id(wanted) => {
            let (txn, state, _) =
                known.ok_or_else(|| format!("transaction [{wanted}] not found"))?;
            let reason = ledger.store.get(txn).map_or("", |known| known.reason.as_str());
            machine::by_id(phase, state, txn, reason)?;
            Ok((txn, format!("transaction [{txn}]")))
        }
        Named::Label(label) => {
            machine::by_label(phase, known.as_ref().map(|(_, state, _)| *state), label)?;
            let txn = known.map_or(-1, |(txn, ..)| txn);
            Ok((txn, format!("label [{label}] transaction [{txn}]")))
        }
    }
}

fn reply(result: Result<String, Refusal>) -> Response {
    let (status, message) = match result {
        Ok(message) => ("Success", message),
        Err(refusal) => (refusal.code, refusal.message),
    };
    let text = Ordered::new().with("status", status).with("msg", message).pretty();
    Response::json(text + "\n")
}
