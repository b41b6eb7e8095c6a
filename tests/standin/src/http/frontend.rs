//! A frontend: it lets in, redirects, and answers what needs no body.

use std::time::Duration;

use super::body::Body;
use super::connection::{Ending, Exchange};
use super::message::Response;
use super::redirect::{Hop, detour, location};
use super::route::Route;
use super::{auth, frontend_reads, reply, reply_faults, stranger};
use crate::faults::Point;
use crate::transaction::{FeAnswer, Transactions};
use crate::world::System;

/// Answers a request that came to a frontend.
pub(super) fn answer(this: &Exchange, index: usize, body: &mut Body) -> Ending {
    match this.route {
        Route::Root => return Ending::Reply(Response::new(200, "text/html", "ok\n")),
        Route::Health => return Ending::Reply(frontend_reads::health(this)),
        Route::Unknown => return Ending::Reply(unknown(this)),
        _ => {}
    }
    if this.route.can_fail()
        && let Some(ending) = fail_first(this)
    {
        return ending;
    }
    if let Err(denial) = auth::check(this.world, this.request) {
        return Ending::Reply(denial.at_frontend(this.world.system));
    }
    match this.route {
        Route::Load { db, table } => load(this, index, db, table, body),
        Route::Transaction(operation) => transaction(this, index, operation, body),
        Route::TwoPhase { .. } => two_phase(this, index, body),
        Route::State { db } => state(this, index, db),
        Route::Cancel { db } => {
            let reply = Transactions::cancel(this.world, db, this.request.label());
            reply_faults::let_out(this, reply)
        }
        _ => Ending::Reply(frontend_reads::answer(this, body)),
    }
}

fn unknown(this: &Exchange) -> Response {
    this.breach("no such path or method");
    reply::not_found().closing()
}

/// Faults that come before anything is looked at.
fn fail_first(this: &Exchange) -> Option<Ending> {
    if this.takes(Point::FeReset) {
        return Some(Ending::Reset);
    }
    let system = this.world.system;
    let user = this.request.user.as_ref().map_or("", |user| user.name.as_str());
    let denied = || format!("Access denied for {user}@127.0.0.1");
    let reply = if this.takes(Point::Fe5xx) {
        reply::unavailable()
    } else if this.takes(Point::Fe401) {
        reply::starrocks_unauthorized(&denied())
    } else if system == System::Doris && this.takes(Point::Fe200Unauthorized) {
        reply::doris_unauthorized(&denied())
    } else {
        return stranger::instead(this);
    };
    Some(Ending::Reply(reply))
}

fn load(this: &Exchange, index: usize, db: &str, table: &str, body: &mut Body) -> Ending {
    let system = this.world.system;
    let is_excused = system == System::StarRocks && !this.is_http11;
    if !this.expects_continue() && !is_excused {
        this.breach("a load without Expect: 100-continue");
        let message = match system {
            System::StarRocks => {
                "class com.starrocks.common.DdlException: There is no 100-continue header"
            }
            System::Doris => "There is no 100-continue header",
        };
        return Ending::Reply(reply::failed(system, message));
    }
    if let Err(denial) = auth::may_load(this.world, this.request, db, table) {
        return Ending::Reply(denial.at_frontend(system));
    }
    if !hold(this, body) {
        return Ending::Drop;
    }
    let leader_first = this.world.settings.get().leader_first_loads;
    redirect(this, index, leader_first, || next_backend(this))
}

/// Looks for body bytes that come too early, and then delays if a fault says so. Bytes that come
/// after a delay are the frontend's fault, and are thrown away. Whether the frontend still runs.
fn hold(this: &Exchange, body: &mut Body) -> bool {
    let watch = Duration::from_millis(this.world.settings.get().early_watch_ms);
    let early = body.watch(watch).unwrap_or_default();
    if early > 0 {
        this.breach(&format!("{early} bytes of the body came before the redirect"));
    }
    this.strike(Point::FeSlow307).is_none_or(|strike| this.pause(strike))
}

/// A body where none belongs.
fn no_body(this: &Exchange, body: &Body) {
    if body.framing().has_bytes() {
        this.breach("a body where none belongs");
    }
}

