//! The information schema: tables about tables, made anew for each statement that reads them.

use super::error::SqlError;
use super::{ADMINISTRATOR, Session, variables};
use crate::catalog::{ColumnDef, ColumnDefault, ColumnType, Model, Privilege, TableDef, Value};
use crate::world::{System, World};

/// The name of the database.
pub(super) const NAME: &str = "information_schema";

/// The tables, each with its columns and how SQLite declares them.
const TABLES: [(&str, &[(&str, &str)]); 5] = [
    (
        "SCHEMATA",
        &[
            ("CATALOG_NAME", "TEXT"),
            ("SCHEMA_NAME", "TEXT"),
            ("DEFAULT_CHARACTER_SET_NAME", "TEXT"),
            ("DEFAULT_COLLATION_NAME", "TEXT"),
            ("SQL_PATH", "TEXT"),
        ],
    ),
    (
        "TABLES",
        &[
            ("TABLE_CATALOG", "TEXT"),
            ("TABLE_SCHEMA", "TEXT"),
            ("TABLE_NAME", "TEXT"),
            ("TABLE_TYPE", "TEXT"),
            ("ENGINE", "TEXT"),
            ("TABLE_ROWS", "BIGINT"),
            ("TABLE_COLLATION", "TEXT"),
            ("TABLE_COMMENT", "TEXT"),
        ],
    ),
    (
        "COLUMNS",
        &[
            ("TABLE_CATALOG", "TEXT"),
            ("TABLE_SCHEMA", "TEXT"),
            ("TABLE_NAME", "TEXT"),
            ("COLUMN_NAME", "TEXT"),
            ("ORDINAL_POSITION", "BIGINT"),
            ("COLUMN_DEFAULT", "TEXT"),
            ("IS_NULLABLE", "TEXT"),
            ("DATA_TYPE", "TEXT"),
            ("CHARACTER_MAXIMUM_LENGTH", "BIGINT"),
            ("CHARACTER_OCTET_LENGTH", "BIGINT"),
            ("NUMERIC_PRECISION", "BIGINT"),
            ("NUMERIC_SCALE", "BIGINT"),
            ("DATETIME_PRECISION", "BIGINT"),
            ("CHARACTER_SET_NAME", "TEXT"),
            ("COLLATION_NAME", "TEXT"),
            ("COLUMN_TYPE", "TEXT"),
            ("COLUMN_KEY", "TEXT"),
            ("EXTRA", "TEXT"),
            ("PRIVILEGES", "TEXT"),
            ("COLUMN_COMMENT", "TEXT"),
            ("COLUMN_SIZE", "BIGINT"),
            ("DECIMAL_DIGITS", "BIGINT"),
            ("GENERATION_EXPRESSION", "TEXT"),
        ],
    ),
    (
        "TABLES_CONFIG",
        &[
            ("TABLE_SCHEMA", "TEXT"),
            ("TABLE_NAME", "TEXT"),
            ("TABLE_ENGINE", "TEXT"),
            ("TABLE_MODEL", "TEXT"),
            ("PRIMARY_KEY", "TEXT"),
            ("PARTITION_KEY", "TEXT"),
            ("DISTRIBUTE_KEY", "TEXT"),
            ("DISTRIBUTE_TYPE", "TEXT"),
            ("DISTRIBUTE_BUCKET", "BIGINT"),
            ("SORT_KEY", "TEXT"),
            ("PROPERTIES", "TEXT"),
            ("TABLE_ID", "BIGINT"),
        ],
    ),
    (
        "VIEWS",
        &[
            ("TABLE_CATALOG", "TEXT"),
            ("TABLE_SCHEMA", "TEXT"),
            ("TABLE_NAME", "TEXT"),
            ("VIEW_DEFINITION", "TEXT"),
        ],
    ),
];

