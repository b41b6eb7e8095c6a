//! One look at servers, whoever they are.

use std::time::Instant;

use super::exchange::{Broken, Outgoing, Patience};
use super::journey::{Journey, Silence};
use super::place::Place;
use super::verdict::{answer, is_redirect, settled, unreachable};
use super::{Answer, Client, Lost, Method};
use crate::sink::stream_load::config::Endpoint;
use crate::sink::stream_load::error::StreamLoadError;

impl Client {
    /// Asks every frontend something, before there is anything to lose. Those that are away or
    /// unwell may be back later.
    ///
    /// # Errors
    /// If TLS with one fails in a way that lasts, or none answers as a frontend and one is none.
    pub fn greet(&self, path: &str) -> Result<(), StreamLoadError> {
        let outgoing = Outgoing {
            method: Method::Get,
            headers: &[],
            body: None,
            expect: false,
            authorized: true,
            patience: Patience::Brief,
        };
        let (mut is_heard, mut stranger) = (false, None);
        for (index, frontend) in self.0.frontends.order(Instant::now()) {
            let place = Place { endpoint: frontend.clone(), path: path.to_owned() };
            match self.0.ask(index, &place, outgoing) {
                Ok(incoming) if is_redirect(&incoming) => {
                    let mut journey = Journey { outgoing, frontend, seen: vec![place.clone()] };
                    match self.0.next(&mut journey, &place, &incoming) {
                        Err(Lost::Refused(error)) => stranger = Some(error),
                        Ok(_) | Err(_) => is_heard = true,
                    }
                }
                Ok(_) => is_heard = true,
                Err(Silence::Final(Lost::Refused(error @ StreamLoadError::Tls { .. }))) => {
                    return Err(error);
                }
                Err(Silence::Final(Lost::Refused(error))) => stranger = Some(error),
                Err(Silence::Final(_) | Silence::Away(_) | Silence::Unclear(_)) => {}
            }
        }
        match stranger {
            Some(error) if !is_heard => Err(error),
            _ => Ok(()),
        }
    }

    /// Asks a server for a path, without credentials; where it points elsewhere, that is the answer.
    ///
    /// # Errors
    /// [`Lost`]; asking again does no harm.
    pub fn look(&self, server: &Endpoint, path: &str) -> Result<Answer, Lost> {
        let place = Place { endpoint: server.clone(), path: path.to_owned() };
        let outgoing = Outgoing {
            method: Method::Get,
            headers: &[],
            body: None,
            expect: false,
            authorized: false,
            patience: Patience::Brief,
        };
        match self.0.exchange.send(&place, outgoing) {
            Ok(incoming) => Ok(answer(server, incoming)),
            Err(Broken::NotConnected(cause)) => {
                Err(Lost::NotSent(unreachable("the backend", server, cause)))
            }
            Err(Broken::NotHttp(cause)) => Err(Lost::Refused(StreamLoadError::Halted {
                message: format!(
                    "backend {} is not one: what it answers is not HTTP ({cause}); look what runs \
                     there: loads go to the HTTP port of a backend (8040 by default)",
                    server.address
                ),
            })),
            Err(broken) => Err(settled(server, broken)),
        }
    }
}
