//! What an answer means: success, or which [`Failure`].

use super::reply::Reply;
use super::{BusyCause, Failure, FailureKind};
use crate::sink::stream_load::config::System;
use crate::sink::stream_load::error::{StreamLoadError, quoted};
use crate::sink::stream_load::http::{Answer, Lost};

/// What was asked, for messages.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub system: System,
    pub database: &'a str,
    pub username: &'a str,
    /// Empty where it is not about a table.
    pub table: &'a str,
    /// Empty where it is not about a label.
    pub label: &'a str,
    /// What was asked, as a noun: `the load`.
    pub doing: &'static str,
}

/// Server texts, in lower case, and what they mean: the first row of which all pieces are in the
/// text. More telling rows come first.
const MEANINGS: &[(&[&str], FailureKind)] = {
    use BusyCause::{Cluster, InProgress, Memory, Requests, Restarting, Transactions, Versions};
    use FailureKind::{
        Aborted, Busy, Denied, Fatal, Lost, NotFound, Quality, TooLarge, Unparsable,
    };
    &[
        (&["access denied"], Denied),
        (&["need auth information"], Denied),
        (&["no valid basic authorization"], Denied),
        (&["not_authorized"], Denied),
        (&["unauthorized"], Denied),
        (&["denied for user"], Denied),
        (&["denied to user"], Denied),
        (&["transaction status unknown"], Lost),
        // What names a table, or says why a transaction was rolled back, may have any of the words
        // below in it.
        (&["unknown database"], Fatal),
        (&["unknown table"], Fatal),
        (&["unknown column"], Fatal),
        (&["can not commit aborted"], Aborted),
        (&["already aborted"], Aborted),
        // Advice about memory is part of the first text.
        (&["the size of this batch exceed"], TooLarge),
        (&["json body size"], TooLarge),
        // Throttles.
        (&["too many versions"], Busy(Versions)),
        (&["too many tablet versions"], Busy(Versions)),
        (&["too_many_version"], Busy(Versions)),
        // A label or a name may have these digits, too.
        (&["=-235"], Busy(Versions)),
        (&[" -235"], Busy(Versions)),
        (&[":-235"], Busy(Versions)),
        (&["(-235"], Busy(Versions)),
        (&["[-235"], Busy(Versions)),
        (&["[e-235"], Busy(Versions)),
        (&["current running txns on db"], Busy(Transactions)),
        (&["memory", "limit"], Busy(Memory)),
        (&["memory", "exceed"], Busy(Memory)),
        (&["mem_limit_exceeded"], Busy(Memory)),
        (&["mem limit exceed"], Busy(Memory)),
        (&["mem_alloc_failed"], Busy(Memory)),
        (&["http cuncurrent limit"], Busy(Requests)),
        (&["http concurrent limit"], Busy(Requests)),
        (&["too many requests"], Busy(Requests)),
        (&["service is shutting down"], Busy(Restarting)),
        (&["no backend alive"], Busy(Restarting)),
        (&["no alive backend"], Busy(Restarting)),
        (&["no available backend"], Busy(Restarting)),
        (&["no backend load available"], Busy(Restarting)),
        (&["no backend available"], Busy(Restarting)),
        (&["has no backend"], Busy(Restarting)),
        (&["compute node", "alive"], Busy(Restarting)),
        (&["not get fe master heartbeat"], Busy(Restarting)),
        (&["alive replica num"], Busy(Restarting)),
        (&["not_master"], Busy(Restarting)),
        (&["not master"], Busy(Restarting)),
        (&["txn_in_processing"], Busy(InProgress)),
        (&["is already committing"], Busy(InProgress)),
        (&["write lock timeout"], Busy(Cluster)),
        (&["lock timeout"], Busy(Cluster)),
        (&["blocked on schema change"], Busy(Cluster)),
        (&["partial update", "schema change"], Busy(Cluster)),
        (&["rpc", "timeout"], Busy(Cluster)),
        (&["rpc", "timed out"], Busy(Cluster)),
        (&["rpc", "failed"], Busy(Cluster)),
        (&["rpc", "failure"], Busy(Cluster)),
        (&["rpc", "error"], Busy(Cluster)),
        (&["call frontend service failed"], Busy(Cluster)),
        // Bodies.
        (&["json payload limit"], TooLarge),
        (&["body exceed", "max"], TooLarge),
        (&["exceed max size"], TooLarge),
        (&["too many filtered rows"], Quality),
        (&["data_quality_error"], Quality),
        (&["primary key size exceed"], Quality),
        (&["json", "parse"], Unparsable),
        (&["json", "iterate"], Unparsable),
        (&["json", "malformed"], Unparsable),
        (&["invalid json"], Unparsable),
        (&["not a valid json"], Unparsable),
        (&["illegal json"], Unparsable),
        (&["utf8", "invalid"], Unparsable),
        (&["utf-8", "invalid"], Unparsable),
        // Transactions.
        (&["txn_not_exists"], NotFound),
        (&["can't find the transaction"], NotFound),
        (&["no transaction found"], NotFound),
        (&["transaction", "not found"], NotFound),
        (&["transaction", "not exist"], NotFound),
        (&["transaction is aborted"], Aborted),
        (&["has been aborted"], Aborted),
        // What nothing mends but a change of the table or of the configuration.
        (&["only primary key table support partial update"], Fatal),
        (&["unsupported for mow table"], Fatal),
        (&["not implemented"], Fatal),
        (&["unsupported"], Fatal),
        (&["not supported"], Fatal),
        (&["syntax error"], Fatal),
        (&["no 100-continue header"], Fatal),
        (&["no label in header"], Fatal),
        (&["empty label"], Fatal),
        (&["label and group_commit"], Fatal),
    ]
};

