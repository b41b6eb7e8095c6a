//! Requests to frontends and backends: redirects, several frontends, TLS.
//!
//! | file | what it is |
//! |---|---|
//! | `exchange`, `connector` | one request and its answer; the HTTP library |
//! | `journey` | along redirects, or straight to a backend |
//! | `look` | one look at a server, whoever it is |
//! | `verdict` | who an answer is from, and errors |
//! | `seats` | whose turn it is, who is left aside, and who has been heard |
//! | `payload` | bodies that are written while they are sent |
//! | `place` | a `Location`, read |
//! | `route` | whether it may be followed: address map, allowed hosts, TLS |
//! | `authorization` | user and password in Base64 |
//!
//! *Invariants*: a frontend never gets a byte of a body; no request that may have been acted upon
//! is sent twice; credentials go to allowed hosts only, never into a message; an answer has at
//! most 1 MiB.
//! *Not here*: what answers mean (`protocol`).

mod authorization;
mod connector;
mod exchange;
mod journey;
mod look;
mod payload;
mod place;
mod route;
mod seats;
#[cfg(test)]
pub(super) mod tests;
mod verdict;

use std::sync::Arc;
use std::time::Instant;

pub(super) use payload::{Payload, Written};
pub(super) use route::AskCluster;

use exchange::{Broken, Exchange, Outgoing, Patience};
use journey::{Journey, Silence};
use place::{Place, parse_address};
use route::Routes;
use seats::{Acquaintances, Seats};
use verdict::{
    answer, is_redirect, no_frontend, not_a_frontend, settled, took_the_probe, unfollowed,
    unreachable, unreadable,
};

use super::config::{Address, Endpoint, StreamLoadConfig};
use super::error::{StreamLoadError, quoted};

/// Bytes of an answer that are read.
const ANSWER_BYTES: u64 = 1 << 20;
/// The HTTP port of a backend, where the configuration names none.
const BACKEND_PORT: u16 = 8040;

/// Requests of one sink.
#[derive(Clone)]
pub(super) struct Client(Arc<Shared>);

struct Shared {
    sink: String,
    exchange: Exchange,
    frontends: Seats,
    /// Backends that get loads at once; none: frontends are asked.
    direct: Option<Seats>,
    acquaintances: Acquaintances,
    routes: Routes,
}

/// The HTTP methods there are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Asks.
    Get,
    /// StarRocks's transaction operations.
    Post,
    /// Loads, and Doris's second phase.
    Put,
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What came back in the end, whatever its status.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The HTTP status; that of a redirect only of [`Client::look`].
    pub status: u16,
    /// The first MiB of the body.
    pub body: Vec<u8>,
    /// Who answered.
    pub host: Address,
    /// What the server calls the body.
    pub content_type: Option<String>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// Nothing was sent to whoever acts, so nothing can have happened.
    NotSent(StreamLoadError),
    /// Something was sent and no answer came: ask how things stand.
    Unknown(String),
    /// It must not be sent as things are configured: halts.
    Refused(StreamLoadError),
}

impl Client {
    /// A client for a configuration. Connects to nobody yet.
    ///
    /// # Errors
    /// If `ca_file` cannot be used.
    pub fn new(sink: &str, config: &StreamLoadConfig) -> Result<Self, StreamLoadError> {
        let authorization = authorization::basic(&config.username, &config.password);
        let direct = config.backends.direct.then(|| {
            let tls = config.frontends.iter().all(|frontend| frontend.tls);
            let endpoint = |name: &String| {
                let address = parse_address(name, BACKEND_PORT)?;
                Some(Endpoint { tls: tls && !config.backends.plain, address })
            };
            Seats::new(config.backends.allowed.iter().filter_map(endpoint).collect())
        });
        Ok(Self(Arc::new(Shared {
            sink: sink.to_owned(),
            exchange: Exchange::new(config, &authorization)?,
            frontends: Seats::new(config.frontends.clone()),
            direct: direct.filter(|seats| seats.endpoints().next().is_some()),
            acquaintances: Acquaintances::default(),
            routes: Routes::new(&config.frontends, &config.backends),
        })))
    }

    /// Adds servers that the cluster lists to those that may get bodies and credentials.
    pub fn allow(&self, backends: &[Address]) {
        self.0.routes.allow(backends);
    }

    /// Asks the cluster by `ask` for its servers when a redirect leads to one that is not known:
    /// servers join while a sink runs.
    pub fn ask_with(&self, ask: AskCluster) {
        self.0.routes.ask_with(ask);
    }

