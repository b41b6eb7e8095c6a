//! Databases, tables and views, made, changed and dropped.

use super::super::error::SqlError;
use super::super::statement::{Path, Statement, View};
use super::super::{Outcome, Session, require, select};
use super::{jobs, resolve};
use crate::catalog::{NoTable, Privilege, TableDef, ViewDef};
use crate::transaction::Transactions;
use crate::world::{System, World};

/// Runs a statement of definitions.
pub(super) fn change(
    world: &World,
    session: &Session,
    statement: Statement,
    sql: &str,
) -> Result<Outcome, SqlError> {
    let catalog = &world.catalog;
    match statement {
        Statement::CreateDatabase { name, lenient } => {
            // StarRocks gives this privilege on all databases, Doris on each.
            let on = if world.system == System::StarRocks { "*" } else { &*name };
            require(world, session, Privilege::Create, on, "")?;
            catalog.create_database(&name, lenient)?;
        }
        Statement::DropDatabase { name, lenient } => {
            require(world, session, Privilege::Drop, &name, "")?;
            catalog.drop_database(&name, lenient)?;
            Transactions::forget_database(world, &name);
        }
        Statement::CreateTable { table, lenient } => {
            create_table(world, session, *table, lenient)?;
        }
        Statement::CreateLike { table, like, lenient } => {
            let like = table_of(world, session, like)?;
            let (database, name) = resolve(session, table)?;
            create_table(world, session, TableDef { database, name, ..like }, lenient)?;
        }
        Statement::CreateView(view) => create_view(world, session, view, sql)?,
        Statement::DropTable { table, lenient } => {
            let (database, name) = resolve(session, table)?;
            require(world, session, Privilege::Drop, &database, &name)?;
            catalog.drop_table(&database, &name, lenient)?;
        }
        Statement::DropView { view, lenient } => {
            let (database, name) = resolve(session, view)?;
            require(world, session, Privilege::Drop, &database, &name)?;
            catalog.drop_view(&database, &name, lenient)?;
        }
        Statement::Alter { table, changes, set, timeout_s } => {
            let (database, name) = resolve(session, table)?;
            require(world, session, Privilege::Alter, &database, &name)?;
            jobs::alter(world, &database, &name, changes, set, timeout_s)?;
        }
        Statement::CancelAlter(table) => {
            let (database, name) = resolve(session, table)?;
            require(world, session, Privilege::Alter, &database, &name)?;
            catalog.cancel_jobs(&database, &name, world.clock.now_ms());
        }
        other => return Err(SqlError::analysis(format!("{other:?} defines nothing"))),
    }
    Ok(Outcome::default())
}

/// The definition of a table.
pub(super) fn table_of(world: &World, session: &Session, path: Path) -> Result<TableDef, SqlError> {
    let (database, name) = resolve(session, path)?;
    let table = world.catalog.table(&database, &name).map_err(|error| match error {
        NoTable::UnknownDatabase => SqlError::unknown_database(&database),
        NoTable::UnknownTable => SqlError::unknown_table(&database, &name),
    })?;
    Ok((*table).clone())
}

fn create_table(
    world: &World,
    session: &Session,
    mut table: TableDef,
    lenient: bool,
) -> Result<(), SqlError> {
    if table.database.is_empty() {
        table.database.clone_from(&session.database);
    }
    if table.database.is_empty() {
        return Err(SqlError::no_database());
    }
    require(world, session, Privilege::Create, &table.database, "")?;
    let found = world.catalog.read().relation(&table.database, &table.name).map(|_| ());
    // Both systems look for the database and for a table of that name before they count backends.
    if found == Err(NoTable::UnknownTable) {
        check_replication(world, &table)?;
    }
    world.catalog.create_table(table, lenient)?;
    Ok(())
}

/// Three replicas are the default, and each needs a living backend of its own.
fn check_replication(world: &World, table: &TableDef) -> Result<(), SqlError> {
    let allocation = table.properties.get("replication_allocation").map(|text| {
        let counts = text
            .split(',')
            .filter_map(|part| part.rsplit(':').next()?.trim().parse::<usize>().ok());
        counts.sum::<usize>()
    });
    let number = table.properties.get("replication_num").and_then(|text| text.parse().ok());
    let wanted = number.or(allocation).unwrap_or(3);
    let alive = world.nodes.backends().iter().filter(|member| member.is_alive()).count();
    if wanted <= alive || world.settings.get().cloud {
        return Ok(());
    }
    let name = &table.name;
    Err(match world.system {
        System::StarRocks => SqlError::new(
            1064,
            format!(
                "Unexpected exception: Table replication num should be less than or equal to the \
                 number of available BE nodes. You can change this default by setting the \
                 replication_num table properties. Current alive backends: {alive}, table={name}, \
                 properties.replication_num={wanted}"
            ),
        ),
        System::Doris => SqlError::new(
            1105,
            format!(
                "errCode = 2, detailMessage = Failed to find enough backend, please check the \
                 replication num,replication tag and storage medium and avail capacity of \
                 backends. Create failed replications: replication num: {wanted}, backends: {alive}"
            ),
        ),
    })
}

fn create_view(world: &World, session: &Session, view: View, sql: &str) -> Result<(), SqlError> {
    let (database, name) = resolve(session, view.path)?;
    require(world, session, Privilege::Create, &database, "")?;
    let home =
        if session.database.is_empty() { database.clone() } else { session.database.clone() };
    // A view whose SELECT is wrong is refused now and not when it is read.
    let reader = Session { database: home.clone(), ..session.clone() };
    let translated = select::select(world, &reader, &view.select)?;
    super::read(world, session, &translated.relations)?;
    world.catalog.store().run(&format!("SELECT * FROM ({}) LIMIT 0", translated.sql))?;
    let definition = ViewDef {
        database,
        name,
        columns: view.columns,
        select: view.select,
        home,
        materialized: view.materialized,
        statement: sql.trim().trim_end_matches(';').to_owned(),
    };
    world.catalog.create_view(definition, view.lenient, view.replace)?;
    Ok(())
}
