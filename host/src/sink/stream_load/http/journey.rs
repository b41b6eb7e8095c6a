//! A request to a frontend, along redirects, or straight to a backend.

use std::time::Instant;

use super::exchange::{Broken, Incoming, Outgoing};
use super::place::Place;
use super::seats::{LONGEST, Seats};
use super::verdict::{
    Speaker, answer, is_redirect, no_frontend, not_a_frontend, settled, speaker, unfollowed,
    unreachable, unreadable, unwell,
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

/// Why a frontend has given no answer.
pub(super) enum Silence {
    /// It has not got the request.
    Away(String),
    /// It may have got it: what came back, if anything did, says nothing.
    Unclear(String),
    /// Neither another nor time would mend it.
    Final(Lost),
}

impl Shared {
    /// Asks a frontend, and takes note of who answers. Garbled answers of one that has answered as
    /// a frontend come from something on the way, and pass; what never has is none.
    pub(super) fn ask(
        &self,
        index: usize,
        place: &Place,
        outgoing: Outgoing<'_>,
    ) -> Result<Incoming, Silence> {
        let frontend = &place.endpoint;
        let is_known = || self.acquaintances.know(&frontend.address);
        let incoming = match self.exchange.send(place, outgoing) {
            Ok(incoming) => incoming,
            Err(Broken::NotConnected(cause)) => return Err(Silence::Away(cause)),
            Err(Broken::Lost(cause)) => return Err(Silence::Unclear(cause)),
            // Somebody else's certificate, or none: nothing was sent.
            Err(Broken::Tls(error)) if is_known() => return Err(Silence::Away(error.to_string())),
            Err(Broken::NotHttp(cause)) if is_known() => {
                return Err(Silence::Unclear(format!("what it answers is not HTTP ({cause})")));
            }
            Err(broken) => return Err(Silence::Final(settled(frontend, broken))),
        };
        if incoming.status >= 500 {
            return Err(Silence::Unclear(unwell(&incoming)));
        }
        match speaker(frontend, &incoming) {
            Speaker::Server => {
                self.frontends.works(index);
                self.acquaintances.meet(&frontend.address);
            }
            Speaker::Anybody => {}
            Speaker::Unclear(found) => return Err(Silence::Unclear(found)),
            Speaker::Stranger(found) if is_known() => return Err(Silence::Unclear(found)),
            // Why it is not followed says more.
            Speaker::Stranger(_) if is_redirect(&incoming) => {}
            Speaker::Stranger(found) => {
                return Err(Silence::Final(not_a_frontend(frontend, found)));
            }
        }
        Ok(incoming)
    }

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
                Err(Broken::Tls(error)) if self.acquaintances.know(&place.endpoint.address) => {
                    let error = unreachable("the backend", &place.endpoint, error.to_string());
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
            self.listen(&place.endpoint, &incoming)?;
            if !is_redirect(&incoming) {
                return Ok(answer(&place.endpoint, incoming));
            }
            place = self.next(&mut journey, &place, &incoming)?;
        }
    }

    /// Takes note of who answers. What one that has answered as a server of the cluster seems to
    /// say as something else was said on the way: whether it has acted is not known.
    fn listen(&self, endpoint: &Endpoint, incoming: &Incoming) -> Result<(), Lost> {
        match speaker(endpoint, incoming) {
            Speaker::Server => self.acquaintances.meet(&endpoint.address),
            Speaker::Stranger(found) if self.acquaintances.know(&endpoint.address) => {
                return Err(Lost::Unknown(format!("no answer from {endpoint}: {found}")));
            }
            // The protocol says about these what it can.
            Speaker::Stranger(_) | Speaker::Unclear(_) | Speaker::Anybody => {}
        }
        Ok(())
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
                Ok(incoming) => {
                    if let Err(lost) = self.listen(backend, &incoming) {
                        backends.failed(index, Instant::now());
                        return Err(lost);
                    }
                    backends.works(index);
                    if !is_redirect(&incoming) {
                        return Ok(answer(backend, incoming));
                    }
                    let mut journey =
                        Journey { outgoing, frontend: backend, seen: vec![place.clone()] };
                    let next = self.next(&mut journey, &place, &incoming)?;
                    return self.travel(journey, next);
                }
                Err(Broken::NotConnected(cause)) => {
                    backends.failed(index, Instant::now());
                    last = Some(unreachable("the backend", backend, cause));
                }
                Err(Broken::Tls(error)) if self.acquaintances.know(&backend.address) => {
                    backends.failed(index, Instant::now());
                    last = Some(unreachable("the backend", backend, error.to_string()));
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
        let (sink, pause_ms) = (&self.sink, pause.as_millis());
        // Where the pause no longer grows, the same has been said a few times.
        if pause < LONGEST {
            tracing::warn!(sink, %frontend, cause, pause_ms, "a frontend is left aside");
        } else {
            tracing::debug!(sink, %frontend, cause, pause_ms, "a frontend is left aside");
        }
        unreachable("the frontend", frontend, cause.to_owned())
    }
}
