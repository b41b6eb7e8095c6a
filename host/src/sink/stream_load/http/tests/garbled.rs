//! What proxies, portals and broken lines say in place of a server that has answered before, and of
//! one that never has.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::sink::stream_load::config::Address;

const BEGIN: &str = "/api/transaction/begin";
const COMMIT: &str = "/api/transaction/commit";
const STATE: &str = "/api/wager_analytics/get_load_state?label=mr_1";

fn reply(head: &str, body: &str) -> Act {
    Act::Reply(head.to_owned(), body.to_owned())
}

/// What says that somebody else has answered.
fn strange() -> Vec<Act> {
    let page = "<html><head><title>502 Bad Gateway</title></head></html>";
    vec![
        reply("200 OK\r\nContent-Type: text/html", page),
        reply("403 Forbidden\r\nContent-Type: text/html", page),
        reply("200 OK", page),
        reply("404 Not Found\r\nContent-Type: text/plain", "default backend - 404"),
        Act::Raw("J\0\0\0\n8.0.33\0 not http \r\n\r\n"),
        Act::to("http://portal.invalid/login?back=/api/"),
        reply("307 Temporary Redirect", ""),
    ]
}

/// What says nothing about who has answered.
fn unclear() -> Vec<Act> {
    vec![
        reply("200 OK", ""),
        reply("200 OK\r\nContent-Type: application/json", "[]"),
        reply("200 OK\r\nContent-Type: application/json", "{\"Status\": \"O"),
        reply("502 Bad Gateway\r\nContent-Type: text/html", "<html>"),
        Act::Raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Status\": \"OK\"}"),
    ]
}

fn garbled() -> Vec<Act> {
    strange().into_iter().chain(unclear()).collect()
}

#[test]
fn a_frontend_that_is_garbled_is_left_aside_before_a_load_is_sent() {
    for act in garbled() {
        let backend = Server::start(vec![Act::take(DONE), Act::take(DONE)]);
        let to = || Act::to(&at(&backend, PATH));
        let frontend = Server::start(vec![to(), act.clone(), to()]);
        let client = client(&[&frontend]);
        put(&client).unwrap();
        let lost = put(&client).unwrap_err();
        let Lost::NotSent(error) = lost else { panic!("{act:?}: {lost:?}") };
        assert!(error.is_transient(), "{act:?}: {error}");
        // Nothing has happened, and it comes back.
        put(&client).unwrap();
        assert_eq!(backend.requests().len(), 2, "{act:?}");
    }
}

#[test]
fn another_frontend_takes_over_from_one_that_is_garbled() {
    for act in garbled() {
        let backend = Server::start((0..3).map(|_| Act::take(DONE)).collect());
        let to = || Act::to(&at(&backend, PATH));
        let one = Server::start(vec![to(), act.clone()]);
        let other = Server::start(vec![to(), to()]);
        let client = client(&[&one, &other]);
        for _ in 0..3 {
            put(&client).unwrap();
        }
        assert_eq!((one.requests().len(), other.requests().len()), (2, 2), "{act:?}");
    }
}

