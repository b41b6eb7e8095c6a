//! Input columns to the table's: which loads name, and which types keep every value.
//!
//! *Invariants*: a column is mapped only if its type keeps each value whole, or `checks` finds
//! those that it does not; what the table wants and nobody gives is a difference.

use std::sync::Arc;

use super::arrow;
use super::column_type::{ColumnType, column_type};
use super::model;
use super::narrow::holds_less;
use super::sql;
use super::table::{Column, Table, is_variant};
use crate::record::{DataType, Schema};
use crate::sink::WriteMode;
use crate::sink::stream_load::config::{
    BodyFormat, Deletes, Evolution, StreamLoadConfig, System, TableName, TablePiece,
};
use crate::sink::stream_load::error::StreamLoadError;

/// `truncate`.
const OP_BYTES: u32 = 8;
/// `2026-11-20`.
const DATE_BYTES: u32 = 10;
/// `12:00:00.123456`.
const TIME_BYTES: u32 = 15;
/// `2026-11-20 12:00:00.123456`.
const TIMESTAMP_BYTES: u32 = 26;
const UUID_BYTES: u32 = 36;

/// Where a column's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) enum Origin {
    /// This column of the input.
    Input(usize),
    /// The change's operation.
    Op,
    /// Whether the change is a delete.
    Deleted,
    /// When the sink took the row.
    SyncedAt,
    /// The change's place in its source.
    Version,
}

/// One column of the loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) struct Mapped {
    /// Its name, as the table spells it.
    pub name: String,
    /// Where its values come from.
    pub origin: Origin,
    /// The type of the values.
    pub field: DataType,
    /// The type of the table's column.
    pub target: ColumnType,
    /// Whether the table takes no null.
    pub required: bool,
    /// Whether it is part of the key.
    pub key: bool,
}

/// What a sink would load: a name, where its values come from, and their type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub name: Arc<str>,
    pub origin: Origin,
    pub field: DataType,
}

impl Wanted {
    /// The type that DDL gives it.
    pub(super) fn column_type(&self, system: System, key: bool) -> ColumnType {
        match self.origin {
            Origin::Op => ColumnType::Varchar(OP_BYTES),
            _ => column_type(system, self.field, key),
        }
    }

    /// What DDL says of it.
    pub(super) const fn comment(&self) -> &'static str {
        match self.origin {
            Origin::Input(_) => "",
            Origin::Op => "the last change: insert, update, delete, truncate or read",
            Origin::Deleted => "whether the source has deleted the row",
            Origin::SyncedAt => "when the row was loaded, UTC",
            Origin::Version => "the place of the last change in its source",
        }
    }
}

/// All that the sink would load: the input's columns, but for those that only choose the table, and
/// the audit columns.
pub(super) fn wanted(config: &StreamLoadConfig, schema: &Schema) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = schema
        .fields
        .iter()
        .enumerate()
        .filter(|(index, field)| !routes(config, *index) || is_key(config, &field.name))
        .map(|(index, field)| Wanted {
            name: Arc::clone(&field.name),
            origin: Origin::Input(index),
            field: field.data_type,
        })
        .collect();
    let audit = &config.audit;
    let audits = [
        (&audit.op, Origin::Op, DataType::Text),
        (&audit.deleted, Origin::Deleted, DataType::Bool),
        (&audit.synced_at, Origin::SyncedAt, DataType::Timestamp),
        (&audit.version, Origin::Version, DataType::Int64),
    ];
    for (name, origin, field) in audits {
        wanted.extend(name.iter().map(|name| Wanted { name: Arc::clone(name), origin, field }));
    }
    wanted
}

/// Whether a column of the input chooses the table.
fn routes(config: &StreamLoadConfig, index: usize) -> bool {
    match &config.table {
        TableName::Fixed(_) => false,
        TableName::Template(pieces) => {
            let column = TablePiece::Column(index);
            pieces.contains(&column)
        }
    }
}

