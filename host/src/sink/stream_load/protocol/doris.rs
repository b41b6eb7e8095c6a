//! The steps of Doris: its loads, plain or in two phases, and their second phase.

use super::headers::segment;
use super::outcome;
use super::{Failure, FailureKind, LoadReply, LoadRequest, Shared};
use crate::sink::stream_load::http::Method;

impl Shared {
    /// One load that waits for its commit.
    pub(super) fn prepare_doris(&self, load: &LoadRequest<'_>) -> Result<LoadReply, Failure> {
        let mut headers = self.load_headers(load);
        headers.push(("two_phase_commit", "true".to_owned()));
        let asked = self.asked(load.table, load.label, "the load");
        let answer = self
            .client
            .put_load(&self.load_path(load.table), &headers, load.body)
            .map_err(|lost| asked.lost(lost))?;
        let reply = outcome::read(&answer, asked)?;
        let at_once = reply.status().as_deref() == Some("publish timeout");
        if !reply.succeeded() && !at_once {
            return Err(self.refused_load(load, &reply, asked));
        }
        let two_phase =
            reply.text("twophasecommit").is_none_or(|text| text.eq_ignore_ascii_case("true"));
        if at_once || !two_phase || reply.text("groupcommit").as_deref() == Some("true") {
            return Err(asked.failure(
                FailureKind::Fatal,
                "the target committed the rows at once instead of waiting for their commit; does a \
                 proxy before it drop headers with an underscore in their names (nginx: \
                 underscores_in_headers on)?",
            ));
        }
        self.counted(load, &reply, asked, false)
    }

    pub(super) fn commit_doris(
        &self,
        table: &str,
        label: &str,
        txn: Option<i64>,
    ) -> Result<(), Failure> {
        match self.second_phase("commit", table, label, txn) {
            Ok(()) => Ok(()),
            Err(failure) => self.settle_commit(label, failure),
        }
    }

    pub(super) fn rollback_doris(
        &self,
        table: &str,
        label: &str,
        txn: Option<i64>,
    ) -> Result<(), Failure> {
        match self.second_phase("abort", table, label, txn) {
            Ok(()) => Ok(()),
            Err(failure) => self.settle_rollback(label, failure)?.map_or(Ok(()), Err),
        }
    }

    fn second_phase(
        &self,
        operation: &'static str,
        table: &str,
        label: &str,
        txn: Option<i64>,
    ) -> Result<(), Failure> {
        let which = match txn {
            Some(txn) => ("txn_id", txn.to_string()),
            None => ("label", label.to_owned()),
        };
        let headers = [("txn_operation", operation.to_owned()), which];
        let doing = if operation == "commit" { "the commit" } else { "the rollback" };
        let asked = self.asked(table, label, doing);
        let path = format!("/api/{}/_stream_load_2pc", segment(&self.database));
        let answer =
            self.client.call(Method::Put, &path, &headers).map_err(|lost| asked.lost(lost))?;
        let reply = outcome::read(&answer, asked)?;
        if reply.succeeded() { Ok(()) } else { Err(asked.refused(&reply)) }
    }
}
