//! Bodies, faults while they are read, and transactions over both servers.

use super::*;

const ROWS: &str = "[{\"k\":1,\"v\":\"a\"},{\"k\":2,\"v\":\"b\"}]";

fn json_load(label: &str, further: &str) -> String {
    load(&format!(
        "{ROOT}{EXPECT}label: {label}\r\nformat: json\r\nstrip_outer_array: true\r\n\
         {further}Content-Length: {}\r\n",
        ROWS.len()
    ))
}

/// Sends a load to a backend as clients do: the body after `100 Continue`.
fn put(address: SocketAddr, head: &str) -> Reply {
    let mut client = Client::to(address);
    assert_eq!(client.send(head).head(), CONTINUE);
    client.send(ROWS).reply()
}

#[test]
fn a_load_is_asked_for_its_body_and_answered() {
    for system in [System::StarRocks, System::Doris] {
        let standin = start_with_table(system);
        let reply = put(standin.backends()[0], &json_load("l1", ""));
        assert_eq!(reply.json()["Status"], "Success", "{}", reply.body);
        assert_eq!(standin.sql("SELECT count(*) FROM d.t"), [["2"]]);
        assert_eq!(standin.breaches(), Vec::<String>::new());
    }
}

#[test]
fn what_fails_by_its_headers_is_answered_before_the_body() {
    for system in [System::StarRocks, System::Doris] {
        let standin = start_with_table(system);
        let no_user = json_load("l1", "").replace(ROOT, "");
        let reply = ask(standin.backends()[0], &no_user);
        assert_eq!((reply.status, reply.json()["Status"].as_str()), (200, Some("Fail")));
        let message = reply.json()["Message"].as_str().unwrap_or_default().to_owned();
        assert!(message.ends_with("no valid Basic authorization"), "{message}");
        assert_eq!(standin.breaches().len(), 1);
        // A label that is used is known before the body, too.
        put(standin.backends()[0], &json_load("l2", ""));
        let again = ask(standin.backends()[0], &json_load("l2", ""));
        assert_eq!(again.json()["Status"], "Label Already Exists");
    }
}

#[test]
fn doris_takes_a_length_or_chunks() {
    let standin = start_with_table(System::Doris);
    let neither = load(&format!("{ROOT}{EXPECT}label: a\r\n"));
    let reply = ask(standin.backends()[0], &neither);
    assert!(reply.body.contains("content_length is empty"), "{}", reply.body);
    let both = format!("{ROOT}{EXPECT}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n");
    let reply = ask(standin.backends()[0], &load(&both));
    assert!(reply.body.contains("do not set both"), "{}", reply.body);
    assert!(standin.breaches()[0].contains("both Content-Length"));
}

#[test]
fn chunked_bodies_are_taken() {
    let standin = start_with_table(System::Doris);
    let head = json_load("l1", "Transfer-Encoding: chunked\r\n");
    let head = head.replace(&format!("Content-Length: {}\r\n", ROWS.len()), "");
    let mut client = Client::to(standin.backends()[0]);
    assert_eq!(client.send(&head).head(), CONTINUE);
    let (first, second) = ROWS.split_at(7);
    client.send(&format!("7\r\n{first}\r\n")).send(&format!("{:x}\r\n", second.len()));
    let reply = client.send(&format!("{second}\r\n0\r\n\r\n")).reply();
    assert_eq!(reply.json()["Status"], "Success", "{}", reply.body);
}

#[test]
fn connections_drop_where_faults_say() {
    for system in [System::StarRocks, System::Doris] {
        let standin = start_with_table(system);
        let address = standin.backends()[0];
        arm(&standin, Point::BeAfterHeaders);
        let mut client = Client::to(address);
        assert_eq!(client.send(&json_load("l1", "")).rest(), CONTINUE);
        arm(&standin, Point::BeMidBody);
        let mut client = Client::to(address);
        assert_eq!(client.send(&json_load("l1", "")).head(), CONTINUE);
        assert_eq!(client.send(ROWS).rest(), "");
        assert_eq!(standin.sql("SELECT count(*) FROM d.t"), [["0"]]);
        // Done, and the client cannot know.
        arm(&standin, Point::BeBeforeReply);
        let mut client = Client::to(address);
        assert_eq!(client.send(&json_load("l1", "")).head(), CONTINUE);
        assert_eq!(client.send(ROWS).rest(), "");
        assert_eq!(standin.sql("SELECT count(*) FROM d.t"), [["2"]]);
        let again = ask(address, &json_load("l1", ""));
        assert_eq!(again.json()["ExistingJobStatus"], "FINISHED");
        assert_eq!(standin.breaches(), Vec::<String>::new());
    }
}

