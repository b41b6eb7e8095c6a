//! Why a sink of StarRocks or Doris cannot go on.
//!
//! *Invariants*: no message has a password; what a server says is cut and cleansed first.
//! *Not here*: what is worth another try (`protocol`).

use std::error::Error;

/// Bytes of a server's own words that a message may quote.
const QUOTED: usize = 1024;

/// Why a sink of StarRocks or Doris cannot go on: one variant for each thing that somebody can do
/// something about. The sink's name stands before it, in [`SinkError::StreamLoad`].
///
/// [`SinkError::StreamLoad`]: crate::sink::SinkError::StreamLoad
#[derive(Debug, thiserror::Error)]
pub enum StreamLoadError {
    /// The table's name depends on the rows.
    #[error("the table's name depends on the rows; name one of them: `--sink {sink} --table NAME`")]
    ManyTables {
        /// The sink.
        sink: String,
    },
    /// Nobody answers.
    #[error(
        "{what} {address} cannot be reached: {cause}; check the address and that the server runs \
         and can be reached from this machine"
    )]
    Unreachable {
        /// What should be there: `the frontend`, `the backend`, `the MySQL port`.
        what: &'static str,
        /// Its address.
        address: String,
        /// Why, in words.
        cause: String,
    },
    /// The user may not do this, or is not known.
    #[error("{what}; {remedy}")]
    Denied {
        /// What the server said, in words.
        what: String,
        /// What to do: the GRANT to run, or where the password comes from.
        remedy: String,
    },
    /// Whoever answers is not a frontend.
    #[error(
        "{endpoint} is not a frontend: {found}; `load_url` names the HTTP port of a frontend \
         (8030 by default), not a web page, a proxy, or a backend"
    )]
    NotAFrontend {
        /// Where the request went.
        endpoint: String,
        /// What came back, in words.
        found: String,
    },
    /// A redirect that is not followed.
    #[error("{from} points to {to}, {problem}; {remedy}")]
    Redirect {
        /// Who answered with a redirect.
        from: String,
        /// Where it leads, without credentials.
        to: String,
        /// Why it is not followed, as a clause.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The store has filled other tables.
    #[error(
        "this checkpoint store fills {stored}, but the sink now names {place}; name the former again, \
         or start over with a new checkpoint store"
    )]
    OtherTarget {
        /// What the checkpoint names.
        stored: String,
        /// What the configuration names.
        place: String,
    },
    /// The database or a table is not there.
    #[error("{what} `{name}` does not exist at the target; {remedy}")]
    Missing {
        /// `database` or `table`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What to do.
        remedy: String,
    },
    /// The table does not fit what the sink would load.
    #[error("table `{table}` does not fit: {}", .differences.join("; "))]
    Unfit {
        /// The table.
        table: String,
        /// What differs, and what to do about it, one sentence each.
        differences: Vec<String>,
    },
    /// The table has rows already, and the store is new.
    #[error(
        "table `{table}` holds rows that this checkpoint store knows nothing of; say if_exists = \
         \"append\" to add to them or if_exists = \"replace\" to remove them, or name another table"
    )]
    OutputNotEmpty {
        /// The table.
        table: String,
    },
    /// The target's version or kind cannot do what the sink needs.
    #[error("{what} is not possible with {version}; {remedy}")]
    Unsupported {
        /// What is needed.
        what: String,
        /// What there is.
        version: String,
        /// What to do.
        remedy: String,
    },
    /// A label that was to be new has been used.
    #[error(
        "label `{label}` has already been used at the target, though it was made for this run; \
         does another process use a copy of this checkpoint store? stop it, or start over with a \
         new store"
    )]
    LabelInUse {
        /// The label.
        label: String,
    },
    /// The target has forgotten a label, and nothing tells whether its rows are in the table.
    #[error(
        "the target no longer knows label `{label}`, so nothing says whether its rows are in table \
         `{table}`, which keeps every row, and loading them again might double them; look for the \
         rows, then either remove them and start over with a new checkpoint store and if_exists = \
         \"append\", or fill a table with a key in upsert mode, where loading again is safe"
    )]
    LabelForgotten {
        /// The label.
        label: String,
        /// The table.
        table: String,
    },
    /// The target has committed what this checkpoint store has never heard of.
    #[error(
        "label `{label}` is committed at the target, but this checkpoint store has not reached it; \
         an older copy of the store was probably put in its place: put the newest one back, or \
         start over with a new store and an empty table"
    )]
    Newer {
        /// The label.
        label: String,
    },
    /// A policy says to stop.
    #[error("{message}")]
    Halted {
        /// Why, and what to do.
        message: String,
    },
    /// The target said no.
    #[error("{message}: {text}")]
    Target {
        /// What was asked of it, as a clause.
        message: String,
        /// Its own words, cut and cleansed.
        text: String,
    },
    /// A certificate cannot be used, or the other side's is not trusted.
    #[error("TLS with {endpoint} fails: {problem}; {remedy}")]
    Tls {
        /// The other side, or the file of certificates.
        endpoint: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The MySQL port refuses a statement.
    #[error("cannot {what}: {text}")]
    Sql {
        /// What was tried, as a verb: `read the columns of table x`.
        what: String,
        /// The server's words, cut and cleansed.
        text: String,
    },
}

