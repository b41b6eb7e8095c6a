//! What stands between method and version of a request line.

use std::collections::BTreeMap;

/// The path, still encoded, and the query, decoded. An absolute URL loses its scheme and host.
#[must_use]
pub fn split(target: &str) -> (&str, BTreeMap<String, String>) {
    let local = match target.split_once("://") {
        Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
            rest.find('/').map_or("/", |start| &rest[start..])
        }
        _ => target,
    };
    let (path, query) = local.split_once('?').unwrap_or((local, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    });
    (path, pairs.collect())
}

/// The query of a target, as it was sent, with its question mark; empty without one.
#[must_use]
pub fn raw_query(target: &str) -> &str {
    target.find('?').map_or("", |start| &target[start..])
}

/// Text without its percent-encoding. What is not well encoded stays.
#[must_use]
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, code.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(value)) => {
                plain.push(value);
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Text that may stand as a user, a password or a name in a URL.
#[must_use]
pub fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn absolute_targets_and_queries_are_split() {
        let (path, query) = split("http://h:1/api/d/t/_cancel?label=a%20b&x");
        assert_eq!(path, "/api/d/t/_cancel");
        assert_eq!(query["label"], "a b");
        assert_eq!(query["x"], "");
        assert_eq!(split("http://h").0, "/");
        assert_eq!(decode("100%"), "100%");
    }

    proptest! {
        #[test]
        fn encoding_reads_back(text in ".*") {
            prop_assert_eq!(decode(&encode(&text)), text);
        }
    }
}
