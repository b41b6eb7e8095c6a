//! Columns that the table lacks are added, and those that are narrower than the input's are
//! widened, where the system can.
//!
//! *Invariants*: a column is never dropped, narrowed, or made to take no null; the key is left
//! alone; a column with a default is not changed, since the statement would take the default away.

use std::time::Duration;

use super::admin::Admin;
use super::alter_job;
use super::column_type::ColumnType;
use super::mapping::{Origin, Wanted, is_key, wanted};
use super::sql;
use super::table::{Column, Table};
use crate::record::{DataType, Schema};
use crate::sink::stream_load::config::{Evolution, StreamLoadConfig, System};
use crate::sink::stream_load::error::StreamLoadError;

/// Changes of a table may take this long at least.
const LIMIT: Duration = Duration::from_secs(1_800);
/// Digits of a decimal.
const MOST_DIGITS: u8 = 38;

/// Changes the table so that it takes the input's columns, and waits until the target has done so.
/// No transaction may be open on the table: the target would wait for it. Answers whether anything
/// was changed; the caller then reads the table again.
///
/// # Errors
/// If the target refuses a change, gives it up, or takes too long.
pub(in crate::sink::stream_load) fn evolve(
    admin: &mut Admin,
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &Table,
) -> Result<bool, StreamLoadError> {
    if config.evolution != Evolution::Apply {
        return Ok(false);
    }
    let statements = statements(config, schema, table);
    if statements.is_empty() {
        return Ok(false);
    }
    let limit = config.timeout.max(LIMIT);
    // Both systems change a table in one way at a time.
    let (mut before, _) = alter_job::newest(admin, &table.name)?;
    alter_job::wait(admin, &table.name, before, limit)?;
    for statement in &statements {
        before = alter_job::newest(admin, &table.name)?.0.max(before);
        tracing::info!(table = table.name, %statement, "changes the table");
        admin.execute(statement)?;
        alter_job::wait(admin, &table.name, before, limit)?;
    }
    Ok(true)
}

/// The statements that change the table: one for all new columns, one for all wider ones.
pub(super) fn statements(config: &StreamLoadConfig, schema: &Schema, table: &Table) -> Vec<String> {
    let name = sql::table_name(&config.database, &table.name);
    let mut added = Vec::new();
    let mut widened = Vec::new();
    for one in wanted(config, schema) {
        if is_key(config, &one.name) {
            continue;
        }
        match table.column(&one.name) {
            None => {
                let data_type = one.column_type(config.system, false).sql(config.system);
                added.push(format!("ADD COLUMN {} {data_type} NULL", sql::name(&one.name)));
            }
            Some(column) if table.has_in_key(&column.name) || column.has_default => {}
            Some(column) => widened.extend(wider(config.system, &one, column).map(|data_type| {
                let null = if column.nullable { "NULL" } else { "NOT NULL" };
                let data_type = data_type.sql(config.system);
                format!("MODIFY COLUMN {} {data_type} {null}", sql::name(&column.name))
            })),
        }
    }
    [added, widened]
        .iter()
        .filter(|changes| !changes.is_empty())
        .map(|changes| format!("ALTER TABLE {name} {}", changes.join(", ")))
        .collect()
}

/// The wider type of a column that is narrower than the input's; `None`: it is wide enough, or
/// neither system can widen it so.
fn wider(system: System, wanted: &Wanted, column: &Column) -> Option<ColumnType> {
    let good = wanted.column_type(system, false);
    let has = &column.data_type;
    if let (Some((_, most)), Some((_, wants))) = (has.integers(), good.integers()) {
        return (most < wants).then_some(good);
    }
    match (wanted.field, has, &good) {
        (DataType::Float64, ColumnType::Float, _) => Some(good),
        (DataType::Timestamp, ColumnType::Date, _) => Some(good),
        (
            DataType::Decimal { precision, scale },
            ColumnType::Decimal { precision: has_digits, scale: has_scale },
            _,
        ) if *has_scale >= scale => {
            let digits = (precision - scale).saturating_add(*has_scale);
            (*has_digits < digits && digits <= MOST_DIGITS)
                .then_some(ColumnType::Decimal { precision: digits, scale: *has_scale })
        }
        // Text without a length of its own fills whatever the table's owner chose; what has one,
        // such as a uuid, wants it.
        (DataType::Text | DataType::Binary | DataType::Json, _, _)
            if wanted.origin != Origin::Op =>
        {
            None
        }
        (_, ColumnType::Varchar(bytes), ColumnType::Varchar(wants)) => {
            (bytes < wants).then_some(good)
        }
        _ => None,
    }
}

/// The table as it will be once it is changed: what `map` then says can be said before.
pub(in crate::sink::stream_load) fn evolved(
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &Table,
) -> Table {
    let mut table = table.clone();
    if config.evolution != Evolution::Apply {
        return table;
    }
    for one in wanted(config, schema) {
        if is_key(config, &one.name) {
            continue;
        }
        let place =
            table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(&one.name));
        match place {
            None => table.columns.push(Column {
                name: one.name.to_string(),
                data_type: one.column_type(config.system, false),
                nullable: true,
                has_default: false,
            }),
            Some(place) => {
                let column = &table.columns[place];
                if table.has_in_key(&column.name) || column.has_default {
                    continue;
                }
                if let Some(data_type) = wider(config.system, &one, column) {
                    table.columns[place].data_type = data_type;
                }
            }
        }
    }
    table
}
