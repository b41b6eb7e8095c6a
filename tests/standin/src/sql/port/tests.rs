//! The MySQL port, by a client that writes and reads packets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::world::System;
use crate::{Options, StandIn};

/// `CLIENT_CONNECT_WITH_DB`, `CLIENT_PROTOCOL_41`, `CLIENT_SECURE_CONNECTION`, `CLIENT_PLUGIN_AUTH`.
const ABILITIES: u32 = 0x0008_8208;
const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
const OK: u8 = 0x00;
const EOF: u8 = 0xFE;

fn packet(number: u8, parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let mut packet = u32::try_from(payload.len()).unwrap().to_le_bytes().to_vec();
    packet[3] = number;
    packet.extend(payload);
    packet
}

fn query(sql: &str) -> Vec<u8> {
    packet(0, &[&[QUERY], sql.as_bytes()])
}

struct Client(TcpStream);

impl Client {
    /// Logs in as `root` without a password, naming a database.
    fn connect(standin: &StandIn, database: &str) -> Self {
        let stream = TcpStream::connect(standin.mysql()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut client = Self(stream);
        client.receive();
        let size = 0x00FF_FFFF_u32.to_le_bytes();
        let user = [&b"root\0\0"[..], database.as_bytes(), b"\0mysql_native_password\0"].concat();
        client.send(&packet(1, &[&ABILITIES.to_le_bytes(), &size, &[0x21], &[0; 23], &user]));
        let reply = client.receive();
        assert_eq!(reply[0], OK, "{}", String::from_utf8_lossy(&reply));
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The payload of the next packet.
    fn receive(&mut self) -> Vec<u8> {
        let mut head = [0; 4];
        self.0.read_exact(&mut head).unwrap();
        let mut payload = vec![0; usize::from(head[0]) + (usize::from(head[1]) << 8)];
        self.0.read_exact(&mut payload).unwrap();
        payload
    }

    /// A result's packets behind the number of its columns, without what ends columns and rows.
    fn result(&mut self) -> Vec<Vec<u8>> {
        let (mut packets, mut ends) = (Vec::new(), 0);
        self.receive();
        while ends < 2 {
            let packet = self.receive();
            if packet[0] == EOF && packet.len() < 9 {
                ends += 1;
            } else {
                packets.push(packet);
            }
        }
        packets
    }
}

fn start(system: System) -> StandIn {
    let standin = StandIn::start(Options::new(system)).unwrap();
    let keys = if system == System::StarRocks { "PRIMARY" } else { "UNIQUE" };
    let _ = standin.sql("CREATE DATABASE d");
    let _ = standin.sql(&format!(
        "CREATE TABLE d.t (k BIGINT NOT NULL, b BOOLEAN, day DATE) {keys} KEY(k) \
         DISTRIBUTED BY HASH(k) BUCKETS 1 PROPERTIES(\"replication_num\"=\"1\")"
    ));
    standin
}

#[test]
fn statements_that_come_together_are_all_run() {
    let standin = start(System::StarRocks);
    let mut client = Client::connect(&standin, "d");
    let inserts: Vec<Vec<u8>> =
        (0..40).map(|k| query(&format!("INSERT INTO t (k) VALUES ({k})"))).collect();
    client.send(&inserts.concat());
    for _ in &inserts {
        // One row changed.
        assert_eq!(client.receive()[..2], [OK, 1]);
    }
    assert_eq!(standin.sql("SELECT COUNT(*) FROM d.t"), [["40"]]);
}

#[test]
fn an_empty_database_is_none() {
    for system in [System::StarRocks, System::Doris] {
        let standin = start(system);
        let mut client = Client::connect(&standin, "");
        client.send(&query("SELECT database()"));
        // Null.
        assert_eq!(client.result().last(), Some(&vec![0xFB]));
    }
}

#[test]
fn prepared_statements_answer_with_the_types_of_columns() {
    let standin = start(System::Doris);
    let _ = standin.sql("INSERT INTO d.t VALUES (258, true, '2026-11-21'), (259, NULL, NULL)");
    let mut client = Client::connect(&standin, "d");
    client.send(&packet(0, &[&[PREPARE], b"SELECT k, b, day FROM t ORDER BY k"]));
    let prepared = client.receive();
    // No flags, once.
    client.send(&packet(0, &[&[EXECUTE], &prepared[1..5], &[0, 1, 0, 0, 0]]));
    let found = client.result();
    // Behind a zero one bit of each column, from the third on: whether it is null.
    assert_eq!(found[3], [0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 1, 4, 0xEA, 7, 11, 21]);
    assert_eq!(found[4], [0, 0b1_1000, 3, 1, 0, 0, 0, 0, 0, 0]);
}
