//! `CREATE TABLE`.

use std::collections::BTreeMap;

use super::super::cursor::Cursor;
use super::super::error::SqlError;
use super::super::statement::Statement;
use super::super::token::Kind;
use crate::catalog::{Aggregation, ColumnDef, ColumnDefault, ColumnType, Model, TableDef};

/// Reads what stands behind `CREATE TABLE`.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    let lenient = super::if_not_exists(cursor);
    let (database, name) = cursor.path()?;
    if cursor.take("LIKE") {
        let like = cursor.path()?;
        return Ok(Statement::CreateLike { table: (database, name), like, lenient });
    }
    let mut table = TableDef {
        id: 0,
        database: database.unwrap_or_default(),
        name,
        columns: Vec::new(),
        model: Model::Duplicate,
        keys: Vec::new(),
        sort: Vec::new(),
        distribution: Vec::new(),
        buckets: None,
        partition: None,
        properties: BTreeMap::new(),
        comment: String::new(),
    };
    columns(cursor, &mut table)?;
    let mut model = false;
    while !cursor.is_done() {
        model |= clause(cursor, &mut table)?;
    }
    complete(&mut table, model)?;
    Ok(Statement::CreateTable { table: Box::new(table), lenient })
}

/// Fills in what the statement leaves open.
fn complete(table: &mut TableDef, model: bool) -> Result<(), SqlError> {
    if !model {
        // Without a model the leading columns that can be keys are sorted by, duplicates kept.
        let aggregated = table.columns.iter().any(|column| column.aggregation.is_some());
        let able = |column: &&ColumnDef| {
            column.aggregation.is_none()
                && column.column_type.objection(crate::world::System::Doris, true).is_none()
        };
        let most = if aggregated { usize::MAX } else { 3 };
        table.keys = table
            .columns
            .iter()
            .take_while(able)
            .take(most)
            .map(|column| column.name.clone())
            .collect();
        if aggregated {
            table.model = Model::Aggregate;
        }
    }
    for key in table.keys.clone() {
        let model = table.model;
        let at = table
            .position(&key)
            .ok_or_else(|| SqlError::analysis(format!("Key column({key}) doesn't exist")))?;
        let column = &mut table.columns[at];
        column.key = true;
        // A primary key is never null, whether its columns say so or not.
        column.nullable &= model != Model::Primary;
    }
    Ok(())
}

fn columns(cursor: &mut Cursor<'_>, table: &mut TableDef) -> Result<(), SqlError> {
    cursor.expect("(")?;
    loop {
        if cursor.is("INDEX") || cursor.is("KEY") {
            while !cursor.is(",") && !cursor.is(")") {
                if cursor.is("(") {
                    cursor.parenthesised()?;
                } else if cursor.next().is_none() {
                    break;
                }
            }
        } else if cursor.take_all(&["PRIMARY", "KEY"]) {
            table.keys = cursor.names()?;
            table.model = Model::Primary;
        } else {
            let column = column(cursor)?;
            table.columns.push(column);
        }
        if !cursor.take(",") {
            break;
        }
    }
    cursor.expect(")")
}

/// Reads a type with its arguments.
pub(super) fn column_type(cursor: &mut Cursor<'_>) -> Result<ColumnType, SqlError> {
    let start = cursor.start();
    cursor.name()?;
    if cursor.is("(") {
        cursor.parenthesised()?;
    } else if cursor.is("<") {
        let mut depth = 0_i32;
        while let Some(token) = cursor.next() {
            depth += match token.text.as_str() {
                "<" => 1,
                ">" => -1,
                ">>" => -2,
                _ => 0,
            };
            if depth <= 0 {
                break;
            }
        }
    }
    let text = cursor.sql.get(start..cursor.end()).unwrap_or_default();
    ColumnType::parse(text).map_err(|error| SqlError::syntax(error.to_string()))
}