/// What a server's text means.
pub(super) fn meaning(text: &str) -> FailureKind {
    let text = text.to_lowercase();
    MEANINGS
        .iter()
        .find(|(pieces, _)| pieces.iter().all(|piece| text.contains(*piece)))
        .map_or(FailureKind::Rejected, |(_, kind)| kind.clone())
}

/// Reads an answer; refusals that stand in the HTTP status or beside the usual fields are failures.
pub(super) fn read(answer: &Answer, asked: Asked<'_>) -> Result<Reply, Failure> {
    let reply = Reply::parse(&answer.body);
    let words = || match &reply {
        Some(reply) => reply.words(),
        None => quoted(&String::from_utf8_lossy(&answer.body)),
    };
    // Doris's frontend says it with HTTP 200.
    let code = reply.as_ref().and_then(|reply| reply.number("code"));
    match answer.status {
        401 | 403 => return Err(asked.denied(&words())),
        200 if matches!(code, Some(401 | 403)) => return Err(asked.denied(&words())),
        413 => return Err(asked.failure(FailureKind::TooLarge, &words())),
        429 => return Err(asked.failure(FailureKind::Busy(BusyCause::Requests), &words())),
        // An exception in Doris's frontend.
        200 if code.is_some_and(|code| code >= 500) => {
            let text = format!("code {} of {}: {}", code.unwrap_or_default(), answer.host, words());
            return Err(asked.failure(FailureKind::Lost, &text));
        }
        404 => return Err(asked.no_such_path(answer)),
        500.. => {
            let text = format!("HTTP {} of {}: {}", answer.status, answer.host, words());
            return Err(asked.failure(FailureKind::Lost, &text));
        }
        _ => {}
    }
    reply.ok_or_else(|| {
        let text = String::from_utf8_lossy(&answer.body);
        let kind = answer.content_type.as_deref().unwrap_or("no type");
        let text =
            format!("{} answers nothing to be read ({kind}): {}", answer.host, quoted(&text));
        asked.failure(FailureKind::Lost, &text)
    })
}

