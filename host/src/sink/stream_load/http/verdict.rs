//! Which answers are a frontend's, and what to say about the others.

use super::exchange::{Broken, Incoming};
use super::{Answer, Lost};
use crate::sink::stream_load::config::Endpoint;
use crate::sink::stream_load::error::{StreamLoadError, quoted};

/// An answer for the protocol.
pub(super) fn answer(endpoint: &Endpoint, incoming: Incoming) -> Answer {
    Answer {
        status: incoming.status,
        body: incoming.body,
        host: endpoint.address.clone(),
        content_type: incoming.content_type,
    }
}

/// Whether it points elsewhere.
pub(super) fn is_redirect(incoming: &Incoming) -> bool {
    matches!(incoming.status, 301 | 302 | 303 | 307 | 308)
}

/// Whether a server answers a load of no rows as one that loads.
pub(super) fn took_the_probe(incoming: &Incoming) -> bool {
    #[derive(serde::Deserialize)]
    struct Reply {
        #[serde(alias = "Status")]
        status: String,
    }
    serde_json::from_slice::<Reply>(&incoming.body)
        .is_ok_and(|reply| matches!(&*reply.status, "Success" | "OK" | "Publish Timeout"))
}

/// Refuses web pages, and what has no such path.
pub(super) fn check_is_frontend(endpoint: &Endpoint, incoming: &Incoming) -> Result<(), Lost> {
    if is_redirect(incoming) {
        return Ok(());
    }
    let html = incoming.content_type.as_deref().is_some_and(|kind| kind.contains("html"))
        || incoming.body.trim_ascii_start().first() == Some(&b'<');
    let found = match incoming.status {
        status if html => format!("it answers with a web page (HTTP {status})"),
        404 if !incoming.body.trim_ascii_start().starts_with(b"{") => {
            "it knows no such path (HTTP 404)".to_owned()
        }
        _ => return Ok(()),
    };
    Err(not_a_frontend(endpoint, found))
}

/// The error of what is no frontend.
pub(super) fn not_a_frontend(endpoint: &Endpoint, found: String) -> Lost {
    Lost::Refused(StreamLoadError::NotAFrontend { endpoint: endpoint.to_string(), found })
}

/// What a server in trouble says.
pub(super) fn unwell(incoming: &Incoming) -> String {
    let text = String::from_utf8_lossy(&incoming.body);
    format!("it answers HTTP {}: {}", incoming.status, quoted(&text))
}

/// The error of a server that cannot be reached.
pub(super) fn unreachable(
    what: &'static str,
    endpoint: &Endpoint,
    cause: String,
) -> StreamLoadError {
    StreamLoadError::Unreachable { what, address: endpoint.to_string(), cause }
}

/// The error of a redirect that is not followed: for good, or because nobody could be asked about
/// it now. Who points elsewhere has done nothing yet.
pub(super) fn unfollowed(error: StreamLoadError) -> Lost {
    if error.is_transient() { Lost::NotSent(error) } else { Lost::Refused(error) }
}

/// The error of an address that cannot be read.
pub(super) fn unreadable(from: &Endpoint, location: &str) -> Lost {
    // Whatever it is, what stands before an `@` may be a password.
    let location = location.rsplit_once('@').map_or(location, |(_, host)| host);
    let to = if location.is_empty() { "nowhere".to_owned() } else { quoted(location) };
    Lost::Refused(StreamLoadError::Redirect {
        from: from.to_string(),
        to,
        problem: "which is no address that can be read".to_owned(),
        remedy: "check that `load_url` names a frontend, and any proxy before it".to_owned(),
    })
}

/// The error of having tried all servers.
pub(super) fn no_frontend(last: Option<StreamLoadError>) -> Lost {
    Lost::NotSent(last.unwrap_or_else(|| StreamLoadError::Halted {
        message: "no frontend is configured; name one with `load_url`".to_owned(),
    }))
}

/// What neither another server nor time would mend.
pub(super) fn settled(endpoint: &Endpoint, broken: Broken) -> Lost {
    match broken {
        Broken::Tls(error) => Lost::Refused(error),
        Broken::NotHttp(cause) => not_a_frontend(
            endpoint,
            format!("what it answers is not HTTP ({cause}); if it speaks TLS, say https://"),
        ),
        Broken::Unwritable(cause) => Lost::Refused(StreamLoadError::Halted {
            message: format!("a request to {endpoint} cannot be written: {cause}"),
        }),
        Broken::NotConnected(cause) => Lost::NotSent(unreachable("the server", endpoint, cause)),
        Broken::Lost(cause) => Lost::Unknown(format!("no answer from {endpoint}: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::stream_load::config::Address;

    #[test]
    fn an_address_that_cannot_be_read_is_shown_without_a_password() {
        let from = Endpoint { tls: false, address: Address { host: "fe".into(), port: 8030 } };
        for location in ["http://u:s3 cret@be:x/api/y", "ftp://u:s3/cret@be/", "u:s3cret@be"] {
            let Lost::Refused(error) = unreadable(&from, location) else {
                panic!("it cannot be followed")
            };
            let text = error.to_string();
            assert!(text.contains("points to be") && !text.contains("s3"), "{text}");
        }
    }
}
