//! The definitions in memory, and how they outlive a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};

use super::alter::AlterJob;
use super::definition::{TableDef, ViewDef};
use super::names::{CatalogError, MAX_DATABASES, NoTable};
use super::store::Store;
use super::users::Users;
use super::{Catalog, Model};
use crate::world::System;

/// The note under which the definitions are kept.
const NOTE: &str = "catalog";

/// One database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Database {
    /// Its tables, by name.
    pub(crate) tables: BTreeMap<String, Arc<TableDef>>,
    /// Its views, by name.
    pub(crate) views: BTreeMap<String, ViewDef>,
}

/// What a name of a FROM clause stands for.
pub(crate) enum Relation {
    /// A table.
    Table(Arc<TableDef>),
    /// A view.
    View(Box<ViewDef>),
}

/// All definitions, users and jobs.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) databases: BTreeMap<String, Database>,
    pub(crate) users: Users,
    pub(crate) jobs: Vec<AlterJob>,
    /// Transactions at work, each with a table of it.
    pub(crate) open: Vec<(i64, String, String)>,
    next_id: i64,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    databases: BTreeMap<String, (Vec<TableDef>, Vec<ViewDef>)>,
    users: Users,
    jobs: Vec<AlterJob>,
    next_id: i64,
}

impl State {
    /// The definitions as they were kept, their databases attached.
    pub(super) fn load(store: &mut Store) -> rusqlite::Result<Self> {
        let kept = store.kept(NOTE)?.into_iter().find(|(key, _)| key == NOTE);
        let saved: Option<Saved> = kept.and_then(|(_, value)| serde_json::from_str(&value).ok());
        let Some(saved) = saved else { return Ok(Self { next_id: 10_000, ..Self::default() }) };
        let mut databases = BTreeMap::new();
        for (name, (tables, views)) in saved.databases {
            store.attach(&name)?;
            let tables = tables.into_iter().map(|table| (table.name.clone(), Arc::new(table)));
            let views = views.into_iter().map(|view| (view.name.clone(), view));
            databases.insert(name, Database { tables: tables.collect(), views: views.collect() });
        }
        Ok(Self {
            databases,
            users: saved.users,
            jobs: saved.jobs,
            open: Vec::new(),
            next_id: saved.next_id,
        })
    }

    fn save(&self) -> Option<String> {
        let databases = self.databases.iter().map(|(name, database)| {
            let tables = database.tables.values().map(|table| (**table).clone()).collect();
            (name.clone(), (tables, database.views.values().cloned().collect()))
        });
        let saved = Saved {
            databases: databases.collect(),
            users: self.users.clone(),
            jobs: self.jobs.clone(),
            next_id: self.next_id,
        };
        serde_json::to_string(&saved).ok()
    }

    /// A number that was not used before.
    pub(crate) fn new_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    /// The table of this name.
    pub(crate) fn table(&self, database: &str, table: &str) -> Result<Arc<TableDef>, NoTable> {
        let database = self.databases.get(database).ok_or(NoTable::UnknownDatabase)?;
        database.tables.get(table).cloned().ok_or(NoTable::UnknownTable)
    }

    /// The table or view of this name.
    pub(crate) fn relation(&self, database: &str, name: &str) -> Result<Relation, NoTable> {
        let found = self.databases.get(database).ok_or(NoTable::UnknownDatabase)?;
        if let Some(view) = found.views.get(name) {
            return Ok(Relation::View(Box::new(view.clone())));
        }
        found.tables.get(name).cloned().map(Relation::Table).ok_or(NoTable::UnknownTable)
    }

    fn database(&mut self, name: &str) -> Result<&mut Database, CatalogError> {
        let unknown = || CatalogError::UnknownDatabase(name.to_owned());
        self.databases.get_mut(name).ok_or_else(unknown)
    }
}

impl Catalog {
    /// Changes the definitions and keeps them.
    pub(crate) fn change<R>(&self, how: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let result = how(&mut state);
        let saved = state.save();
        // The state's lock is still held, so that no older state is kept over a newer one.
        if let Some(saved) = saved {
            self.keep(NOTE, &saved);
        }
        result
    }

