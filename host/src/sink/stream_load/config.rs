//! The settings of a sink that fills tables by Stream Load.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::sink::{ChangePolicy, IfExists, WriteMode};
use crate::telemetry::Secret;

/// The two systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// StarRocks.
    StarRocks,
    /// Apache Doris, and what speaks as it does (VeloDB, SelectDB).
    Doris,
}

impl System {
    /// Its name, as its makers write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StarRocks => "StarRocks",
            Self::Doris => "Apache Doris",
        }
    }
}

/// A host and a port. An IPv6 address has no brackets here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// A name or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl Address {
    /// Reads `host:port`, `host`, `[v6]:port` or `[v6]`; without a port it is `port`. `None`: it is none
    /// of these.
    #[must_use]
    pub fn parse(text: &str, port: u16) -> Option<Self> {
        let (host, given) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, behind) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                match behind {
                    "" => (host, None),
                    behind => (host, Some(behind.strip_prefix(':')?)),
                }
            }
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let is_name = |host: &str| {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
            !host.is_empty() && host.bytes().all(legal)
        };
        if !is_name(host) || (host.contains(':') && !text.starts_with('[')) {
            return None;
        }
        let port = match given {
            Some(digits) => digits.parse().ok().filter(|port| *port != 0)?,
            None => port,
        };
        Some(Self { host: host.to_owned(), port })
    }
}

/// Where HTTP requests go: never with credentials in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The host and port.
    pub address: Address,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }
}

impl Endpoint {
    /// The port of frontends where a URL names none.
    const DEFAULT_PORT: u16 = 8030;

    /// Reads `http://host:port` or `https://host:port`. `None`: it is neither, or it says more than
    /// that, such as a path or a password.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        Some(Self { tls, address: Address::parse(rest, Self::DEFAULT_PORT)? })
    }
}

/// One piece of a table's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TablePiece {
    /// As it stands.
    Text(String),
    /// The value of this text column (index into the input's schema).
    Column(usize),
}

/// Which table a row goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableName {
    /// All to one.
    Fixed(String),
    /// By the row's values: `ods_{source.table}`.
    Template(Vec<TablePiece>),
}

/// What a delete does to the row at the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletes {
    /// The row goes.
    #[default]
    Hard,
    /// The row stays, and its audit column `deleted` says so.
    Soft,
}

/// What a truncate of the source's table does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TruncatePolicy {
    /// The pipeline stops.
    #[default]
    Halt,
    /// The target's table is emptied, too.
    Apply,
    /// Nothing.
    Ignore,
}

/// What becomes of a difference between the input's columns and the table's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Evolution {
    /// Columns are added and widened.
    Apply,
    /// Columns that the table lacks are left out.
    Ignore,
    /// The pipeline does not start.
    #[default]
    Halt,
}

/// How StarRocks applies partial updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartialUpdateMode {
    /// `row`: for a few rows of many columns.
    #[default]
    Row,
    /// `column`: for many rows of a few columns.
    Column,
}

/// The names of the columns that say what became of a row; `None`: not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The operation, as text: `insert`, `update`, `delete`, `read`.
    pub op: Option<Arc<str>>,
    /// Whether the source has deleted the row, as boolean.
    pub deleted: Option<Arc<str>>,
    /// When the row was sent, as datetime in UTC.
    pub synced_at: Option<Arc<str>>,
    /// The source's place (the major of its sequence), as bigint.
    pub version: Option<Arc<str>>,
}

impl Audit {
    /// The names that `audit = true` gives.
    pub const DEFAULT_NAMES: [&'static str; 4] =
        ["millrace_op", "millrace_deleted", "millrace_synced_at", "millrace_version"];
}

/// How rows are written in a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFormat {
    /// JSON objects.
    #[default]
    Json,
    /// CSV with separators that text does not have; a body whose text has them goes as JSON.
    Csv,
    /// Arrow IPC streams; a body that Doris would read otherwise goes as JSON. Doris only.
    Arrow,
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// LZ4 frames.
    Lz4,
    /// Zstandard; StarRocks only.
    Zstd,
}

/// How much one load may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadBounds {
    /// Rows at most.
    pub rows: usize,
    /// Bytes of its body at most, before compression; one row may exceed it.
    pub bytes: usize,
    /// How long rows wait for more, where the sink is at-least-once.
    pub linger: Duration,
    /// Loads in flight at once.
    pub in_flight: usize,
}

/// Where bodies, and with them credentials, may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendRules {
    /// Backends beside those that the cluster lists: `host`, or `host:port`.
    pub allowed: Vec<String>,
    /// Whether loads go to `allowed` at once, without asking a frontend.
    pub direct: bool,
    /// What a backend's `host:port`, as a frontend gives it, is to be replaced with.
    pub map: BTreeMap<String, Address>,
    /// Whether a frontend with TLS may send bodies to a backend without it.
    pub plain: bool,
}

