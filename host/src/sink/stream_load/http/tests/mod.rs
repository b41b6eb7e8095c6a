//! Requests against servers that do what a script says.

mod garbled;
pub(in crate::sink::stream_load) mod server;
mod tls;

use std::collections::BTreeMap;
use std::time::Duration;

use server::{Act, Server, nobody};

use super::{Answer, Client, Lost, Method};
use crate::sink::stream_load::config::{
    Audit, BackendRules, BodyFormat, Compression, Deletes, Endpoint, Evolution, LoadBounds,
    PartialUpdateMode, StreamLoadConfig, System, TableName, TruncatePolicy,
};
use crate::sink::stream_load::error::StreamLoadError;
use crate::sink::{ChangePolicy, IfExists, WriteMode};
use crate::telemetry::Secret;

/// A configuration with those frontends.
pub(in crate::sink::stream_load) fn config(
    system: System,
    frontends: Vec<Endpoint>,
) -> StreamLoadConfig {
    StreamLoadConfig {
        system,
        frontends,
        mysql: Vec::new(),
        mysql_tls: false,
        database: "wager_analytics".to_owned(),
        table: TableName::Fixed("ods".to_owned()),
        username: "loader".to_owned(),
        password: Secret::new("s3cret".to_owned()),
        ca_file: None,
        mode: WriteMode::Upsert,
        key: Vec::new(),
        exactly_once: true,
        if_exists: IfExists::Error,
        create_table: false,
        on_delete: ChangePolicy::default(),
        on_update: ChangePolicy::default(),
        deletes: Deletes::Hard,
        on_truncate: TruncatePolicy::Halt,
        evolution: Evolution::Halt,
        sequence: None,
        audit: Audit::default(),
        partial_update: PartialUpdateMode::Row,
        format: BodyFormat::Json,
        compression: Compression::None,
        load: LoadBounds {
            rows: 1000,
            bytes: 1 << 20,
            linger: Duration::from_secs(1),
            in_flight: 4,
        },
        memory: 1 << 20,
        spill: 1 << 20,
        backends: BackendRules::default(),
        timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(5),
        prepared_timeout: Duration::from_secs(3600),
        buckets: None,
        replication: None,
    }
}

const PATH: &str = "/api/wager_analytics/ods/_stream_load";
const BODY: &[u8] = b"[{\"id\":1}]";
const DONE: &str = r#"{"Status": "Success", "NumberLoadedRows": 1}"#;

fn client(frontends: &[&Server]) -> Client {
    let endpoints = frontends.iter().map(|server| server.endpoint()).collect();
    Client::new("ods", &config(System::StarRocks, endpoints)).unwrap()
}

fn put(client: &Client) -> Result<Answer, Lost> {
    client.put_load(PATH, &[("label", "mr_1".to_owned())], &BODY.to_vec())
}

fn at(server: &Server, path: &str) -> String {
    format!("{}{path}", server.endpoint())
}

