//! The steps of StarRocks: plain loads, and its transaction interface.

use super::headers::{self, Headers, segment};
use super::outcome;
use super::reply::Reply;
use super::{Failure, FailureKind, LabelState, LoadReply, LoadRequest, Shared};
use crate::sink::stream_load::http::Method;

impl Shared {
    /// begin, load, prepare: each once.
    pub(super) fn prepare_starrocks(&self, load: &LoadRequest<'_>) -> Result<LoadReply, Failure> {
        let LoadRequest { table, label, .. } = *load;
        let mut begin = self.transaction(table, label);
        begin.push(("timeout", headers::seconds(self.timeout)));
        let begun = self.operate("begin", &begin, table, label)?;

        let mut headers = self.load_headers(load);
        headers.push(("db", self.database.clone()));
        headers.push(("table", table.to_owned()));
        let asked = self.asked(table, label, "the load");
        let answer = self
            .client
            .put_load("/api/transaction/load", &headers, load.body)
            .map_err(|lost| asked.lost(lost))?;
        let loaded = outcome::read(&answer, asked)?;
        if !loaded.succeeded() {
            return Err(asked.refused(&loaded));
        }

        let mut prepare = self.transaction(table, label);
        prepare.push(("prepared_timeout", headers::seconds(self.prepared_timeout)));
        let prepared = match self.operate("prepare", &prepare, table, label) {
            Ok(prepared) => prepared,
            // A proxy may have asked twice: the second time there is nothing left to prepare.
            Err(failure) if failure.kind == FailureKind::NotFound => {
                return match self.state(label) {
                    Ok(LabelState::Prepared) => Ok(LoadReply {
                        txn: begun.txn(),
                        rows: load.rows,
                        bytes: load.body.written().bytes,
                        publish_timeout: false,
                    }),
                    _ => Err(failure),
                };
            }
            Err(failure) => return Err(failure),
        };
        let asked = self.asked(table, label, "the load");
        let counted = self.counted(load, &prepared, asked, false)?;
        Ok(LoadReply { txn: prepared.txn().or(begun.txn()), ..counted })
    }

    pub(super) fn commit_starrocks(&self, table: &str, label: &str) -> Result<(), Failure> {
        match self.operate("commit", &self.transaction(table, label), table, label) {
            Ok(_) => Ok(()),
            Err(failure) => self.settle_commit(label, failure),
        }
    }

    pub(super) fn rollback_starrocks(&self, table: &str, label: &str) -> Result<(), Failure> {
        let failure = match self.operate("rollback", &self.transaction(table, label), table, label)
        {
            Ok(_) => return Ok(()),
            Err(failure) => failure,
        };
        match self.settle_rollback(label, failure)? {
            None => Ok(()),
            // The backend that had it forgot it, the frontend did not: cancelling is what is left.
            Some(failure) => {
                let path = format!(
                    "/api/{}/{}/_cancel?label={}",
                    segment(&self.database),
                    segment(table),
                    segment(label)
                );
                let asked = self.asked(table, label, "the rollback");
                self.client.call(Method::Post, &path, &[]).map_err(|lost| asked.lost(lost))?;
                self.settle_rollback(label, failure)?.map_or(Ok(()), Err)
            }
        }
    }

    /// The headers that each operation has.
    fn transaction(&self, table: &str, label: &str) -> Headers {
        vec![
            ("label", label.to_owned()),
            ("db", self.database.clone()),
            ("table", table.to_owned()),
        ]
    }

    fn operate(
        &self,
        operation: &'static str,
        headers: &Headers,
        table: &str,
        label: &str,
    ) -> Result<Reply, Failure> {
        let doing = match operation {
            "begin" => "the begin",
            "prepare" => "the prepare",
            "commit" => "the commit",
            _ => "the rollback",
        };
        let asked = self.asked(table, label, doing);
        let path = format!("/api/transaction/{operation}");
        let answer =
            self.client.call(Method::Post, &path, headers).map_err(|lost| asked.lost(lost))?;
        let reply = outcome::read(&answer, asked)?;
        if reply.succeeded() { Ok(reply) } else { Err(asked.refused(&reply)) }
    }
}
