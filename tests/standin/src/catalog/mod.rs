//! What the stand-in holds: databases, tables, views and their rows, users, alter jobs.
//!
//! Definitions are in memory and, with a data directory, in `catalog.sqlite` beside the rows; each
//! database is one SQLite file (or one in memory) attached under its own name.
//!
//! *Invariants*: rows become visible in one SQLite transaction per publish; a decimal is text with
//! all digits of its scale and never a float; the state's lock is taken before the store's, and
//! never the other way round.
//! *Not here*: statements (`sql`), formats and labels (`load`, `transaction`).

mod alter;
mod check;
pub mod column_type;
mod convert;
pub mod decimal;
pub mod definition;
mod functions;
mod merge;
pub mod moment;
mod names;
mod password;
mod rows;
mod state;
mod store;
#[cfg(test)]
mod tests;
pub mod users;
pub mod value;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde_json::Value as Json;

pub use alter::{AlterJob, Change, JobState, Place};
pub use column_type::ColumnType;
pub use definition::{Aggregation, ColumnDef, ColumnDefault, Model, TableDef, ViewDef};
pub use names::{CatalogError, NoTable};
pub use rows::{Cell, Converted, LoadRow, LoadRules, Partial, Staged, StagedRow};
pub use users::Privilege;
pub use value::Value;

pub(crate) use state::Relation;
use state::State;
pub(crate) use store::{Answer, Store, quote};

use crate::world::{System, Version};

/// Everything that is stored, behind its locks.
pub struct Catalog {
    system: System,
    version: Version,
    state: RwLock<State>,
    store: Mutex<Store>,
}

impl Catalog {
    /// Opens the catalog of a directory, or an empty one in memory.
    ///
    /// There is one user at first, `root` without a password; [`Catalog::administrator`] replaces
    /// it.
    ///
    /// # Panics
    /// Where the directory's databases cannot be opened: nothing can be played without them.
    #[must_use]
    pub fn open(system: System, version: Version, data: Option<&Path>) -> Self {
        let opened = Store::open(data).and_then(|mut store| {
            let state = State::load(&mut store)?;
            Ok((store, state))
        });
        let (store, state) = opened.expect("the stand-in's databases can be opened");
        Self { system, version, state: RwLock::new(state), store: Mutex::new(store) }
    }

    /// Makes this user the one who may do all, in place of `root` without a password.
    pub fn administrator(&self, user: &str, password: &str) {
        self.change(|state| state.users.administrator(user, password));
    }

    /// The system that is played.
    #[must_use]
    pub fn system(&self) -> System {
        self.system
    }

    /// The version that is played.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The table of this name, names taken exactly.
    pub fn table(&self, database: &str, table: &str) -> Result<Arc<TableDef>, NoTable> {
        self.read().table(database, table)
    }

    /// Checks and converts the parsed rows of one load.
    #[must_use]
    pub fn convert(&self, table: &TableDef, rows: Vec<LoadRow>, rules: &LoadRules) -> Converted {
        check::convert(self, table, rows, rules)
    }

    /// Makes staged rows visible, in order, in one transaction: all of them or none.
    ///
    /// The table is the one of that name now, whatever definition the rows were staged under; a
    /// table that is gone takes nothing.
    pub fn publish(&self, table: &TableDef, staged: &[Staged]) {
        let Ok(now) = self.table(&table.database, &table.name) else { return };
        let published = self.store().publish(&now, staged, self.system);
        if let Err(error) = published {
            // Checked rows cannot fail to be stored unless the disk does.
            eprintln!("millrace-standin: rows of {} cannot be stored: {error}", table.name);
        }
    }

    /// A transaction works on this table from now on: alter jobs wait for it.
    pub fn began(&self, database: &str, table: &str, txn: i64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.open.push((txn, database.to_owned(), table.to_owned()));
    }

    /// The transaction has ended, on all its tables.
    pub fn ended(&self, txn: i64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.open.retain(|open| open.0 != txn);
    }

    /// Writes a durable note.
    pub fn keep(&self, key: &str, value: &str) {
        if let Err(error) = self.store().keep(key, value) {
            eprintln!("millrace-standin: the note {key} cannot be written: {error}");
        }
    }

    /// Removes a durable note.
    pub fn forget(&self, key: &str) {
        if let Err(error) = self.store().forget(key) {
            eprintln!("millrace-standin: the note {key} cannot be removed: {error}");
        }
    }

    /// The durable notes whose keys begin so, by key.
    #[must_use]
    pub fn kept(&self, prefix: &str) -> Vec<(String, String)> {
        self.store().kept(prefix).unwrap_or_default()
    }

    /// Whether this is the user's password.
    #[must_use]
    pub fn password_fits(&self, user: &str, password: &str) -> bool {
        self.read().users.password_fits(user, password)
    }

    /// Whether the user may do this to the table; an empty name stands for every one.
    #[must_use]
    pub fn may(&self, user: &str, privilege: Privilege, database: &str, table: &str) -> bool {
        self.read().users.may(user, privilege, database, table)
    }

    /// Whether there is a database of this name.
    #[must_use]
    pub fn has_database(&self, database: &str) -> bool {
        self.read().databases.contains_key(database)
    }

    /// All databases, by name.
    #[must_use]
    pub fn databases(&self) -> Vec<String> {
        self.read().databases.keys().cloned().collect()
    }

    /// The definition of a table as the Doris schema endpoint gives it.
    #[must_use]
    pub fn schema_json(&self, table: &TableDef) -> Json {
        let properties: Vec<Json> = table
            .columns
            .iter()
            .map(|column| {
                serde_json::json!({
                    "name": column.name,
                    "type": column.column_type.base_name().to_uppercase(),
                    "comment": column.comment,
                    "aggregation_type": column.aggregation.map_or("", Aggregation::word),
                })
            })
            .collect();
        serde_json::json!({
            "status": 200,
            "keysType": table.model.keys_type(),
            "properties": properties,
        })
    }

    pub(crate) fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
