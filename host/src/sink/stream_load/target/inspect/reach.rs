//! Addresses: whether frontends, MySQL ports and backends answer from here, and clocks.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::NaiveDateTime;

use super::{Findings, Severity};
use crate::sink::stream_load::config::{Address, Endpoint, StreamLoadConfig};
use crate::sink::stream_load::error::{StreamLoadError, quoted};
use crate::sink::stream_load::http::{Answer, Client, Lost};
use crate::sink::stream_load::protocol::segment;
use crate::sink::stream_load::target::admin::Admin;
use crate::sink::stream_load::target::grants::Need;

/// How long a backend may take to be connected to.
const ANSWER: Duration = Duration::from_secs(5);
/// What every backend of both systems answers, and by a form of its own.
const HEALTH: &str = "/api/health";
/// Stands in what a frontend answers to the same.
const OF_A_FRONTEND: &str = "online_backend_num";
/// Clocks that differ by more are told: audit columns and logs do not agree then.
const SKEW_SECONDS: i64 = 5;
/// Characters of a wrong answer that are shown.
const SHOWN: usize = 80;

/// Asks every frontend for the state of a label that nobody uses.
pub(super) fn frontends(findings: &mut Findings, sink: &str, config: &StreamLoadConfig) {
    let (mut down, mut works) = (Vec::new(), false);
    for frontend in &config.frontends {
        let one = StreamLoadConfig { frontends: vec![frontend.clone()], ..config.clone() };
        let client = match Client::new(sink, &one) {
            Ok(client) => client,
            Err(error) => return findings.failure(&error),
        };
        let database = segment(&config.database);
        let path = format!("/api/{database}/get_load_state?label=millrace_check");
        match client.get(&path) {
            Ok(answer) => works |= frontend_answer(findings, config, frontend, &answer),
            Err(Lost::NotSent(error) | Lost::Refused(error)) => {
                down.extend(error.is_transient().then_some(findings.0.len()));
                findings.failure(&error);
            }
            Err(Lost::Unknown(cause)) => {
                down.push(findings.0.len());
                findings.error(
                    format!("frontend {frontend} gives no answer: {cause}"),
                    "check that it runs and that `load_url` names its HTTP port",
                );
            }
        }
    }
    spare(findings, &down, works);
}

/// A server that is down, found at these places, keeps nobody from loading where another works.
fn spare(findings: &mut Findings, down: &[usize], works: bool) {
    for place in down.iter().filter(|_| works) {
        if let Some(finding) = findings.0.get_mut(*place) {
            finding.severity = Severity::Warning;
        }
    }
}

/// Whether a frontend has answered, to this user.
fn frontend_answer(
    findings: &mut Findings,
    config: &StreamLoadConfig,
    frontend: &Endpoint,
    answer: &Answer,
) -> bool {
    let text = String::from_utf8_lossy(&answer.body);
    let json = serde_json::from_slice::<serde_json::Value>(&answer.body).ok();
    let member = |name: &str| {
        let object = json.as_ref()?.as_object()?;
        let (_, value) = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let is_ours = ["state", "status", "msg", "code"].iter().any(|name| member(name).is_some());
    if answer.status == 401 || member("code").as_deref() == Some("401") {
        findings.error(
            format!("frontend {frontend} refuses user `{}`", config.username),
            "check `username` and `password`, and from where the user may come",
        );
        return false;
    }
    if is_ours {
        findings.good(format!("frontend {frontend} answers"));
        return true;
    }
    findings.failure(&StreamLoadError::NotAFrontend {
        endpoint: frontend.to_string(),
        found: format!("it answers HTTP {} with `{}`", answer.status, shown(&text)),
    });
    false
}

/// The beginning of a wrong answer.
fn shown(text: &str) -> String {
    quoted(text).chars().take(SHOWN).collect()
}

/// Connects to every MySQL port; answers the first connection.
pub(super) fn mysql(
    findings: &mut Findings,
    sink: &str,
    config: &StreamLoadConfig,
) -> Option<Admin> {
    let (mut first, mut down) = (None, Vec::new());
    for address in &config.mysql {
        let one = StreamLoadConfig { mysql: vec![address.clone()], ..config.clone() };
        match Admin::connect(sink, &one) {
            Ok(admin) => {
                findings.good(format!("MySQL port {address} takes user `{}`", config.username));
                first = first.or(Some(admin));
            }
            Err(error) => {
                down.extend(error.is_transient().then_some(findings.0.len()));
                findings.failure(&error);
            }
        }
    }
    spare(findings, &down, first.is_some());
    first
}

/// Compares the target's clock with this machine's.
pub(super) fn clock(findings: &mut Findings, admin: &mut Admin) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ours = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let rows = admin.ask("ask for the time", "SELECT UTC_TIMESTAMP()");
    let text = rows.ok().and_then(|rows| rows.into_iter().next()?.into_values().next()?);
    let Some(theirs) = text.as_deref().and_then(moment) else {
        return findings.warning(
            "the target's clock could not be read",
            "compare it with this machine's by hand: audit columns are in this machine's time",
        );
    };
    let skew = theirs.saturating_sub(ours);
    if skew.abs() <= SKEW_SECONDS {
        return findings.good("the target's clock agrees with this machine's");
    }
    let words = if skew > 0 { "ahead of" } else { "behind" };
    findings.warning(
        format!("the target's clock is {} s {words} this machine's", skew.abs()),
        "set both by NTP: audit columns are in this machine's time, labels expire in the target's",
    );
}