    /// Makes a database; true if it was not there.
    pub(crate) fn create_database(&self, name: &str, lenient: bool) -> Result<bool, CatalogError> {
        self.change(|state| {
            if state.databases.contains_key(name) || name.eq_ignore_ascii_case("information_schema")
            {
                let exists = CatalogError::DatabaseExists(name.to_owned());
                return if lenient { Ok(false) } else { Err(exists) };
            }
            if ["main", "temp"].iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
                let reason = format!("the stand-in cannot name a database '{name}'");
                return Err(CatalogError::Definition(reason));
            }
            if state.databases.len() >= MAX_DATABASES {
                return Err(CatalogError::Full);
            }
            self.store().attach(name)?;
            state.databases.insert(name.to_owned(), Database::default());
            Ok(true)
        })
    }

    /// Drops a database with all its tables.
    pub(crate) fn drop_database(&self, name: &str, lenient: bool) -> Result<(), CatalogError> {
        self.change(|state| match state.databases.remove(name) {
            Some(_) => Ok(self.store().detach(name)?),
            None if lenient => Ok(()),
            None => Err(CatalogError::UnknownDatabase(name.to_owned())),
        })
    }

    /// Makes a table; false if it was there already.
    pub(crate) fn create_table(
        &self,
        mut table: TableDef,
        lenient: bool,
    ) -> Result<bool, CatalogError> {
        self.change(|state| {
            table.id = state.new_id();
            let database = state.database(&table.database)?;
            if database.tables.contains_key(&table.name) || database.views.contains_key(&table.name)
            {
                let exists = CatalogError::TableExists(table.name.clone());
                return if lenient { Ok(false) } else { Err(exists) };
            }
            self.check(&table)?;
            self.store().create_table(&table)?;
            database.tables.insert(table.name.clone(), Arc::new(table));
            Ok(true)
        })
    }

    /// What makes a definition wrong.
    fn check(&self, table: &TableDef) -> Result<(), CatalogError> {
        let wrong = |reason: String| Err(CatalogError::Definition(reason));
        for (at, column) in table.columns.iter().enumerate() {
            if table.position(&column.name) != Some(at) {
                return wrong(format!("Duplicate column name '{}'", column.name));
            }
            if let Some(objection) = column.column_type.objection(self.system, column.key) {
                return wrong(objection);
            }
        }
        let starrocks = self.system == System::StarRocks;
        if !starrocks && table.model == Model::Primary {
            return wrong(
                "mismatched input 'PRIMARY' expecting UNIQUE or DUPLICATE KEY".to_owned(),
            );
        }
        for (at, key) in table.keys.iter().enumerate() {
            // Key columns lead the table, in the order of the key.
            if table.position(key) != Some(at) {
                return wrong(format!(
                    "Key columns should be a ordered prefix of the schema. KeyColumns[{at}] \
                     (starts from zero) is {key}, but corresponding column is {}",
                    table.columns.get(at).map_or("none", |column| column.name.as_str())
                ));
            }
        }
        for name in &table.distribution {
            let Some(column) = table.column(name) else {
                return wrong(format!("Distribution column({name}) doesn't exist."));
            };
            if table.is_keyed() && !column.key {
                return wrong(format!("Distribution column[{name}] is not key column"));
            }
        }
        self.check_replication(table)
    }

    fn check_replication(&self, table: &TableDef) -> Result<(), CatalogError> {
        match table.properties.get("replication_num").map(|number| number.parse::<u32>()) {
            Some(Err(_) | Ok(0)) => {
                let reason = "replication_num should be a positive integer";
                Err(CatalogError::Definition(reason.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Changes properties of a table, at once.
    pub(crate) fn set_properties(
        &self,
        database: &str,
        name: &str,
        properties: Vec<(String, String)>,
    ) -> Result<(), CatalogError> {
        self.change(|state| {
            let unknown = || CatalogError::UnknownTable(format!("{database}.{name}"));
            let table = state.database(database)?.tables.get_mut(name).ok_or_else(unknown)?;
            Arc::make_mut(table).properties.extend(properties);
            Ok(())
        })
    }

    /// Drops a table.
    pub(crate) fn drop_table(
        &self,
        database: &str,
        name: &str,
        lenient: bool,
    ) -> Result<(), CatalogError> {
        self.change(|state| match state.database(database)?.tables.remove(name) {
            Some(table) => Ok(self.store().drop_table(&table)?),
            None if lenient => Ok(()),
            None => Err(CatalogError::UnknownTable(format!("{database}.{name}"))),
        })
    }

    /// Makes a view; false if its name was taken.
    pub(crate) fn create_view(
        &self,
        view: ViewDef,
        lenient: bool,
        replace: bool,
    ) -> Result<bool, CatalogError> {
        self.change(|state| {
            let database = state.database(&view.database)?;
            let taken = database.views.contains_key(&view.name) && !replace;
            if taken || database.tables.contains_key(&view.name) {
                let exists = CatalogError::TableExists(view.name.clone());
                return if lenient { Ok(false) } else { Err(exists) };
            }
            database.views.insert(view.name.clone(), view);
            Ok(true)
        })
    }

    /// Drops a view.
    pub(crate) fn drop_view(
        &self,
        database: &str,
        name: &str,
        lenient: bool,
    ) -> Result<(), CatalogError> {
        self.change(|state| match state.database(database)?.views.remove(name) {
            Some(_) => Ok(()),
            None if lenient => Ok(()),
            None => Err(CatalogError::UnknownTable(format!("{database}.{name}"))),
        })
    }
}
