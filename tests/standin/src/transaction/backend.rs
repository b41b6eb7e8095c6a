//! StarRocks' transaction operations at a backend: begin, prepare, commit in one phase, rollback.

use crate::faults::Point;
use crate::http::{Body, Cut, Request, Response};
use crate::load::{Ordered, Refusal};
use crate::world::World;

use super::context::Context;
use super::ledger::{Beginning, DELAY_MS, Ledger, NotBegun};
use super::plain::backend_of;
use super::plain_reply::error_url;
use super::record::Kind;
use super::{Strikes, Transactions, backend_load, context, texts};

impl Transactions {
    /// Serves `/api/transaction/{op}` at a backend.
    ///
    /// # Errors
    /// Where the connection is to be dropped without a reply.
    pub fn operation_be(
        world: &World,
        request: &Request,
        op: &str,
        body: &mut Body,
    ) -> Result<Response, Cut> {
        let headers = &request.headers;
        let table = headers.get("table").unwrap_or_default();
        let operation = if op == "load" { "txn-load" } else { op };
        let strikes = Strikes::new(world, request, operation, table);
        if request.label().is_empty() {
            return Ok(refused(&Refusal::new("INVALID_ARGUMENT", "empty label")));
        }
        world.transactions.lock().expire(world);
        if op == "load" {
            let length = body.content_length();
            return backend_load::load(world, request, length, body, &strikes);
        }
        if headers.filled("transaction_type").is_some() && world.version.at_least(4, 0, 0) {
            let message = "operations with transaction_type can only be sent to FE nodes";
            return Ok(refused(&Refusal::new("INVALID_ARGUMENT", message)));
        }
        let answer = match op {
            "begin" => begin(world, request, &strikes),
            "prepare" | "commit" => finish(world, request, op, &strikes),
            "rollback" => rollback(world, request),
            _ => Err(Refusal::new("INVALID_ARGUMENT", format!("unknown operation {op}"))),
        };
        Ok(answer.unwrap_or_else(|refusal| refused(&refusal)))
    }
}

/// A reply that is not `OK`.
pub(super) fn refused(refusal: &Refusal) -> Response {
    reply(refusal.code, &refusal.message, |object| object)
}

/// A reply, with the keys that the operation adds.
pub(super) fn reply(
    status: &str,
    message: &str,
    more: impl FnOnce(Ordered) -> Ordered,
) -> Response {
    let object = Ordered::new().with("Status", status).with("Message", message);
    Response::json(more(object).pretty())
}

/// There is no such transaction on this backend.
pub(super) fn not_exists(label: &str) -> Refusal {
    Refusal::new("TXN_NOT_EXISTS", format!("transaction with label {label} does not exist"))
}

fn begin(world: &World, request: &Request, strikes: &Strikes) -> Result<Response, Refusal> {
    let headers = &request.headers;
    let (label, backend) = (request.label(), backend_of(request));
    let required = |name: &str| {
        let missing = || Refusal::new("INVALID_ARGUMENT", format!("empty {name}"));
        headers.filled(name).ok_or_else(missing)
    };
    let (db, table) = (required("db")?, required("table")?);
    let number = |name: &str| match headers.filled(name).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(seconds)) => Ok(Some(seconds)),
        Some(Err(_)) => Err(Refusal::new("INVALID_ARGUMENT", format!("Invalid {name} format"))),
    };
    let (timeout_s, idle_s) = (number("timeout")?, number("idle_transaction_timeout")?);
    let used = |status: &str, message: &str| {
        reply("LABEL_ALREADY_EXISTS", message, |object| object.with("ExistingJobStatus", status))
    };
    if strikes.takes(Point::ShuttingDown) {
        return Err(Refusal::new("SERVICE_UNAVAILABLE", texts::SHUTTING_DOWN));
    }
    let limit_strikes = strikes.takes(Point::TxnLimit);
    let mut ledger = world.transactions.lock();
    if ledger.contexts.contains_key(&(backend, label.to_owned())) {
        let refusal = texts::label_used(world.system, label, -1);
        return Ok(used("", &refusal.message));
    }
    let kind = Kind::Single;
    let new = Beginning { db, table, label, kind, backend, timeout_s, declared: Vec::new() };
    let txn = match ledger.begin(world, new, limit_strikes) {
        Ok(txn) => txn,
        Err(NotBegun::Refused(refusal)) => {
            return Err(Refusal::new("INTERNAL_ERROR", refusal.message));
        }
        Err(NotBegun::Used(known, refusal)) => {
            let status = known.state.job_status(world.system).unwrap_or_default();
            return Ok(used(status, &refusal.message));
        }
    };
    let mut context = Context::new(txn, db, table, world.clock.now_ms());
    let ms = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    context.idle_ms = idle_s.map(ms);
    let begin_ms = context.timings.elapsed_ms();
    context.timings.begin_ms = begin_ms;
    ledger.contexts.insert((backend, label.to_owned()), context);
    ledger.coordinators.insert((db.to_owned(), label.to_owned()), backend);
    Ok(reply("OK", "", |object| {
        object.with("Label", label).with("TxnId", txn).with("BeginTxnTimeMs", begin_ms)
    }))
}

/// The headers that name database and table must be those of the begin.
pub(super) fn check_names(context: &Context, request: &Request) -> Result<(), Refusal> {
    let differs = |name: &str, begun: &str| {
        request.headers.filled(name).is_some_and(|given| !begun.is_empty() && given != begun)
    };
    for (name, begun) in [("db", &context.db), ("table", &context.table)] {
        if differs(name, begun) {
            let message = format!("Request {name} not equal transaction {name}: {begun}");
            return Err(Refusal::new("INVALID_ARGUMENT", message));
        }
    }
    Ok(())
}