/// Whether a column is part of the sink's key.
pub(super) fn is_key(config: &StreamLoadConfig, name: &str) -> bool {
    config.mode == WriteMode::Upsert && config.key.iter().any(|key| key.eq_ignore_ascii_case(name))
}

/// Every column that loads name: the key first, in the table's order.
///
/// # Errors
/// [`StreamLoadError::Unfit`] with everything that differs, and what to do about each.
pub(in crate::sink::stream_load) fn map(
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &Table,
) -> Result<Vec<Mapped>, StreamLoadError> {
    let mut differences = model::differences(config, schema, table);
    let wanted = wanted(config, schema);
    let mut mapped: Vec<(usize, Mapped)> = Vec::with_capacity(wanted.len());
    for one in &wanted {
        let place =
            table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(&one.name));
        let Some(place) = place else {
            differences.extend(missing(config, table, one));
            continue;
        };
        let column = &table.columns[place];
        if mapped.iter().any(|(taken, _)| *taken == place) {
            differences.push(format!(
                "two columns of the sink are called `{}`, which the target does not tell apart; \
                 rename one in a transform or in `audit`",
                column.name
            ));
            continue;
        }
        if let Err(why) = fit(config.system, one, &column.data_type) {
            differences.push(unfit(config, table, one, column, &why));
            continue;
        }
        if config.format == BodyFormat::Arrow
            && let Err(why) = arrow::takes(&column.data_type)
        {
            differences.push(format!("column `{}` is {}: {why}", column.name, column.data_type));
            continue;
        }
        let key = is_key(config, &one.name);
        let mapped_column = Mapped {
            name: column.name.clone(),
            origin: one.origin,
            field: one.field,
            target: column.data_type.clone(),
            required: key || !column.nullable,
            key,
        };
        mapped.push((place, mapped_column));
    }
    differences.extend(unfed(table, &wanted));
    if !differences.is_empty() {
        return Err(StreamLoadError::Unfit { table: table.name.clone(), differences });
    }
    mapped.sort_by_key(|(place, column)| (!column.key, *place));
    Ok(mapped.into_iter().map(|(_, column)| column).collect())
}

fn missing(config: &StreamLoadConfig, table: &Table, wanted: &Wanted) -> Option<String> {
    let is_key = is_key(config, &wanted.name);
    let marks_deletes = wanted.origin == Origin::Deleted && config.deletes == Deletes::Soft;
    let orders = config.sequence.as_deref() == Some(&*wanted.name);
    if config.evolution == Evolution::Ignore && !is_key && !marks_deletes && !orders {
        return None;
    }
    if is_key {
        return Some(format!(
            "column `{}` of the key is missing, and a key cannot be changed: make the table anew, \
             as `millrace ddl` prints it",
            wanted.name
        ));
    }
    let data_type = wanted.column_type(config.system, false).sql(config.system);
    Some(format!(
        "column `{}` is missing; run: ALTER TABLE {} ADD COLUMN {} {data_type} NULL; or say \
         evolution = \"apply\" to have it added, or \"ignore\" to leave it out",
        wanted.name,
        sql::table_name(&config.database, &table.name),
        sql::name(&wanted.name)
    ))
}

fn unfit(
    config: &StreamLoadConfig,
    table: &Table,
    wanted: &Wanted,
    column: &Column,
    why: &str,
) -> String {
    let good = wanted.column_type(config.system, table.has_in_key(&column.name));
    format!(
        "column `{}` is {} in the table and {} in the input: {why}; make it {}, or convert the \
         column in a transform",
        column.name,
        column.data_type.sql(config.system),
        wanted.field,
        good.sql(config.system)
    )
}

/// Columns that take no null, have no default, and get nothing from the sink.
fn unfed(table: &Table, wanted: &[Wanted]) -> Vec<String> {
    let is_fed =
        |column: &Column| wanted.iter().any(|one| one.name.eq_ignore_ascii_case(&column.name));
    table
        .columns
        .iter()
        .filter(|column| !column.nullable && !column.has_default && !is_fed(column))
        .map(|column| {
            format!(
                "column `{}` takes no null and has no default, and the sink has nothing for it; \
                 make it NULL, or give it a default",
                column.name
            )
        })
        .collect()
}