fn transaction(this: &Exchange, index: usize, operation: &str, body: &mut Body) -> Ending {
    let request = this.request;
    if this.world.system == System::Doris {
        this.breach("Doris has no transaction interface of this kind");
        return Ending::Reply(reply::not_found().closing());
    }
    let (db, table) = (request.headers.filled("db"), request.headers.filled("table"));
    if let (Some(db), Some(table), "begin" | "load") = (db, table, operation)
        && let Err(denial) = auth::may_load(this.world, request, db, table)
    {
        return Ending::Reply(denial.at_frontend(System::StarRocks));
    }
    if matches!(operation, "begin" | "rollback") {
        this.world.stats.renew(request.label());
    }
    if operation == "load" {
        if !hold(this, body) {
            return Ending::Drop;
        }
    } else {
        no_body(this, body);
        if let Some(strike) = this.strike(Point::FeSlow307)
            && !this.pause(strike)
        {
            return Ending::Drop;
        }
    }
    let leader_first = this.world.settings.get().leader_first_transactions;
    redirect(this, index, leader_first, || {
        if operation == "begin" && this.takes(Point::NoBackendAlive) {
            return Err(reply_faults::let_out(this, none_alive(this)));
        }
        match Transactions::operation_fe(this.world, request, operation) {
            FeAnswer::ToBackend(backend) => Ok(backend),
            FeAnswer::Reply(reply) => Err(reply_faults::let_out(this, reply.closing())),
        }
    })
}

fn two_phase(this: &Exchange, index: usize, body: &Body) -> Ending {
    if this.world.system == System::StarRocks {
        this.breach("StarRocks has no _stream_load_2pc");
        return Ending::Reply(reply::not_found().closing());
    }
    no_body(this, body);
    let headers = &this.request.headers;
    if headers.filled("txn_id").is_none() && headers.filled("label").is_none() {
        let message = "No transaction id or label selected.";
        return Ending::Reply(reply::failed(System::Doris, message));
    }
    if headers.filled("txn_operation").is_none() {
        let message = "No transaction operation('commit' or 'abort') selected.";
        return Ending::Reply(reply::failed(System::Doris, message));
    }
    if let Some(strike) = this.strike(Point::FeSlow307)
        && !this.pause(strike)
    {
        return Ending::Drop;
    }
    redirect(this, index, false, || next_backend(this))
}

fn state(this: &Exchange, index: usize, db: &str) -> Ending {
    let leader = this.world.nodes.leader();
    if this.world.settings.get().leader_first_transactions && leader != index {
        return Ending::Reply(Response::redirect(location(this, Hop::Frontend(leader))));
    }
    let reply = Transactions::load_state(this.world, db, this.request.label());
    reply_faults::tell(this, reply)
}

/// The backend whose turn it is, or that there is none.
fn next_backend(this: &Exchange) -> Result<usize, Ending> {
    let none = this.takes(Point::NoBackendAlive);
    let next = this.world.nodes.next_backend().filter(|_| !none);
    next.ok_or_else(|| Ending::Reply(none_alive(this)))
}

fn none_alive(this: &Exchange) -> Response {
    match this.world.system {
        System::StarRocks => reply::failed(
            System::StarRocks,
            "class com.starrocks.common.DdlException: No backend alive.",
        ),
        System::Doris => {
            reply::failed(System::Doris, "No backend load available or all in decommission.")
        }
    }
}

/// 307, to where a fault, the leader's precedence or the backend's turn sends the request.
fn redirect(
    this: &Exchange,
    index: usize,
    leader_first: bool,
    backend: impl FnOnce() -> Result<usize, Ending>,
) -> Ending {
    let leader = this.world.nodes.leader();
    let to = if let Some(detour) = detour(this, index) {
        detour
    } else if leader_first && leader != index {
        location(this, Hop::Frontend(leader))
    } else {
        match backend() {
            Ok(backend) => location(this, Hop::Backend(backend)),
            Err(ending) => return ending,
        }
    };
    Ending::Reply(Response::redirect(to))
}
