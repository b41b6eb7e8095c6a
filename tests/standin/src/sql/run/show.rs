//! `SHOW` and `DESC`.

use super::super::error::SqlError;
use super::super::statement::{Path, Show};
use super::super::{ADMINISTRATOR, Outcome, ResultColumn, Session, require, schema, variables};
use super::{ddl, jobs, resolve, servers, transactions};
use crate::catalog::{Aggregation, NoTable, Privilege, Relation, TableDef};
use crate::world::{System, World};

type Row = Vec<Option<String>>;

fn text(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

/// Whether a name fits a pattern of LIKE.
fn fits(pattern: Option<&str>, name: &str) -> bool {
    fn rest(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['%', more @ ..], _) => {
                rest(more, name) || (!name.is_empty() && rest(pattern, &name[1..]))
            }
            (['\\', wild, more @ ..], [first, others @ ..]) => wild == first && rest(more, others),
            (['_', more @ ..], [_, others @ ..]) => rest(more, others),
            ([one, more @ ..], [first, others @ ..]) => {
                one.eq_ignore_ascii_case(first) && rest(more, others)
            }
            _ => false,
        }
    }
    let characters = |text: &str| text.chars().collect::<Vec<_>>();
    pattern.is_none_or(|pattern| rest(&characters(pattern), &characters(name)))
}

/// Runs SHOW.
pub(super) fn show(world: &World, session: &Session, show: Show) -> Result<Outcome, SqlError> {
    match show {
        Show::Databases { like } => Ok(databases(world, session, like.as_deref())),
        Show::Tables { database, like, full } => {
            tables(world, session, database, like.as_deref(), full)
        }
        Show::Columns { table, full } => columns(world, session, table, Some(full)),
        Show::CreateTable { table } => create_table(world, session, table),
        Show::CreateDatabase { name } => {
            if !world.catalog.has_database(&name) {
                return Err(SqlError::unknown_database(&name));
            }
            let statement = format!("CREATE DATABASE `{name}`");
            let rows = vec![vec![text(name), text(statement)]];
            Ok(Outcome::of_text(&["Database", "Create Database"], rows))
        }
        Show::AlterColumn { database, table, latest, limit } => {
            jobs::show(world, session, database, table.as_deref(), latest, limit)
        }
        Show::Backends => servers::backends(world, session),
        Show::Frontends => servers::frontends(world, session),
        Show::ComputeNodes => servers::compute_nodes(world, session),
        Show::Grants { user, all } => super::users::grants(world, session, user, all),
        Show::Variables { like } => {
            let all = variables::all(world, session).into_iter();
            let found = all.filter(|(name, _)| fits(like.as_deref(), name));
            let rows = found.map(|(name, value)| vec![text(name), text(value)]).collect();
            Ok(Outcome::of_text(&["Variable_name", "Value"], rows))
        }
        Show::Transaction { database, which } => {
            let database = database.unwrap_or_else(|| session.database.clone());
            if !database.is_empty() && !sees(world, session, &database, "") {
                return Err(SqlError::unknown_database(&database));
            }
            transactions::show(world, &database, &which)
        }
        Show::Empty => Ok(Outcome::of_text(&["Name", "Value"], Vec::new())),
    }
}

fn sees(world: &World, session: &Session, database: &str, table: &str) -> bool {
    session.user == ADMINISTRATOR
        || Privilege::ALL.iter().any(|any| world.catalog.may(&session.user, *any, database, table))
}

fn databases(world: &World, session: &Session, like: Option<&str>) -> Outcome {
    let mut names = world.catalog.databases();
    names.retain(|name| sees(world, session, name, ""));
    names.push(schema::NAME.to_owned());
    names.sort();
    let rows = names.into_iter().filter(|name| fits(like, name)).map(|name| vec![text(name)]);
    Outcome::of_text(&["Database"], rows.collect())
}

fn tables(
    world: &World,
    session: &Session,
    database: Option<String>,
    like: Option<&str>,
    full: bool,
) -> Result<Outcome, SqlError> {
    let database = database.unwrap_or_else(|| session.database.clone());
    if database.is_empty() {
        return Err(SqlError::no_database());
    }
    let state = world.catalog.read();
    let content =
        state.databases.get(&database).ok_or_else(|| SqlError::unknown_database(&database))?;
    let tables = content.tables.keys().map(|name| (name, "BASE TABLE"));
    let mut found: Vec<(&String, &str)> =
        tables.chain(content.views.keys().map(|name| (name, "VIEW"))).collect();
    found.sort();
    let rows = found
        .into_iter()
        .filter(|(name, _)| fits(like, name))
        .map(|(name, kind)| {
            let mut row = vec![text(name.as_str())];
            if full {
                row.push(text(kind));
            }
            row
        })
        .collect();
    let label = format!("Tables_in_{database}");
    let columns: &[&str] = if full { &[label.as_str(), "Table_type"] } else { &[label.as_str()] };
    Ok(Outcome::of_text(columns, rows))
}