    /// Sends a load: the headers alone to a frontend, then headers and body to whom it points.
    ///
    /// # Errors
    /// [`Lost`], which says whether the load may have happened.
    pub fn put_load(
        &self,
        path: &str,
        headers: &[(&str, String)],
        body: &dyn Payload,
    ) -> Result<Answer, Lost> {
        let outgoing = Outgoing {
            method: Method::Put,
            headers,
            body: Some(body),
            expect: true,
            authorized: true,
            patience: Patience::Load,
        };
        // A transaction lives on the backend that its frontend has chosen.
        let direct = self.0.direct.as_ref().filter(|_| !path.starts_with("/api/transaction/"));
        if let Some(backends) = direct {
            return self.0.load_directly(backends, path, outgoing);
        }
        let probe = Outgoing { body: None, patience: Patience::Brief, ..outgoing };
        let mut last = None;
        for (index, frontend) in self.0.frontends.order(Instant::now()) {
            let place = Place { endpoint: frontend.clone(), path: path.to_owned() };
            // A frontend takes no rows, so whatever becomes of the probe, nothing has happened.
            let incoming = match self.0.ask(index, &place, probe) {
                Ok(incoming) => incoming,
                Err(Silence::Away(cause) | Silence::Unclear(cause)) => {
                    last = Some(self.0.aside(index, frontend, &cause));
                    continue;
                }
                Err(Silence::Final(lost)) => return Err(lost),
            };
            if !is_redirect(&incoming) {
                if took_the_probe(&incoming) {
                    let found = "it took a load without rows, as a backend does".to_owned();
                    return Err(not_a_frontend(frontend, found));
                }
                return Ok(answer(frontend, incoming));
            }
            let mut journey = Journey { outgoing, frontend, seen: vec![place.clone()] };
            let next = self.0.next(&mut journey, &place, &incoming)?;
            return self.0.travel(journey, next);
        }
        Err(no_frontend(last))
    }

    /// Makes a request without a body, along redirects.
    ///
    /// # Errors
    /// [`Lost`], which says whether it may have been acted upon.
    pub fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
    ) -> Result<Answer, Lost> {
        let brief = method == Method::Get
            || ["/begin", "/rollback"].iter().any(|operation| path.ends_with(operation));
        let outgoing = Outgoing {
            method,
            headers,
            body: None,
            expect: false,
            authorized: true,
            patience: if brief { Patience::Brief } else { Patience::Load },
        };
        let mut last = None;
        for (index, frontend) in self.0.frontends.order(Instant::now()) {
            let place = Place { endpoint: frontend.clone(), path: path.to_owned() };
            let incoming = match self.0.ask(index, &place, outgoing) {
                Ok(incoming) => incoming,
                Err(Silence::Unclear(cause)) if method != Method::Get => {
                    self.0.aside(index, frontend, &cause);
                    return Err(Lost::Unknown(format!("no answer from {frontend}: {cause}")));
                }
                // A question can be asked of another.
                Err(Silence::Away(cause) | Silence::Unclear(cause)) => {
                    last = Some(self.0.aside(index, frontend, &cause));
                    continue;
                }
                Err(Silence::Final(lost)) => return Err(lost),
            };
            if !is_redirect(&incoming) {
                return Ok(answer(frontend, incoming));
            }
            let mut journey = Journey { outgoing, frontend, seen: vec![place.clone()] };
            let next = self.0.next(&mut journey, &place, &incoming)?;
            return self.0.travel(journey, next);
        }
        Err(no_frontend(last))
    }

    /// Asks a frontend.
    ///
    /// # Errors
    /// [`Lost`]; asking again does no harm.
    pub fn get(&self, path: &str) -> Result<Answer, Lost> {
        self.call(Method::Get, path, &[])
    }

    /// Reads the list of rows at fault that an answer points to: without credentials, from allowed
    /// hosts, its first MiB.
    ///
    /// # Errors
    /// [`Lost`]; asking again does no harm.
    pub fn error_log(&self, url: &str) -> Result<String, Lost> {
        let shared = &self.0;
        let Some(frontend) = shared.frontends.endpoints().next() else {
            return Err(no_frontend(None));
        };
        let place = Place::parse(url, frontend).ok_or_else(|| unreadable(frontend, url))?;
        let place = shared.routes.leads(frontend, place).map_err(unfollowed)?;
        let outgoing = Outgoing {
            method: Method::Get,
            headers: &[],
            body: None,
            expect: false,
            authorized: false,
            patience: Patience::Brief,
        };
        let incoming = shared.exchange.send(&place, outgoing).map_err(|broken| match broken {
            Broken::NotConnected(cause) | Broken::Lost(cause) | Broken::NotHttp(cause) => {
                Lost::NotSent(unreachable("the backend", &place.endpoint, cause))
            }
            other => settled(&place.endpoint, other),
        })?;
        let text = String::from_utf8_lossy(&incoming.body).into_owned();
        if incoming.status != 200 {
            return Err(Lost::Unknown(format!(
                "{} answers HTTP {}: {}",
                place.endpoint,
                incoming.status,
                quoted(&text)
            )));
        }
        Ok(text)
    }
}
