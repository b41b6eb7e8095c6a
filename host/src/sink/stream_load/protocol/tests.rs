//! Both protocols against servers that do what a script says.

use std::io::Read;

use super::*;
use crate::sink::stream_load::http::Written;
use crate::sink::stream_load::http::tests::config;
use crate::sink::stream_load::http::tests::server::{Act, Seen, Server};

fn shape() -> Shape {
    Shape {
        format: BodyFormat::Json,
        compression: Compression::None,
        columns: vec!["id".to_owned()],
        partial: None,
        has_deletes: false,
        flexible: false,
        sequence: None,
    }
}

fn request(shape: &Shape) -> LoadRequest<'_> {
    LoadRequest { table: "ods", label: "mr_1", shape, body: &OneRow, rows: 1 }
}

/// A body of ten bytes.
struct OneRow;

impl Payload for OneRow {
    fn reader(&self) -> Box<dyn Read + '_> {
        Box::new(&br#"[{"id":1}]"#[..])
    }

    fn written(&self) -> Written {
        Written { bytes: 10, time: Duration::ZERO }
    }
}

/// A protocol whose only frontend does what the script says.
fn protocol(system: System, script: Vec<Act>) -> (Protocol, Server) {
    let frontend = Server::start(script);
    let config = config(system, vec![frontend.endpoint()]);
    let client = Client::new("ods", &config).unwrap();
    (Protocol::new(client, &config), frontend)
}

/// A frontend that points to that backend for each of those paths.
fn pointing(backend: &Server, paths: &[&str]) -> Vec<Act> {
    paths.iter().map(|path| Act::to(&format!("{}{path}", backend.endpoint()))).collect()
}

const LOAD: &str = "/api/wager_analytics/ods/_stream_load";

/// What a plain load that is answered so comes to.
fn load(system: System, answer: &str, resent: bool) -> Result<LoadReply, Failure> {
    let backend = Server::start(vec![Act::take(answer)]);
    let (protocol, _) = protocol(system, pointing(&backend, &[LOAD]));
    protocol.load(&request(&shape()), resent)
}

fn lines(requests: &[Seen]) -> Vec<&str> {
    requests.iter().map(|request| request.lines[0].as_str()).collect()
}