/// Seconds since 1970 of a moment in UTC, as SQL writes it.
fn moment(text: &str) -> Option<i64> {
    let moment = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(moment.and_utc().timestamp())
}

/// Asks every backend that loads may be sent to whether it is one; answers how many are alive, where
/// that is known.
pub(super) fn backends(findings: &mut Findings, sink: &str, admin: &mut Admin) -> Option<usize> {
    let connect_timeout = admin.config().connect_timeout.min(ANSWER);
    let config = StreamLoadConfig { connect_timeout, ..admin.config().clone() };
    let client = match Client::new(sink, &config) {
        Ok(client) => client,
        Err(error) => {
            findings.failure(&error);
            return None;
        }
    };
    if config.backends.direct {
        for allowed in &config.backends.allowed {
            if let Some(address) = Address::parse(allowed, 8040) {
                backend(findings, &client, &config, &address);
            }
        }
    }
    let listed = match admin.listed_backends() {
        Ok(listed) => listed,
        Err(error @ StreamLoadError::Denied { .. }) => {
            let grant = Need::Nodes.grant(&config);
            findings.warning(
                format!("the backends are not known here: {}", first_half(&error.to_string())),
                format!("run: {grant}; or name them in `backends.allowed`"),
            );
            return None;
        }
        Err(error) => {
            findings.failure(&error);
            return None;
        }
    };
    let alive: Vec<_> = listed.iter().filter(|backend| backend.alive).collect();
    if alive.is_empty() {
        findings.error(
            format!("none of the cluster's {} backends is alive", listed.len()),
            "look at SHOW BACKENDS, and start them",
        );
    }
    if !config.backends.direct {
        let mut is_clear = false;
        for one in &alive {
            is_clear |= backend(findings, &client, &config, &one.http);
        }
        if is_clear {
            in_the_clear(findings, &config);
        }
    }
    Some(alive.len())
}

/// Frontends with TLS point to backends without, unless a proxy rewrites what they say: the sink
/// would halt at the first load.
fn in_the_clear(findings: &mut Findings, config: &StreamLoadConfig) {
    if config.frontends.iter().any(|frontend| frontend.tls) && !config.backends.plain {
        findings.warning(
            "frontends with TLS point to backends without, and the sink does not follow there",
            "say plain = true under `backends` if the network between is trusted; else see that a \
             proxy with TLS stands before them, and that redirects name it",
        );
    }
}

