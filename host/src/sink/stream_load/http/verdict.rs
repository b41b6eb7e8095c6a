//! Whose answers are whose, and what to say about those that are nobody's.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::exchange::{Broken, Incoming};
use super::place::Place;
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

/// Who answers, as far as an answer shows it. Proxies and portals on the way answer, too.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// A server of the cluster: by a JSON object, or by a redirect to the like of what was asked.
    Server,
    /// Anybody: the status says it all.
    Anybody,
    /// Nobody that can be made out; how it looks is in words.
    Unclear(String),
    /// Something else; what it looks like is in words.
    Stranger(String),
}

/// Who gives this answer of `from`.
pub(super) fn speaker(from: &Endpoint, incoming: &Incoming) -> Speaker {
    let status = incoming.status;
    if is_redirect(incoming) {
        let location = incoming.location.as_deref().unwrap_or_default();
        let is_ours = |place: Place| place.path.starts_with("/api/");
        if Place::parse(location, from).is_some_and(is_ours) {
            return Speaker::Server;
        }
        return Speaker::Stranger(format!("it points away from what was asked (HTTP {status})"));
    }
    // What these mean does not depend on who says so.
    if matches!(status, 413 | 429) {
        return Speaker::Anybody;
    }
    match status {
        _ if is_page(incoming) => {
            Speaker::Stranger(format!("it answers with a web page (HTTP {status})"))
        }
        _ if is_object(&incoming.body) => Speaker::Server,
        404 => Speaker::Stranger("it knows no such path (HTTP 404)".to_owned()),
        401 | 403 => Speaker::Anybody,
        _ => {
            let text = match &*incoming.body {
                [] => "nothing".to_owned(),
                body => quoted(&String::from_utf8_lossy(body)),
            };
            Speaker::Unclear(format!("its answer cannot be read (HTTP {status}): {text}"))
        }
    }
}

/// Whether it is a web page.
fn is_page(incoming: &Incoming) -> bool {
    incoming.content_type.as_deref().is_some_and(|kind| kind.contains("html"))
        || incoming.body.trim_ascii_start().first() == Some(&b'<')
}

/// Whether a body begins with a JSON object.
fn is_object(body: &[u8]) -> bool {
    // Messages may quote bytes of rows, which need not be UTF-8.
    let text = String::from_utf8_lossy(body);
    let mut json = serde_json::Deserializer::from_str(&text);
    text.trim_start().starts_with('{') && IgnoredAny::deserialize(&mut json).is_ok()
}

/// The error of what is no frontend.
pub(super) fn not_a_frontend(endpoint: &Endpoint, found: String) -> Lost {
    Lost::Refused(StreamLoadError::NotAFrontend { endpoint: endpoint.to_string(), found })
}

/// What a server in trouble says. A page says nothing that its status does not.
pub(super) fn unwell(incoming: &Incoming) -> String {
    if is_page(incoming) {
        return format!("it answers HTTP {} with a web page", incoming.status);
    }
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
    fn answers_show_who_gives_them() {
        let from = Endpoint { tls: false, address: Address { host: "fe".into(), port: 8030 } };
        let heard = |status, location: Option<&str>, kind: Option<&str>, body: &str| {
            let incoming = Incoming {
                status,
                location: location.map(str::to_owned),
                content_type: kind.map(str::to_owned),
                body: body.as_bytes().to_vec(),
            };
            match speaker(&from, &incoming) {
                Speaker::Server => 'o',
                Speaker::Anybody => 'a',
                Speaker::Unclear(_) => 'u',
                Speaker::Stranger(_) => 's',
            }
        };
        let json = Some("application/json");
        for (status, body, expected) in [
            (200, r#"{"Status":"OK"}"#, 'o'),
            (200, " {}\ntrailing", 'o'),
            (401, r#"{"status":"FAILED"}"#, 'o'),
            (404, r#"{"code":404}"#, 'o'),
            (401, "Access denied", 'a'),
            (413, "<html>", 'a'),
            (429, "", 'a'),
            (200, "", 'u'),
            (200, "[]", 'u'),
            (200, "OK", 'u'),
            (200, r#"{"Status":"Succ"#, 'u'),
            (400, "Bad Request", 'u'),
            (200, " <!DOCTYPE html>", 's'),
            (403, "<html>", 's'),
            (404, "", 's'),
        ] {
            assert_eq!(heard(status, None, json, body), expected, "{status} {body}");
        }
        assert_eq!(heard(200, None, Some("text/html; charset=utf-8"), "{}"), 's');
        for (location, expected) in [
            (Some("http://be:8040/api/d/t/_stream_load"), 'o'),
            (Some("/api/transaction/begin"), 'o'),
            (Some("http://portal/login?back=/api/"), 's'),
            (Some("ftp://be/api/"), 's'),
            (None, 's'),
        ] {
            assert_eq!(heard(307, location, None, ""), expected, "{location:?}");
        }
    }

    #[test]
    fn a_server_in_trouble_is_quoted_but_for_its_pages() {
        let said = |kind: &str, body: &str| {
            unwell(&Incoming {
                status: 502,
                location: None,
                content_type: Some(kind.to_owned()),
                body: body.as_bytes().to_vec(),
            })
        };
        assert_eq!(said("text/html", "<h1>Bad</h1>"), "it answers HTTP 502 with a web page");
        assert_eq!(said("text/plain", "no memory"), "it answers HTTP 502: no memory");
    }

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
