//! The Location of a redirect, right or as faults bend it.

use super::connection::Exchange;
use super::target::{encode, raw_query};
use crate::faults::Point;
use crate::nodes::authority;
use crate::world::System;

/// A port where nobody listens: the one of the discard protocol.
const DEAD_PORT: u16 = 9;
/// Marks that a hop was taken, where there is only one frontend to hop between.
const HOPPED: &str = "hopped=1";

/// Where a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hop {
    /// To a frontend, by index.
    Frontend(usize),
    /// To a backend, by index.
    Backend(usize),
}

/// The frontend to which a fault sends a request first. A second time it comes through.
pub(super) fn detour(this: &Exchange, index: usize) -> Option<String> {
    if this.takes(Point::FeCircular) {
        return Some(to_frontend(this, index, raw_query(&this.request.target)));
    }
    if this.request.query.contains_key("hopped") || !this.takes(Point::FeTwoHops) {
        return None;
    }
    let frontends = this.world.nodes.frontends();
    let alive = |index: &usize| frontends.get(*index).is_some_and(|member| member.is_alive());
    let mut others = (1..frontends.len()).map(|step| (index + step) % frontends.len());
    let other = others.find(alive).unwrap_or(index);
    let query = match raw_query(&this.request.target) {
        "" => format!("?{HOPPED}"),
        query => format!("{query}&{HOPPED}"),
    };
    Some(to_frontend(this, other, &query))
}

fn to_frontend(this: &Exchange, index: usize, query: &str) -> String {
    let nodes = &this.world.nodes;
    let scheme = if nodes.is_https() { "https" } else { "http" };
    let place = nodes.frontends().get(index).map(|member| member.authority());
    let place = place.unwrap_or_default();
    format!("{scheme}://{}{place}{}{query}", userinfo(this), this.request.path)
}

/// The URL of a hop, for the Location header.
pub(super) fn location(this: &Exchange, hop: Hop) -> String {
    let query = raw_query(&this.request.target);
    let index = match hop {
        Hop::Frontend(index) => return to_frontend(this, index, query),
        Hop::Backend(index) => index,
    };
    let nodes = &this.world.nodes;
    let Some(backend) = nodes.backends().get(index) else { return String::new() };
    let place = if this.takes(Point::FeUnreachableLocation) {
        authority(&backend.host, DEAD_PORT)
    } else if this.takes(Point::FeLoopbackLocation) {
        authority("127.0.0.1", backend.port())
    } else if this.takes(Point::FeOtherHostLocation) {
        nodes.stranger().to_owned()
    } else {
        backend.authority()
    };
    let query = if query.is_empty() && is_old_doris(this) { "?" } else { query };
    let scheme = if nodes.backends_are_https() { "https" } else { "http" };
    format!("{scheme}://{}{place}{}{query}", userinfo(this), this.request.path)
}

/// `user:password@`, where the system or a fault puts it into the Location.
fn userinfo(this: &Exchange) -> String {
    let always = this.world.settings.get().credentials_in_location;
    if !always && !this.takes(Point::FeUserinfoLocation) {
        return String::new();
    }
    let Some(user) = &this.request.user else { return String::new() };
    let cluster = if is_old_doris(this) { "@default_cluster" } else { "" };
    let name = encode(&format!("{}{cluster}", user.name));
    format!("{name}:{}@", encode(&user.password))
}

fn is_old_doris(this: &Exchange) -> bool {
    this.world.system == System::Doris && !this.world.version.at_least(2, 1, 0)
}