/// Whether a column of the table keeps every value whole, or those that it does not can be told.
pub(super) fn fit(system: System, wanted: &Wanted, target: &ColumnType) -> Result<(), String> {
    if wanted.origin == Origin::Op {
        return text_fit(OP_BYTES, target);
    }
    // Only the input's values are looked at one by one.
    if wanted.origin == Origin::Version && holds_less(system, wanted.field, false, target) {
        return Err("places in a source have 64 bits".to_owned());
    }
    match wanted.field {
        DataType::Bool => exactly(target == &ColumnType::Boolean),
        DataType::Int16 => integer_fit(6, 16, target),
        DataType::Int32 => integer_fit(11, 32, target),
        DataType::Int64 => integer_fit(20, 64, target),
        DataType::Float32 => exactly(matches!(target, ColumnType::Float | ColumnType::Double)),
        DataType::Float64 => match target {
            ColumnType::Double => Ok(()),
            ColumnType::Float => Err("it would lose digits".to_owned()),
            _ => exactly(false),
        },
        DataType::Decimal { precision, scale } => decimal_fit(precision, scale, target),
        DataType::Text | DataType::Binary => match target {
            ColumnType::Json => Err("text is not JSON until it is declared so".to_owned()),
            ColumnType::VarBinary => {
                Err("versions disagree about bytes in loads, which go as base64 text".to_owned())
            }
            _ => text_fit(0, target),
        },
        DataType::Json => match target {
            ColumnType::Json => Ok(()),
            _ if system == System::Doris && is_variant(target) => Ok(()),
            _ => text_fit(0, target),
        },
        DataType::Date => match target {
            ColumnType::Date | ColumnType::DateTime { .. } => Ok(()),
            _ => text_fit(DATE_BYTES, target),
        },
        DataType::Time => text_fit(TIME_BYTES, target),
        DataType::Timestamp => match target {
            ColumnType::DateTime { .. } => Ok(()),
            ColumnType::Date => Err("it would lose the time of day".to_owned()),
            _ => text_fit(TIMESTAMP_BYTES, target),
        },
        DataType::Uuid => text_fit(UUID_BYTES, target),
    }
}

fn exactly(fits: bool) -> Result<(), String> {
    if fits { Ok(()) } else { Err("the types have nothing in common".to_owned()) }
}

/// Text of `least` bytes and more: longer values are checked one by one.
fn text_fit(least: u32, target: &ColumnType) -> Result<(), String> {
    match target.text_bytes() {
        Some(bytes) if bytes >= least => Ok(()),
        Some(_) => Err(format!("its values have {least} bytes")),
        None => exactly(false),
    }
}

/// Integers of so many bits, which as text have up to so many characters.
fn integer_fit(characters: u32, bits: u32, target: &ColumnType) -> Result<(), String> {
    match target {
        ColumnType::Decimal { .. } => Ok(()),
        ColumnType::Double if bits <= 32 => Ok(()),
        ColumnType::Float if bits <= 16 => Ok(()),
        ColumnType::Float | ColumnType::Double => Err("it would round great numbers".to_owned()),
        _ if target.integers().is_some() => Ok(()),
        _ => text_fit(characters, target),
    }
}

fn decimal_fit(precision: u8, scale: u8, target: &ColumnType) -> Result<(), String> {
    match target {
        ColumnType::Decimal { scale: has, .. } if *has >= scale => Ok(()),
        ColumnType::Decimal { .. } => Err("it would round".to_owned()),
        ColumnType::Float | ColumnType::Double => {
            Err("a float does not keep decimal digits".to_owned())
        }
        _ if target.integers().is_some() => {
            if scale == 0 {
                Ok(())
            } else {
                Err("it would cut the fraction off".to_owned())
            }
        }
        // A sign, a point, and a zero before it.
        _ => text_fit(u32::from(precision) + 3, target),
    }
}