/// The settings of a StarRocks or Doris sink.
#[derive(Clone, Debug)]
pub struct StreamLoadConfig {
    /// Which system.
    pub system: System,
    /// The frontends; at least one.
    pub frontends: Vec<Endpoint>,
    /// The MySQL ports, in the order in which they are tried; at least one.
    pub mysql: Vec<Address>,
    /// Whether the MySQL ports speak TLS.
    pub mysql_tls: bool,
    /// The database.
    pub database: String,
    /// The table.
    pub table: TableName,
    /// The user.
    pub username: String,
    /// Its password; may be empty.
    pub password: Secret,
    /// The authority that certificates are checked against, in PEM: alone for HTTP, and beside the
    /// public ones at the MySQL port, which the driver always adds.
    pub ca_file: Option<PathBuf>,
    /// Whether a changed row replaces the one of its key.
    pub mode: WriteMode,
    /// The key's columns in upsert mode, in order; empty in append mode.
    pub key: Vec<Arc<str>>,
    /// Whether loads are transactions that wait for the checkpoint; `false`: at-least-once.
    pub exactly_once: bool,
    /// What to do about a table that has rows when the store is new.
    pub if_exists: IfExists,
    /// Whether a table that is missing is made.
    pub create_table: bool,
    /// What becomes of deletes in append mode.
    pub on_delete: ChangePolicy,
    /// What becomes of updates in append mode.
    pub on_update: ChangePolicy,
    /// What deletes do in upsert mode.
    pub deletes: Deletes,
    /// What truncates do.
    pub on_truncate: TruncatePolicy,
    /// What becomes of differences between input and table.
    pub evolution: Evolution,
    /// The column whose greater value wins, over loads too: Doris's sequence column, StarRocks's
    /// merge condition.
    pub sequence: Option<Arc<str>>,
    /// The columns that say what became of a row.
    pub audit: Audit,
    /// How StarRocks applies partial updates.
    pub partial_update: PartialUpdateMode,
    /// How rows are written.
    pub format: BodyFormat,
    /// How bodies are compressed.
    pub compression: Compression,
    /// How much one load may hold.
    pub load: LoadBounds,
    /// Bytes of an epoch's rows that are held in memory; more is spilled.
    pub memory: usize,
    /// Bytes of an epoch's rows that may be held at all; near it the sink asks for a checkpoint.
    pub spill: usize,
    /// Where bodies may go.
    pub backends: BackendRules,
    /// How long one load may take at the target.
    pub timeout: Duration,
    /// How long a connection may take to be made, and a frontend to point to a backend.
    pub connect_timeout: Duration,
    /// How long a prepared transaction waits for its commit at the target, where that can be said.
    pub prepared_timeout: Duration,
    /// For tables that are made: buckets, if the system is not to choose.
    pub buckets: Option<u32>,
    /// For tables that are made: replicas, if not what the alive backends allow (at most 3).
    pub replication: Option<u32>,
}

impl StreamLoadConfig {
    /// Which tables the sink fills, as messages and handles name them. The addresses of servers are
    /// no part of it: a cluster may move.
    pub(super) fn place(&self) -> String {
        let table = match &self.table {
            TableName::Fixed(table) => table.clone(),
            TableName::Template(pieces) => {
                let text = |piece: &TablePiece| match piece {
                    TablePiece::Text(text) => text.clone(),
                    TablePiece::Column(index) => format!("{{{index}}}"),
                };
                pieces.iter().map(text).collect()
            }
        };
        format!("table `{table}` of database `{}` of {}", self.database, self.system.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let read = |text: &str| Address::parse(text, 9030).map(|address| address.to_string());
        assert_eq!(read("fe1").as_deref(), Some("fe1:9030"));
        assert_eq!(read("fe1:9031").as_deref(), Some("fe1:9031"));
        assert_eq!(read("[::1]:9031").as_deref(), Some("[::1]:9031"));
        assert_eq!(read("[::1]").as_deref(), Some("[::1]:9030"));
        for wrong in ["", ":9030", "fe1:", "fe1:0", "fe1:70000", "::1", "[fe1]:1", "a b", "u@fe1:1"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn endpoints_are_a_scheme_and_an_address() {
        let read = |text: &str| Endpoint::parse(text).map(|endpoint| endpoint.to_string());
        assert_eq!(read("http://fe1:8030/").as_deref(), Some("http://fe1:8030"));
        assert_eq!(read("HTTPS://fe1").as_deref(), Some("https://fe1:8030"));
        for wrong in
            ["fe1:8030", "ftp://fe1", "http://u:p@fe1:8030", "http://fe1:8030/api", "http://"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
