//! Both systems' transactions, operation by operation, in a world without wires.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::catalog::{ColumnDef, ColumnType, Model, TableDef};
use crate::faults::{Point, Rule};
use crate::http::{Body, Framing, Headers, Node, Wire};
use crate::world::{System, Version};

fn column(name: &str, column_type: ColumnType, key: bool) -> ColumnDef {
    ColumnDef {
        name: name.to_owned(),
        column_type,
        nullable: !key,
        default: None,
        comment: String::new(),
        aggregation: None,
        key,
    }
}

/// A world with the table `d.t` of a key and a text.
fn world(system: System) -> Arc<World> {
    let world = World::alone(system);
    let (model, keyed) = match system {
        System::StarRocks => (Model::Primary, "k"),
        System::Doris => (Model::Unique, "k"),
    };
    let table = TableDef {
        id: 0,
        database: "d".to_owned(),
        name: "t".to_owned(),
        columns: vec![
            column("k", ColumnType::Int, true),
            column("v", ColumnType::parse("VARCHAR(3)").unwrap(), false),
        ],
        model,
        keys: vec![keyed.to_owned()],
        sort: Vec::new(),
        distribution: vec![keyed.to_owned()],
        buckets: None,
        partition: None,
        properties: [("replication_num".to_owned(), "1".to_owned())].into(),
        comment: String::new(),
    };
    world.catalog.create_database("d", false).unwrap();
    world.catalog.create_table(table, false).unwrap();
    world
}

fn request(node: Node, target: &str, headers: &[(&str, &str)]) -> Request {
    let headers: Headers = headers.iter().copied().collect();
    Request::new("PUT", target, headers, node)
}

fn body_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

/// A load on the first backend.
fn load(world: &World, headers: &[(&str, &str)], bytes: &str) -> Value {
    let request = request(Node::Backend(0), "/api/d/t/_stream_load", headers);
    let mut wire = Wire::of_bytes(bytes);
    let mut body = Body::new(&mut wire, Framing::Length(bytes.len() as u64), false);
    body_of(&Transactions::stream_load(world, &request, "d", "t", &mut body).unwrap())
}

const NAMES: [(&str, &str); 3] = [("label", "l"), ("db", "d"), ("table", "t")];

/// A transaction operation on the first backend; its status.
fn backend(world: &World, op: &str, bytes: &str) -> String {
    let mut headers = NAMES.to_vec();
    if op == "load" {
        headers.extend([("format", "json"), ("strict_mode", "true")]);
    }
    let request = request(Node::Backend(0), "/api/transaction", &headers);
    let mut wire = Wire::of_bytes(bytes);
    let mut body = Body::new(&mut wire, Framing::Length(bytes.len() as u64), false);
    let reply = Transactions::operation_be(world, &request, op, &mut body).unwrap();
    body_of(&reply)["Status"].as_str().unwrap().to_owned()
}

/// A transaction operation on a frontend: its status, or `backend`.
fn frontend(world: &World, op: &str) -> String {
    let request = request(Node::Frontend(0), "/api/transaction", &NAMES);
    match Transactions::operation_fe(world, &request, op) {
        FeAnswer::ToBackend(_) => "backend".to_owned(),
        FeAnswer::Reply(reply) => body_of(&reply)["Status"].as_str().unwrap().to_owned(),
    }
}

fn state(world: &World, label: &str) -> String {
    let reply = body_of(&Transactions::load_state(world, "d", label));
    let word = reply.get("state").or_else(|| reply.get("data")).unwrap();
    word.as_str().unwrap().to_owned()
}

fn rows(world: &World) -> usize {
    world.catalog.store().run("SELECT * FROM \"d\".\"t\"").unwrap().rows.len()
}

fn two_phase(world: &World, headers: &[(&str, &str)]) -> (String, String) {
    let request = request(Node::Backend(1), "/api/d/_stream_load_2pc", headers);
    let reply = body_of(&Transactions::two_phase(world, &request, "d").unwrap());
    let text = |key: &str| reply[key].as_str().unwrap().to_owned();
    (text("status"), text("msg"))
}

