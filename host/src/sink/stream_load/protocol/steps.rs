//! What both systems do alike: plain loads, counting, the state of a label, and what a refused
//! second phase means.

use super::headers::{self, Headers, segment};
use super::outcome::{self, Asked};
use super::reply::Reply;
use super::{Failure, FailureKind, LabelState, LoadReply, LoadRequest, Shared};
use crate::sink::stream_load::config::System;

/// Behind the words of a refusal that may be about rows which are not in the table.
const ABOUT_MISSING_ROWS: &str = "; Apache Doris before 3.1 also refuses so an update of some \
                                  columns whose row is not in the table";

impl Shared {
    /// A load that commits by itself.
    pub(super) fn load(&self, load: &LoadRequest<'_>, resent: bool) -> Result<LoadReply, Failure> {
        let asked = self.asked(load.table, load.label, "the load");
        let path = self.load_path(load.table);
        let answer = self
            .client
            .put_load(&path, &self.load_headers(load), load.body)
            .map_err(|lost| asked.lost(lost))?;
        let reply = outcome::read(&answer, asked)?;
        if reply.succeeded() || reply.status().as_deref() == Some("publish timeout") {
            return self.counted(load, &reply, asked, true);
        }
        let failure = self.refused_load(load, &reply, asked);
        if let FailureKind::LabelExists { finished: true, txn } = failure.kind
            && resent
        {
            // That answer's counters are not those of the load.
            let bytes = load.body.written().bytes;
            return Ok(LoadReply { txn, rows: load.rows, bytes, publish_timeout: false });
        }
        Err(failure)
    }

    /// What the answer to a load means that is no success.
    pub(super) fn refused_load(
        &self,
        load: &LoadRequest<'_>,
        reply: &Reply,
        asked: Asked<'_>,
    ) -> Failure {
        let mut failure = asked.refused(reply);
        let is_partial = load.shape.partial.is_some() && !load.shape.flexible;
        if self.system == System::Doris && is_partial && failure.kind == FailureKind::Quality {
            failure.message.push_str(ABOUT_MISSING_ROWS);
        }
        failure
    }

    /// A success, if it took every row. `committed`: the rows are in the table for good, so that
    /// nothing can be mended by finding those at fault.
    pub(super) fn counted(
        &self,
        load: &LoadRequest<'_>,
        reply: &Reply,
        asked: Asked<'_>,
        committed: bool,
    ) -> Result<LoadReply, Failure> {
        let publish_timeout = reply.status().as_deref() == Some("publish timeout");
        let count = |name| reply.number(name).and_then(|count| u64::try_from(count).ok());
        if let Some(filtered) = count("numberfilteredrows").filter(|filtered| *filtered > 0) {
            let text = format!("the target left out {filtered} rows: {}", reply.words());
            let error_url = reply.text("errorurl");
            let kind = if committed { FailureKind::Fatal } else { FailureKind::Quality };
            return Err(Failure { error_url, ..asked.failure(kind, &text) });
        }
        let rows = count("numberloadedrows").unwrap_or(load.rows);
        if rows != load.rows {
            return Err(asked.failure(
                FailureKind::Fatal,
                &format!(
                    "the target counts {rows} rows where {} were sent; does a proxy before it drop \
                     headers with an underscore in their names (nginx: underscores_in_headers on)?",
                    load.rows
                ),
            ));
        }
        let bytes = count("loadbytes").unwrap_or(load.body.written().bytes);
        Ok(LoadReply { txn: reply.txn(), rows, bytes, publish_timeout })
    }

    /// How a label stands.
    pub(super) fn state(&self, label: &str) -> Result<LabelState, Failure> {
        let asked = self.asked("", label, "the state");
        let path =
            format!("/api/{}/get_load_state?label={}", segment(&self.database), segment(label));
        let answer = self.client.get(&path).map_err(|lost| asked.lost(lost))?;
        let reply = outcome::read(&answer, asked)?;
        reply.state().ok_or_else(|| asked.refused(&reply))
    }

    /// A commit that was refused may have been done all the same: the state says.
    pub(super) fn settle_commit(&self, label: &str, failure: Failure) -> Result<(), Failure> {
        if !is_answer(&failure.kind) {
            return Err(failure);
        }
        if says_committed(&failure) {
            return Ok(());
        }
        match self.state(label) {
            Ok(LabelState::Committed | LabelState::Visible) => Ok(()),
            Ok(LabelState::Aborted) => Err(Failure { kind: FailureKind::Aborted, ..failure }),
            Ok(LabelState::Unknown) => Err(Failure { kind: FailureKind::NotFound, ..failure }),
            Ok(LabelState::Prepare | LabelState::Prepared) | Err(_) => Err(failure),
        }
    }

    /// A rollback that was refused may have nothing to do. Answers the failure, if it has.
    pub(super) fn settle_rollback(
        &self,
        label: &str,
        failure: Failure,
    ) -> Result<Option<Failure>, Failure> {
        if !is_answer(&failure.kind) {
            return Err(failure);
        }
        if says_committed(&failure) {
            return Err(Failure { kind: FailureKind::Committed, ..failure });
        }
        match self.state(label) {
            Ok(LabelState::Aborted | LabelState::Unknown) => Ok(None),
            Ok(LabelState::Committed | LabelState::Visible) => {
                Err(Failure { kind: FailureKind::Committed, ..failure })
            }
            Ok(LabelState::Prepare | LabelState::Prepared) => Ok(Some(failure)),
            Err(_) => Err(failure),
        }
    }

    /// What a message says of a request.
    pub(super) fn asked<'a>(
        &'a self,
        table: &'a str,
        label: &'a str,
        doing: &'static str,
    ) -> Asked<'a> {
        let Self { system, database, username, .. } = self;
        Asked { system: *system, database, username, table, label, doing }
    }

    /// Where loads into a table go, but for those of StarRocks's transactions.
    pub(super) fn load_path(&self, table: &str) -> String {
        let (database, table) = (segment(&self.database), segment(table));
        format!("/api/{database}/{table}/_stream_load")
    }

    /// The headers of a load, but for those of transactions.
    pub(super) fn load_headers(&self, load: &LoadRequest<'_>) -> Headers {
        headers::of_load(self.system, load.shape, load.label, self.timeout)
    }
}

/// Whether the target has answered, and not asked for patience or for other credentials.
const fn is_answer(kind: &FailureKind) -> bool {
    !matches!(
        kind,
        FailureKind::Unreachable | FailureKind::Lost | FailureKind::Busy(_) | FailureKind::Denied
    )
}

/// Whether a refusal says that the transaction is committed, which the label's state may no longer
/// say: `transaction [9] is already visible, not pre-committed.`
fn says_committed(failure: &Failure) -> bool {
    let text = failure.message.to_lowercase();
    ["already visible", "already committed"].iter().any(|words| text.contains(words))
}
