//! One request and its answer: the only place that knows the HTTP library.
//!
//! *Invariants*: no redirect is followed here, no status is an error, no proxy is taken from the
//! environment; whether a connection was made is known exactly.

use std::error::Error;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, EXPECT, HeaderName, HeaderValue, LOCATION};
use ureq::http::{Request, Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, SendBody};

use super::connector::{Marking, NotConnected};
use super::place::Place;
use super::{ANSWER_BYTES, Method, Payload};
use crate::sink::stream_load::config::{Endpoint, StreamLoadConfig};
use crate::sink::stream_load::error::{StreamLoadError, causes, quoted};
use crate::sink::stream_load::tls;
use crate::telemetry::Secret;

/// Connections that are kept for reuse, over all servers.
const IDLE_CONNECTIONS: usize = 64;

/// What is sent at once: a body passes through two of these, which should stay in a processor's own
/// memory.
const BUFFER_BYTES: usize = 64 << 10;

/// Makes requests; connections are pooled.
pub(super) struct Exchange {
    /// For what is answered at once.
    brief: Agent,
    /// For what the server works on.
    patient: Agent,
    authorization: HeaderValue,
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as making a connection, and a little more.
    Brief,
    /// As long as a load, and a little more: the server, which was told, gives up first.
    Load,
}

/// What to send.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub method: Method,
    pub headers: &'a [(&'a str, String)],
    /// The body, if there is one to send: in chunks, since nobody knows its length before.
    pub body: Option<&'a dyn Payload>,
    /// Whether the body waits for the server's `100 Continue`, or, without a body, the server is
    /// asked for a decision by the headers alone.
    pub expect: bool,
    /// Whether user and password are sent.
    pub authorized: bool,
    /// How long all of it may take.
    pub patience: Patience,
}

/// What came back.
pub(super) struct Incoming {
    pub status: u16,
    pub location: Option<String>,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

/// Why nothing came back.
pub(super) enum Broken {
    /// There was no connection, so nothing was sent.
    NotConnected(String),
    /// The request cannot be written as HTTP; nothing was sent.
    Unwritable(String),
    /// TLS fails in a way that lasts; nothing was sent.
    Tls(StreamLoadError),
    /// What came back is not HTTP.
    NotHttp(String),
    /// The connection broke or took too long after something was sent.
    Lost(String),
}

impl Exchange {
    /// An agent as the configuration says.
    pub(super) fn new(
        config: &StreamLoadConfig,
        authorization: &Secret,
    ) -> Result<Self, StreamLoadError> {
        let mut authorization =
            HeaderValue::from_str(authorization.expose()).expect("Base64 is plain text");
        authorization.set_sensitive(true);
        let roots = match &config.ca_file {
            Some(path) => certificates(path)?,
            None => RootCerts::WebPki,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(roots)
            .build();
        Ok(Self {
            brief: agent(config, tls.clone(), config.connect_timeout * 2),
            patient: agent(config, tls, config.timeout + config.connect_timeout * 2),
            authorization,
        })
    }

    /// Sends a request and reads the answer, whatever its status.
    pub(super) fn send(&self, place: &Place, outgoing: Outgoing<'_>) -> Result<Incoming, Broken> {
        let unwritable = |error: &dyn Error| Broken::Unwritable(causes(error));
        let uri = format!("{}{}", place.endpoint, place.path)
            .parse::<Uri>()
            .map_err(|error| unwritable(&error))?;
        let mut builder = Request::builder().method(outgoing.method.name()).uri(uri);
        if outgoing.authorized {
            builder = builder.header(AUTHORIZATION, self.authorization.clone());
        }
        if outgoing.expect {
            builder = builder.header(EXPECT, "100-continue");
        }
        for (name, value) in outgoing.headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| unwritable(&error))?;
            // Names of columns may be of any script: bytes, which from_str would refuse.
            let value =
                HeaderValue::from_bytes(value.as_bytes()).map_err(|error| unwritable(&error))?;
            builder = builder.header(name, value);
        }
        let agent = match outgoing.patience {
            Patience::Brief => &self.brief,
            Patience::Load => &self.patient,
        };
        let answer = match outgoing.method {
            Method::Get => agent.run(builder.body(()).map_err(|error| unwritable(&error))?),
            Method::Post | Method::Put => match outgoing.body {
                None => agent.run(builder.body(&[][..]).map_err(|error| unwritable(&error))?),
                Some(payload) => {
                    let mut reader = payload.reader();
                    let body = SendBody::from_reader(&mut *reader);
                    agent.run(builder.body(body).map_err(|error| unwritable(&error))?)
                }
            },
        };
        let answer = answer.map_err(|error| broken(&place.endpoint, error))?;
        read(answer).map_err(|error| Broken::Lost(format!("its answer broke off: {error}")))
    }
}

