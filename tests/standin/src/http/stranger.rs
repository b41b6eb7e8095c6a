//! A host that is no part of the system: a frontend that was bent sends clients there, and it asks
//! for their credentials. Whoever hands them over has broken the rules.

use std::time::Duration;

use super::message::Response;
use super::wire::Wire;
use crate::world::World;

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
