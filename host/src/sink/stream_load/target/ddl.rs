//! The statement that makes a sink's table.
//!
//! *Invariants*: the key comes first and takes no null, values take null; running it twice does
//! nothing.

use super::column_type::{ColumnType, VARCHAR_MAX};
use super::mapping::{Wanted, is_key, wanted};
use super::sql;
use super::table::{FLEXIBLE, SEQUENCE, makes_flexible_loads};
use super::version::Version;
use crate::record::{DataType, Schema};
use crate::sink::WriteMode;
use crate::sink::stream_load::config::{StreamLoadConfig, System};

/// Replicas of a table where nothing is said.
const MOST_REPLICAS: usize = 3;

/// The statement that makes the table, for a target whose version is not known: what only later
/// versions take is left out. `alive` is how many nodes there are; 0: not known.
#[must_use]
pub(in crate::sink::stream_load) fn create_table(
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &str,
    alive: usize,
) -> String {
    statement(config, schema, table, alive, false)
}

/// The statement that makes the table, with all that a version takes.
#[must_use]
pub(in crate::sink::stream_load) fn create_table_for(
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &str,
    alive: usize,
    version: &Version,
) -> String {
    // The property has a hidden column in every row: only where updates may leave values out, and
    // loads can say so row by row.
    let flexible = version.takes_flexible_updates(config.system)
        && makes_flexible_loads(config)
        && !schema.append_only;
    statement(config, schema, table, alive, flexible)
}

fn statement(
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &str,
    alive: usize,
    flexible: bool,
) -> String {
    let (keys, values) = columns(config, schema);
    let key = sql::names(keys.iter().map(|wanted| &*wanted.name));
    let mut lines: Vec<String> = keys.iter().map(|one| definition(config, one, true)).collect();
    lines.extend(values.iter().map(|one| definition(config, one, false)));
    let mut statement = format!(
        "CREATE TABLE IF NOT EXISTS {} (\n  {}\n)\nENGINE = OLAP\n",
        sql::table_name(&config.database, table),
        lines.join(",\n  ")
    );
    if !keys.is_empty() {
        let words = match (config.mode, config.system) {
            (WriteMode::Append, _) => "DUPLICATE KEY",
            (WriteMode::Upsert, System::StarRocks) => "PRIMARY KEY",
            (WriteMode::Upsert, System::Doris) => "UNIQUE KEY",
        };
        statement.push_str(&format!("{words} {key}\n"));
    }
    statement.push_str("COMMENT \"filled by Millrace\"\n");
    let distribution = if keys.is_empty() { "RANDOM".to_owned() } else { format!("HASH{key}") };
    statement.push_str(&format!("DISTRIBUTED BY {distribution}"));
    match (config.buckets, config.system) {
        (Some(buckets), _) => statement.push_str(&format!(" BUCKETS {buckets}")),
        (None, System::Doris) => statement.push_str(" BUCKETS AUTO"),
        // StarRocks chooses where nothing is said.
        (None, System::StarRocks) => {}
    }
    let properties: Vec<String> = properties(config, alive, flexible)
        .into_iter()
        .map(|(name, value)| format!("  {} = {}", sql::text(name), sql::text(&value)))
        .collect();
    if !properties.is_empty() {
        statement.push_str(&format!("\nPROPERTIES (\n{}\n)", properties.join(",\n")));
    }
    statement
}

/// The key's columns, in its order, and the others. In append mode the table wants a key, too, to
/// sort by, which says nothing about the rows: the input's, or the first column that can be one.
fn columns(config: &StreamLoadConfig, schema: &Schema) -> (Vec<Wanted>, Vec<Wanted>) {
    let mut values = wanted(config, schema);
    let names: Vec<String> = match config.mode {
        WriteMode::Upsert => config.key.iter().map(ToString::to_string).collect(),
        WriteMode::Append => sorted_by(schema, &values),
    };
    let mut keys = Vec::with_capacity(names.len());
    for name in &names {
        if let Some(place) = values.iter().position(|one| one.name.eq_ignore_ascii_case(name)) {
            keys.push(values.remove(place));
        }
    }
    (keys, values)
}

fn sorted_by(schema: &Schema, columns: &[Wanted]) -> Vec<String> {
    let sorts = |data_type: DataType| {
        !matches!(
            data_type,
            DataType::Float32 | DataType::Float64 | DataType::Json | DataType::Binary
        )
    };
    let key: Vec<_> = schema.key.iter().filter_map(|index| schema.fields.get(*index)).collect();
    if !key.is_empty() && key.iter().all(|field| sorts(field.data_type)) {
        return key.into_iter().map(|field| field.name.to_string()).collect();
    }
    let first = columns.iter().find(|one| sorts(one.field));
    first.map(|one| one.name.to_string()).into_iter().collect()
}

fn definition(config: &StreamLoadConfig, wanted: &Wanted, leads: bool) -> String {
    let key = is_key(config, &wanted.name);
    let mut data_type = wanted.column_type(config.system, key);
    if leads && data_type == ColumnType::String {
        // Doris sorts by no STRING.
        data_type = ColumnType::Varchar(VARCHAR_MAX);
    }
    let null = if key { "NOT NULL" } else { "NULL" };
    let name = sql::name(&wanted.name);
    let mut line = format!("{name} {} {null}", data_type.sql(config.system));
    if !wanted.comment().is_empty() {
        line.push_str(&format!(" COMMENT {}", sql::text(wanted.comment())));
    }
    line
}

fn properties(
    config: &StreamLoadConfig,
    alive: usize,
    flexible: bool,
) -> Vec<(&'static str, String)> {
    let mut properties = Vec::new();
    if let Some(replicas) = replicas(config, alive) {
        properties.push(("replication_num", replicas.to_string()));
    }
    if config.system == System::Doris && config.mode == WriteMode::Upsert {
        properties.push(("enable_unique_key_merge_on_write", true.to_string()));
        if flexible {
            properties.push((FLEXIBLE, true.to_string()));
        }
        if let Some(sequence) = &config.sequence {
            properties.push((SEQUENCE, sequence.to_string()));
        }
    }
    properties
}

/// The replicas of a table that is made; `None`: the system chooses.
pub(super) fn replicas(config: &StreamLoadConfig, alive: usize) -> Option<usize> {
    match (config.replication, alive) {
        (Some(replicas), _) => usize::try_from(replicas).ok(),
        (None, 0) => None,
        (None, alive) => Some(alive.min(MOST_REPLICAS)),
    }
}