impl StreamLoadError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// A server's words as a message may quote them: at most 1 KiB, in one line, and without the
/// `user:password@` of an address or the credentials of a header that it repeats.
pub(super) fn quoted(text: &str) -> String {
    // Cleansed before it is cut, which might part a password from its `@`; of a long text only the
    // beginning matters.
    let clean = without_credentials(&text[..text.floor_char_boundary(4 * QUOTED)]);
    let clean = without_authorization(&clean);
    let end = clean.floor_char_boundary(QUOTED);
    let mut words = clean[..end].split_whitespace().collect::<Vec<_>>().join(" ");
    words.retain(|c| !c.is_control());
    if clean.len() > end || text.len() > 4 * QUOTED {
        words.push('…');
    }
    words
}

/// An error and its causes in one line.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

/// Takes what stands between `//` and the last `@` of each authority out of a text. Older servers
/// write passwords as they are, slashes included, so the path is looked for first.
fn without_credentials(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("//") {
        let (before, after) = rest.split_at(at + 2);
        clean.push_str(before);
        let token = after.find([' ', '"', '\n', '\t', '\r']).map_or(after, |end| &after[..end]);
        let end = token.find("/api/").or_else(|| token.find(['/', '?', '#']));
        let authority = &token[..end.unwrap_or(token.len())];
        rest = authority.rfind('@').map_or(after, |at| &after[at + 1..]);
    }
    clean.push_str(rest);
    clean
}

/// Takes the credentials out of `Authorization: Basic …`: pages that say what went wrong on the way
/// show the request that it went wrong with.
fn without_authorization(text: &str) -> String {
    const SCHEME: &str = "basic ";
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let lower = text.to_ascii_lowercase();
    let (mut clean, mut from) = (String::with_capacity(text.len()), 0);
    while let Some(at) = lower[from..].find(SCHEME).map(|at| from + at) {
        let name = lower[..at].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let end = at + SCHEME.len();
        clean.push_str(&text[from..end]);
        let after = &text[end..];
        // In other words it may be what a server refuses: `no valid Basic authorization`.
        let is_header = name.ends_with("authorization");
        let kept = if is_header { after.trim_start_matches(is_base64) } else { after };
        from = text.len() - kept.len();
    }
    clean.push_str(&text[from..]);
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_are_short_and_have_no_credentials() {
        let text = "redirected to http://root:s3cr@et@10.0.0.1:8040/api/db\n and more";
        assert_eq!(quoted(text), "redirected to http://10.0.0.1:8040/api/db and more");
        assert_eq!(quoted("http://a@b/ https://c:d@e"), "http://b/ https://e");
        let long = format!("{}http://root:s3cret@be/", "x".repeat(QUOTED - 14));
        assert!(!quoted(&long).contains("s3"));
        assert_eq!(quoted("see http://u:p/w@be:1/api/x"), "see http://be:1/api/x");
        assert!(quoted(&"é".repeat(2000)).len() <= QUOTED + '…'.len_utf8());
        assert_eq!(quoted("mail me@here // not@there"), "mail me@here // not@there");
    }

    #[test]
    fn a_request_that_a_page_shows_has_no_credentials() {
        for (text, expected) in [
            (
                "PUT /api\r\nAuthorization: Basic bG9hZGVyOnMzY3JldA==\r\nLabel: a",
                "PUT /api Authorization: Basic Label: a",
            ),
            (
                r#"{"é":1,"authorization":"basic bG9hZ//+A=="}"#,
                r#"{"é":1,"authorization":"basic "}"#,
            ),
            ("no valid Basic authorization", "no valid Basic authorization"),
            ("basic basic Authorization: BASIC bG9", "basic basic Authorization: BASIC"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let error = StreamLoadError::Unreachable {
            what: "the frontend",
            address: "http://fe:8030".to_owned(),
            cause: "connection refused".to_owned(),
        };
        assert!(error.is_transient());
        let text = error.to_string();
        assert!(text.starts_with("the frontend http://fe:8030 cannot be reached: conn"), "{text}");
    }

    proptest! {
        #[test]
        fn a_quote_is_made_of_any_text(text in "\\PC*|[/@:a-z \\n]{0,40}") {
            let words = quoted(&text);
            prop_assert!(words.len() <= QUOTED + 3);
            prop_assert!(!words.contains('\n'));
        }
    }
}
