//! Who is no part of the system: a host that a frontend that was bent sends clients to, and that
//! asks for their credentials (whoever hands them over has broken the rules); and what proxies and
//! portals on the way say in place of a server.

use std::time::Duration;

use super::connection::{Ending, Exchange};
use super::message::Response;
use super::reply;
use super::wire::Wire;
use crate::faults::Point;
use crate::world::World;

/// The greeting of a server that speaks no HTTP.
const NOT_HTTP: &[u8] = b"J\0\0\0\n8.0.33\0 not http \r\n\r\n";

/// What somebody else answers in place of a frontend, where a fault says so.
pub(super) fn instead(this: &Exchange) -> Option<Ending> {
    let reply = if this.takes(Point::FeHtml) {
        reply::page()
    } else if this.takes(Point::Fe404) {
        Response::text(404, "default backend - 404").closing()
    } else if this.takes(Point::FePortal) {
        Response::redirect("http://portal.invalid/login?back=/api/".to_owned())
    } else if this.takes(Point::FeEmptyReply) {
        Response::json("").closing()
    } else if this.takes(Point::FeNotHttp) {
        return Some(Ending::Torn(NOT_HTTP.to_vec()));
    } else {
        return None;
    };
    Some(Ending::Reply(reply))
}

/// Answers one request of a client that was led astray.
pub fn greet(world: &World, mut wire: Wire) {
    if wire.set_silence(Duration::from_secs(5)).is_err() {
        return;
    }
    let Ok(Some(head)) = wire.read_head() else { return };
    if head.headers.get("authorization").is_some() {
        world.breaches.report(format!(
            "credentials were sent to a foreign host: {} {}",
            head.method, head.target
        ));
    }
    let reply =
        Response::text(401, "who are you?").with_header("WWW-Authenticate", "Basic realm=\"\"");
    if wire.send(&reply.bytes(true)).is_ok() {
        wire.finish();
    }
}