fn refusal(result: Result<Answer, Lost>) -> StreamLoadError {
    match result {
        Err(Lost::Refused(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_frontend_gets_the_headers_and_the_backend_the_body() {
    let backend = Server::start(vec![Act::take(DONE)]);
    let location = format!("http://root:other@{}{PATH}?", backend.address());
    let frontend = Server::start(vec![Act::to(&location)]);
    let answer = put(&client(&[&frontend])).unwrap();
    assert_eq!((answer.status, answer.host), (200, backend.address()));
    assert_eq!(answer.body, DONE.as_bytes());

    let probe = &frontend.requests()[0];
    assert_eq!(probe.lines[0], format!("PUT {PATH} HTTP/1.1"));
    assert_eq!(probe.header("expect"), Some("100-continue"));
    assert_eq!(probe.header("content-length"), Some("0"));
    let agent = probe.header("user-agent").unwrap();
    assert!(agent.starts_with("millrace/"), "{agent}");

    let load = &backend.requests()[0];
    assert_eq!(load.lines[0], format!("PUT {PATH}? HTTP/1.1"));
    assert_eq!(load.header("expect"), Some("100-continue"));
    assert_eq!(load.header("transfer-encoding"), Some("chunked"));
    assert_eq!(load.header("label"), Some("mr_1"));
    assert_eq!(load.body, BODY);
    for request in [probe, load] {
        // loader:s3cret, whatever user the redirect names.
        assert_eq!(request.header("authorization"), Some("Basic bG9hZGVyOnMzY3JldA=="));
    }
}

#[test]
fn a_backend_may_answer_before_the_body() {
    let refusal = r#"{"Status": "Fail", "Message": "unknown table"}"#;
    let backend = Server::start(vec![Act::json(refusal)]);
    let frontend = Server::start(vec![Act::to(&at(&backend, PATH))]);
    let answer = put(&client(&[&frontend])).unwrap();
    assert_eq!(answer.body, refusal.as_bytes());
    assert!(backend.requests()[0].body.is_empty());
}

#[test]
fn an_answer_that_comes_before_the_whole_body_is_heard() {
    let refusal = r#"{"Status": "Fail", "Message": "too many filtered rows"}"#;
    // More than any socket holds.
    let body = vec![b' '; 64 << 20];
    let backend = Server::start(vec![Act::Interrupt(refusal.to_owned())]);
    let location = at(&backend, PATH);
    let frontend = Server::start(vec![Act::to(&location), Act::to(&location)]);
    let client = client(&[&frontend]);
    let answer = client.put_load(PATH, &[("label", "mr_1".to_owned())], &body).unwrap();
    assert_eq!(answer.body, refusal.as_bytes());
    drop(backend.requests());
    // Nobody is there now, and the connection of before is not used again.
    let lost = put(&client).unwrap_err();
    assert!(matches!(lost, Lost::NotSent(_)), "{lost:?}");
}

#[test]
fn two_hops_are_followed_and_circles_are_not() {
    let backend = Server::start(vec![Act::take(DONE)]);
    let leader = Server::start(vec![Act::to(&at(&backend, PATH))]);
    let frontend = Server::start(vec![Act::to(&at(&leader, PATH))]);
    assert_eq!(put(&client(&[&frontend])).unwrap().host, backend.address());
    assert!(leader.requests()[0].body.is_empty(), "a redirect is answered before the body");

    let itself = Server::with(|port| vec![Act::to(&format!("http://127.0.0.1:{port}{PATH}"))]);
    let error = refusal(put(&client(&[&itself]))).to_string();
    assert!(error.contains("redirects go in a circle"), "{error}");

    let endless =
        Server::start((0..4).map(|hop| Act::to(&format!("/api/hop{hop}"))).collect::<Vec<_>>());
    let error = refusal(put(&client(&[&endless]))).to_string();
    assert!(error.contains("after three redirects already"), "{error}");
    assert_eq!(endless.requests().len(), 4);
}

#[test]
fn calls_follow_redirects_with_credentials() {
    let backend = Server::start(vec![Act::take(r#"{"Status":"OK"}"#)]);
    let leader = Server::start(vec![Act::to(&at(&backend, "/api/transaction/begin"))]);
    let frontend = Server::start(vec![Act::to(&at(&leader, "/api/transaction/begin"))]);
    let headers = [("label", "mr_1".to_owned())];
    let answer = client(&[&frontend]).call(Method::Post, "/api/transaction/begin", &headers);
    assert_eq!(answer.unwrap().host, backend.address());
    for server in [frontend, leader, backend] {
        let request = &server.requests()[0];
        assert_eq!(request.lines[0], "POST /api/transaction/begin HTTP/1.1");
        assert!(request.header("authorization").is_some() && request.header("expect").is_none());
    }
}

#[test]
fn a_frontend_that_is_gone_or_unwell_is_passed_over_and_left_aside() {
    let backend = Server::start(vec![Act::take(DONE), Act::take(DONE)]);
    let well = Server::start(vec![Act::to(&at(&backend, PATH)), Act::to(&at(&backend, PATH))]);
    let unwell =
        Server::start(vec![Act::Reply("503 Unavailable".to_owned(), "starting".to_owned())]);
    let endpoints = vec![nobody(), unwell.endpoint(), well.endpoint()];
    let client = Client::new("ods", &config(System::Doris, endpoints)).unwrap();
    put(&client).unwrap();
    // The unwell one would be asked again here, and has no more answers.
    put(&client).unwrap();
    assert_eq!(unwell.requests().len(), 1);
    assert_eq!(well.requests().len(), 2);
}

#[test]
fn a_probe_without_answer_is_not_sent_and_a_load_without_answer_unknown() {
    let frontend = Server::start(vec![Act::Drop]);
    let lost = put(&client(&[&frontend])).unwrap_err();
    assert!(matches!(lost, Lost::NotSent(StreamLoadError::Unreachable { .. })), "{lost:?}");

    for act in [
        Act::Drop,
        Act::TakeAndDrop,
        Act::Raw("HTTP/1.1 200 OK\r\nContent-Le"),
        Act::Raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Status\""),
    ] {
        let backend = Server::start(vec![act.clone()]);
        let frontend = Server::start(vec![Act::to(&at(&backend, PATH))]);
        let lost = put(&client(&[&frontend])).unwrap_err();
        assert!(matches!(lost, Lost::Unknown(_)), "{act:?}: {lost:?}");
    }
}

#[test]
fn nobody_there_is_not_sent() {
    let config = config(System::StarRocks, vec![nobody()]);
    let client = Client::new("ods", &config).unwrap();
    let lost = put(&client).unwrap_err();
    let Lost::NotSent(error) = lost else { panic!("{lost:?}") };
    assert!(error.to_string().contains("the frontend http://127.0.0.1:"), "{error}");
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");

    let frontend = Server::start(vec![Act::to(&format!("{}{PATH}", nobody()))]);
    let lost = put(&self::client(&[&frontend])).unwrap_err();
    let Lost::NotSent(error) = lost else { panic!("{lost:?}") };
    assert!(error.to_string().contains("the backend http://127.0.0.1:"), "{error}");
    assert!(error.to_string().contains(&frontend.endpoint().to_string()), "{error}");
}

#[test]
fn a_call_without_answer_is_unknown_but_a_question_is_asked_of_another() {
    let dying = Server::start(vec![Act::Drop]);
    let other = Server::start(vec![]);
    let lost = client(&[&dying, &other]).call(Method::Post, "/api/transaction/commit", &[]);
    assert!(matches!(lost, Err(Lost::Unknown(_))), "{lost:?}");

    let dying = Server::start(vec![Act::Drop]);
    let other = Server::start(vec![Act::json(r#"{"state":"VISIBLE"}"#)]);
    let answer = client(&[&dying, &other]).get("/api/db/get_load_state?label=x").unwrap();
    assert_eq!(answer.host, other.address());
}

#[test]
fn mapped_addresses_are_used_and_others_refused() {
    let backend = Server::start(vec![Act::take(DONE)]);
    let location = format!("http://10.255.0.1:8040{PATH}");
    let frontend = Server::start(vec![Act::to(&location), Act::to(&location)]);
    let mut config = config(System::StarRocks, vec![frontend.endpoint()]);
    let strict = Client::new("ods", &config).unwrap();
    let error = refusal(put(&strict)).to_string();
    assert!(error.contains("points to 10.255.0.1:8040, which neither"), "{error}");
    config.backends.map = BTreeMap::from([("10.255.0.1:8040".to_owned(), backend.address())]);
    let mapped = Client::new("ods", &config).unwrap();
    assert_eq!(put(&mapped).unwrap().host, backend.address());
}

#[test]
fn loads_go_straight_to_backends_that_are_named_for_it() {
    let backend = Server::start(vec![Act::take(DONE)]);
    let mut config = config(System::Doris, vec![nobody()]);
    config.backends.direct = true;
    config.backends.allowed = vec![backend.address().to_string()];
    let client = Client::new("ods", &config).unwrap();
    assert_eq!(put(&client).unwrap().host, backend.address());
    assert_eq!(backend.requests()[0].body, BODY);
}

#[test]
fn what_is_no_frontend_is_told() {
    let page = "<!DOCTYPE html><title>Welcome</title>".to_owned();
    let html = Act::Reply("200 OK\r\nContent-Type: text/html".to_owned(), page);
    let taking = Act::Reply("200 OK".to_owned(), r#"{"Status": "Success"}"#.to_owned());
    let missing = Act::Reply("404 Not Found".to_owned(), "Not Found".to_owned());
    let mysql = Act::Raw("J\0\0\0\n8.0.33\0 not http \r\n\r\n");
    for (act, words) in [
        (html, "a web page (HTTP 200)"),
        (taking, "it took a load without rows, as a backend does"),
        (missing, "it knows no such path (HTTP 404)"),
        (mysql, "is not HTTP"),
    ] {
        let server = Server::start(vec![act]);
        let error = refusal(put(&client(&[&server])));
        assert!(matches!(error, StreamLoadError::NotAFrontend { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_call_to_what_speaks_no_http_is_refused_unless_it_did_before() {
    let mysql = Act::Raw("J\0\0\0\n8.0.33\0 not http \r\n\r\n");
    let server = Server::start(vec![mysql.clone()]);
    let begun = client(&[&server]).call(Method::Post, "/api/transaction/begin", &[]);
    let error = refusal(begun);
    assert!(matches!(error, StreamLoadError::NotAFrontend { .. }), "{error}");

    let server = Server::start(vec![Act::json(r#"{"Status":"OK"}"#), mysql]);
    let client = client(&[&server]);
    client.call(Method::Post, "/api/transaction/begin", &[]).unwrap();
    let lost = client.call(Method::Post, "/api/transaction/commit", &[]);
    assert!(matches!(lost, Err(Lost::Unknown(_))), "it may be committed: {lost:?}");
}

#[test]
fn lists_of_rows_at_fault_are_read_without_credentials() {
    let backend = Server::start(vec![Act::json("Error: too long. Row: 1")]);
    let frontend = Server::start(vec![]);
    let client = client(&[&frontend]);
    let url = format!("http://u:p@{}/api/_load_error_log?file=a/b", backend.address());
    assert_eq!(client.error_log(&url).unwrap(), "Error: too long. Row: 1");
    let request = &backend.requests()[0];
    assert_eq!(request.lines[0], "GET /api/_load_error_log?file=a/b HTTP/1.1");
    assert_eq!(request.header("authorization"), None);
    let elsewhere = client.error_log("http://10.255.0.1:8040/api/_load_error_log?file=x");
    assert!(matches!(elsewhere, Err(Lost::Refused(_))), "{elsewhere:?}");
}

#[test]
fn a_file_without_certificates_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "no certificate").unwrap();
    let mut config = config(System::StarRocks, vec![nobody()]);
    config.ca_file = Some(file);
    let error = Client::new("ods", &config).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("ca.pem") && error.contains("no certificate in it"), "{error}");
}
