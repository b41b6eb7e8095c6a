//! The wire, by clients that write and read bytes.

mod backend;
mod control;
mod frontend;
mod nodes;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::faults::{Point, Rule};
use crate::world::System;
use crate::{Options, StandIn};

/// `root` without a password.
const ROOT: &str = "Authorization: Basic cm9vdDo=\r\n";
const EXPECT: &str = "Expect: 100-continue\r\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

fn start(system: System) -> StandIn {
    StandIn::start(Options::new(system)).unwrap()
}

fn start_with(system: System, change: impl FnOnce(&mut Options)) -> StandIn {
    let mut options = Options::new(system);
    change(&mut options);
    StandIn::start(options).unwrap()
}

/// A stand-in with a table `d.t` of a key and a value.
fn start_with_table(system: System) -> StandIn {
    let standin = start(system);
    let _ = standin.sql("CREATE DATABASE d");
    let _ = standin.sql(match system {
        System::StarRocks => {
            "CREATE TABLE d.t (k BIGINT NOT NULL, v VARCHAR(20) NULL) PRIMARY KEY(k) \
             DISTRIBUTED BY HASH(k) BUCKETS 1 PROPERTIES(\"replication_num\"=\"1\")"
        }
        System::Doris => {
            "CREATE TABLE d.t (k BIGINT NOT NULL, v VARCHAR(20) NULL) UNIQUE KEY(k) \
             DISTRIBUTED BY HASH(k) BUCKETS 1 PROPERTIES(\"replication_num\"=\"1\")"
        }
    });
    standin
}

fn arm(standin: &StandIn, point: Point) {
    standin.world().faults.arm(Rule::once(point));
}

/// Waits, without sleeping, until something is so.
fn until(mut so: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(std::time::Instant::now() < end, "it does not happen");
        std::thread::yield_now();
    }
}

struct Client(TcpStream);

impl Client {
    fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(stream)
    }

    fn send(&mut self, text: &str) -> &mut Self {
        self.0.write_all(text.as_bytes()).unwrap();
        self
    }

    /// Reads until the connection ends, however it does.
    fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads exactly one head.
    fn head(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") && self.0.read(&mut byte).unwrap() == 1 {
            bytes.push(byte[0]);
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Reads one reply.
    fn reply(&mut self) -> Reply {
        let head = self.head();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let length = header(&head, "Content-Length").and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).unwrap();
        Reply { status, head, body: String::from_utf8(body).unwrap() }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        header(&self.head, name).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One request and its reply, on a connection of its own.
fn ask(address: SocketAddr, request: &str) -> Reply {
    Client::to(address).send(request).reply()
}

/// The head of a load into `d.t` with these further headers.
fn load(headers: &str) -> String {
    format!("PUT /api/d/t/_stream_load HTTP/1.1\r\nHost: h\r\n{headers}\r\n")
}
