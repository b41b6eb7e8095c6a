//! Version, table, columns, replicas, buckets.

use super::Findings;
use super::values::values;
use crate::record::Schema;
use crate::sink::stream_load::config::{Evolution, StreamLoadConfig, TableName};
use crate::sink::stream_load::target::admin::Admin;
use crate::sink::stream_load::target::arrow::check_format;
use crate::sink::stream_load::target::evolve::{evolved, statements};
use crate::sink::stream_load::target::identity::{check_two_phases, identify, without_two_phases};
use crate::sink::stream_load::target::mapping::map;
use crate::sink::stream_load::target::sql;
use crate::sink::stream_load::target::table::Table;
use crate::sink::stream_load::target::version::Version;

/// Buckets for each node from which on small loads cost more than they bring.
const BUCKETS_PER_NODE: usize = 32;

/// The version, and whether it can do what the sink needs.
pub(super) fn version(findings: &mut Findings, admin: &mut Admin) -> Option<Version> {
    let system = admin.config().system;
    let version = match identify(admin) {
        Ok(version) => version,
        Err(error) => {
            findings.failure(&error);
            return None;
        }
    };
    findings.good(format!("{} {version}", system.name()));
    if admin.config().exactly_once && !version.takes_two_phases(system) {
        findings.failure(&without_two_phases(system, &version));
    }
    if let Err(error) = check_format(admin.config(), &version) {
        findings.failure(&error);
    }
    Some(version)
}

/// The table: its model, columns and types, replicas and buckets. Answers its name where it is
/// there.
pub(super) fn table(
    findings: &mut Findings,
    admin: &mut Admin,
    schema: &Schema,
    alive: Option<usize>,
    version: Option<&Version>,
) -> Option<String> {
    let config = admin.config().clone();
    let TableName::Fixed(name) = &config.table else {
        findings.good("the rows name the tables: each is looked at when its first row comes");
        return None;
    };
    let table = match admin.table(name) {
        Ok(Some(table)) => table,
        Ok(None) => {
            missing(findings, &config, name, alive);
            return None;
        }
        Err(error) => {
            findings.failure(&error);
            return None;
        }
    };
    let sound = findings.0.len();
    columns(findings, &config, schema, &table);
    if let Err(error) = check_two_phases(admin, &table) {
        findings.failure(&error);
    }
    replicas(findings, &table, alive);
    updates(findings, &config, schema, &table, version);
    if findings.0.len() == sound {
        findings.good(format!("table `{name}` ({}) takes every column", table.model.words()));
    }
    Some(name.clone())
}

fn missing(findings: &mut Findings, config: &StreamLoadConfig, name: &str, alive: Option<usize>) {
    let replicas = config.replication.and_then(|replicas| usize::try_from(replicas).ok());
    if let (Some(replicas), Some(alive)) = (replicas, alive)
        && replicas > alive
    {
        findings.error(
            format!("replication = {replicas} wants as many backends, and {}", alive_are(alive)),
            format!("set replication to {alive} or less, or add backends"),
        );
    }
    let seen = "does not exist, or the user may not see it";
    if config.create_table {
        findings.good(format!("table `{name}` {seen}: it will be made"));
    } else {
        findings.error(
            format!("table `{name}` {seen}"),
            "run `millrace ddl --apply FILE`, say create_table = true, or correct `table`",
        );
    }
}

fn columns(findings: &mut Findings, config: &StreamLoadConfig, schema: &Schema, table: &Table) {
    match map(config, schema, &evolved(config, schema, table)) {
        Ok(mapped) => values(findings, config, schema, &table.name, &mapped),
        Err(error) => return findings.failure(&error),
    }
    if config.evolution != Evolution::Apply {
        return;
    }
    for statement in statements(config, schema, table) {
        findings.good(format!("the start will run: {statement}"));
    }
}

/// How many backends live, as a clause.
fn alive_are(alive: usize) -> String {
    match alive {
        0 => "none is alive".to_owned(),
        1 => "1 is alive".to_owned(),
        alive => format!("{alive} are alive"),
    }
}

fn replicas(findings: &mut Findings, table: &Table, alive: Option<usize>) {
    let Some(alive) = alive.filter(|alive| *alive > 0) else { return };
    let name = &table.name;
    let replicas = table.replication.and_then(|replicas| usize::try_from(replicas).ok());
    if let Some(replicas) = replicas.filter(|replicas| *replicas > alive) {
        findings.warning(
            format!(
                "table `{name}` has {replicas} replicas, and of the backends {}",
                alive_are(alive)
            ),
            "start the backends that are missing, or make the table with fewer replicas",
        );
    }
    if replicas == Some(1) && alive >= 3 {
        findings.warning(
            format!("table `{name}` has one replica: a backend that is lost takes rows along"),
            "make it with three: set `replication`",
        );
    }
    let buckets = table.buckets.and_then(|buckets| usize::try_from(buckets).ok());
    if let Some(buckets) = buckets.filter(|buckets| *buckets > alive * BUCKETS_PER_NODE) {
        findings.warning(
            format!("table `{name}` has {buckets} buckets, and each load writes to all of them"),
            "make it with fewer: set `buckets`, or let the system choose",
        );
    }
}

/// Whether updates of a few columns, that differ from row to row, can go in one load.
fn updates(
    findings: &mut Findings,
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &Table,
    version: Option<&Version>,
) {
    let could = version.is_some_and(|version| version.takes_flexible_updates(config.system))
        && table.could_take_flexible_loads(config);
    if could && !schema.append_only && !table.flexible {
        findings.warning(
            format!("table `{}` takes one load for each set of columns to update", table.name),
            format!(
                "run: ALTER TABLE {} ENABLE FEATURE \"UPDATE_FLEXIBLE_COLUMNS\"",
                sql::table_name(&config.database, &table.name)
            ),
        );
    }
}
