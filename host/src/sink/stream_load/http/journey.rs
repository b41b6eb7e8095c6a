//! A request along redirects, or straight to a backend.

use std::time::Instant;

use super::exchange::{Broken, Incoming, Outgoing};
use super::place::Place;
use super::seats::Seats;
use super::verdict::{
    answer, is_redirect, no_frontend, settled, unfollowed, unreachable, unreadable,
};
use super::{Answer, Lost, Shared};
use crate::sink::stream_load::config::Endpoint;
use crate::sink::stream_load::error::StreamLoadError;

/// Redirects that are followed, one after the other.
const HOPS: usize = 3;

/// One request on its way along redirects.
pub(super) struct Journey<'a> {
    pub outgoing: Outgoing<'a>,
    /// The frontend it began with.
    pub frontend: &'a Endpoint,
    /// Where it has been.
    pub seen: Vec<Place>,
}

impl Shared {
    /// Follows redirects until there is an answer. From here on whoever is asked may act.
    pub(super) fn travel(
        &self,
        mut journey: Journey<'_>,
        mut place: Place,
    ) -> Result<Answer, Lost> {
        loop {
            let incoming = match self.exchange.send(&place, journey.outgoing) {
                Ok(incoming) => incoming,
                Err(Broken::NotConnected(cause)) => {
                    let cause = format!("{cause} (the frontend {} named it)", journey.frontend);
                    let error = unreachable("the backend", &place.endpoint, cause);
                    return Err(Lost::NotSent(error));
                }
                Err(Broken::Lost(cause) | Broken::NotHttp(cause)) => {
                    return Err(Lost::Unknown(format!(
                        "no answer from {}: {cause}",
                        place.endpoint
                    )));
                }
                Err(broken) => return Err(settled(&place.endpoint, broken)),
            };
            if !is_redirect(&incoming) {
                return Ok(answer(&place.endpoint, incoming));
            }
            place = self.next(&mut journey, &place, &incoming)?;
        }
    }

    /// Where a redirect leads, if it may be followed.
    pub(super) fn next(
        &self,
        journey: &mut Journey<'_>,
        place: &Place,
        incoming: &Incoming,
    ) -> Result<Place, Lost> {
        let location = incoming.location.as_deref().unwrap_or_default();
        let from = &place.endpoint;
        let to = Place::parse(location, from).ok_or_else(|| unreadable(from, location))?;
        let to = self.routes.follow(from, to).map_err(unfollowed)?;
        let problem = if journey.seen.contains(&to) {
            "where the request has already been, so redirects go in a circle"
        } else if journey.seen.len() > HOPS {
            "after three redirects already"
        } else {
            journey.seen.push(to.clone());
            return Ok(to);
        };
        Err(Lost::Refused(StreamLoadError::Redirect {
            from: from.to_string(),
            to: to.endpoint.to_string(),
            problem: problem.to_owned(),
            remedy: "check the addresses that frontends and backends are registered under, `map` \
                     under `backends`, and any proxy in between"
                .to_owned(),
        }))
    }

    /// A load without asking a frontend.
    pub(super) fn load_directly(
        &self,
        backends: &Seats,
        path: &str,
        outgoing: Outgoing<'_>,
    ) -> Result<Answer, Lost> {
        let mut last = None;
        for (index, backend) in backends.order(Instant::now()) {
            let place = Place { endpoint: backend.clone(), path: path.to_owned() };
            match self.exchange.send(&place, outgoing) {
                Ok(incoming) if is_redirect(&incoming) => {
                    backends.works(index);
                    let mut journey =
                        Journey { outgoing, frontend: backend, seen: vec![place.clone()] };
                    let next = self.next(&mut journey, &place, &incoming)?;
                    return self.travel(journey, next);
                }
                Ok(incoming) => {
                    backends.works(index);
                    return Ok(answer(backend, incoming));
                }
                Err(Broken::NotConnected(cause)) => {
                    backends.failed(index, Instant::now());
                    last = Some(unreachable("the backend", backend, cause));
                }
                Err(Broken::Lost(cause) | Broken::NotHttp(cause)) => {
                    backends.failed(index, Instant::now());
                    return Err(Lost::Unknown(format!("no answer from {backend}: {cause}")));
                }
                Err(broken) => return Err(settled(backend, broken)),
            }
        }
        Err(no_frontend(last))
    }

    /// Leaves a frontend aside and says why.
    pub(super) fn aside(&self, index: usize, frontend: &Endpoint, cause: &str) -> StreamLoadError {
        let pause = self.frontends.failed(index, Instant::now());
        tracing::warn!(
            sink = self.sink,
            frontend = %frontend,
            cause,
            pause_ms = pause.as_millis(),
            "a frontend is left aside"
        );
        unreachable("the frontend", frontend, cause.to_owned())
    }
}
