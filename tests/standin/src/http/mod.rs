//! The HTTP of frontends and backends: an HTTP/1.1 server of our own, because the wire is what is
//! tested, byte by byte.
//!
//! *Invariants*: a frontend redirects before it takes a body byte; `100 Continue` is sent when the
//! body is first read, so a request that fails by its headers is answered before it; every wait
//! has an end; stopping a server cuts its connections.
//! *Not here*: what a load or a transaction means (`load`, `transaction`).

mod auth;
mod backend;
mod body;
mod connection;
mod frontend;
mod frontend_reads;
mod headers;
mod message;
mod redirect;
mod reply;
mod reply_faults;
mod route;
mod server;
mod stats;
mod stranger;
mod target;
mod tls;
mod wire;

#[cfg(test)]
mod tests;

pub use body::{Body, CutPlan, Framing};
pub use connection::{Ending, serve};
pub use headers::Headers;
pub use message::{Cut, Node, Request, Response, User};
pub use server::{Handler, Life, Server};
pub use stats::Stats;
pub use stranger::greet as greet_as_stranger;
pub use tls::{Authority, Certificate, HERE, NotACertificate};
pub use wire::{BadHead, Head, Wire};