/// Tables that drivers read and that have no rows: how SQLite declares their columns.
const EMPTY: [(&str, &str); 10] = [
    (
        "COLUMN_PRIVILEGES",
        "GRANTEE TEXT, TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT, TABLE_NAME TEXT, COLUMN_NAME TEXT, \
         PRIVILEGE_TYPE TEXT, IS_GRANTABLE TEXT",
    ),
    (
        "TABLE_PRIVILEGES",
        "GRANTEE TEXT, TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT, TABLE_NAME TEXT, \
         PRIVILEGE_TYPE TEXT, IS_GRANTABLE TEXT",
    ),
    (
        "SCHEMA_PRIVILEGES",
        "GRANTEE TEXT, TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT, PRIVILEGE_TYPE TEXT, \
         IS_GRANTABLE TEXT",
    ),
    ("USER_PRIVILEGES", "GRANTEE TEXT, TABLE_CATALOG TEXT, PRIVILEGE_TYPE TEXT, IS_GRANTABLE TEXT"),
    // Of these a driver asks servers that call themselves MySQL 8.
    ("KEYWORDS", "WORD TEXT, RESERVED BIGINT"),
    (
        "STATISTICS",
        "TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT, TABLE_NAME TEXT, NON_UNIQUE BIGINT, \
         INDEX_SCHEMA TEXT, INDEX_NAME TEXT, SEQ_IN_INDEX BIGINT, COLUMN_NAME TEXT, \
         COLLATION TEXT, CARDINALITY BIGINT, SUB_PART BIGINT, PACKED TEXT, NULLABLE TEXT, \
         INDEX_TYPE TEXT, COMMENT TEXT",
    ),
    (
        "KEY_COLUMN_USAGE",
        "CONSTRAINT_CATALOG TEXT, CONSTRAINT_SCHEMA TEXT, CONSTRAINT_NAME TEXT, \
         TABLE_CATALOG TEXT, TABLE_SCHEMA TEXT, TABLE_NAME TEXT, COLUMN_NAME TEXT, \
         ORDINAL_POSITION BIGINT, POSITION_IN_UNIQUE_CONSTRAINT BIGINT, \
         REFERENCED_TABLE_SCHEMA TEXT, REFERENCED_TABLE_NAME TEXT, REFERENCED_COLUMN_NAME TEXT",
    ),
    (
        "TABLE_CONSTRAINTS",
        "CONSTRAINT_CATALOG TEXT, CONSTRAINT_SCHEMA TEXT, CONSTRAINT_NAME TEXT, \
         TABLE_SCHEMA TEXT, TABLE_NAME TEXT, CONSTRAINT_TYPE TEXT",
    ),
    (
        "REFERENTIAL_CONSTRAINTS",
        "CONSTRAINT_CATALOG TEXT, CONSTRAINT_SCHEMA TEXT, CONSTRAINT_NAME TEXT, \
         UNIQUE_CONSTRAINT_CATALOG TEXT, UNIQUE_CONSTRAINT_SCHEMA TEXT, \
         UNIQUE_CONSTRAINT_NAME TEXT, MATCH_OPTION TEXT, UPDATE_RULE TEXT, DELETE_RULE TEXT, \
         TABLE_NAME TEXT, REFERENCED_TABLE_NAME TEXT",
    ),
    (
        "ROUTINES",
        "SPECIFIC_NAME TEXT, ROUTINE_CATALOG TEXT, ROUTINE_SCHEMA TEXT, ROUTINE_NAME TEXT, \
         ROUTINE_TYPE TEXT, DTD_IDENTIFIER TEXT, ROUTINE_COMMENT TEXT",
    ),
];

