//! Sinks of type `starrocks` and `doris`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::sink::{RawChanges, changes};
use crate::config::keys;
use crate::config::problem::{Problem, Span};
use crate::config::section::{At, Section, Word};
use crate::config::tree::{Node, Value};
use crate::sink::{
    Address, Audit, BackendRules, BodyFormat, ChangePolicy, Compression, Deletes, Endpoint,
    Evolution, LoadBounds, PartialUpdateMode, StreamLoadConfig, System, TableName, TruncatePolicy,
    WriteMode,
};
use crate::telemetry::Secret;

/// Such a sink as written.
#[derive(Debug)]
pub(in crate::config) struct RawStreamLoad {
    pub table: At<String>,
    pub changes: RawChanges,
    pub sequence: Option<At<Word>>,
    pub deletes: At<Deletes>,
    pub compression: At<Compression>,
    pub format: At<BodyFormat>,
    /// Whether loads skip the frontends.
    pub direct: At<bool>,
    /// All settings; `table`, `mode`, `key`, `sequence`, the policies and `exactly_once` are only known
    /// with the input.
    pub settings: StreamLoadConfig,
}

const DELETES: [(&str, Deletes); 2] = [("hard", Deletes::Hard), ("soft", Deletes::Soft)];

const TRUNCATES: [(&str, TruncatePolicy); 3] = [
    ("halt", TruncatePolicy::Halt),
    ("apply", TruncatePolicy::Apply),
    ("ignore", TruncatePolicy::Ignore),
];

const EVOLUTIONS: [(&str, Evolution); 3] =
    [("halt", Evolution::Halt), ("apply", Evolution::Apply), ("ignore", Evolution::Ignore)];

const PARTIAL_UPDATES: [(&str, PartialUpdateMode); 2] =
    [("row", PartialUpdateMode::Row), ("column", PartialUpdateMode::Column)];

const FORMATS: [(&str, BodyFormat); 3] =
    [("json", BodyFormat::Json), ("csv", BodyFormat::Csv), ("arrow", BodyFormat::Arrow)];

const COMPRESSIONS: [(&str, Compression); 4] = [
    ("none", Compression::None),
    ("gzip", Compression::Gzip),
    ("lz4", Compression::Lz4),
    ("zstd", Compression::Zstd),
];

/// The port of the MySQL protocol, where none is named.
const MYSQL_PORT: u16 = 9030;

const MOST_REPLICAS: i64 = 9;
const MOST_BUCKETS: i64 = 4096;
const MOST_IN_FLIGHT: i64 = 64;

/// Every setting; nothing is looked up in the graph yet.
pub(super) fn read(section: &Section<'_>, system: System) -> Option<RawStreamLoad> {
    let frontends = endpoints(section);
    let mysql = section.entry("mysql_url").map(|_| mysql(section));
    let database = name(section, "database");
    let table = name(section, "table");
    let username = section.text("username");
    let password = section.text("password").map(|text| text.value.value).unwrap_or_default();
    let ca_file = section.path("ca_file");
    let changes = changes(section);
    let deletes = section.choice("deletes", &DELETES);
    let on_truncate = section.choice("on_truncate", &TRUNCATES);
    let evolution = section.choice("evolution", &EVOLUTIONS);
    let sequence = section.text("sequence").map(|text| text.map(|text| Word::of(&text)));
    let audit = audit(section);
    let partial_update = section.choice("partial_update", &PARTIAL_UPDATES);
    let format = section.choice("format", &FORMATS);
    let compression = section.choice("compression", &COMPRESSIONS);
    let load = load(section);
    let backends = backends(section);
    let mysql_tls = section.boolean("mysql_tls");
    let create_table = section.boolean("create_table");
    let (memory, spill) = (section.size("memory"), section.size("spill"));
    let times = ["timeout", "connect_timeout", "prepared_timeout"].map(|key| seconds(section, key));
    let [timeout, connect_timeout, prepared_timeout] = times;
    let buckets = section.integer("buckets", 1..=MOST_BUCKETS);
    let replication = section.integer("replication", 1..=MOST_REPLICAS);

    let frontends = frontends?;
    let mysql = match mysql {
        Some(mysql) => mysql?,
        None => frontends.iter().map(mysql_of).collect(),
    };
    let (compression, format) = (compression?, format?);
    let deletes = deletes?;
    let changes = changes?;
    let (backends, direct) = backends?;
    let settings = StreamLoadConfig {
        system,
        frontends,
        mysql,
        mysql_tls: mysql_tls?.value,
        database: database?.value,
        table: TableName::Fixed(String::new()),
        username: username?.value.value,
        password: Secret::new(password),
        ca_file: ca_file.map(|path| path.value.path),
        mode: WriteMode::Append,
        key: Vec::new(),
        exactly_once: true,
        if_exists: changes.if_exists,
        create_table: create_table?.value,
        on_delete: ChangePolicy::default(),
        on_update: ChangePolicy::default(),
        deletes: deletes.value,
        on_truncate: on_truncate?.value,
        evolution: evolution?.value,
        sequence: None,
        audit: audit?,
        partial_update: partial_update?.value,
        format: format.value,
        compression: compression.value,
        load: load?,
        memory: usize::try_from(memory?.value).ok()?,
        spill: usize::try_from(spill?.value).ok()?,
        backends,
        timeout: timeout?,
        connect_timeout: connect_timeout?,
        prepared_timeout: prepared_timeout?,
        buckets: buckets.and_then(|buckets| u32::try_from(buckets.value).ok()),
        replication: replication.and_then(|replicas| u32::try_from(replicas.value).ok()),
    };
    let table = table?;
    Some(RawStreamLoad { table, changes, sequence, deletes, compression, format, direct, settings })
}

