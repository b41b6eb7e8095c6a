//! Where a redirect leads.

use std::net::Ipv6Addr;

use crate::sink::stream_load::config::{Address, Endpoint};

/// A server, and what is asked of it. Never has credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The server.
    pub endpoint: Endpoint,
    /// Path and query, as they stand.
    pub path: String,
}

impl Place {
    /// Reads a `Location`, or an address in an answer. Without a host it is one of `from`. What
    /// stands before the host's `@` is dropped.
    pub(super) fn parse(location: &str, from: &Endpoint) -> Option<Self> {
        // First of all: a password may have characters that no address has.
        let location = without_credentials(location.trim());
        let location = location.as_str();
        let printable = location.bytes().all(|byte| byte.is_ascii_graphic());
        if location.is_empty() || !printable {
            return None;
        }
        let (tls, rest) = match location.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            _ if location.starts_with("//") => (from.tls, &location[2..]),
            _ if location.starts_with('/') => {
                return Some(Self { endpoint: from.clone(), path: without_fragment(location) });
            }
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let address = parse_address(authority, if tls { 443 } else { 80 })?;
        let path = without_fragment(path);
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        Some(Self { endpoint: Endpoint { tls, address }, path })
    }
}

/// Reads `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
pub(super) fn parse_address(text: &str, default_port: u16) -> Option<Address> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
    } else if text.parse::<Ipv6Addr>().is_ok() {
        (text, None)
    } else {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let named = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        (!host.is_empty() && host.chars().all(named)).then_some((host, port))?
    };
    let port = port.map_or(Some(default_port), |port| port.parse().ok())?;
    Some(Address { host: host.to_ascii_lowercase(), port })
}

/// A location without what stands before its host's `@`.
fn without_credentials(location: &str) -> String {
    match location.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => {
            format!("{scheme}//{}", without_user(rest))
        }
        _ => location.to_owned(),
    }
}

/// Older servers write the user and password as they are, slashes included, so the path is looked
/// for first.
fn without_user(rest: &str) -> &str {
    let path = rest.find("/api/").or_else(|| rest.find(['/', '?', '#'])).unwrap_or(rest.len());
    rest[..path].rfind('@').map_or(rest, |at| &rest[at + 1..])
}

fn without_fragment(path: &str) -> String {
    path.split_once('#').map_or(path, |(path, _)| path).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from() -> Endpoint {
        Endpoint { tls: false, address: Address { host: "fe".to_owned(), port: 8030 } }
    }

    fn parsed(location: &str) -> Option<String> {
        let place = Place::parse(location, &from())?;
        Some(format!("{} {}", place.endpoint, place.path))
    }

    #[test]
    fn locations_are_read_without_credentials() {
        for (location, expected) in [
            ("http://be:8040/api/d/t/_stream_load", "http://be:8040 /api/d/t/_stream_load"),
            ("http://root:pw@be:8040/api/x?", "http://be:8040 /api/x?"),
            ("http://root@default_cluster:p/w?@be:8040/api/x", "http://be:8040 /api/x"),
            ("https://root:a%40b@BE.example/api/x?k=v#part", "https://be.example:443 /api/x?k=v"),
            ("http://[2001:db8::1]:8040/api/x", "http://[2001:db8::1]:8040 /api/x"),
            ("http://u:p@[::1]/api/x", "http://[::1]:80 /api/x"),
            ("http://root:p w\u{e9}@be:8040/api/x", "http://be:8040 /api/x"),
            ("HTTP://be", "http://be:80 /"),
            ("http://be:8040?k=v", "http://be:8040 /?k=v"),
            ("/api/x", "http://fe:8030 /api/x"),
            ("//be:1/api/x", "http://be:1 /api/x"),
        ] {
            assert_eq!(parsed(location).as_deref(), Some(expected), "{location}");
        }
    }

    #[test]
    fn what_is_no_location_is_refused() {
        for location in [
            "",
            "be:8040/api",
            "ftp://be/api",
            "http://",
            "http://:8040/api/x",
            "http://be:port/api/x",
            "http://be:99999/api/x",
            "http://[::1/api/x",
            "http://[zz]:1/api/x",
            "http://be:80 40/api",
            "http://be\r\nx: y/api",
        ] {
            assert_eq!(parsed(location), None, "{location}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(location in "\\PC*|http://[@:/?#\\[\\]a-f0-9.]{0,30}") {
            if let Some(place) = Place::parse(&location, &from()) {
                prop_assert!(place.path.starts_with('/'));
                prop_assert!(!place.endpoint.address.host.contains('@'));
            }
        }
    }
}
