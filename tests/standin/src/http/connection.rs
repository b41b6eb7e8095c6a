//! One connection: request after request, each answered by its server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::body::{Body, Framing};
use super::message::{Node, Request, Response};
use super::route::Route;
use super::server::Life;
use super::target::encode;
use super::wire::{BadHead, Head, Wire};
use super::{backend, frontend};
use crate::faults::{Hit, Point, Strike};
use crate::world::World;

/// How an exchange ends on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a reply.
    Reply(Response),
    /// With these bytes and no more: half of a reply.
    Torn(Vec<u8>),
    /// With the end of the connection.
    Drop,
    /// With a reset of the connection.
    Reset,
}

/// One request, with all that answering it needs but its body.
pub(super) struct Exchange<'a> {
    pub(super) world: &'a World,
    pub(super) life: &'a Life,
    pub(super) request: &'a Request,
    pub(super) route: &'a Route,
    pub(super) is_http11: bool,
    node: String,
    operation: String,
}

impl Exchange<'_> {
    /// The fault to inject at this point, if any.
    pub(super) fn strike(&self, point: Point) -> Option<Strike> {
        let hit = Hit {
            node: &self.node,
            operation: &self.operation,
            table: self.route.table(self.request),
            label: self.request.label(),
        };
        self.world.faults.strike(point, &hit)
    }

    /// Whether to fail at this point.
    pub(super) fn takes(&self, point: Point) -> bool {
        self.strike(point).is_some()
    }

    /// Delays as the fault says; whether the server still runs after it.
    pub(super) fn pause(&self, strike: Strike) -> bool {
        let delay = strike.delay_ms.unwrap_or_else(|| self.world.settings.get().slow_ms);
        self.life.wait(Duration::from_millis(delay))
    }

    /// Writes a breach down, with where it was.
    pub(super) fn breach(&self, what: &str) {
        let Request { method, path, .. } = self.request;
        self.world.breaches.report(format!("{}: {method} {path}: {what}", self.node));
    }

    /// Whether the client waits for `100 Continue`.
    pub(super) fn expects_continue(&self) -> bool {
        expects_continue(self.request)
    }
}

fn expects_continue(request: &Request) -> bool {
    request.headers.get("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue"))
}

/// Serves a connection until it ends.
pub fn serve(world: &World, node: Node, mut wire: Wire, life: &Life) {
    world.stats.count_connection(node);
    loop {
        let silence = Duration::from_millis(world.settings.get().silence_ms);
        if wire.set_silence(silence).is_err() {
            return;
        }
        let head = match wire.read_head() {
            Ok(Some(head)) => head,
            // A client that goes between requests, or is killed inside one, has done no wrong.
            Ok(None) | Err(BadHead::Io(_)) => return,
            Err(error) => {
                world.breaches.report(format!("{}: {error}", node.name()));
                return refuse(wire, &error.to_string());
            }
        };
        let (ending, stays) = exchange(world, node, &mut wire, head, life);
        match ending {
            Ending::Reply(reply) => {
                let close = reply.close || !stays;
                if wire.send(&reply.bytes(close)).is_err() {
                    return;
                }
                if close {
                    wire.finish();
                    return;
                }
            }
            Ending::Torn(bytes) => {
                // A client that went before has not even half of it: the same to it.
                let _ = wire.send(&bytes);
                return;
            }
            Ending::Drop => return,
            Ending::Reset => return wire.reset(),
        }
    }
}

fn refuse(mut wire: Wire, why: &str) {
    if wire.send(&Response::text(400, why).bytes(true)).is_ok() {
        wire.finish();
    }
}

/// Answers one request; whether the connection can stay.
fn exchange(
    world: &World,
    node: Node,
    wire: &mut Wire,
    mut head: Head,
    life: &Life,
) -> (Ending, bool) {
    if world.settings.get().strip_underscore_headers {
        head.headers.strip_underscored();
    }
    let is_http11 = head.is_http11;
    let request = Request::new(&head.method, &head.target, head.headers, node);
    let route = Route::of(&request.method, &request.path);
    let operation = route.operation(&request);
    world.stats.count(node, &operation);
    let this = Exchange {
        world,
        life,
        request: &request,
        route: &route,
        is_http11,
        node: node.name(),
        operation,
    };
    conduct(&this);
    let framing = match Framing::of(&request.headers) {
        Ok(framing) => framing,
        Err(why) => {
            this.breach(&why);
            return (Ending::Reply(Response::text(400, why)), false);
        }
    };
    if let Framing::Both(_) = framing {
        this.breach("both Content-Length and Transfer-Encoding: chunked");
    }
    // HTTP/1.0 has no such reply before the reply.
    let mut body = Body::new(wire, framing, is_http11 && expects_continue(&request));
    body.wait_for(&world.stall, life);
    let answered = catch_unwind(AssertUnwindSafe(|| match node {
        Node::Frontend(index) => frontend::answer(&this, index, &mut body),
        Node::Backend(_) => backend::answer(&this, &mut body),
    }));
    let ending = answered.unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().cloned();
        let why = why.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        this.breach(&format!("the stand-in panicked: {}", why.unwrap_or_default()));
        Ending::Drop
    });
    if let Some(why) = body.malformed() {
        this.breach(why);
    }
    let mut asked = request.headers.all("connection").flat_map(|value| value.split(','));
    let closes = asked.any(|word| word.trim().eq_ignore_ascii_case("close"));
    let stays = is_http11 && body.is_done() && !closes;
    (ending, stays)
}

/// What no request may do, whatever it asks for.
fn conduct(this: &Exchange) {
    let Request { target, headers, user, .. } = this.request;
    let authority = target.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let spelled = user.as_ref().is_some_and(|user| {
        let plain = format!("{}:{}@", user.name, user.password);
        let encoded = format!("{}:{}@", encode(&user.name), encode(&user.password));
        target.contains(&plain) || target.contains(&encoded)
    });
    let host = headers.get("host");
    if spelled || authority.contains('@') || host.is_some_and(|host| host.contains('@')) {
        this.breach("a password is in the URL");
    }
    if this.is_http11 && host.is_none() {
        this.breach("HTTP/1.1 without Host");
    }
    if headers.all("authorization").count() > 1 {
        this.breach("Authorization is there more than once");
    }
}