#[test]
fn a_garbled_answer_to_what_may_have_been_done_is_unknown() {
    let done = || Act::json(r#"{"Status":"OK"}"#);
    for act in garbled() {
        let frontend = Server::start(vec![done(), act.clone(), done()]);
        let client = client(&[&frontend]);
        client.call(Method::Post, BEGIN, &[]).unwrap();
        let lost = client.call(Method::Post, COMMIT, &[]);
        assert!(matches!(lost, Err(Lost::Unknown(_))), "{act:?}: {lost:?}");
        client.call(Method::Post, COMMIT, &[]).unwrap();
    }
}

#[test]
fn a_question_whose_answer_is_garbled_is_asked_of_another() {
    let visible = || Act::json(r#"{"state":"VISIBLE"}"#);
    for act in garbled() {
        let one = Server::start(vec![visible(), act.clone()]);
        let other = Server::start(vec![visible(), visible()]);
        let client = client(&[&one, &other]);
        let hosts: Vec<_> = (0..3).map(|_| client.get(STATE).unwrap().host).collect();
        assert_eq!(hosts, [one.address(), other.address(), other.address()], "{act:?}");
        assert_eq!(one.requests().len(), 2, "{act:?}");
    }
}

#[test]
fn what_never_was_a_frontend_is_refused_at_once() {
    for act in strange() {
        let server = Server::start(vec![act.clone()]);
        let lost = client(&[&server]).call(Method::Post, BEGIN, &[]);
        assert!(matches!(lost, Err(Lost::Refused(_))), "{act:?}: {lost:?}");
    }
    // What cannot be read may be a frontend's, and broken on its way.
    for act in unclear() {
        let server = Server::start(vec![act.clone()]);
        let lost = put(&client(&[&server]));
        assert!(matches!(lost, Err(Lost::NotSent(_))), "{act:?}: {lost:?}");
    }
}

#[test]
fn a_backend_that_has_answered_is_garbled_on_its_way_too() {
    for act in strange() {
        let backend = Server::start(vec![Act::take(DONE), act.clone()]);
        let to = || Act::to(&at(&backend, PATH));
        let frontend = Server::start(vec![to(), to()]);
        let client = client(&[&frontend]);
        put(&client).unwrap();
        let lost = put(&client);
        assert!(matches!(lost, Err(Lost::Unknown(_))), "{act:?}: {lost:?}");
    }
    // Its connection ends before the answer does.
    for half in ["HTTP/1.1 1", "HTTP/1.1 200 OK\r\n"] {
        let backend = Server::start(vec![Act::Raw(half)]);
        let frontend = Server::start(vec![Act::to(&at(&backend, PATH))]);
        let Err(Lost::Unknown(text)) = put(&client(&[&frontend])) else {
            panic!("{half:?} is no answer")
        };
        assert!(text.contains("closed the connection"), "{half:?}: {text}");
    }
    // One that never has knows what it does not know.
    let backend = Server::start(vec![reply("404 Not Found", "Not Found")]);
    let frontend = Server::start(vec![Act::to(&at(&backend, PATH))]);
    assert_eq!(put(&client(&[&frontend])).unwrap().status, 404);
}

#[test]
fn a_garbled_backend_that_gets_loads_at_once_is_unknown_when_it_has_answered() {
    for act in strange() {
        let backend = Server::start(vec![Act::take(DONE), act.clone()]);
        let mut config = config(System::Doris, vec![nobody()]);
        config.backends.direct = true;
        config.backends.allowed = vec![backend.address().to_string()];
        let client = Client::new("ods", &config).unwrap();
        put(&client).unwrap();
        let lost = put(&client);
        assert!(matches!(lost, Err(Lost::Unknown(_))), "{act:?}: {lost:?}");
    }
}

#[test]
fn what_a_status_says_is_heard_whoever_says_it() {
    for status in ["413 Too Large", "429 Too Many"] {
        let page = reply(&format!("{status}\r\nContent-Type: text/html"), "<html>");
        let backend = Server::start(vec![Act::take(DONE), page]);
        let to = || Act::to(&at(&backend, PATH));
        let frontend = Server::start(vec![to(), to()]);
        let client = client(&[&frontend]);
        put(&client).unwrap();
        assert!(matches!(put(&client).unwrap().status, 413 | 429));
    }
}

#[test]
fn a_port_that_speaks_no_tls_any_more_is_left_aside_and_one_that_never_did_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let portal = thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; 5]).unwrap();
            stream.write_all(b"HTTP/1.1 302 Found\r\n\r\n").unwrap();
            // The client goes, or hangs up.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let address = Address { host: "127.0.0.1".to_owned(), port };
    let frontend = Endpoint { tls: true, address: address.clone() };
    let client = Client::new("ods", &config(System::StarRocks, vec![frontend])).unwrap();
    let error = refusal(put(&client));
    assert!(matches!(error, StreamLoadError::Tls { .. }), "{error}");
    client.0.acquaintances.meet(&address);
    let lost = put(&client);
    assert!(matches!(&lost, Err(Lost::NotSent(error)) if error.is_transient()), "{lost:?}");
    portal.join().unwrap();
}
