//! The table's shape: making it, and telling how one that is there differs from what is needed.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::{SqliteHandle, Target, WriteMode, constraints, numbers, unplaced};
use crate::record::DataType;
use crate::sink::{IfExists, SinkError};

/// The column of a row's source sequence, major part, in upsert mode.
pub(super) const MAJOR: &str = "_millrace_major";
/// Its minor part.
pub(super) const MINOR: &str = "_millrace_minor";
/// Names that are ours.
pub(super) const RESERVED: [&str; 4] = [MAJOR, MINOR, "_millrace_commits", unplaced::UNPLACED];

/// A name as SQL writes it, whatever characters it has.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The declared type of a column. SQLite derives its affinity from words within: all but numbers,
/// floats and bytes must have TEXT's, which changes nothing that is stored.
fn declared(data_type: DataType) -> String {
    match data_type {
        DataType::Bool => "BOOLEAN",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::Float32 | DataType::Float64 => "REAL",
        DataType::Decimal { precision, scale } => {
            return format!("DECIMAL_TEXT({precision},{scale})");
        }
        DataType::Text => "TEXT",
        DataType::Binary => "BLOB",
        DataType::Date => "DATE_TEXT",
        DataType::Time => "TIME_TEXT",
        DataType::Timestamp => "TIMESTAMP_TEXT",
        DataType::Uuid => "UUID_TEXT",
        DataType::Json => "JSON_TEXT",
    }
    .to_owned()
}

