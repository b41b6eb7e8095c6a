//! The reply of a load, key by key.

use crate::http::Response;
use crate::load::{Counts, Ordered, Refusal, Timings};
use crate::world::{System, World};

/// What a load's reply tells.
#[derive(Debug)]
pub(super) struct LoadReply {
    /// The transaction; -1 if none began.
    pub txn: i64,
    /// The label, the server's own where the client gave none.
    pub label: String,
    /// Doris: whether it stopped at pre-committed.
    pub two_phase: bool,
    /// Doris: whether it was committed with others.
    pub group_commit: bool,
    /// The rows.
    pub counts: Counts,
    /// The times.
    pub timings: Timings,
    /// Where the refused rows are listed.
    pub error_url: Option<String>,
    /// Why the first one was refused.
    pub first_error: Option<String>,
}

/// How a load ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its rows are visible, or pre-committed.
    Success,
    /// They are committed and will be visible.
    PublishTimeout,
    /// The label is in use, by a transaction with this status.
    LabelUsed(&'static str, Refusal),
    /// Nothing is loaded.
    Fail(Refusal),
}

impl LoadReply {
    /// The reply of a load that has not begun.
    pub(super) fn new(label: &str, two_phase: bool) -> Self {
        Self {
            txn: -1,
            label: label.to_owned(),
            two_phase,
            group_commit: false,
            counts: Counts::default(),
            timings: Timings::start(),
            error_url: None,
            first_error: None,
        }
    }

    /// Lists refused rows where the client can read them.
    pub(super) fn list(&mut self, world: &World, backend: usize, bad: &[(String, String)]) {
        let Some((_, reason)) = bad.first() else { return };
        self.first_error = Some(reason.clone());
        self.error_url = Some(error_url(world, backend, bad));
    }

    /// The reply that goes out.
    pub(super) fn response(&self, system: System, outcome: &Outcome) -> Response {
        let later = "transaction commit successfully, BUT data will be visible later";
        let (status, existing, message) = match (outcome, system) {
            (Outcome::Success, _) => ("Success", None, "OK".to_owned()),
            (Outcome::PublishTimeout, System::StarRocks) => {
                ("Publish Timeout", None, "Publish timeout: data will be visible later".to_owned())
            }
            (Outcome::PublishTimeout, System::Doris) => {
                let refusal = Refusal::of_frontend(system, "PUBLISH_TIMEOUT", later);
                ("Publish Timeout", None, refusal.text(system))
            }
            (Outcome::LabelUsed(existing, refusal), _) => {
                ("Label Already Exists", Some(*existing), refusal.text(system))
            }
            (Outcome::Fail(refusal), _) => ("Fail", None, refusal.text(system)),
        };
        let doris = system == System::Doris;
        let mut reply = Ordered::new().with("TxnId", self.txn).with("Label", self.label.as_str());
        if doris {
            reply = reply.with("Comment", "");
            reply = if self.group_commit {
                reply.with("GroupCommit", true)
            } else {
                reply.with("TwoPhaseCommit", if self.two_phase { "true" } else { "false" })
            };
        }
        reply = reply
            .with("Status", status)
            .with_some("ExistingJobStatus", existing)
            .with("Message", message)
            .with("NumberTotalRows", self.counts.total)
            .with("NumberLoadedRows", self.counts.loaded)
            .with("NumberFilteredRows", self.counts.filtered)
            .with("NumberUnselectedRows", self.counts.unselected)
            .with("LoadBytes", self.counts.bytes)
            .with("LoadTimeMs", self.timings.elapsed_ms());
        reply = self.times(reply, system).with_some("ErrorURL", self.error_url.as_deref());
        if doris {
            reply = reply.with_some("FirstErrorMsg", self.first_error.as_deref());
        }
        let end = if doris { "\n" } else { "" };
        Response::json(reply.pretty() + end)
    }