/// Asks one backend; answers whether it has spoken, and in the clear.
fn backend(
    findings: &mut Findings,
    client: &Client,
    config: &StreamLoadConfig,
    named: &Address,
) -> bool {
    let map = &config.backends.map;
    let mapped = map.get(&named.to_string()).or_else(|| map.get(&named.host));
    let address = mapped.unwrap_or(named);
    let remedy = format!(
        "open the way, or say where it is reached from here: backends.map = {{ \"{named}\" = \
         \"HOST:PORT\" }}"
    );
    let frontends_are_here = config.frontends.iter().any(|one| is_loopback(&one.address.host));
    if is_loopback(&address.host) && !frontends_are_here {
        findings.error(
            format!("backend {named} is known to the cluster by a loopback address"),
            format!("add it to the cluster by an address that others can reach, or {remedy}"),
        );
        return false;
    }
    let (looked, over_tls) = health(client, config, address);
    let is_clear = looked.is_ok() && !over_tls;
    match looked {
        Ok(answer) => match strange(&answer) {
            Some(found) => findings.error(
                format!("backend {address} is not one: {found}"),
                "look what runs there: loads go to the HTTP port of a backend (8040 by default)",
            ),
            None => findings.good(match mapped {
                Some(_) => format!("backend {named} answers, at {address}"),
                None => format!("backend {address} answers"),
            }),
        },
        Err(Lost::NotSent(StreamLoadError::Unreachable { cause, .. })) => {
            findings.error(format!("backend {address} cannot be reached: {cause}"), remedy);
        }
        Err(Lost::Unknown(cause)) => {
            findings.error(format!("backend {address} gives no answer: {cause}"), remedy);
        }
        Err(Lost::NotSent(error) | Lost::Refused(error)) => findings.failure(&error),
    }
    is_clear
}

/// Asks a backend how it is, and answers whether that went over TLS: where the configuration
/// itself names backends beside frontends that have it, or where it does not speak plain HTTP.
fn health(
    client: &Client,
    config: &StreamLoadConfig,
    address: &Address,
) -> (Result<Answer, Lost>, bool) {
    let look = |tls| client.look(&Endpoint { tls, address: address.clone() }, HEALTH);
    let may_have_tls =
        !config.backends.plain && config.frontends.iter().all(|frontend| frontend.tls);
    if may_have_tls && config.backends.direct {
        return (look(true), true);
    }
    match look(false) {
        Err(Lost::Refused(_)) if may_have_tls => (look(true), true),
        looked => (looked, false),
    }
}

/// What shows that an answer is not a backend's; `None`: it is.
fn strange(answer: &Answer) -> Option<String> {
    let text = String::from_utf8_lossy(&answer.body);
    let is_page = answer.content_type.as_deref().is_some_and(|kind| kind.contains("html"));
    let says_status = || {
        let json = serde_json::from_slice::<serde_json::Value>(&answer.body).ok();
        json.is_some_and(|json| json.get("status").is_some())
    };
    match answer.status {
        _ if text.contains(OF_A_FRONTEND) => Some("it answers as a frontend does".to_owned()),
        // Doris may be told to ask for a password everywhere.
        401 | 403 => None,
        200 if says_status() => None,
        status if is_page => Some(format!("it answers with a web page (HTTP {status})")),
        404 => Some("it knows no such path (HTTP 404)".to_owned()),
        status => Some(format!("it answers HTTP {status} with `{}`", shown(&text))),
    }
}

/// Whether a host is this machine, whatever machine that is.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

fn first_half(sentence: &str) -> &str {
    sentence.split_once("; ").map_or(sentence, |(what, _)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_all_its_forms() {
        for host in ["localhost", "127.0.0.1", "127.8.9.1", "::1", "0.0.0.0"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["be1", "10.0.0.1", "fe80::1"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn only_a_backends_answer_is_a_backends() {
        let answer = |status, kind: &str, body: &str| Answer {
            status,
            body: body.as_bytes().to_vec(),
            host: Address { host: "be1".to_owned(), port: 8040 },
            content_type: Some(kind.to_owned()),
        };
        let json = |status, body| strange(&answer(status, "application/json", body));
        assert_eq!(json(200, r#"{"status": "OK","msg": "To Be Added"}"#), None);
        assert_eq!(json(401, "{}"), None);
        let frontend = r#"{"online_backend_num":3,"total_backend_num":3,"status":"OK"}"#;
        assert_eq!(json(200, frontend).as_deref(), Some("it answers as a frontend does"));
        assert_eq!(json(404, "").as_deref(), Some("it knows no such path (HTTP 404)"));
        assert_eq!(json(200, "[]").as_deref(), Some("it answers HTTP 200 with `[]`"));
        let page = strange(&answer(200, "text/html", "<h1>Hello</h1>"));
        assert_eq!(page.as_deref(), Some("it answers with a web page (HTTP 200)"));
    }

    #[test]
    fn times_are_read_with_and_without_a_fraction() {
        assert_eq!(moment("2026-11-20 12:00:00"), Some(1_795_176_000));
        assert_eq!(moment("2026-11-20 12:00:00.123456"), Some(1_795_176_000));
        assert_eq!(moment("now"), None);
    }
}