#[test]
fn a_starrocks_transaction_goes_its_way() {
    let world = world(System::StarRocks);
    assert_eq!(frontend(&world, "begin"), "backend");
    assert_eq!(backend(&world, "begin", ""), "OK");
    assert_eq!(backend(&world, "begin", ""), "LABEL_ALREADY_EXISTS");
    assert_eq!(backend(&world, "prepare", ""), "INTERNAL_ERROR");
    assert_eq!(backend(&world, "load", r#"[{"k":1,"v":"a"}]"#), "OK");
    assert_eq!(backend(&world, "load", r#"[{"k":2,"v":"b"},{"k":1,"v":"c"}]"#), "OK");
    assert_eq!((state(&world, "l"), rows(&world)), ("PREPARE".to_owned(), 0));
    assert_eq!(backend(&world, "prepare", ""), "OK");
    assert_eq!(backend(&world, "prepare", ""), "TXN_NOT_EXISTS");
    assert_eq!((state(&world, "l"), rows(&world)), ("PREPARED".to_owned(), 0));
    Transactions::restart_frontend(&world);
    assert_eq!(frontend(&world, "commit"), "OK");
    assert_eq!((state(&world, "l"), rows(&world)), ("VISIBLE".to_owned(), 2));
    assert_eq!(frontend(&world, "commit"), "OK");
    assert_eq!(frontend(&world, "rollback"), "FAILED");
    assert!(world.transactions.open().is_empty());
    assert!(world.breaches.all().is_empty());
}

#[test]
fn an_aborted_label_begins_again() {
    let world = world(System::StarRocks);
    assert_eq!(backend(&world, "begin", ""), "OK");
    assert_eq!(frontend(&world, "rollback"), "backend");
    assert_eq!(backend(&world, "rollback", ""), "OK");
    assert_eq!(backend(&world, "rollback", ""), "TXN_NOT_EXISTS");
    assert_eq!(frontend(&world, "rollback"), "OK");
    assert_eq!(frontend(&world, "commit"), "FAILED");
    assert_eq!(backend(&world, "begin", ""), "OK");
    assert_eq!(state(&world, "l"), "PREPARE");
}

#[test]
fn refused_rows_are_told_by_prepare() {
    let world = world(System::StarRocks);
    assert_eq!(backend(&world, "begin", ""), "OK");
    assert_eq!(backend(&world, "load", r#"[{"k":1,"v":"too long"}]"#), "OK");
    assert_eq!(backend(&world, "prepare", ""), "INTERNAL_ERROR");
    assert_eq!((state(&world, "l"), rows(&world)), ("ABORTED".to_owned(), 0));
}

#[test]
fn what_is_not_prepared_dies_with_its_backend_its_frontend_or_its_time() {
    type Death = (fn(&World), &'static str);
    let deaths: [Death; 3] = [
        (|world| world.nodes.backends()[0].set_alive(false), "ABORTED"),
        (Transactions::restart_frontend, "UNKNOWN"),
        (|world| world.clock.advance(Duration::from_secs(601)), "ABORTED"),
    ];
    for (death, expected) in deaths {
        let world = world(System::StarRocks);
        assert_eq!(backend(&world, "begin", ""), "OK");
        death(&world);
        assert_eq!(state(&world, "l"), expected);
    }
}

#[test]
fn an_empty_label_is_told_without_a_redirect() {
    let world = world(System::StarRocks);
    let request = request(Node::Frontend(0), "/api/transaction/begin", &[]);
    let FeAnswer::Reply(reply) = Transactions::operation_fe(&world, &request, "begin") else {
        panic!("a redirect");
    };
    let reply = body_of(&reply);
    assert_eq!(reply["Status"], "FAILED");
    assert!(reply["Message"].as_str().unwrap().ends_with("Empty label."));
}

#[test]
fn a_plain_load_is_found_by_its_label() {
    for (system, used) in [
        (System::StarRocks, "Label [x] has already been used."),
        (System::Doris, "relate to txn ["),
    ] {
        let world = world(system);
        let headers = [("label", "x"), ("format", "json"), ("read_json_by_line", "true")];
        let reply = load(&world, &headers, r#"{"k":1,"v":"a"}"#);
        assert_eq!((&reply["Status"], &reply["NumberLoadedRows"]), (&json!("Success"), &json!(1)));
        let again = load(&world, &headers, r#"{"k":2,"v":"a"}"#);
        assert_eq!(again["Status"], "Label Already Exists");
        assert_eq!(again["ExistingJobStatus"], "FINISHED");
        assert_eq!(again["TxnId"], -1);
        assert!(again["Message"].as_str().unwrap().contains(used));
        assert_eq!((rows(&world), state(&world, "x")), (1, "VISIBLE".to_owned()));
    }
}

#[test]
fn a_refused_load_frees_its_label_and_lists_its_rows() {
    let world = world(System::Doris);
    let headers = [("label", "x"), ("column_separator", ","), ("strict_mode", "true")];
    let reply = load(&world, &headers, "1,a,b\n2,c\n");
    assert_eq!(reply["Status"], "Fail");
    assert_eq!(reply["Message"], "[DATA_QUALITY_ERROR]too many filtered rows");
    assert_eq!((&reply["NumberFilteredRows"], &reply["NumberLoadedRows"]), (&json!(1), &json!(0)));
    let url = reply["ErrorURL"].as_str().unwrap();
    let (_, file) = url.split_once("file=").unwrap();
    assert!(url.starts_with("http://127.0.0.1:2/"));
    assert!(Transactions::error_log(&world, file).unwrap().contains("src line [1,a,b]"));
    assert_eq!(load(&world, &headers, "2,c")["Status"], "Success");
}

#[test]
fn a_dropped_database_frees_its_labels() {
    let world = world(System::StarRocks);
    let headers = [("label", "x"), ("column_separator", ",")];
    assert_eq!(load(&world, &headers, "2,c")["Status"], "Success");
    assert_eq!(backend(&world, "begin", ""), "OK");
    Transactions::forget_database(&world, "d");
    assert!(world.transactions.open().is_empty());
    for label in ["x", "l"] {
        assert_eq!(state(&world, label), "UNKNOWN");
    }
    assert_eq!(load(&world, &headers, "3,d")["Status"], "Success");
}

#[test]
fn a_late_publication_keeps_the_order_of_commits() {
    let world = world(System::StarRocks);
    world.faults.arm(Rule::once(Point::PublishTimeout));
    let headers = |label| [("label", label), ("format", "json")];
    assert_eq!(load(&world, &headers("a"), r#"{"k":1,"v":"a"}"#)["Status"], "Publish Timeout");
    assert_eq!((state(&world, "a"), rows(&world)), ("COMMITTED".to_owned(), 0));
    world.clock.advance(Duration::from_secs(2));
    Transactions::tick(&world);
    assert_eq!((state(&world, "a"), rows(&world)), ("VISIBLE".to_owned(), 1));
    world.faults.arm(Rule::once(Point::PublishTimeout));
    load(&world, &headers("b"), r#"{"k":2,"v":"b"}"#);
    load(&world, &headers("c"), r#"{"k":3,"v":"c"}"#);
    assert_eq!((state(&world, "b"), rows(&world)), ("VISIBLE".to_owned(), 3));
}

#[test]
fn doris_commits_in_a_second_phase() {
    let world = world(System::Doris);
    let headers = [("label", "x"), ("two_phase_commit", "true"), ("format", "json")];
    let reply = load(&world, &headers, r#"{"k":1,"v":"a"}"#);
    assert_eq!((&reply["Status"], &reply["TwoPhaseCommit"]), (&json!("Success"), &json!("true")));
    let txn = reply["TxnId"].to_string();
    assert_eq!((state(&world, "x"), rows(&world)), ("PRECOMMITTED".to_owned(), 0));
    let again = load(&world, &headers, "");
    assert_eq!(again["ExistingJobStatus"], "PRECOMMITTED");
    assert_eq!(again["TwoPhaseCommit"], "true");
    let commit = [("txn_id", txn.as_str()), ("txn_operation", "commit")];
    assert_eq!(two_phase(&world, &commit).0, "Success");
    assert_eq!(rows(&world), 1);
    let (status, message) = two_phase(&world, &commit);
    assert_eq!(status, "ANALYSIS_ERROR");
    let visible = format!("transaction [{txn}] is already visible, not pre-committed.");
    assert!(message.ends_with(&visible));
    let (_, message) = two_phase(&world, &[("label", "x"), ("txn_operation", "commit")]);
    assert!(message.ends_with("transaction not found, label=x"));
    let (_, message) = two_phase(&world, &[("txn_id", "1"), ("txn_operation", "abort")]);
    assert!(message.ends_with("transaction [1] not found"));
}

#[test]
fn an_empty_first_phase_is_a_probe_whose_label_comes_again() {
    let world = world(System::Doris);
    let headers = [("label", "x"), ("two_phase_commit", "true"), ("compress_type", "gz")];
    let txn = load(&world, &headers, "")["TxnId"].to_string();
    let abort = [("txn_id", txn.as_str()), ("txn_operation", "abort")];
    assert_eq!(two_phase(&world, &abort).0, "Success");
    assert!(two_phase(&world, &abort).1.contains("is already aborted. abort reason: "));
    assert_eq!(load(&world, &headers, "")["Status"], "Success");
    world.clock.advance(Duration::from_secs(3601));
    assert_eq!(state(&world, "x"), "ABORTED");
}

#[test]
fn a_group_commit_discards_the_label_by_the_tables_property_only() {
    let world = world(System::Doris);
    let headers = [("label", "x"), ("group_commit", "sync_mode"), ("format", "json")];
    let reply = load(&world, &headers, r#"{"k":1,"v":"a"}"#);
    assert!(reply["Message"].as_str().unwrap().contains("can't be set at the same time"));
    let headers = [("group_commit", "async_mode"), ("format", "json")];
    let reply = load(&world, &headers, r#"{"k":1,"v":"a"}"#);
    assert!(reply["Label"].as_str().unwrap().starts_with("group_commit_"));
    assert_eq!((&reply["GroupCommit"], rows(&world)), (&json!(true), 0));
    world.clock.advance(Duration::from_secs(11));
    Transactions::tick(&world);
    assert_eq!(rows(&world), 1);
}

#[test]
fn prepared_transactions_are_taken_up_again() {
    let world = world(System::StarRocks);
    assert_eq!(backend(&world, "begin", ""), "OK");
    assert_eq!(backend(&world, "load", r#"[{"k":1,"v":"a"}]"#), "OK");
    assert_eq!(backend(&world, "prepare", ""), "OK");
    *world.transactions.lock() = ledger::Ledger::default();
    assert_eq!(state(&world, "l"), "UNKNOWN");
    Transactions::restore(&world);
    assert_eq!(frontend(&world, "commit"), "OK");
    assert_eq!(rows(&world), 1);
}

#[test]
fn several_tables_have_no_prepare() {
    let mut world = Arc::into_inner(world(System::StarRocks)).unwrap();
    world.version = Version::new(4, 0, 0);
    let headers = [NAMES[0], NAMES[1], NAMES[2], ("transaction_type", "multi"), ("format", "json")];
    let at = |op: &str| {
        let request = request(Node::Frontend(0), "/api/transaction", &headers);
        match Transactions::operation_fe(&world, &request, op) {
            FeAnswer::ToBackend(_) => "backend".to_owned(),
            FeAnswer::Reply(reply) => body_of(&reply)["Status"].as_str().unwrap().to_owned(),
        }
    };
    let steps = [at("begin"), at("load"), at("prepare")];
    assert_eq!(steps, ["OK", "backend", "FAILED"]);
    let request = request(Node::Backend(1), "/api/transaction/load", &headers);
    let bytes = r#"[{"k":1,"v":"a"}]"#;
    let mut wire = Wire::of_bytes(bytes);
    let mut body = Body::new(&mut wire, Framing::Length(bytes.len() as u64), false);
    let reply = Transactions::operation_be(&world, &request, "load", &mut body).unwrap();
    assert_eq!(body_of(&reply)["Status"], "OK");
    assert_eq!((at("begin").as_str(), rows(&world)), ("LABEL_ALREADY_EXISTS", 0));
    assert_eq!((at("commit").as_str(), rows(&world)), ("OK", 1));
    assert_eq!([at("commit"), at("rollback")], ["OK", "FAILED"]);
}

#[test]
fn a_careful_client_is_checked_on_request_only() {
    let world = world(System::Doris);
    load(&world, &[("label", "x"), ("format", "json")], "");
    assert!(world.breaches.all().is_empty());
    world.settings.change(|limits| limits.strict_client = true);
    load(&world, &[("label", "y"), ("format", "json")], "");
    assert_eq!(world.breaches.all().len(), 4);
    world.breaches.clear();
    let careful = [
        ("label", "z"),
        ("format", "json"),
        ("read_json_by_line", "true"),
        ("strict_mode", "true"),
        ("max_filter_ratio", "0"),
        ("group_commit", "off_mode"),
    ];
    load(&world, &careful, "");
    assert!(world.breaches.all().is_empty());
}

#[test]
fn what_a_restarted_frontend_forgot_is_forgotten_by_its_backend_in_time() {
    let world = world(System::StarRocks);
    assert_eq!(backend(&world, "begin", ""), "OK");
    Transactions::restart_frontend(&world);
    assert_eq!(backend(&world, "begin", ""), "LABEL_ALREADY_EXISTS");
    world.clock.advance(Duration::from_secs(600));
    Transactions::tick(&world);
    assert_eq!(backend(&world, "begin", ""), "OK");
}

#[test]
fn a_length_that_lies_beside_chunks_fails_the_load() {
    let world = world(System::StarRocks);
    let headers = [("label", "l"), ("format", "json")];
    let request = request(Node::Backend(0), "/api/d/t/_stream_load", &headers);
    let mut wire = Wire::of_bytes("7\r\n{\"k\":1}\r\n0\r\n\r\n");
    let mut body = Body::new(&mut wire, Framing::Both(9), false);
    let reply = Transactions::stream_load(&world, &request, "d", "t", &mut body).unwrap();
    let reply = body_of(&reply);
    assert_eq!(reply["Status"], "Fail");
    assert_eq!(reply["Message"], "receive body don't equal with body bytes");
    assert_eq!(rows(&world), 0);
}

#[test]
fn the_words_of_the_second_phase_are_exact() {
    let world = world(System::Doris);
    for word in ["COMMIT", "Abort", ""] {
        let (status, _) = two_phase(&world, &[("txn_id", "1"), ("txn_operation", word)]);
        assert_eq!(status, "INVALID_ARGUMENT", "{word}");
    }
}