impl Asked<'_> {
    /// A failure of that kind.
    pub(super) fn failure(&self, kind: FailureKind, text: &str) -> Failure {
        Failure { kind, message: self.sentence(text), error_url: None, error: None }
    }

    /// What a request that got no answer means.
    pub(super) fn lost(&self, lost: Lost) -> Failure {
        let (kind, error) = match lost {
            Lost::NotSent(error) if error.is_transient() => (FailureKind::Unreachable, error),
            Lost::NotSent(error) | Lost::Refused(error) => (FailureKind::Fatal, error),
            Lost::Unknown(text) => return self.failure(FailureKind::Lost, &text),
        };
        let failure = self.failure(kind, &error.to_string());
        Failure { error: Some(Box::new(error)), ..failure }
    }

    /// What an answer means that is no success.
    pub(super) fn refused(&self, reply: &Reply) -> Failure {
        let words = reply.words();
        let status = reply.status().unwrap_or_default();
        let error_url = reply.text("errorurl");
        if status.replace('_', " ") == "label already exists" {
            return Failure { error_url, ..self.label_exists(reply, &words) };
        }
        if status == "aborted" {
            return self.failure(FailureKind::Aborted, &words);
        }
        // It refuses nothing, and does not say what was asked: another's answer, or half of one.
        let code = reply.number("code").unwrap_or_default();
        if reply.succeeded() || (status.is_empty() && code == 0) {
            let state = reply.text("state").map(|state| format!(" (state {})", quoted(&state)));
            let text = format!(
                "an answer that does not say what was asked: {words}{}",
                state.unwrap_or_default()
            );
            return self.failure(FailureKind::Lost, &text);
        }
        let kind = meaning(&self.without_names(&reply.own_words()));
        let failure = match kind {
            FailureKind::Denied => self.denied(&words),
            FailureKind::Fatal => {
                Failure { error: self.fatal(&words).map(Box::new), ..self.failure(kind, &words) }
            }
            kind => self.failure(kind, &words),
        };
        Failure { error_url, ..failure }
    }

    /// A server's text without the names that it repeats: a table may be called `memory_limits`, and a
    /// label has the names of pipeline, sink and table in it.
    fn without_names(&self, text: &str) -> String {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        let mut clean = text.to_lowercase();
        for name in [self.label, self.table, self.database, self.username] {
            let name = name.to_lowercase();
            let mut from = 0;
            while let Some(at) = clean[from..].find(&name).filter(|_| !name.is_empty()) {
                let (start, end) = (from + at, from + at + name.len());
                let before = clean[..start].bytes().next_back();
                let after = clean[end..].bytes().next();
                if before.is_some_and(|byte| is_word(&byte))
                    || after.is_some_and(|byte| is_word(&byte))
                {
                    from = end;
                } else {
                    clean.replace_range(start..end, "");
                    from = start;
                }
            }
        }
        clean
    }

    fn label_exists(&self, reply: &Reply, words: &str) -> Failure {
        let existing = reply.text("existingjobstatus").unwrap_or_default();
        // The last is how StarRocks spells it of a transaction over several tables.
        let finished =
            matches!(&*existing.to_uppercase(), "FINISHED" | "VISIBLE" | "COMMITTED" | "COMMITED");
        let kind = FailureKind::LabelExists { finished, txn: reply.txn() };
        let text = match &*existing {
            "" => words.to_owned(),
            existing => format!("{words} ({existing})"),
        };
        let in_use = || Box::new(StreamLoadError::LabelInUse { label: self.label.to_owned() });
        let error = finished.then(in_use);
        Failure { error, ..self.failure(kind, &text) }
    }

    /// A refusal of the user or of what it wants to do.
    pub(super) fn denied(&self, words: &str) -> Failure {
        let what = format!(
            "{} refuses {} as user `{}`: {}",
            self.system.name(),
            self.doing,
            self.username,
            quoted(words)
        );
        let grant = self.grant();
        let remedy = if words.to_lowercase().contains("privilege") {
            format!("run as an administrator: {grant}")
        } else {
            format!(
                "check `username` and `password`; if they are right, the user lacks a privilege, \
                 and an administrator has to run: {grant}"
            )
        };
        let error = StreamLoadError::Denied { what, remedy };
        let failure = self.failure(FailureKind::Denied, words);
        Failure { error: Some(Box::new(error)), ..failure }
    }

    /// The statement that lets the user load.
    fn grant(&self) -> String {
        let name = |name: &str| format!("`{}`", name.replace('`', "``"));
        let user = self.username.replace('\\', "\\\\").replace('\'', "\\'");
        let table = if self.table.is_empty() { "*".to_owned() } else { name(self.table) };
        let database = name(self.database);
        match (self.system, self.table.is_empty()) {
            (System::StarRocks, false) => format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {database}.{table} TO USER \
                 '{user}'@'%'"
            ),
            (System::StarRocks, true) => format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN DATABASE {database} TO USER \
                 '{user}'@'%'"
            ),
            (System::Doris, _) => {
                format!("GRANT SELECT_PRIV, LOAD_PRIV ON {database}.{table} TO '{user}'@'%'")
            }
        }
    }

    /// The error of a text that nothing mends but a change.
    fn fatal(&self, words: &str) -> Option<StreamLoadError> {
        let text = words.to_lowercase();
        let system = self.system.name();
        let missing = |what, name: &str, remedy: &str| StreamLoadError::Missing {
            what,
            name: name.to_owned(),
            remedy: remedy.to_owned(),
        };
        let unsupported = |what: &str, remedy: &str| StreamLoadError::Unsupported {
            what: what.to_owned(),
            version: format!("this {system} ({words})"),
            remedy: remedy.to_owned(),
        };
        if text.contains("unknown database") {
            let remedy = "make it with `millrace ddl --apply FILE`, or correct `database`";
            return Some(missing("database", self.database, remedy));
        }
        if text.contains("unknown table") && !self.table.is_empty() {
            let remedy = "make it (millrace ddl prints how), or correct `table`";
            return Some(missing("table", self.table, remedy));
        }
        if text.contains("only primary key table support partial update") {
            return Some(unsupported(
                "a partial update",
                "use a table with a primary key, or give the sink every column of each row",
            ));
        }
        if text.contains("unsupported for mow table") {
            return Some(unsupported(
                "two-phase loading into a merge-on-write table of a cluster in the cloud",
                "say delivery = \"at-least-once\" on this sink",
            ));
        }
        if text.contains("not implemented") {
            return Some(unsupported(
                "loading in transactions",
                "use a newer version, or say delivery = \"at-least-once\" on this sink",
            ));
        }
        text.contains("no 100-continue header").then(|| StreamLoadError::Halted {
            message: format!(
                "{system} did not see the header `Expect: 100-continue`, so a proxy before it \
                 drops it; let it pass, and headers with an underscore in their names too (nginx: \
                 underscores_in_headers on)"
            ),
        })
    }

    fn no_such_path(&self, answer: &Answer) -> Failure {
        let text = quoted(&String::from_utf8_lossy(&answer.body));
        let error = StreamLoadError::Unsupported {
            what: self.doing.to_owned(),
            version: format!("what runs at {} (HTTP 404: {text})", answer.host),
            remedy: "check that `type` names the right system and `load_url` its frontend, and \
                     that its version is one that is supported"
                .to_owned(),
        };
        let failure = self.failure(FailureKind::Fatal, &format!("HTTP 404: {text}"));
        Failure { error: Some(Box::new(error)), ..failure }
    }

    fn sentence(&self, text: &str) -> String {
        let about = if self.label.is_empty() { self.table } else { self.label };
        if about.is_empty() {
            format!("{}: {text}", self.doing)
        } else {
            format!("{} of `{about}`: {text}", self.doing)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_nothing_about_what_happened() {
        let label = "mr_0_p_memory_limit_1_memory_limits_all-0_0_1-1";
        let asked = Asked {
            system: System::StarRocks,
            database: "too_many_versions",
            username: "unauthorized",
            table: "memory_limits",
            label,
            doing: "the rollback",
        };
        let text = format!("No transaction found with db[too_many_versions] and label[{label}].");
        assert_eq!(meaning(&asked.without_names(&text)), FailureKind::NotFound);
        let text = "Memory limit exceeded by memory_limits of `too_many_versions`";
        assert_eq!(asked.without_names(text), "memory limit exceeded by  of ``");
        assert_eq!(asked.without_names("a memory_limits2"), "a memory_limits2");
    }
}