fn mysql_of(frontend: &Endpoint) -> Address {
    Address { host: frontend.address.host.clone(), port: MYSQL_PORT }
}

fn report(section: &Section<'_>, span: &Span, message: String, hint: &str) {
    section.scope.report.push(Problem::error(span, message).hint(hint));
}

/// A text that names something at the target.
fn name(section: &Section<'_>, key: &str) -> Option<At<String>> {
    let text = section.text(key)?;
    let value = &text.value.value;
    if value.is_empty() || value.contains(['`', '\0', '/', '\\']) {
        let message = format!("`{key}` cannot be `{}`", text.value.written.escape_debug());
        report(section, &text.span, message, "a name of the database, without quotes around it");
        return None;
    }
    Some(text.map(|text| text.value))
}

fn endpoints(section: &Section<'_>) -> Option<Vec<Endpoint>> {
    let mut endpoints = Vec::new();
    let urls = section.texts("load_url")?;
    for url in &urls {
        match Endpoint::parse(&url.value.value) {
            Some(endpoint) => endpoints.push(endpoint),
            None => report(
                section,
                &url.span,
                format!("`{}` is not a frontend's URL", url.value),
                "write it as `http://fe1:8030`; user and password have keys of their own",
            ),
        }
    }
    (endpoints.len() == urls.len()).then_some(endpoints)
}

fn mysql(section: &Section<'_>) -> Option<Vec<Address>> {
    let mut addresses = Vec::new();
    let texts = section.texts("mysql_url")?;
    for text in &texts {
        let address = text.value.value.trim_start_matches("mysql://").trim_end_matches('/');
        match Address::parse(address, MYSQL_PORT) {
            Some(address) => addresses.push(address),
            None => report(
                section,
                &text.span,
                format!("`{}` is not an address", text.value),
                "write it as `fe1:9030`; user, password and database have keys of their own",
            ),
        }
    }
    (addresses.len() == texts.len()).then_some(addresses)
}

fn audit(section: &Section<'_>) -> Option<Audit> {
    let Some(entry) = section.entry("audit") else { return Some(Audit::default()) };
    if !matches!(entry.node.value, Value::Table(_)) {
        let [op, deleted, synced_at, version] =
            Audit::DEFAULT_NAMES.map(|name| Some(Arc::<str>::from(name)));
        let all = Audit { op, deleted, synced_at, version };
        return section.boolean("audit").map(|on| if on.value { all } else { Audit::default() });
    }
    let table = section.section("audit", "`audit`", keys::AUDIT)?;
    table.finish();
    let column = |key: &str| match table.entry(key) {
        None => Some(None),
        Some(_) => name(&table, key).map(|name| Some(Arc::from(name.value.as_str()))),
    };
    Some(Audit {
        op: column("op")?,
        deleted: column("deleted")?,
        synced_at: column("synced_at")?,
        version: column("version")?,
    })
}

