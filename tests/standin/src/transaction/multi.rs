//! StarRocks' transactions of several tables: the frontend holds them, and there is no prepare.

use crate::faults::Point;
use crate::http::{Headers, Request, Response};
use crate::load::Ordered;
use crate::world::World;

use super::context::Context;
use super::frontend::{Asked, commit_prepared, is_of, ok, refused};
use super::ledger::{Beginning, Ledger, NotBegun};
use super::record::{Kind, State};
use super::{FeAnswer, Strikes, texts};

/// Whether a request is about several tables, at a version that has them.
pub(super) fn is_asked(world: &World, headers: &Headers) -> bool {
    let kind = headers.get("transaction_type").unwrap_or_default();
    kind.eq_ignore_ascii_case("multi") && world.version.at_least(4, 0, 0)
}

/// Answers an operation at the frontend.
pub(super) fn answer(
    ledger: &mut Ledger,
    world: &World,
    request: &Request,
    op: &str,
    asked: &Asked,
    strikes: &Strikes,
) -> FeAnswer {
    match op {
        "begin" => begin(ledger, world, request, asked, strikes),
        "load" => load(ledger, world, asked),
        "commit" => commit(ledger, world, asked, strikes),
        "rollback" => rollback(ledger, world, asked),
        _ => refused("Unsupported operation"),
    }
}

fn begin(
    ledger: &mut Ledger,
    world: &World,
    request: &Request,
    asked: &Asked,
    strikes: &Strikes,
) -> FeAnswer {
    let timeout = request.headers.filled("timeout").and_then(|value| value.parse().ok());
    let new = Beginning {
        db: asked.db,
        table: "",
        label: asked.label,
        kind: Kind::Multi,
        backend: usize::MAX,
        timeout_s: timeout,
        declared: Vec::new(),
    };
    match ledger.begin(world, new, strikes.takes(Point::TxnLimit)) {
        Ok(txn) => {
            let context = Context::new(txn, asked.db, "", world.clock.now_ms());
            ledger.tasks.insert((asked.db.to_owned(), asked.label.to_owned()), context);
            ok("", txn, asked.label)
        }
        Err(NotBegun::Refused(refusal)) => refused(&refusal.message),
        Err(NotBegun::Used(used, refusal)) => {
            // The words are spelt as the frontends spell them.
            let existing = match used.state {
                State::Prepare | State::Prepared => "BEGIN",
                State::Committed => "COMMITED",
                State::Visible | State::Aborted => "FINISHED",
            };
            let reply = Ordered::new()
                .with("Status", "LABEL_ALREADY_EXISTS")
                .with("Message", refusal.message)
                .with("Label", asked.label)
                .with("ExistingJobStatus", existing);
            FeAnswer::Reply(Response::json(reply.compact()))
        }
    }
}

fn load(ledger: &Ledger, world: &World, asked: &Asked) -> FeAnswer {
    if !ledger.tasks.contains_key(&key(asked)) {
        return refused(&format!("stream load task {} not found", asked.label));
    }
    world.nodes.next_backend().map_or_else(|| refused("No backend alive."), FeAnswer::ToBackend)
}

fn commit(ledger: &mut Ledger, world: &World, asked: &Asked, strikes: &Strikes) -> FeAnswer {
    let label = asked.label;
    let Some(context) = ledger.tasks.get(&key(asked)) else {
        let done = ledger.store.by_label(asked.db, label).map(|known| (known.id, known.state));
        return match done {
            Some((txn, State::Committed | State::Visible)) => {
                ok(&format!("stream load task {label} already committed"), txn, label)
            }
            Some((txn, _)) if is_of(ledger, asked, Kind::Multi) => {
                refused(&format!("Can not commit ABORTED transaction {txn}, label is {label}"))
            }
            _ => refused(&format!("stream load task {label} not found")),
        };
    };
    if !context.busy.is_empty() {
        return refused(&format!("stream load task {label} has a load that is running"));
    }
    let txn = context.txn;
    if let Some((refusal, over)) = context.unfit(label) {
        if over {
            ledger.abort(world, txn, &refusal.message);
        }
        return refused(&refusal.message);
    }
    if strikes.takes(Point::CommitFails) {
        return refused(&format!("get database write lock timeout, transaction {txn}"));
    }
    let Some(context) = ledger.tasks.remove(&key(asked)) else {
        return refused(&format!("stream load task {label} not found"));
    };
    // Rows of one table stand together: each table is published once.
    let mut staged = context.staged;
    staged.sort_by(|(one, _), (other, _)| one.cmp(other));
    let limits = world.settings.get();
    if !ledger.prepare(world, txn, staged, context.counts, limits.prepared_timeout_s) {
        return refused(texts::TIMED_OUT);
    }
    let answer = commit_prepared(ledger, world, (txn, label), limits.publish_timeout_s, strikes);
    if ledger.store.get(txn).is_some_and(|known| known.state == State::Prepared) {
        // There is no prepared state to come back to.
        ledger.abort(world, txn, "commit failed");
    }
    answer
}

fn rollback(ledger: &mut Ledger, world: &World, asked: &Asked) -> FeAnswer {
    let label = asked.label;
    let known = ledger.store.by_label(asked.db, label).map(|known| (known.id, known.state));
    match known {
        None => refused(&format!("stream load task {label} not found")),
        Some((txn, State::Committed | State::Visible)) => {
            refused(&format!("Can not abort VISIBLE transaction {txn}, label is {label}"))
        }
        Some((txn, State::Aborted)) => {
            ok(&format!("Transaction {txn} has already aborted, label is {label}"), txn, label)
        }
        Some((txn, _)) => {
            ledger.abort(world, txn, "User rollback");
            ok("", txn, label)
        }
    }
}

fn key(asked: &Asked) -> (String, String) {
    (asked.db.to_owned(), asked.label.to_owned())
}
