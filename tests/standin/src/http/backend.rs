//! A backend: it takes bodies and does what transactions ask.

use super::auth::{self, Denial};
use super::body::{Body, CutPlan, Framing};
use super::connection::{Ending, Exchange};
use super::message::{Cut, Response};
use super::route::Route;
use super::{reply, reply_faults};
use crate::faults::Point;
use crate::transaction::Transactions;
use crate::world::System;

/// Answers a request that came to a backend.
pub(super) fn answer(this: &Exchange, body: &mut Body) -> Ending {
    match this.route {
        Route::Root => Ending::Reply(Response::new(200, "text/html", "ok\n")),
        Route::Health => Ending::Reply(Response::json(r#"{"status": "OK","msg": "To Be Added"}"#)),
        Route::ErrorLog => Ending::Reply(error_log(this)),
        Route::TransactionList => Ending::Reply(match auth::check(this.world, this.request) {
            Ok(()) => Transactions::list(this.world),
            Err(denial) => denied(this, &denial),
        }),
        Route::Load { .. } | Route::Transaction(_) | Route::TwoPhase { .. } => work(this, body),
        _ => {
            this.breach("no such path or method");
            Ending::Reply(reply::not_found().closing())
        }
    }
}

/// Readable without credentials, as clients read it.
fn error_log(this: &Exchange) -> Response {
    let file = this.request.query.get("file").map_or("", String::as_str);
    match Transactions::error_log(this.world, file) {
        Some(log) => Response::text(200, log),
        None => Response::text(404, format!("{file} is no error log")),
    }
}

fn work(this: &Exchange, body: &mut Body) -> Ending {
    let is_inside = matches!(this.route, Route::Transaction(operation) if operation == "load");
    if is_inside && this.world.stats.is_spoilt(this.request.label()) {
        this.breach("a load was sent again inside the same transaction");
    }
    let ending = attempt(this, body);
    this.world.stats.count_bytes(body.received());
    if let Route::Transaction(operation) = this.route {
        watch_resends(this, operation, &ending);
    }
    ending
}

/// A load inside a transaction is never sent again: nobody could say whether its rows are there
/// once or twice.
fn watch_resends(this: &Exchange, operation: &str, ending: &Ending) {
    let (stats, label) = (&this.world.stats, this.request.label());
    match operation {
        "begin" | "rollback" => stats.renew(label),
        "load" => {
            let is_told = |reply: &Response| reply.status == 200 && reply.body.starts_with(b"{");
            if !matches!(ending, Ending::Reply(reply) if is_told(reply)) {
                stats.spoil(label);
            }
        }
        _ => {}
    }
}

fn attempt(this: &Exchange, body: &mut Body) -> Ending {
    if this.takes(Point::Be5xx) {
        return Ending::Reply(reply::unavailable());
    }
    if let Err(refusal) = admit(this, body) {
        return Ending::Reply(refusal);
    }
    let takes_body = match this.route {
        Route::Load { .. } => true,
        Route::Transaction(operation) => operation == "load",
        _ => false,
    };
    if takes_body {
        // Asked in this order whatever strikes, so that a seed means the same for every client.
        if this.takes(Point::BeAfterHeaders) {
            body.plan_cut(CutPlan::AfterContinue);
        } else if this.takes(Point::BeMidBody) {
            body.plan_cut(CutPlan::Half);
        }
    } else {
        if body.framing().has_bytes() {
            this.breach("a body where none belongs");
        }
        if this.takes(Point::BeAfterHeaders) {
            return Ending::Drop;
        }
    }
    match dispatch(this, body) {
        Err(Cut) => Ending::Drop,
        Ok(_) if body.was_cut() => Ending::Drop,
        Ok(reply) => reply_faults::let_out(this, reply),
    }
}

fn dispatch(this: &Exchange, body: &mut Body) -> Result<Response, Cut> {
    let (world, request) = (this.world, this.request);
    match this.route {
        Route::Load { db, table } => Transactions::stream_load(world, request, db, table, body),
        Route::Transaction(operation) => {
            Transactions::operation_be(world, request, operation, body)
        }
        Route::TwoPhase { db } => Transactions::two_phase(world, request, db),
        _ => Ok(reply::not_found()),
    }
}

/// What a backend checks by the headers alone, before it asks for the body.
fn admit(this: &Exchange, body: &Body) -> Result<(), Response> {
    let system = this.world.system;
    let fits = match this.route {
        Route::Transaction(_) => system == System::StarRocks,
        Route::TwoPhase { .. } => system == System::Doris,
        _ => true,
    };
    if !fits {
        this.breach(&format!("{system} has no such interface"));
        return Err(reply::not_found().closing());
    }
    auth::check(this.world, this.request).map_err(|denial| denied(this, &denial))?;
    let headers = &this.request.headers;
    let (db, table) = match this.route {
        Route::Load { db, table } => (db.as_str(), table.as_str()),
        Route::Transaction(operation) if matches!(operation.as_str(), "begin" | "load") => {
            match (headers.filled("db"), headers.filled("table")) {
                (Some(db), Some(table)) => (db, table),
                _ => return Ok(()),
            }
        }
        _ => return Ok(()),
    };
    if system == System::Doris {
        framing_of_doris(this, body)?;
    }
    auth::may_load(this.world, this.request, db, table).map_err(|denial| denied(this, &denial))
}

/// Doris takes a length or chunks: one of them, not both.
fn framing_of_doris(this: &Exchange, body: &Body) -> Result<(), Response> {
    let message = match body.framing() {
        Framing::Length(_) | Framing::Chunked => return Ok(()),
        Framing::Absent => {
            "[INVALID_ARGUMENT]content_length is empty and transfer-encoding!=chunked, please set \
             content_length or transfer-encoding=chunked"
        }
        Framing::Both(_) => {
            "[INVALID_ARGUMENT]please do not set both content_length and transfer-encoding"
        }
    };
    Err(reply::load_failed(System::Doris, this.request, message))
}

fn denied(this: &Exchange, denial: &Denial) -> Response {
    let system = this.world.system;
    let message = denial.at_backend(system);
    match this.route {
        Route::Load { .. } => reply::load_failed(system, this.request, &message),
        Route::TwoPhase { .. } => {
            let body = serde_json::json!({"status": "NOT_AUTHORIZED", "msg": message});
            Response::json(body.to_string()).closing()
        }
        _ => reply::operation_failed("INTERNAL_ERROR", &message),
    }
}