/// A table within this one, or an empty one where it is not there, so that its defaults hold.
fn inner<'a>(section: &Section<'a>, key: &str, keys: &'static [keys::Key]) -> Option<Section<'a>> {
    static NOTHING: Node = Node { value: Value::Table(Vec::new()), span: 0..0 };
    let node = section.entry(key).map_or(&NOTHING, |entry| &entry.node);
    let inner = Section::of(node, format!("`{key}`"), keys, section.scope)?;
    inner.finish();
    Some(inner)
}

fn load(section: &Section<'_>) -> Option<LoadBounds> {
    let table = inner(section, "load", keys::LOAD)?;
    let rows = table.integer("rows", 1..=i64::from(u32::MAX));
    let bytes = table.size("bytes");
    let linger = table.duration("linger");
    let in_flight = table.integer("in_flight", 1..=MOST_IN_FLIGHT);
    Some(LoadBounds {
        rows: usize::try_from(rows?.value).ok()?,
        bytes: usize::try_from(bytes?.value).ok()?,
        linger: linger?.value,
        in_flight: usize::try_from(in_flight?.value).ok()?,
    })
}

/// The rules, and whether they say that loads skip the frontends.
fn backends(section: &Section<'_>) -> Option<(BackendRules, At<bool>)> {
    let table = inner(section, "backends", keys::BACKENDS)?;
    let allowed = table.texts("allowed");
    let map = map(&table);
    let direct = table.boolean("direct");
    let plain = table.boolean("plain");
    let allowed = match (&allowed, table.entry("allowed")) {
        (None, Some(_)) => return None,
        _ => hosts(&table, allowed.unwrap_or_default())?,
    };
    let direct = direct?;
    if direct.value
        && allowed.iter().all(|host| Address::parse(host, 0).is_none_or(|a| a.port == 0))
    {
        report(
            &table,
            &direct.span,
            "`direct` needs backends to send loads to".to_owned(),
            "name them with their ports: `allowed = [\"be1:8040\", \"be2:8040\"]`",
        );
        return None;
    }
    let rules = BackendRules { allowed, direct: direct.value, map: map?, plain: plain?.value };
    Some((rules, direct))
}

fn hosts(section: &Section<'_>, texts: Vec<At<Word>>) -> Option<Vec<String>> {
    let mut hosts = Vec::new();
    let mut sound = true;
    for text in texts {
        if Address::parse(&text.value.value, 0).is_some() {
            hosts.push(text.value.value);
        } else {
            sound = false;
            let message = format!("`{}` is not a host", text.value);
            report(section, &text.span, message, "write it as `be1` or `be1:8040`");
        }
    }
    sound.then_some(hosts)
}

fn map(section: &Section<'_>) -> Option<BTreeMap<String, Address>> {
    let mut map = BTreeMap::new();
    if section.entry("map").is_none() {
        return Some(map);
    }
    let table = section.section("map", "`map`", &[])?;
    let mut sound = true;
    for entry in table.entries() {
        let from = Address::parse(&entry.key, 0).filter(|address| address.port != 0);
        let to = match &entry.node.value {
            Value::Text(text) => Address::parse(&text.value, 0).filter(|address| address.port != 0),
            _ => None,
        };
        let (Some(from), Some(to)) = (from, to) else {
            sound = false;
            report(
                section,
                &entry.key_span,
                "a backend's address is mapped to another: both are a host and a port".to_owned(),
                "write it as `\"10.0.0.5:8040\" = \"gateway:18040\"`",
            );
            continue;
        };
        map.insert(from.to_string(), to);
    }
    sound.then_some(map)
}

/// A time that is told to the target in whole seconds.
fn seconds(section: &Section<'_>, key: &str) -> Option<Duration> {
    let time = section.interval(key)?;
    if time.value < Duration::from_secs(1) {
        report(section, &time.span, format!("`{key}` is too short"), "`\"1s\"` at least");
        return None;
    }
    Some(time.value)
}