/// An agent whose requests take `patience` at most. What is settled for an agent, and not for each
/// request, lets connections and TLS sessions be used again.
fn agent(config: &StreamLoadConfig, tls: TlsConfig, patience: Duration) -> Agent {
    let settings = Agent::config_builder()
        .tls_config(tls)
        .user_agent(concat!("millrace/", env!("CARGO_PKG_VERSION")))
        // Bodies and passwords go where the configuration says, not where a variable does.
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(patience))
        .timeout_resolve(Some(config.connect_timeout))
        .timeout_connect(Some(config.connect_timeout))
        // Never send a body that nobody asked for: wait as long as the whole may take.
        .timeout_await_100(None)
        .input_buffer_size(BUFFER_BYTES)
        .output_buffer_size(BUFFER_BYTES)
        .max_idle_connections(IDLE_CONNECTIONS)
        .max_idle_connections_per_host(config.load.in_flight.clamp(4, IDLE_CONNECTIONS))
        .build();
    Agent::with_parts(settings, Marking::connector(), Marking::resolver())
}

/// At most [`ANSWER_BYTES`] of an answer's body.
fn read(answer: Response<Body>) -> io::Result<Incoming> {
    let (parts, body) = answer.into_parts();
    let text = |name: HeaderName| {
        // Older servers write passwords into a Location as they are, which need not be ASCII.
        Some(String::from_utf8_lossy(parts.headers.get(name)?.as_bytes()).into_owned())
    };
    let mut bytes = Vec::new();
    body.into_reader().take(ANSWER_BYTES).read_to_end(&mut bytes)?;
    Ok(Incoming {
        status: parts.status.as_u16(),
        location: text(LOCATION),
        content_type: text(CONTENT_TYPE),
        body: bytes,
    })
}

/// The certificates of a PEM file, for the library.
fn certificates(path: &Path) -> Result<RootCerts, StreamLoadError> {
    let certificates = tls::certificates(path)?;
    Ok(certificates.iter().map(|one| Certificate::from_der(one).to_owned()).into())
}

fn broken(endpoint: &Endpoint, error: ureq::Error) -> Broken {
    match error {
        ureq::Error::Other(other) => match other.downcast::<NotConnected>() {
            Ok(not) => tls_error(endpoint, &not.0)
                .map_or_else(|| Broken::NotConnected(words(&not.0)), Broken::Tls),
            Err(other) => Broken::Lost(causes(&*other)),
        },
        error @ (ureq::Error::Http(_)
        | ureq::Error::BadUri(_)
        | ureq::Error::BodyExceedsLimit(_)
        | ureq::Error::RequireHttpsOnly(_)) => Broken::Unwritable(causes(&error)),
        error @ (ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..)) => {
            Broken::NotHttp(quoted(&words(&error)))
        }
        error => Broken::Lost(words(&error)),
    }
}

/// A library's error in our words.
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it closed the connection".to_owned()
        }
        ureq::Error::Io(error) => causes(error),
        ureq::Error::Timeout(ureq::Timeout::Resolve) => "its name is not found in time".to_owned(),
        ureq::Error::Timeout(ureq::Timeout::Connect) => "it does not answer in time".to_owned(),
        ureq::Error::Timeout(_) => "it took too long to answer".to_owned(),
        ureq::Error::HostNotFound => "its name is not known".to_owned(),
        error => causes(error),
    }
}

/// The error of a TLS handshake that the next try would have, too.
fn tls_error(endpoint: &Endpoint, error: &ureq::Error) -> Option<StreamLoadError> {
    let problem = match error {
        ureq::Error::Rustls(problem) => problem,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref::<rustls::Error>()?,
        _ => return None,
    };
    let without = "does this port speak plain HTTP? then say http:// in `load_url`";
    Some(tls::failed(endpoint.to_string(), problem, without))
}