    fn times(&self, reply: Ordered, system: System) -> Ordered {
        let times = &self.timings;
        let begin = (!self.group_commit).then_some(times.begin_ms);
        let commit = (!self.group_commit).then_some(times.commit_ms);
        let reply = reply.with_some("BeginTxnTimeMs", begin);
        match system {
            System::StarRocks => reply
                .with("StreamLoadPlanTimeMs", times.plan_ms)
                .with("ReadDataTimeMs", times.read_ms)
                .with("WriteDataTimeMs", times.write_ms)
                .with_some("CommitAndPublishTimeMs", commit),
            System::Doris => reply
                .with("StreamLoadPutTimeMs", times.plan_ms)
                .with("ReadDataTimeMs", times.read_ms)
                .with("WriteDataTimeMs", times.write_ms)
                .with("ReceiveDataTimeMs", times.read_ms)
                .with_some("CommitAndPublishTimeMs", commit),
        }
    }
}

/// Writes an error log and gives its URL, on the address that the backend tells clients.
pub(super) fn error_url(world: &World, backend: usize, bad: &[(String, String)]) -> String {
    let now_ms = world.clock.now_ms();
    let file = world.transactions.lock().logs.write(world.system, bad, now_ms);
    let member = world.nodes.backends().get(backend);
    let authority = member.map_or_else(|| "127.0.0.1:8040".to_owned(), |it| it.authority());
    let scheme = if world.nodes.backends_are_https() { "https" } else { "http" };
    format!("{scheme}://{authority}/api/_load_error_log?file={file}")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn keys(system: System, outcome: &Outcome, reply: &LoadReply) -> (Vec<String>, Value) {
        let response = reply.response(system, outcome);
        let text = String::from_utf8(response.body).unwrap();
        let keys = text.lines().filter_map(|line| {
            let (key, _) = line.strip_prefix("    \"")?.split_once('"')?;
            Some(key.to_owned())
        });
        (keys.collect(), serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn a_label_in_use_is_told_with_its_transaction() {
        let reply = LoadReply::new("x", false);
        let refusal = super::super::texts::label_used(System::Doris, "x", 9);
        let outcome = Outcome::LabelUsed("PRECOMMITTED", refusal);
        let (keys, body) = keys(System::Doris, &outcome, &reply);
        assert_eq!(
            keys[..7],
            [
                "TxnId",
                "Label",
                "Comment",
                "TwoPhaseCommit",
                "Status",
                "ExistingJobStatus",
                "Message"
            ]
        );
        assert_eq!(body["TxnId"], -1);
        assert_eq!(body["TwoPhaseCommit"], "false");
        assert_eq!(body["ExistingJobStatus"], "PRECOMMITTED");
        assert_eq!(
            body["Message"],
            "[LABEL_ALREADY_EXISTS]TStatus: errCode = 2, detailMessage = Label [x] has already \
             been used, relate to txn [9]"
        );
    }

    #[test]
    fn starrocks_tells_success_without_the_keys_of_doris() {
        let reply = LoadReply { txn: 7, ..LoadReply::new("x", false) };
        let (keys, body) = keys(System::StarRocks, &Outcome::Success, &reply);
        assert_eq!((&body["Status"], &body["Message"]), (&"Success".into(), &"OK".into()));
        assert!(!keys.iter().any(|key| key == "TwoPhaseCommit" || key == "ExistingJobStatus"));
        assert_eq!(keys.last().map(String::as_str), Some("CommitAndPublishTimeMs"));
    }

    #[test]
    fn a_group_has_no_times_of_begin_and_commit() {
        let reply = LoadReply { group_commit: true, ..LoadReply::new("x", false) };
        let (keys, body) = keys(System::Doris, &Outcome::Success, &reply);
        assert_eq!(body["GroupCommit"], true);
        assert!(!keys.iter().any(|key| key == "TwoPhaseCommit" || key == "BeginTxnTimeMs"));
    }
}
