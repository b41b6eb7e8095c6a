//! A tiny server that does what a script says, one connection after the other.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

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
    tls: bool,
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
        Self::open(script, None)
    }

    /// Starts it with TLS.
    pub fn secured(script: Vec<Act>, tls: Arc<ServerConfig>) -> Self {
        Self::open(|_| script, Some(tls))
    }

    fn open(script: impl FnOnce(u16) -> Vec<Act>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut script = VecDeque::from(script(port));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&seen);
        let secured = tls.is_some();
        let thread = thread::spawn(move || {
            while let Some(act) = script.pop_front() {
                let (stream, _) = listener.accept().unwrap();
                let request = match &tls {
                    None => serve(stream, act),
                    Some(tls) => {
                        let tls = ServerConnection::new(Arc::clone(tls)).unwrap();
                        serve(StreamOwned::new(tls, stream), act)
                    }
                };
                // None: a client that would not shake hands.
                list.lock().unwrap().extend(request);
            }
        });
        Self { port, tls: secured, seen, thread }
    }

    pub fn address(&self) -> Address {
        Address { host: "127.0.0.1".to_owned(), port: self.port }
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint { tls: self.tls, address: self.address() }
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

/// A body in chunks (RFC 9112, section 7.1), until the last one.
fn chunks(reader: &mut impl BufRead) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let start = body.len();
        body.resize(start + size + 2, 0);
        reader.read_exact(&mut body[start..]).unwrap();
        assert!(body.ends_with(b"\r\n"), "a chunk ends with its line");
        body.truncate(start + size);
        if size == 0 {
            return body;
        }
    }
}

/// One request; none if the connection breaks before it.
fn serve(stream: impl Read + Write, act: Act) -> Option<Seen> {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        let read = stream.read_line(&mut line).ok()?;
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
            stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        }
        if matches!(act, Act::Interrupt(_)) {
            seen.body = vec![0];
            stream.read_exact(&mut seen.body).unwrap();
        } else if seen.header("transfer-encoding") == Some("chunked") {
            seen.body = chunks(&mut stream);
        }
    }
    let stream = stream.get_mut();
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
    Some(seen)
}
