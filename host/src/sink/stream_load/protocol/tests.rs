//! Both protocols against servers that do what a script says.

use super::*;
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
    LoadRequest { table: "ods", label: "mr_1", shape, body: b"[{\"id\":1}]", rows: 1 }
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