#[test]
fn replies_are_spoilt_where_faults_say() {
    let standin = start_with_table(System::StarRocks);
    let address = standin.backends()[0];
    arm(&standin, Point::BeTruncatedReply);
    let mut client = Client::to(address);
    assert_eq!(client.send(&json_load("l1", "")).head(), CONTINUE);
    let torn = client.send(ROWS).rest();
    let length: usize = header(&torn, "Content-Length").unwrap().parse().unwrap();
    let arrived = torn.split("\r\n\r\n").nth(1).unwrap().len();
    assert!(arrived > 0 && arrived < length, "{arrived} of {length}");
    arm(&standin, Point::BeGarbledReply);
    let garbled = put(address, &json_load("l2", ""));
    assert_eq!(garbled.status, 200);
    assert!(serde_json::from_str::<Value>(&garbled.body).is_err());
    // The work is done all the same.
    let others = [
        (Point::BeHtmlReply, "l4", "<!DOCTYPE html>"),
        (Point::BeEmptyReply, "l5", ""),
        (Point::BeBlankReply, "l6", "\"data\": null"),
    ];
    for (point, label, text) in others {
        arm(&standin, point);
        let reply = put(address, &json_load(label, ""));
        assert!(reply.status == 200 && !reply.body.contains("Status"), "{point}: {}", reply.body);
        assert!(reply.body.contains(text), "{point}: {}", reply.body);
        let again = ask(address, &json_load(label, ""));
        assert_eq!(again.json()["ExistingJobStatus"], "FINISHED", "{point}");
    }
    arm(&standin, Point::Be5xx);
    assert_eq!(ask(address, &json_load("l3", "")).status, 503);
    assert!(put(address, &json_load("l3", "")).body.contains("Success"));
}

#[test]
fn a_transaction_runs_over_both_servers() {
    let standin = start_with_table(System::StarRocks);
    let frontend = standin.http()[0];
    let names = format!("{ROOT}label: l\r\ndb: d\r\ntable: t\r\n");
    let post = |operation: &str, length: &str| {
        format!("POST /api/transaction/{operation} HTTP/1.1\r\nHost: h\r\n{names}{length}\r\n")
    };
    let follow = |reply: &Reply| -> SocketAddr {
        let location = reply.header("Location").strip_prefix("http://").unwrap();
        location.split('/').next().unwrap().parse().unwrap()
    };
    // The first hop says that it has no body, the second says nothing.
    let backend = follow(&ask(frontend, &post("begin", "Content-Length: 0\r\n")));
    assert_eq!(ask(backend, &post("begin", "")).json()["Status"], "OK");
    let put_load = format!(
        "PUT /api/transaction/load HTTP/1.1\r\nHost: h\r\n{names}{EXPECT}format: json\r\n\
         strip_outer_array: true\r\nContent-Length: {}\r\n\r\n",
        ROWS.len()
    );
    assert_eq!(follow(&ask(frontend, &put_load)), backend);
    assert_eq!(put(backend, &put_load).json()["Status"], "OK");
    assert_eq!(follow(&ask(frontend, &post("prepare", "Content-Length: 0\r\n"))), backend);
    assert_eq!(ask(backend, &post("prepare", "")).json()["Status"], "OK");
    // The reply of a commit at the frontend is lost like one of a backend.
    arm(&standin, Point::BeBeforeReply);
    let commit = post("commit", "Content-Length: 0\r\n");
    assert_eq!(Client::to(frontend).send(&commit).rest(), "");
    assert_eq!(ask(frontend, &commit).json()["Status"], "OK");
    assert_eq!(standin.sql("SELECT count(*) FROM d.t"), [["2"]]);
    assert_eq!(standin.breaches(), Vec::<String>::new());
}

#[test]
fn a_load_sent_again_inside_a_transaction_is_a_breach() {
    let standin = start_with_table(System::StarRocks);
    let backend = standin.backends()[0];
    let names = format!("{ROOT}label: l\r\ndb: d\r\ntable: t\r\n");
    let begin = format!("POST /api/transaction/begin HTTP/1.1\r\nHost: h\r\n{names}\r\n");
    assert_eq!(ask(backend, &begin).status, 200);
    let head = format!(
        "PUT /api/transaction/load HTTP/1.1\r\nHost: h\r\n{names}{EXPECT}format: json\r\n\
         Content-Length: {}\r\n\r\n",
        ROWS.len()
    );
    arm(&standin, Point::Be5xx);
    assert_eq!(ask(backend, &head).status, 503);
    Client::to(backend).send(&head).head();
    assert!(standin.breaches()[0].contains("sent again inside the same transaction"));
}

#[test]
fn what_backends_do_not_know_is_not_found() {
    let standin = start(System::StarRocks);
    let reply = ask(standin.backends()[0], "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!((reply.status, reply.body.as_str()), (404, "Not Found"));
    let log = "GET /api/_load_error_log?file=none HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(ask(standin.backends()[0], log).status, 404);
}