/// What SQLite does to a value that enters a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// The affinity of a declared type.
///
/// Source: SQLite, "Datatypes In SQLite", section 3.1, Determination Of Column Affinity.
fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |word: &str| declared.contains(word);
    if has("INT") {
        Affinity::Integer
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Affinity::Text
    } else if has("BLOB") || declared.is_empty() {
        Affinity::Blob
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// Whether a column that is declared `found` keeps what one declared `wanted` would.
fn keeps(wanted: &str, found: &str) -> bool {
    // Two of our own names say more than their affinity, such as a decimal's scale.
    if found.to_ascii_uppercase().contains("_TEXT") {
        return found.eq_ignore_ascii_case(wanted);
    }
    match affinity(wanted) {
        Affinity::Integer | Affinity::Numeric => {
            matches!(affinity(found), Affinity::Integer | Affinity::Numeric)
        }
        Affinity::Text => matches!(affinity(found), Affinity::Text | Affinity::Blob),
        Affinity::Real => affinity(found) == Affinity::Real,
        Affinity::Blob => affinity(found) == Affinity::Blob,
    }
}

/// The columns that the table must have: name, declared type, and whether it refuses null.
fn wanted(target: &Target) -> Vec<(String, String, bool)> {
    let mut columns: Vec<_> = target
        .schema
        .fields
        .iter()
        .enumerate()
        .map(|(index, field)| {
            (field.name.to_string(), declared(field.data_type), target.is_required(index))
        })
        .collect();
    if target.mode == WriteMode::Upsert {
        columns.push((MAJOR.to_owned(), declared(DataType::Int64), true));
        columns.push((MINOR.to_owned(), declared(DataType::Int32), true));
    }
    columns
}

fn create_sql(target: &Target) -> String {
    let mut lines: Vec<String> = wanted(target)
        .into_iter()
        .map(|(name, declared, required)| {
            format!("{} {declared}{}", quoted(&name), if required { " NOT NULL" } else { "" })
        })
        .collect();
    if target.mode == WriteMode::Upsert {
        let key: Vec<String> =
            target.key.iter().map(|index| quoted(&target.schema.fields[*index].name)).collect();
        lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    format!("CREATE TABLE {} (\n  {}\n)", quoted(&target.table), lines.join(",\n  "))
}

/// A column as the database describes it.
struct Found {
    name: String,
    declared: String,
    not_null: bool,
    has_default: bool,
    in_primary_key: bool,
    generated: bool,
}

/// Readies table and number for a new store, in one transaction.
pub(super) fn initialise(
    connection: &mut Connection,
    target: &Target,
    if_exists: IfExists,
) -> Result<(), SinkError> {
    const ACTION: &str = "make a table in";
    let failed = target.failed(ACTION);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    numbers::create(&transaction).map_err(&failed)?;
    if is_there(&transaction, target)? {
        check(&transaction, target)?;
    } else {
        transaction.execute_batch(&create_sql(target)).map_err(&failed)?;
    }
    match numbers::read(&transaction, target)? {
        // An earlier start came this far; the store has noted nothing yet.
        Some(0) => {}
        Some(number) => {
            let handle = SqliteHandle { before: 0, after: 0, segment: None };
            return Err(target.unexpected(&handle, Some(number)));
        }
        None => {
            settle(&transaction, target, if_exists)?;
            numbers::set(&transaction, target, 0).map_err(&failed)?;
        }
    }
    transaction.commit().map_err(&failed)
}

/// Deals with the rows of a table that a new store finds.
fn settle(connection: &Connection, target: &Target, if_exists: IfExists) -> Result<(), SinkError> {
    let failed = target.failed("empty a table in");
    let table = quoted(&target.table);
    let has_rows = connection
        .prepare(&format!("SELECT 1 FROM {table} LIMIT 1"))
        .and_then(|mut any| any.exists([]))
        .map_err(&failed)?;
    match if_exists {
        IfExists::Error if has_rows => Err(SinkError::OutputNotEmpty {
            sink: target.sink.clone(),
            output: format!("table `{}` of `{}`", target.table, target.path.display()),
        }),
        IfExists::Replace => {
            numbers::forget_table(connection, target).map_err(&failed)?;
            unplaced::forget_table(connection, target).map_err(&failed)?;
            connection.execute_batch(&format!("DELETE FROM {table}")).map_err(&failed)
        }
        IfExists::Append if has_rows && target.mode == WriteMode::Upsert => {
            // Another store's sequences say nothing about this one's, whose rows are all later.
            let sql = format!("UPDATE {table} SET {MAJOR} = {}, {MINOR} = {}", i64::MIN, i32::MIN);
            connection.execute_batch(&sql).map_err(&failed)
        }
        _ => Ok(()),
    }
}

fn is_there(connection: &Connection, target: &Target) -> Result<bool, SinkError> {
    let kind: Option<String> = connection
        .query_row(
            "SELECT type FROM sqlite_schema
             WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')",
            (&target.table,),
            |row| row.get(0),
        )
        .optional()
        .map_err(target.failed("read"))?;
    match kind.as_deref() {
        None => Ok(false),
        Some("table") => Ok(true),
        Some(kind) => Err(mismatch(target, format!("it is a {kind}"))),
    }
}

/// Checks that the table is there and takes whatever the sink lets through.
pub(super) fn check(connection: &Connection, target: &Target) -> Result<(), SinkError> {
    if !is_there(connection, target)? {
        return Err(SinkError::TableMissing {
            sink: target.sink.clone(),
            path: target.path.clone(),
            table: target.table.clone(),
        });
    }
    let found = found_columns(connection, target).map_err(target.failed("read"))?;
    let mut differences = differences(target, &found);
    differences
        .extend(constraints::late_refusals(connection, target).map_err(target.failed("read"))?);
    if differences.is_empty() { Ok(()) } else { Err(mismatch(target, differences.join("; "))) }
}

fn mismatch(target: &Target, differences: String) -> SinkError {
    SinkError::TableMismatch {
        sink: target.sink.clone(),
        path: target.path.clone(),
        table: target.table.clone(),
        differences,
    }
}

fn found_columns(connection: &Connection, target: &Target) -> rusqlite::Result<Vec<Found>> {
    connection
        .prepare(
            "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk > 0, hidden > 1
             FROM pragma_table_xinfo(?1)",
        )?
        .query_map((&target.table,), |row| {
            Ok(Found {
                name: row.get(0)?,
                declared: row.get(1)?,
                not_null: row.get(2)?,
                has_default: row.get(3)?,
                in_primary_key: row.get(4)?,
                generated: row.get(5)?,
            })
        })?
        .collect()
}

/// In words, why rows that fit the input would not fit the table.
fn differences(target: &Target, found: &[Found]) -> Vec<String> {
    let wanted = wanted(target);
    let mut differences = Vec::new();
    for (name, declared, required) in &wanted {
        let Some(column) = found.iter().find(|column| column.name.eq_ignore_ascii_case(name))
        else {
            differences.push(no_column(target, name, declared));
            continue;
        };
        if column.generated {
            differences.push(format!("column `{name}` is generated"));
        } else if !keeps(declared, &column.declared) {
            differences.push(format!(
                "column `{name}` is declared `{}` where `{declared}` is needed",
                column.declared
            ));
        }
        if column.not_null && !required {
            differences.push(format!("column `{name}` is NOT NULL, but the input may have null"));
        }
    }
    for column in found {
        let ours = wanted.iter().any(|(name, ..)| column.name.eq_ignore_ascii_case(name));
        if !ours && column.not_null && !column.has_default && !column.generated {
            differences.push(format!(
                "column `{}` is NOT NULL without a default, and the input has no such column",
                column.name
            ));
        }
        // In append mode a primary key may be one that SQLite counts up by itself.
        let in_key = target
            .key
            .iter()
            .any(|index| column.name.eq_ignore_ascii_case(&target.schema.fields[*index].name));
        let in_wrong_key = column.in_primary_key && (ours || target.mode == WriteMode::Upsert);
        if in_wrong_key && !in_key {
            differences.push(format!(
                "column `{}` is part of the primary key, but not of the sink's",
                column.name
            ));
        } else if in_key && !column.in_primary_key {
            differences.push(format!("column `{}` is not part of the primary key", column.name));
        }
    }
    differences
}

/// That a column is missing, and the statement that adds it; a key takes a new table.
fn no_column(target: &Target, name: &str, declared: &str) -> String {
    let missing = format!("it has no column `{name}` ({declared})");
    if target.key.iter().any(|index| *target.schema.fields[*index].name == *name) {
        return format!("{missing}, which is of the key");
    }
    // Rows that are there come before all that the sink writes. Other columns may take null: that
    // none comes is seen to before a row is written.
    let rest = match name {
        MAJOR => format!(" NOT NULL DEFAULT {}", i64::MIN),
        MINOR => format!(" NOT NULL DEFAULT {}", i32::MIN),
        _ => String::new(),
    };
    let (table, column) = (quoted(&target.table), quoted(name));
    format!("{missing}: `ALTER TABLE {table} ADD COLUMN {column} {declared}{rest}` adds it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_have_the_affinity_that_keeps_their_values() {
        let of = |data_type| affinity(&declared(data_type));
        for data_type in [
            DataType::Decimal { precision: 18, scale: 2 },
            DataType::Text,
            DataType::Date,
            DataType::Time,
            DataType::Timestamp,
            DataType::Uuid,
            DataType::Json,
        ] {
            assert_eq!(of(data_type), Affinity::Text, "{data_type}");
        }
        for data_type in [DataType::Int16, DataType::Int32, DataType::Int64] {
            assert_eq!(of(data_type), Affinity::Integer, "{data_type}");
        }
        assert_eq!(of(DataType::Bool), Affinity::Numeric);
        assert_eq!(of(DataType::Float64), Affinity::Real);
        assert_eq!(of(DataType::Binary), Affinity::Blob);
    }

    #[test]
    fn a_column_fits_where_nothing_is_changed_on_the_way_in() {
        assert!(keeps("DECIMAL_TEXT(18,2)", "TEXT"));
        assert!(keeps("DECIMAL_TEXT(18,2)", "decimal_text(18,2)"));
        assert!(!keeps("DECIMAL_TEXT(18,2)", "DECIMAL_TEXT(18,4)"));
        assert!(!keeps("DECIMAL_TEXT(18,2)", "DECIMAL(18,2)"));
        assert!(!keeps("TEXT", "TIMESTAMP_TEXT"));
        assert!(keeps("TEXT", "VARCHAR(20)"));
        assert!(keeps("TEXT", ""));
        assert!(keeps("BOOLEAN", "INTEGER"));
        assert!(!keeps("BIGINT", "TEXT"));
        assert!(!keeps("REAL", "NUMERIC"));
    }

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