/// Forgets the transaction as a backend does that was restarted, if a fault says so.
pub(super) fn drop_context(ledger: &mut Ledger, world: &World, key: &(usize, String)) {
    if let Some(txn) = ledger.contexts.get(key).map(|context| context.txn) {
        ledger.abort(world, txn, texts::BACKEND_DOWN);
    }
}

/// Prepare, and commit in one phase.
fn finish(
    world: &World,
    request: &Request,
    op: &str,
    strikes: &Strikes,
) -> Result<Response, Refusal> {
    let (label, backend) = (request.label(), backend_of(request));
    let key = (backend, label.to_owned());
    let drops = strikes.takes(Point::DropContext);
    let mut ledger = world.transactions.lock();
    if drops {
        drop_context(&mut ledger, world, &key);
    }
    let context = ledger.contexts.get(&key).ok_or_else(|| not_exists(label))?;
    check_names(context, request)?;
    if let Some((refusal, over)) = context.unfit(label) {
        let (txn, bad) = (context.txn, context.bad.clone());
        if over {
            ledger.abort(world, txn, &refusal.message);
        }
        drop(ledger);
        let url = (over && !bad.is_empty()).then(|| error_url(world, backend, &bad));
        return Ok(reply(refusal.code, &refusal.message, |object| {
            object.with_some("ErrorURL", url)
        }));
    }
    let fails = match op {
        "prepare" => strikes.takes(Point::PrepareFails),
        _ => strikes.takes(Point::CommitFails),
    };
    if fails {
        let txn = context.txn;
        let message = format!("{op} transaction fail cause rpc failed, txn {txn}");
        ledger.abort(world, txn, &message);
        return Err(Refusal::new("INTERNAL_ERROR", message));
    }
    let timeout = request.headers.filled("prepared_timeout").and_then(|text| text.parse().ok());
    // Older versions do not know the header.
    let timeout = timeout.filter(|_| world.version.at_least(3, 5, 4));
    let timeout_s: u64 = timeout.unwrap_or(world.settings.get().prepared_timeout_s);
    let Some(mut context) = ledger.contexts.remove(&key) else { return Err(not_exists(label)) };
    let staged = std::mem::take(&mut context.staged);
    if !ledger.prepare(world, context.txn, staged, context.counts, timeout_s) {
        let message = format!("transaction {} not found", context.txn);
        return Err(Refusal::new("INTERNAL_ERROR", message));
    }
    if op == "commit" {
        commit_now(&mut ledger, world, context.txn, strikes)?;
    }
    drop(ledger);
    let bad = &context.bad;
    let url = (!bad.is_empty()).then(|| error_url(world, backend, bad));
    Ok(reply("OK", "", |object| prepared(object, label, &context).with_some("ErrorURL", url)))
}

/// The commit of a transaction that was not prepared before.
fn commit_now(
    ledger: &mut Ledger,
    world: &World,
    txn: i64,
    strikes: &Strikes,
) -> Result<(), Refusal> {
    let unknown = strikes.strike(Point::StatusUnknown);
    if unknown.is_some_and(|strike| !strike.after) {
        ledger.abort(world, txn, "commit failed");
        return Err(texts::status_unknown());
    }
    let late = strikes.takes(Point::PublishTimeout);
    ledger.commit(world, txn, if late { DELAY_MS } else { 0 });
    if unknown.is_some() {
        return Err(texts::status_unknown());
    }
    if strikes.takes(Point::CommitDoneButError) {
        return Err(Refusal::new("INTERNAL_ERROR", format!("transaction {txn} has no backend")));
    }
    if late {
        return Err(Refusal::new("PUBLISH_TIMEOUT", "Publish timeout"));
    }
    Ok(())
}

fn prepared(object: Ordered, label: &str, context: &Context) -> Ordered {
    let (counts, times) = (&context.counts, &context.timings);
    object
        .with("Label", label)
        .with("TxnId", context.txn)
        .with("NumberTotalRows", counts.total)
        .with("NumberLoadedRows", counts.loaded)
        .with("NumberFilteredRows", counts.filtered)
        .with("NumberUnselectedRows", counts.unselected)
        .with("LoadBytes", counts.bytes)
        .with("LoadTimeMs", times.elapsed_ms())
        .with("StreamLoadPlanTimeMs", times.plan_ms)
        .with("ReceivedDataTimeMs", times.read_ms)
        .with("WriteDataTimeMs", times.write_ms)
        .with("CommitAndPublishTimeMs", times.commit_ms)
}

fn rollback(world: &World, request: &Request) -> Result<Response, Refusal> {
    let (label, backend) = (request.label(), backend_of(request));
    let mut ledger = world.transactions.lock();
    let context =
        ledger.contexts.get(&(backend, label.to_owned())).ok_or_else(|| not_exists(label))?;
    check_names(context, request)?;
    if !context.busy.is_empty() {
        return Err(context::in_processing());
    }
    let txn = context.txn;
    ledger.abort(world, txn, "User rollback");
    // A frontend that was restarted has forgotten it, and the backend forgets it now.
    ledger.contexts.remove(&(backend, label.to_owned()));
    Ok(reply("OK", "", |object| object.with("Label", label)))
}