/// `DESC` (`None`), `SHOW COLUMNS` and `SHOW FULL COLUMNS`.
pub(super) fn columns(
    world: &World,
    session: &Session,
    path: Path,
    full: Option<bool>,
) -> Result<Outcome, SqlError> {
    let (database, name) = resolve(session, path.clone())?;
    if !sees(world, session, &database, &name) {
        require(world, session, Privilege::Select, &database, &name)?;
    }
    let is_view = {
        let state = world.catalog.read();
        matches!(state.relation(&database, &name), Ok(Relation::View(_)))
    };
    if is_view {
        return view_columns(world, session, &database, &name);
    }
    let table = ddl::table_of(world, session, path)?;
    let rows = table.columns.iter().map(|column| {
        let key = match full {
            None if column.key => "true",
            None => "false",
            Some(_) => schema::key_word(&table, column),
        };
        let mut row: Row = vec![
            text(column.name.as_str()),
            text(column.column_type.sql(world.system)),
            text(if column.nullable { "YES" } else { "NO" }),
            text(key),
            schema::default_text(column),
            text(column.aggregation.map_or("", Aggregation::word)),
        ];
        if full == Some(true) {
            row.insert(2, None);
            row.extend([text(""), text(column.comment.as_str())]);
        }
        row
    });
    let labels: &[&str] = if full == Some(true) {
        &["Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"]
    } else {
        &["Field", "Type", "Null", "Key", "Default", "Extra"]
    };
    Ok(Outcome::of_text(labels, rows.collect()))
}

/// A view's columns have the types of its result.
fn view_columns(
    world: &World,
    session: &Session,
    database: &str,
    name: &str,
) -> Result<Outcome, SqlError> {
    let sql = format!("SELECT * FROM `{database}`.`{name}` LIMIT 0");
    let found = super::query(world, session, &sql)?;
    let row = |column: &ResultColumn| {
        vec![
            text(column.name.as_str()),
            text(column.column_type.sql(world.system)),
            text("YES"),
            text("false"),
            None,
            text(""),
        ]
    };
    let rows = found.columns.iter().map(row).collect();
    Ok(Outcome::of_text(&["Field", "Type", "Null", "Key", "Default", "Extra"], rows))
}

fn create_table(world: &World, session: &Session, path: Path) -> Result<Outcome, SqlError> {
    let (database, name) = resolve(session, path)?;
    require(world, session, Privilege::Select, &database, &name)
        .or_else(|_| require(world, session, Privilege::Alter, &database, &name))
        .or_else(|_| require(world, session, Privilege::Insert, &database, &name))?;
    let relation =
        world.catalog.read().relation(&database, &name).map_err(|error| match error {
            NoTable::UnknownDatabase => SqlError::unknown_database(&database),
            NoTable::UnknownTable => SqlError::unknown_table(&database, &name),
        })?;
    Ok(match relation {
        Relation::Table(table) => {
            let rows = vec![vec![text(name), text(definition(world, &table))]];
            Outcome::of_text(&["Table", "Create Table"], rows)
        }
        Relation::View(view) => {
            let label = if view.materialized { "Materialized View" } else { "View" };
            let rows = vec![vec![text(name), text(view.statement)]];
            Outcome::of_text(&[label, &format!("Create {label}")], rows)
        }
    })
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// The statement that makes the table again.
fn definition(world: &World, table: &TableDef) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let mut line = format!("  `{}` {}", column.name, column.column_type.sql(world.system));
            if let Some(aggregation) = column.aggregation {
                line.push_str(&format!(" {}", aggregation.word()));
            }
            line.push_str(if column.nullable { " NULL" } else { " NOT NULL" });
            match schema::default_text(column) {
                Some(word) if word == "CURRENT_TIMESTAMP" => {
                    line.push_str(" DEFAULT CURRENT_TIMESTAMP");
                }
                Some(default) => line.push_str(&format!(" DEFAULT \"{}\"", escaped(&default))),
                None => {}
            }
            if !column.comment.is_empty() {
                line.push_str(&format!(" COMMENT \"{}\"", escaped(&column.comment)));
            }
            line
        })
        .collect();
    let mut sql =
        format!("CREATE TABLE `{}` (\n{}\n) ENGINE=OLAP", table.name, columns.join(",\n"));
    if !table.keys.is_empty() {
        sql.push_str(&format!("\n{}({})", table.model.words(), quoted(&table.keys)));
    }
    if !table.comment.is_empty() {
        sql.push_str(&format!("\nCOMMENT \"{}\"", escaped(&table.comment)));
    }
    if let Some(partition) = &table.partition {
        sql.push_str(&format!("\n{partition}"));
    }
    if table.distribution.is_empty() {
        sql.push_str("\nDISTRIBUTED BY RANDOM");
    } else {
        sql.push_str(&format!("\nDISTRIBUTED BY HASH({})", quoted(&table.distribution)));
    }
    match (table.buckets, world.system) {
        (Some(buckets), _) => sql.push_str(&format!(" BUCKETS {buckets}")),
        (None, System::Doris) => sql.push_str(" BUCKETS AUTO"),
        (None, System::StarRocks) => {}
    }
    if !table.sort.is_empty() {
        sql.push_str(&format!("\nORDER BY({})", quoted(&table.sort)));
    }
    let properties: Vec<String> = table
        .properties
        .iter()
        .map(|(key, value)| format!("\"{}\" = \"{}\"", escaped(key), escaped(value)))
        .collect();
    if !properties.is_empty() {
        sql.push_str(&format!("\nPROPERTIES (\n{}\n)", properties.join(",\n")));
    }
    sql.push(';');
    sql
}
