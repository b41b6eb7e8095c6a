//! A table as it is: the catalogue's columns, and what only SHOW CREATE TABLE says.

use std::collections::BTreeMap;

use super::admin::{Admin, value};
use super::column_type::ColumnType;
use super::declaration::Declaration;
use super::sql;
use crate::sink::WriteMode;
use crate::sink::stream_load::config::{BodyFormat, StreamLoadConfig, System};
use crate::sink::stream_load::error::StreamLoadError;

/// The property that lets each row of a load have its own columns.
pub(super) const FLEXIBLE: &str = "enable_unique_key_skip_bitmap_column";
/// The property without which a table's columns cannot be changed at once, nor loads be flexible.
const LIGHT: &str = "light_schema_change";
/// The property that names the column whose greater value wins.
pub(super) const SEQUENCE: &str = "function_column.sequence_col";
/// The older property: the type of a hidden column that each load feeds.
const SEQUENCE_TYPE: &str = "function_column.sequence_type";
/// That hidden column.
pub(super) const HIDDEN_SEQUENCE: &str = "__DORIS_SEQUENCE_COL__";

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) struct Table {
    /// Its name.
    pub name: String,
    /// What becomes of rows with the same key.
    pub model: Model,
    /// The key's columns, in order.
    pub key: Vec<String>,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// Buckets; `None`: the system chooses.
    pub buckets: Option<u32>,
    /// Replicas, where it is said.
    pub replication: Option<u32>,
    /// The properties, as shown.
    pub properties: BTreeMap<String, String>,
    /// Whether it has what loads need in which each row has its own columns (Doris).
    pub flexible: bool,
    /// The column whose greater value wins (Doris).
    pub sequence: Option<String>,
}

/// What becomes of rows with the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) enum Model {
    /// PRIMARY KEY: the later one stands.
    Primary,
    /// UNIQUE KEY: the later one stands.
    Unique {
        /// Whether that is settled when rows are written.
        merge_on_write: bool,
    },
    /// DUPLICATE KEY: all stand.
    Duplicate,
    /// AGGREGATE KEY: they become one.
    Aggregate,
}

impl Model {
    /// The words that make it.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY KEY",
            Self::Unique { .. } => "UNIQUE KEY",
            Self::Duplicate => "DUPLICATE KEY",
            Self::Aggregate => "AGGREGATE KEY",
        }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) struct Column {
    /// Its name, as the table spells it.
    pub name: String,
    /// Its type.
    pub data_type: ColumnType,
    /// Whether it takes null.
    pub nullable: bool,
    /// Whether it gets a value of its own where a load names none.
    pub has_default: bool,
}

impl Table {
    /// A column by its name: letters count as the same in both cases, as in both systems.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Whether a column is part of the key.
    pub(super) fn has_in_key(&self, name: &str) -> bool {
        self.key.iter().any(|key| key.eq_ignore_ascii_case(name))
    }

    /// Whether rows of one load of a sink may each have their own columns (Doris's flexible partial
    /// update).
    pub(in crate::sink::stream_load) fn takes_flexible_loads(
        &self,
        config: &StreamLoadConfig,
    ) -> bool {
        self.flexible && self.could_take_flexible_loads(config)
    }

    /// Whether they might, if only the table had the property for it.
    pub(super) fn could_take_flexible_loads(&self, config: &StreamLoadConfig) -> bool {
        let light = self.properties.get(LIGHT);
        let is_heavy = light.is_some_and(|value| value.eq_ignore_ascii_case("false"));
        makes_flexible_loads(config)
            && self.model == Model::Unique { merge_on_write: true }
            && self.sequence.is_none()
            && !is_heavy
            && !self.columns.iter().any(|column| is_variant(&column.data_type))
    }

    /// The table that a declaration and the catalogue's columns make.
    pub(super) fn of(name: &str, catalogue: Vec<Column>, declaration: Declaration) -> Self {
        let (flexible, replication) = (declaration.is_set(FLEXIBLE), declaration.replication());
        let model = declaration.model();
        let Declaration { key, columns: declared, buckets, properties, .. } = declaration;
        let sequence = properties
            .get(SEQUENCE)
            .cloned()
            .or_else(|| properties.contains_key(SEQUENCE_TYPE).then(|| HIDDEN_SEQUENCE.to_owned()));
        // The catalogue shows a BOOLEAN as TINYINT and knows no AUTO_INCREMENT: the declaration
        // goes before it, where it has the column.
        let columns = catalogue
            .into_iter()
            .map(|column| {
                let said =
                    declared.iter().find(|said| said.name.eq_ignore_ascii_case(&column.name));
                said.cloned().unwrap_or(column)
            })
            .collect();
        Self {
            name: name.to_owned(),
            model,
            key,
            columns,
            buckets,
            replication,
            properties,
            flexible,
            sequence,
        }
    }
}

/// Whether a sink can make loads in which each row has its own columns: they are without a sequence,
/// and JSON, whatever the others are. Who asks for Arrow is not given JSON for it.
pub(super) fn makes_flexible_loads(config: &StreamLoadConfig) -> bool {
    config.system == System::Doris
        && config.mode == WriteMode::Upsert
        && config.format != BodyFormat::Arrow
        && config.sequence.is_none()
}

/// Whether it is Doris's type of any value.
pub(super) fn is_variant(data_type: &ColumnType) -> bool {
    let ColumnType::Other(name) = data_type else { return false };
    name.to_ascii_lowercase().starts_with("variant")
}

/// Reads a table.
pub(super) fn read(admin: &mut Admin, table: &str) -> Result<Option<Table>, StreamLoadError> {
    let (system, database) = (admin.config().system, admin.config().database.clone());
    let name = sql::table_name(&database, table);
    let question = format!(
        "SELECT COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} \
         ORDER BY ORDINAL_POSITION",
        sql::literal(&database),
        sql::literal(table)
    );
    let rows = admin.ask(&format!("read the columns of table {name}"), &question)?;
    let catalogue: Vec<Column> = rows
        .iter()
        .filter_map(|row| {
            let data_type = value(row, "COLUMN_TYPE").or_else(|| value(row, "DATA_TYPE"))?;
            Some(Column {
                name: value(row, "COLUMN_NAME")?.to_owned(),
                data_type: ColumnType::of(system, data_type),
                nullable: value(row, "IS_NULLABLE").is_none_or(|is| !is.eq_ignore_ascii_case("no")),
                has_default: value(row, "COLUMN_DEFAULT").is_some(),
            })
        })
        .collect();
    if catalogue.is_empty() {
        return Ok(None);
    }
    let what = format!("read how table {name} was made");
    let rows = admin.ask(&what, &format!("SHOW CREATE TABLE {name}"))?;
    let statement = rows.first().and_then(|row| value(row, "CREATE TABLE")).ok_or_else(|| {
        StreamLoadError::Unfit {
            table: table.to_owned(),
            differences: vec!["it is a view; name the table that rows go to".to_owned()],
        }
    })?;
    Ok(Some(described(system, table, catalogue, statement)))
}

/// The table that the catalogue's columns and the statement that makes it describe.
pub(super) fn described(
    system: System,
    table: &str,
    catalogue: Vec<Column>,
    statement: &str,
) -> Table {
    Table::of(table, catalogue, Declaration::read(system, statement))
}