#[test]
fn the_outcomes_of_a_plain_load() {
    use BusyCause as Busy;
    use FailureKind as Kind;
    let exists = |finished, txn| Kind::LabelExists { finished, txn };
    for (answer, expected) in [
        (
            r#"{"Status":"Fail","Message":"too many filtered rows","ErrorURL":"http://be/log"}"#,
            Kind::Quality,
        ),
        (
            r#"{"Status":"Fail","Message":"[DATA_QUALITY_ERROR]too many filtered rows"}"#,
            Kind::Quality,
        ),
        (r#"{"Status":"Label Already Exists","ExistingJobStatus":"RUNNING"}"#, exists(false, None)),
        (
            r#"{"TxnId":-1,"Status":"Label Already Exists","ExistingJobStatus":"PRECOMMITTED",
            "Message":"Label [x] has already been used, relate to txn [7]"}"#,
            exists(false, Some(7)),
        ),
        (r#"{"Status":"Label Already Exists","ExistingJobStatus":"FINISHED"}"#, exists(true, None)),
        (r#"{"status":"FAILED","msg":"access denied; you need the LOAD privilege"}"#, Kind::Denied),
        (
            r#"{"msg":"Unauthorized","code":401,"data":"Access denied for user","count":0}"#,
            Kind::Denied,
        ),
        (
            r#"{"Status":"Fail","Message":"wait close failed. err=-235"}"#,
            Kind::Busy(Busy::Versions),
        ),
        (
            r#"{"Status":"Fail","Message":"current running txns on db 1 is 100, larger than limit 100"}"#,
            Kind::Busy(Busy::Transactions),
        ),
        (
            r#"{"Status":"Fail","Message":"Memory of process exceed limit. Used: 1"}"#,
            Kind::Busy(Busy::Memory),
        ),
        (
            r#"{"Status":"Fail","Message":"Stream Load exceed http cuncurrent limit 8"}"#,
            Kind::Busy(Busy::Requests),
        ),
        (
            r#"{"Status":"Fail","Message":"Service is shutting down, please retry later!"}"#,
            Kind::Busy(Busy::Restarting),
        ),
        (r#"{"Status":"FAILED","Message":"No backend alive."}"#, Kind::Busy(Busy::Restarting)),
        (
            r#"{"Status":"Fail","Message":"Commit transaction fail cause x, Transaction status unknown"}"#,
            Kind::Lost,
        ),
        (r#"{"Status":"Fail","Message":"Failed to parse json as object"}"#, Kind::Unparsable),
        (
            r#"{"Status":"Fail","Message":"The size of this batch exceed the max size [1]  of json type data"}"#,
            Kind::TooLarge,
        ),
        (
            r#"{"Status":"Fail","Message":"The size of this batch exceed the max size [1]  of json type data  data [ 2 ]. Set ignore_json_size to skip the check, although it may lead enormous memory consuming."}"#,
            Kind::TooLarge,
        ),
        (
            r#"{"Status":"Fail","Message":"[DATA_QUALITY_ERROR]too many filtered rows","FirstErrorMsg":"too long. src line [access denied, memory limit]"}"#,
            Kind::Quality,
        ),
        (
            r#"{"Status":"Fail","Message":"transaction [7] is already aborted. abort reason: memory limit exceeded"}"#,
            Kind::Aborted,
        ),
        (r#"{"Status":"Fail","Message":"unknown table \"db.ods\""}"#, Kind::Fatal),
        (r#"{"Status":"Fail","Message":"unknown table \"db.memory_limits\""}"#, Kind::Fatal),
        (r#"{"Status":"Fail","Message":"something new"}"#, Kind::Rejected),
        (r#"{"Status":"Success","NumberLoadedRows":0,"NumberFilteredRows":1}"#, Kind::Fatal),
        (r#"{"Status":"Success","NumberLoadedRows":0}"#, Kind::Fatal),
        (r#"{"Label":"no status"}"#, Kind::Lost),
        ("{}", Kind::Lost),
        ("[]", Kind::Lost),
        ("", Kind::Lost),
        (r#"{"Status":"Succ"#, Kind::Lost),
        (r#"{"msg":"success","code":0,"data":{},"count":0}"#, Kind::Lost),
        (r#"{"msg":"Internal Error","code":500,"data":"null pointer","count":0}"#, Kind::Lost),
        (
            r#"{"Status":"Fail","Message":"FE RPC failure, address=x, reason=y"}"#,
            Kind::Busy(Busy::Cluster),
        ),
        (
            r#"{"Status":"Fail","Message":"Can't do partial update when table is doing schema change."}"#,
            Kind::Busy(Busy::Cluster),
        ),
        (
            r#"{"Status":"Fail","Message":"receive body don't equal with body bytes, body bytes=2, receive bytes=1"}"#,
            Kind::Rejected,
        ),
        ("not JSON", Kind::Lost),
    ] {
        for system in [System::StarRocks, System::Doris] {
            let failure = load(system, answer, false).unwrap_err();
            assert_eq!(failure.kind, expected, "{answer}: {}", failure.message);
            assert!(failure.message.contains("`mr_1`"), "{}", failure.message);
        }
    }
}

#[test]
fn an_update_that_an_older_doris_refuses_says_what_it_may_be() {
    let words = |system, partial| {
        let answer = r#"{"Status":"Fail","Message":"too many filtered rows"}"#;
        let backend = Server::start(vec![Act::take(answer)]);
        let (protocol, _) = protocol(system, pointing(&backend, &[LOAD]));
        protocol.load(&request(&Shape { partial, ..shape() }), false).unwrap_err().message
    };
    let is_told = |message: String| message.contains("whose row is not in the table");
    let partial = Some(PartialUpdateMode::Row);
    assert!(is_told(words(System::Doris, partial)));
    assert!(!is_told(words(System::Doris, None)));
    assert!(!is_told(words(System::StarRocks, partial)));
}

#[test]
fn what_counts_as_loaded() {
    let answer =
        r#"{"TxnId": 9, "Status": "Publish Timeout", "NumberLoadedRows": 1, "LoadBytes": 20}"#;
    let reply = load(System::StarRocks, answer, false).unwrap();
    assert_eq!(reply, LoadReply { txn: Some(9), rows: 1, bytes: 20, publish_timeout: true });
    let finished = r#"{"Status":"Label Already Exists","ExistingJobStatus":"FINISHED"}"#;
    let reply = load(System::Doris, finished, true).unwrap();
    assert_eq!(reply, LoadReply { txn: None, rows: 1, bytes: 10, publish_timeout: false });
    let error = load(System::Doris, finished, false).unwrap_err().into_error("load");
    assert!(matches!(error, StreamLoadError::LabelInUse { .. }), "{error}");
}

#[test]
fn missing_privileges_name_the_grant() {
    let answer = Act::Reply(
        "401 Unauthorized".to_owned(),
        r#"{"status":"FAILED","msg":"Access denied; you need (at least one of) the INSERT privilege(s)"}"#
            .to_owned(),
    );
    let (starrocks, _) = protocol(System::StarRocks, vec![answer]);
    let failure = starrocks.load(&request(&shape()), false).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    let text = failure.into_error("load").to_string();
    assert!(text.contains("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE `wager_analytics`.`ods` TO USER 'loader'@'%'"), "{text}");
    let (doris, _) = protocol(
        System::Doris,
        vec![Act::json(
            r#"{"msg":"Unauthorized","code":401,"data":"Access denied for loader@10.0.0.1","count":0}"#,
        )],
    );
    let failure = doris.state("mr_1").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    let text = failure.into_error("ask").to_string();
    assert!(text.contains("check `username` and `password`"), "{text}");
    assert!(text.contains("LOAD_PRIV ON `wager_analytics`.* TO 'loader'@'%'"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn starrocks_prepares_in_three_steps() {
    let backend = Server::start(vec![
        Act::json(r#"{"Status":"OK","TxnId":5,"Label":"mr_1"}"#),
        Act::take(r#"{"Status":"OK","TxnId":5,"LoadBytes":10}"#),
        Act::json(r#"{"Status":"OK","NumberTotalRows":1,"NumberLoadedRows":1,"LoadBytes":10}"#),
    ]);
    let steps = ["/api/transaction/begin", "/api/transaction/load", "/api/transaction/prepare"];
    let (protocol, frontend) = protocol(System::StarRocks, pointing(&backend, &steps));
    let reply = protocol.prepare(&request(&shape())).unwrap();
    assert_eq!(reply, LoadReply { txn: Some(5), rows: 1, bytes: 10, publish_timeout: false });
    let requests = backend.requests();
    assert_eq!(
        lines(&requests),
        [
            "POST /api/transaction/begin HTTP/1.1",
            "PUT /api/transaction/load HTTP/1.1",
            "POST /api/transaction/prepare HTTP/1.1"
        ]
    );
    for request in requests.iter().chain(&frontend.requests()) {
        assert_eq!(request.header("label"), Some("mr_1"));
        assert_eq!(request.header("db"), Some("wager_analytics"));
        assert_eq!(request.header("table"), Some("ods"));
    }
    assert_eq!(requests[0].header("timeout"), Some("20"));
    assert_eq!(requests[1].header("strict_mode"), Some("true"));
    assert_eq!(requests[2].header("prepared_timeout"), Some("3600"));
}

#[test]
fn a_step_that_fails_ends_the_preparing() {
    let exists = r#"{"Status":"LABEL_ALREADY_EXISTS","ExistingJobStatus":""}"#;
    let (starrocks, _) = protocol(System::StarRocks, vec![Act::json(exists)]);
    let failure = starrocks.prepare(&request(&shape())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::LabelExists { finished: false, txn: None });

    let old = r#"{"status":"FAILED","msg":"Not implemented"}"#;
    let (starrocks, _) = protocol(System::StarRocks, vec![Act::json(old)]);
    let error = starrocks.prepare(&request(&shape())).unwrap_err().into_error("load");
    assert!(matches!(error, StreamLoadError::Unsupported { .. }), "{error}");

    let refused = r#"{"Status":"INTERNAL_ERROR","Message":"too many filtered rows",
        "ErrorURL":"http://be:8040/api/_load_error_log?file=x"}"#;
    let backend = Server::start(vec![Act::take(r#"{"Status":"OK"}"#)]);
    let mut script = vec![Act::json(r#"{"Status":"OK"}"#)];
    script.extend(pointing(&backend, &["/api/transaction/load"]));
    script.push(Act::json(refused));
    let (starrocks, _) = protocol(System::StarRocks, script);
    let failure = starrocks.prepare(&request(&shape())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Quality);
    assert_eq!(failure.error_url.as_deref(), Some("http://be:8040/api/_load_error_log?file=x"));
}

#[test]
fn doris_prepares_in_one_and_notices_when_it_did_not_wait() {
    let prepare = |answer: &str| {
        let backend = Server::start(vec![Act::take(answer)]);
        let (protocol, _) = protocol(System::Doris, pointing(&backend, &[LOAD]));
        let result = protocol.prepare(&request(&shape()));
        assert_eq!(backend.requests()[0].header("two_phase_commit"), Some("true"));
        result
    };
    let done = r#"{"TxnId":8,"Status":"Success","TwoPhaseCommit":"true","NumberLoadedRows":1}"#;
    assert_eq!(prepare(done).unwrap().txn, Some(8));
    for at_once in [
        r#"{"TxnId":8,"Status":"Success","TwoPhaseCommit":"false","NumberLoadedRows":1}"#,
        r#"{"TxnId":8,"Status":"Success","GroupCommit":true,"NumberLoadedRows":1}"#,
        r#"{"TxnId":8,"Status":"Publish Timeout","TwoPhaseCommit":"true"}"#,
    ] {
        assert_eq!(prepare(at_once).unwrap_err().kind, FailureKind::Fatal, "{at_once}");
    }
    let cloud = r#"{"Status":"Fail","Message":"stream load 2pc is unsupported for mow table"}"#;
    let error = prepare(cloud).unwrap_err().into_error("load").to_string();
    assert!(error.contains("at-least-once"), "{error}");
}

#[test]
fn commits_that_are_done_already_are_done() {
    let state = |state: &str| Act::json(&format!(r#"{{"status":"OK","state":"{state}"}}"#));
    let no = || Act::json(r#"{"Status":"FAILED","Message":"has no such thing"}"#);
    let gone = || Act::json(r#"{"Status":"TXN_NOT_EXISTS","Message":"gone"}"#);
    let commit = |script: Vec<Act>| {
        let (protocol, _) = protocol(System::StarRocks, script);
        protocol.commit("ods", "mr_1", Some(5)).map_err(|failure| failure.kind)
    };
    assert_eq!(
        commit(vec![Act::json(r#"{"Status":"OK","Message":"has already committed"}"#)]),
        Ok(())
    );
    assert_eq!(commit(vec![no(), state("VISIBLE")]), Ok(()));
    assert_eq!(commit(vec![no(), state("COMMITTED")]), Ok(()));
    assert_eq!(commit(vec![no(), state("ABORTED")]), Err(FailureKind::Aborted));
    assert_eq!(commit(vec![gone(), state("UNKNOWN")]), Err(FailureKind::NotFound));
    assert_eq!(commit(vec![no(), state("PREPARED")]), Err(FailureKind::Rejected));
    assert_eq!(commit(vec![Act::Drop]), Err(FailureKind::Lost));
}

#[test]
fn the_second_phase_of_doris_goes_by_number_or_label() {
    let visible = r#"{"status":"ANALYSIS_ERROR",
        "msg":"TStatus: errCode = 2, detailMessage = transaction [9] is already visible, not pre-committed."}"#;
    let (protocol, frontend) = protocol(
        System::Doris,
        vec![Act::json(visible), Act::json(r#"{"status":"Success","msg":"ok"}"#)],
    );
    protocol.commit("ods", "mr_1", Some(9)).unwrap();
    protocol.rollback("ods", "mr_1", None).unwrap();
    let requests = frontend.requests();
    assert_eq!(lines(&requests), ["PUT /api/wager_analytics/_stream_load_2pc HTTP/1.1"; 2]);
    assert_eq!(requests[0].header("txn_operation"), Some("commit"));
    assert_eq!(requests[0].header("txn_id"), Some("9"));
    assert_eq!(requests[1].header("txn_operation"), Some("abort"));
    assert_eq!((requests[1].header("txn_id"), requests[1].header("label")), (None, Some("mr_1")));
}

#[test]
fn rollbacks_with_nothing_to_do_are_done_and_committed_ones_are_told() {
    let state =
        |state: &str| Act::json(&format!(r#"{{"msg":"success","code":0,"data":"{state}"}}"#));
    let no = || Act::json(r#"{"status":"ANALYSIS_ERROR","msg":"transaction [9] not found"}"#);
    let rollback = |script: Vec<Act>| {
        let (protocol, _) = protocol(System::Doris, script);
        protocol.rollback("ods", "mr_1", Some(9)).map_err(|failure| failure.kind)
    };
    assert_eq!(rollback(vec![no(), state("UNKNOWN")]), Ok(()));
    assert_eq!(rollback(vec![no(), state("ABORTED")]), Ok(()));
    assert_eq!(rollback(vec![no(), state("VISIBLE")]), Err(FailureKind::Committed));
    assert_eq!(rollback(vec![no(), state("PREPARE")]), Err(FailureKind::NotFound));
}

/// What the sheets of both systems say that servers say, and what it means here: each line is a
/// status and a text of the transaction interface, of the second phase, or of the frontend.
#[test]
fn what_servers_say_of_transactions() {
    use BusyCause as Busy;
    use FailureKind as Kind;
    for (status, text, expected) in [
        ("TXN_NOT_EXISTS", "transaction with label mr_1 not exists", Kind::NotFound),
        (
            "TXN_IN_PROCESSING",
            "Transaction in processing, please retry later",
            Kind::Busy(Busy::InProgress),
        ),
        ("FAILED", "transaction mr_1 is already committing", Kind::Busy(Busy::InProgress)),
        ("ABORTED", "", Kind::Aborted),
        ("INTERNAL_ERROR", "current transaction is aborted", Kind::Aborted),
        ("FAILED", "Can not commit ABORTED transaction 5", Kind::Aborted),
        ("MEM_LIMIT_EXCEEDED", "of the load", Kind::Busy(Busy::Memory)),
        ("INTERNAL_ERROR", "too many filtered rows", Kind::Quality),
        ("INTERNAL_ERROR", "primary key size exceed the limit", Kind::Quality),
        (
            "INTERNAL_ERROR",
            "payload size [5] of single write beyond the JSON payload limit",
            Kind::TooLarge,
        ),
        ("INTERNAL_ERROR", "transaction mr_1 hasn't send any data yet", Kind::Rejected),
        ("INVALID_ARGUMENT", "load request not equal last.", Kind::Rejected),
        ("FAILED", "Can't find the transaction with db [d] and label[mr_1]", Kind::NotFound),
        ("FAILED", "No transaction found with db[d] and label[mr_1]", Kind::NotFound),
        ("FAILED", "Can not abort VISIBLE transaction", Kind::Rejected),
        ("FAILED", "Unsupported operation", Kind::Fatal),
        ("ANALYSIS_ERROR", "transaction [9] not found", Kind::NotFound),
        (
            "ANALYSIS_ERROR",
            "transaction [9] is already aborted. abort reason: memory limit",
            Kind::Aborted,
        ),
        ("ANALYSIS_ERROR", "transaction [9] is prepare, not pre-committed.", Kind::Rejected),
        ("NOT_AUTHORIZED", "no valid Basic authorization", Kind::Denied),
        ("FAILED", "Need auth information.", Kind::Denied),
        ("FAILED", "No transaction id or label selected.", Kind::Rejected),
        ("FAILED", "get database write lock timeout, database=d", Kind::Busy(Busy::Cluster)),
        ("FAILED", "alive replica num 0 < quorum replica num 1", Kind::Busy(Busy::Restarting)),
        ("Fail", "Have not get FE Master heartbeat yet", Kind::Busy(Busy::Restarting)),
        ("Fail", "label and group_commit can't be set at the same time", Kind::Fatal),
    ] {
        let body = serde_json::json!({ "Status": status, "Message": text }).to_string();
        let failure = load(System::StarRocks, &body, false).unwrap_err();
        assert_eq!(failure.kind, expected, "{status}: {text}");
    }
}

#[test]
fn an_answer_that_does_not_say_what_was_asked_is_lost_in_every_step() {
    let blanks = ["", "{}", "[]", "{\"Status\": \"O", "<html>", "{\"code\": 0, \"data\": null}"];
    let exists = || Act::json(r#"{"Status":"OK"}"#);
    for blank in blanks {
        let lost = |result: Result<(), Failure>, step: &str| {
            let kind = result.unwrap_err().kind;
            assert_eq!(kind, FailureKind::Lost, "{step} answered by {blank}");
        };
        // The frontend has answered before; then its answer is garbled, as is a backend's.
        let starrocks = |script: Vec<Act>| {
            let script = std::iter::once(exists()).chain(script).collect();
            let (protocol, _) = protocol(System::StarRocks, script);
            protocol.commit("ods", "mr_0", None).unwrap();
            protocol
        };
        lost(starrocks(vec![Act::json(blank)]).commit("ods", "mr_1", None), "commit");
        lost(starrocks(vec![Act::json(blank)]).rollback("ods", "mr_1", None), "rollback");
        let begun = starrocks(vec![Act::json(blank)]).prepare(&request(&shape()));
        lost(begun.map(drop), "begin");
        let backend = Server::start(vec![Act::take(blank)]);
        let mut script = vec![exists()];
        script.extend(pointing(&backend, &["/api/transaction/load"]));
        lost(starrocks(script).prepare(&request(&shape())).map(drop), "load");
        let backend = Server::start(vec![Act::take(r#"{"Status":"OK"}"#)]);
        let mut script = vec![exists()];
        script.extend(pointing(&backend, &["/api/transaction/load"]));
        script.push(Act::json(blank));
        lost(starrocks(script).prepare(&request(&shape())).map(drop), "prepare");
    }
}

#[test]
fn a_state_that_is_not_told_is_asked_again() {
    for system in [System::StarRocks, System::Doris] {
        for blank in ["{}", r#"{"status":"OK"}"#, r#"{"code":0,"data":null}"#, r#"{"state":"NEW"}"#]
        {
            let (protocol, _) = protocol(system, vec![Act::json(blank)]);
            let failure = protocol.state("mr_1").unwrap_err();
            assert_eq!(failure.kind, FailureKind::Lost, "{blank}: {}", failure.message);
            assert!(matches!(decide(&failure, Step::State), Decision::Retry { .. }), "{blank}");
        }
        // What cannot be read at all is left aside, and asked of another, where there is one.
        for blank in ["", "[]", "{"] {
            let (protocol, _) = protocol(system, vec![Act::json(blank)]);
            let failure = protocol.state("mr_1").unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unreachable, "{blank}: {}", failure.message);
            assert!(matches!(decide(&failure, Step::State), Decision::Retry { .. }), "{blank}");
        }
    }
}

#[test]
fn starrocks_cancels_what_its_backend_forgot() {
    let (protocol, frontend) = protocol(
        System::StarRocks,
        vec![
            Act::json(r#"{"Status":"TXN_NOT_EXISTS","Message":"gone"}"#),
            Act::json(r#"{"status":"OK","state":"PREPARE"}"#),
            Act::json(r#"{"status":"OK"}"#),
            Act::json(r#"{"status":"OK","state":"ABORTED"}"#),
        ],
    );
    protocol.rollback("ods", "mr_1", None).unwrap();
    assert_eq!(
        lines(&frontend.requests())[2],
        "POST /api/wager_analytics/ods/_cancel?label=mr_1 HTTP/1.1"
    );
}

#[test]
fn servers_in_trouble_are_unreachable_before_a_load_and_lost_after_it() {
    let trouble = || Act::Reply("500 Internal Server Error".to_owned(), "oops".to_owned());
    let (starrocks, _) = protocol(System::StarRocks, vec![trouble()]);
    let failure = starrocks.load(&request(&shape()), false).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable, "{}", failure.message);

    let backend = Server::start(vec![Act::Take("503 Unavailable".to_owned(), String::new())]);
    let (starrocks, _) = protocol(System::StarRocks, pointing(&backend, &[LOAD]));
    let failure = starrocks.load(&request(&shape()), false).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Lost, "{}", failure.message);
}