/// Reads a column's definition.
pub(super) fn column(cursor: &mut Cursor<'_>) -> Result<ColumnDef, SqlError> {
    let mut column = ColumnDef {
        name: cursor.name()?,
        column_type: column_type(cursor)?,
        nullable: true,
        default: None,
        comment: String::new(),
        aggregation: None,
        key: false,
    };
    loop {
        if cursor.take_all(&["NOT", "NULL"]) {
            column.nullable = false;
        } else if cursor.take("NULL") {
            column.nullable = true;
        } else if cursor.take("KEY") {
            column.key = true;
        } else if cursor.take("DEFAULT") {
            column.default = default(cursor)?;
        } else if cursor.take("COMMENT") {
            column.comment = cursor.text()?;
        } else if cursor.take("AUTO_INCREMENT") {
            return Err(SqlError::analysis("the stand-in has no AUTO_INCREMENT columns"));
        } else if let Some(word) = cursor.peek().and_then(|token| Aggregation::of(&token.text)) {
            column.aggregation = Some(word);
            cursor.next();
        } else {
            return Ok(column);
        }
    }
}

fn default(cursor: &mut Cursor<'_>) -> Result<Option<ColumnDefault>, SqlError> {
    if cursor.take("NULL") {
        return Ok(None);
    }
    if cursor.take("CURRENT_TIMESTAMP") || cursor.take_all(&["NOW"]) {
        if cursor.is("(") {
            cursor.parenthesised()?;
        }
        return Ok(Some(ColumnDefault::Now));
    }
    let sign = if cursor.take("-") { "-" } else { "" };
    match cursor.next() {
        Some(token) if matches!(token.kind, Kind::Text | Kind::Number) => {
            Ok(Some(ColumnDefault::Literal(format!("{sign}{}", token.text))))
        }
        Some(token) if token.is("TRUE") || token.is("FALSE") => {
            Ok(Some(ColumnDefault::Literal(token.text.to_ascii_lowercase())))
        }
        _ => Err(cursor.unexpected("a default value")),
    }
}

/// Reads one clause behind the columns; true if it says the model.
fn clause(cursor: &mut Cursor<'_>, table: &mut TableDef) -> Result<bool, SqlError> {
    for (word, model) in [
        ("PRIMARY", Model::Primary),
        ("UNIQUE", Model::Unique),
        ("DUPLICATE", Model::Duplicate),
        ("AGGREGATE", Model::Aggregate),
    ] {
        if cursor.take_all(&[word, "KEY"]) {
            table.model = model;
            table.keys = cursor.names()?;
            if cursor.take_all(&["CLUSTER", "BY"]) {
                table.sort = cursor.names()?;
            }
            return Ok(true);
        }
    }
    if cursor.take("ENGINE") {
        cursor.expect("=")?;
        cursor.name()?;
    } else if cursor.take("COMMENT") {
        table.comment = cursor.text()?;
    } else if cursor.take_all(&["DISTRIBUTED", "BY"]) {
        distribution(cursor, table)?;
    } else if cursor.take_all(&["ORDER", "BY"]) {
        table.sort = cursor.names()?;
    } else if cursor.take("PROPERTIES") {
        table.properties.extend(cursor.properties()?);
    } else if cursor.is("PARTITION") || cursor.is("AUTO") {
        let start = cursor.start();
        while !cursor.is_done()
            && !["DISTRIBUTED", "ORDER", "PROPERTIES"].iter().any(|w| cursor.is(w))
        {
            if cursor.is("(") {
                cursor.parenthesised()?;
            } else {
                cursor.next();
            }
        }
        table.partition = cursor.sql.get(start..cursor.end()).map(str::to_owned);
    } else {
        return Err(cursor.unexpected("a clause of CREATE TABLE"));
    }
    Ok(false)
}

fn distribution(cursor: &mut Cursor<'_>, table: &mut TableDef) -> Result<(), SqlError> {
    if !cursor.take("RANDOM") {
        cursor.expect("HASH")?;
        table.distribution = cursor.names()?;
    }
    if cursor.take("BUCKETS") && !cursor.take("AUTO") {
        let buckets = cursor.number()?;
        let buckets = u32::try_from(buckets).ok().filter(|buckets| *buckets > 0);
        let wrong =
            || SqlError::analysis("Number of hash distribution should be greater than zero");
        table.buckets = Some(buckets.ok_or_else(wrong)?);
    }
    Ok(())
}
