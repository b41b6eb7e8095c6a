//! Addresses: whether frontends, MySQL ports and backends answer from here, and clocks.

use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::NaiveDateTime;

use super::Findings;
use crate::sink::stream_load::config::{Address, Endpoint, StreamLoadConfig};
use crate::sink::stream_load::error::{StreamLoadError, quoted};
use crate::sink::stream_load::http::{Answer, Client, Lost};
use crate::sink::stream_load::protocol::segment;
use crate::sink::stream_load::target::admin::Admin;
use crate::sink::stream_load::target::grants::Need;

/// How long a backend may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Clocks that differ by more are told: audit columns and logs do not agree then.
const SKEW_SECONDS: i64 = 5;
/// Characters of a wrong answer that are shown.
const SHOWN: usize = 80;

/// Asks every frontend for the state of a label that nobody uses.
pub(super) fn frontends(findings: &mut Findings, sink: &str, config: &StreamLoadConfig) {
    for frontend in &config.frontends {
        let one = StreamLoadConfig { frontends: vec![frontend.clone()], ..config.clone() };
        let client = match Client::new(sink, &one) {
            Ok(client) => client,
            Err(error) => return findings.failure(&error),
        };
        let database = segment(&config.database);
        let path = format!("/api/{database}/get_load_state?label=millrace_check");
        match client.get(&path) {
            Ok(answer) => frontend_answer(findings, config, frontend, &answer),
            Err(Lost::NotSent(error) | Lost::Refused(error)) => findings.failure(&error),
            Err(Lost::Unknown(cause)) => findings.error(
                format!("frontend {frontend} gives no answer: {cause}"),
                "check that it runs and that `load_url` names its HTTP port",
            ),
        }
    }
}

fn frontend_answer(
    findings: &mut Findings,
    config: &StreamLoadConfig,
    frontend: &Endpoint,
    answer: &Answer,
) {
    let text = String::from_utf8_lossy(&answer.body);
    let json = serde_json::from_slice::<serde_json::Value>(&answer.body).ok();
    let member = |name: &str| {
        let object = json.as_ref()?.as_object()?;
        let (_, value) = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let is_ours = ["state", "status", "msg", "code"].iter().any(|name| member(name).is_some());
    if answer.status == 401 || member("code").as_deref() == Some("401") {
        return findings.error(
            format!("frontend {frontend} refuses user `{}`", config.username),
            "check `username` and `password`, and from where the user may come",
        );
    }
    if is_ours {
        return findings.good(format!("frontend {frontend} answers"));
    }
    let shown: String = quoted(&text).chars().take(SHOWN).collect();
    findings.failure(&StreamLoadError::NotAFrontend {
        endpoint: frontend.to_string(),
        found: format!("it answers HTTP {} with `{shown}`", answer.status),
    });
}

/// Connects to every MySQL port; answers the first connection.
pub(super) fn mysql(
    findings: &mut Findings,
    sink: &str,
    config: &StreamLoadConfig,
) -> Option<Admin> {
    let mut first = None;
    for address in &config.mysql {
        let one = StreamLoadConfig { mysql: vec![address.clone()], ..config.clone() };
        match Admin::connect(sink, &one) {
            Ok(admin) => {
                findings.good(format!("MySQL port {address} takes user `{}`", config.username));
                first = first.or(Some(admin));
            }
            Err(error) => findings.failure(&error),
        }
    }
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

/// Connects to every backend that loads may be sent to; answers how many are alive, where that is
/// known.
pub(super) fn backends(findings: &mut Findings, admin: &mut Admin) -> Option<usize> {
    let config = admin.config().clone();
    if config.backends.direct {
        for allowed in &config.backends.allowed {
            if let Some(address) = Address::parse(allowed, 8040) {
                backend(findings, &config, &address);
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
        for one in &alive {
            backend(findings, &config, &one.http);
        }
    }
    Some(alive.len())
}

fn backend(findings: &mut Findings, config: &StreamLoadConfig, named: &Address) {
    let map = &config.backends.map;
    let mapped = map.get(&named.to_string()).or_else(|| map.get(&named.host));
    let address = mapped.unwrap_or(named);
    let remedy = format!(
        "open the way, or say where it is reached from here: backends.map = {{ \"{named}\" = \
         \"HOST:PORT\" }}"
    );
    let frontends_are_here = config.frontends.iter().any(|one| is_loopback(&one.address.host));
    if is_loopback(&address.host) && !frontends_are_here {
        return findings.error(
            format!("backend {named} is known to the cluster by a loopback address"),
            format!("add it to the cluster by an address that others can reach, or {remedy}"),
        );
    }
    match connects(address, config.connect_timeout.min(ANSWER)) {
        Ok(()) => findings.good(match mapped {
            Some(_) => format!("backend {named} can be reached, as {address}"),
            None => format!("backend {address} can be reached"),
        }),
        Err(cause) => {
            findings.error(format!("backend {address} cannot be reached: {cause}"), remedy);
        }
    }
}

/// Whether a host is this machine, whatever machine that is.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

fn connects(address: &Address, patience: Duration) -> Result<(), String> {
    let places = (address.host.as_str(), address.port);
    let mut last = "the name has no address".to_owned();
    for place in places.to_socket_addrs().map_err(|error| error.to_string())? {
        match TcpStream::connect_timeout(&place, patience) {
            Ok(_) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
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
    fn times_are_read_with_and_without_a_fraction() {
        assert_eq!(moment("2026-11-20 12:00:00"), Some(1_795_176_000));
        assert_eq!(moment("2026-11-20 12:00:00.123456"), Some(1_795_176_000));
        assert_eq!(moment("now"), None);
    }
}