/// Whether the information schema has this table.
pub(super) fn has_table(name: &str) -> bool {
    let mut known = TABLES.iter().map(|(table, _)| *table).chain(EMPTY.map(|(table, _)| table));
    known.any(|table| table.eq_ignore_ascii_case(name))
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn number(number: Option<i64>) -> Value {
    number.map_or(Value::Null, Value::Integer)
}

/// Writes the tables as they are now, as far as the user may see them.
pub(super) fn refresh(world: &World, session: &Session) -> Result<(), SqlError> {
    let mut rows: [Vec<Vec<Value>>; 5] = Default::default();
    collect(world, session, &mut rows);
    let mut store = world.catalog.store();
    for (name, columns) in EMPTY {
        store.batch(&format!("CREATE TABLE IF NOT EXISTS {NAME}.{name} ({columns});"))?;
    }
    for ((name, columns), rows) in TABLES.iter().zip(&rows) {
        let declared: Vec<String> =
            columns.iter().map(|(column, kind)| format!("{column} {kind}")).collect();
        store.batch(&format!(
            "CREATE TABLE IF NOT EXISTS {NAME}.{name} ({}); DELETE FROM {NAME}.{name};",
            declared.join(", ")
        ))?;
        let marks = vec!["?"; columns.len()].join(", ");
        store.fill(&format!("INSERT INTO {NAME}.{name} VALUES ({marks})"), rows)?;
    }
    Ok(())
}

fn collect(world: &World, session: &Session, rows: &mut [Vec<Vec<Value>>; 5]) {
    let catalog = text(variables::catalog_name(world));
    let schema_row = |name: &str| {
        vec![catalog.clone(), text(name), text("utf8"), text("utf8_general_ci"), Value::Null]
    };
    let [schemata, tables, columns, configs, views] = rows;
    schemata.push(schema_row(NAME));
    let state = world.catalog.read();
    for (database, content) in &state.databases {
        schemata.push(schema_row(database));
        for table in content.tables.values() {
            if !sees(session, &state.users, database, &table.name) {
                continue;
            }
            tables.push(table_row(world, &catalog, database, &table.name, &table.comment, false));
            configs.push(config_row(world, table));
            for (at, column) in table.columns.iter().enumerate() {
                columns.push(column_row(world.system, &catalog, table, column, at));
            }
        }
        for view in content.views.values() {
            tables.push(table_row(world, &catalog, database, &view.name, "", true));
            views.push(vec![
                catalog.clone(),
                text(database.as_str()),
                text(view.name.as_str()),
                text(view.select.as_str()),
            ]);
        }
    }
}

/// A table is seen by those who may do anything with it.
fn sees(
    session: &Session,
    users: &crate::catalog::users::Users,
    database: &str,
    table: &str,
) -> bool {
    session.user == ADMINISTRATOR
        || Privilege::ALL.iter().any(|any| users.may(&session.user, *any, database, table))
}

fn table_row(
    world: &World,
    catalog: &Value,
    database: &str,
    name: &str,
    comment: &str,
    view: bool,
) -> Vec<Value> {
    let engine = match world.system {
        System::StarRocks => "StarRocks",
        System::Doris => "Doris",
    };
    vec![
        catalog.clone(),
        text(database),
        text(name),
        text(if view { "VIEW" } else { "BASE TABLE" }),
        text(if view { "" } else { engine }),
        Value::Null,
        text("utf8_general_ci"),
        text(comment),
    ]
}

fn config_row(world: &World, table: &TableDef) -> Vec<Value> {
    let names = |names: &[String]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        text(quoted.join(", "))
    };
    let keyed = table.model == Model::Primary || table.model == Model::Unique;
    vec![
        text(table.database.as_str()),
        text(table.name.as_str()),
        text(if world.settings.get().cloud { "CLOUD_NATIVE" } else { "OLAP" }),
        text(table.model.keys_type()),
        names(if keyed { &table.keys } else { &[] }),
        text(table.partition.clone().unwrap_or_default()),
        names(&table.distribution),
        text(if table.distribution.is_empty() { "RANDOM" } else { "HASH" }),
        Value::Integer(i64::from(table.buckets.unwrap_or(0))),
        names(if table.sort.is_empty() { &table.keys } else { &table.sort }),
        text(serde_json::to_string(&table.properties).unwrap_or_default()),
        Value::Integer(table.id),
    ]
}

/// What COLUMN_KEY says: `PRI` for the columns of a primary key and no others.
pub(super) fn key_word(table: &TableDef, column: &ColumnDef) -> &'static str {
    match table.model {
        _ if !column.key => "",
        Model::Primary => "PRI",
        Model::Unique => "UNI",
        Model::Duplicate => "DUP",
        Model::Aggregate => "AGG",
    }
}

/// What a column holds where a row says nothing, as text.
pub(super) fn default_text(column: &ColumnDef) -> Option<String> {
    column.default.as_ref().map(|default| match default {
        ColumnDefault::Literal(text) => text.clone(),
        ColumnDefault::Now => "CURRENT_TIMESTAMP".to_owned(),
    })
}

fn column_row(
    system: System,
    catalog: &Value,
    table: &TableDef,
    column: &ColumnDef,
    at: usize,
) -> Vec<Value> {
    let column_type = match (&column.column_type, system) {
        // STRING is a name for a VARCHAR in StarRocks.
        (ColumnType::String, System::StarRocks) => {
            ColumnType::Varchar(crate::catalog::column_type::STARROCKS_STRING)
        }
        (other, _) => other.clone(),
    };
    let length = column_type.capacity(system).map(i64::from);
    let precision = match &column_type {
        ColumnType::Decimal { precision, scale } => {
            (Some(i64::from(*precision)), Some(i64::from(*scale)))
        }
        _ => (None, None),
    };
    let digits = match column_type {
        ColumnType::DateTime(digits) => Some(i64::from(digits)),
        _ => None,
    };
    vec![
        catalog.clone(),
        text(table.database.as_str()),
        text(table.name.as_str()),
        text(column.name.as_str()),
        Value::Integer(i64::try_from(at + 1).unwrap_or(i64::MAX)),
        default_text(column).map_or(Value::Null, Value::Text),
        text(if column.nullable { "YES" } else { "NO" }),
        text(column_type.base_name()),
        number(length),
        number(length),
        number(precision.0),
        number(precision.1),
        number(digits),
        Value::Null,
        Value::Null,
        text(column_type.mysql_name()),
        text(key_word(table, column)),
        text(""),
        text(""),
        text(column.comment.as_str()),
        number(column_type.column_size()),
        number(column_type.decimal_digits()),
        text(""),
    ]
}
