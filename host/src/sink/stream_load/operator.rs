//! What an operator's commands ask of a sink: the tables that it wants, made or only printed.

use std::borrow::Cow;

use super::config::{StreamLoadConfig, TableName};
use super::error::StreamLoadError;
use super::target::{self, Admin};
use crate::record::Schema;

/// The statements that make what a sink fills, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// Each without a semicolon behind it.
    pub sql: Vec<String>,
    /// Why there is no view over the table, if some were asked for.
    pub without_views: Option<String>,
}

/// How many replicas a table has where nothing is said, if there are as many backends: what both
/// systems take.
const USUAL_REPLICAS: u32 = 3;
/// Stands before a printed table for which nothing is said.
const ABOUT_REPLICAS: &str =
    "-- Three replicas: where fewer backends run, set `replication`, or use --apply\n";

/// The statements for the sink's table, or for `table` where its name depends on the rows, and for
/// the views over it.
///
/// # Errors
/// If the table's name is not known.
pub(in crate::sink) fn statements(
    sink: &str,
    config: &StreamLoadConfig,
    schema: &Schema,
    table: Option<&str>,
    views: bool,
) -> Result<Statements, StreamLoadError> {
    let table = name(sink, config, table)?;
    let about = if config.replication.is_none() { ABOUT_REPLICAS } else { "" };
    // It stands in the statements of the views, too, so that it can be found and changed.
    let config = with_replicas(config, USUAL_REPLICAS);
    let create = target::create_table(&config, schema, &table, 0);
    all(&config, schema, &table, format!("{about}{create}"), views)
}

/// Makes the database, the table and the views, where they are not there yet; `told` hears of each
/// statement before it runs.
///
/// # Errors
/// If the target cannot be reached or refuses one.
pub(in crate::sink) fn apply(
    sink: &str,
    config: &StreamLoadConfig,
    schema: &Schema,
    table: Option<&str>,
    views: bool,
    told: &mut dyn FnMut(&str),
) -> Result<(), StreamLoadError> {
    let table = name(sink, config, table)?;
    let mut admin = Admin::connect(sink, config)?;
    let alive = admin.backends()?.iter().filter(|backend| backend.alive).count();
    let version = target::identify(&mut admin)?;
    // Views take as many replicas as the table. Where the user may not list the backends, the
    // system chooses.
    let config = match u32::try_from(alive) {
        Ok(0) | Err(_) => config.clone(),
        Ok(alive) => with_replicas(config, alive.min(USUAL_REPLICAS)),
    };
    let create = target::create_table_for(&config, schema, &table, alive, &version);
    let statements = all(&config, schema, &table, create, views)?;
    for sql in &statements.sql {
        told(sql);
        match admin.execute(sql) {
            // Who may make tables in a database that is there need not be allowed to make one.
            Err(StreamLoadError::Denied { .. })
                if sql.starts_with(CREATE_DATABASE) && admin.has_database()? => {}
            result => result?,
        }
    }
    if let Some(why) = &statements.without_views {
        tracing::info!(sink, table = &*table, why, "there are no views over this table");
    }
    Ok(())
}

/// The words that make the database.
const CREATE_DATABASE: &str = "CREATE DATABASE IF NOT EXISTS";

/// The settings, with so many replicas where nothing is said.
fn with_replicas(config: &StreamLoadConfig, replicas: u32) -> StreamLoadConfig {
    let replication = config.replication.or(Some(replicas));
    StreamLoadConfig { replication, ..config.clone() }
}

fn all(
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &str,
    create: String,
    views: bool,
) -> Result<Statements, StreamLoadError> {
    let database = target::sql::name(&config.database);
    let mut sql = vec![format!("{CREATE_DATABASE} {database}"), create];
    let mut without_views = None;
    if views {
        match target::views(config, schema, table) {
            Ok(views) => sql.extend(views),
            // Not every table of a pipeline is one of wagers.
            Err(StreamLoadError::Unfit { differences, .. }) => {
                without_views = Some(differences.join("; "));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Statements { sql, without_views })
}

fn name<'a>(
    sink: &str,
    config: &'a StreamLoadConfig,
    table: Option<&'a str>,
) -> Result<Cow<'a, str>, StreamLoadError> {
    match (table, &config.table) {
        (Some(table), _) => Ok(Cow::Borrowed(table)),
        (None, TableName::Fixed(table)) => Ok(Cow::Borrowed(table)),
        (None, TableName::Template(_)) => {
            Err(StreamLoadError::ManyTables { sink: sink.to_owned() })
        }
    }
}
