//! A tiny server that does what a script says, one connection after the other.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crate::sink::stream_load::config::{Address, Endpoint};

/// What to do with one request.
#[derive(Clone, Debug)]
pub(in crate::sink::stream_load) enum Act {
    /// Answers by the headers alone: status line and headers, then the body.
    Reply(String, String),
    /// Asks for the body, takes it, and answers.
    Take(String, String),
    /// Asks for the body, and answers HTTP 200 and closes when it has a little of it.
    Interrupt(String),
    /// Takes the headers, and closes.
    Drop,
    /// Asks for the body, takes it, and closes.
    TakeAndDrop,
    /// Answers these bytes.
    Raw(&'static str),
}

impl Act {
    /// HTTP 200 with JSON, by the headers alone.
    pub fn json(body: &str) -> Self {
        Self::Reply("200 OK\r\nContent-Type: application/json".to_owned(), body.to_owned())
    }

    /// HTTP 200 with JSON, after the body.
    pub fn take(body: &str) -> Self {
        Self::Take("200 OK\r\nContent-Type: application/json".to_owned(), body.to_owned())
    }

    /// HTTP 307.
    pub fn to(location: &str) -> Self {
        Self::Reply(format!("307 Temporary Redirect\r\nLocation: {location}"), String::new())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(in crate::sink::stream_load) struct Seen {
    /// The request line and headers, names in lower case.
    pub lines: Vec<String>,
    /// The body, as far as it was asked for.
    pub body: Vec<u8>,
}

impl Seen {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.lines.iter().find_map(|line| line.strip_prefix(start.as_str()))
    }
}

/// The server. It stops when its script ends.
pub(in crate::sink::stream_load) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Starts it on a free port.
    pub fn start(script: Vec<Act>) -> Self {
        Self::with(|_| script)
    }

    /// Starts it with a script that knows the port.
    pub fn with(script: impl FnOnce(u16) -> Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut script = VecDeque::from(script(port));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&seen);
        let thread = thread::spawn(move || {
            while let Some(act) = script.pop_front() {
                let (stream, _) = listener.accept().unwrap();
                list.lock().unwrap().push(serve(stream, act));
            }
        });
        Self { port, seen, thread }
    }

    pub fn address(&self) -> Address {
        Address { host: "127.0.0.1".to_owned(), port: self.port }
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint { tls: false, address: self.address() }
    }

    /// The requests, once the whole script has been used.
    pub fn requests(self) -> Vec<Seen> {
        self.thread.join().unwrap();
        let seen = self.seen.lock().unwrap();
        seen.clone()
    }
}

/// An address at which nobody listens.
pub(in crate::sink::stream_load) fn nobody() -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    Endpoint { tls: false, address: Address { host: "127.0.0.1".to_owned(), port } }
}

fn serve(mut stream: TcpStream, act: Act) -> Seen {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if read == 0 || line.is_empty() {
            break;
        }
        lines.push(match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
            None => line.to_owned(),
        });
    }
    let mut seen = Seen { lines, body: Vec::new() };
    if matches!(act, Act::Take(..) | Act::TakeAndDrop | Act::Interrupt(_)) {
        if seen.header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        }
        let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
        seen.body = vec![0; if matches!(act, Act::Interrupt(_)) { 1 } else { length }];
        reader.read_exact(&mut seen.body).unwrap();
    }
    match act {
        Act::Reply(head, body) | Act::Take(head, body) => {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            stream.write_all(text.as_bytes()).unwrap();
        }
        Act::Interrupt(body) => {
            let length = body.len();
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).unwrap();
        }
        Act::Raw(text) => stream.write_all(text.as_bytes()).unwrap(),
        Act::Drop | Act::TakeAndDrop => {}
    }
    seen
}
