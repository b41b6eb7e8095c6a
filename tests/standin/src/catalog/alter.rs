//! Changes of a table's columns, as jobs that take their time.
//!
//! A job goes PENDING → WAITING_TXN → RUNNING → FINISHED, a stage for each few looks at it. It
//! stays in WAITING_TXN until every transaction that was open on the table when the job was made
//! has ended. The table changes when the job finishes, so that a load which names a new column
//! before then fails. In Doris a light change is there at once, as a finished job.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::definition::{ColumnDef, TableDef};
use super::names::CatalogError;
use super::state::State;
use super::{Catalog, Model};
use crate::world::System;

/// For how long a stage lasts where nobody looks, in milliseconds.
const STAGE_MS: i64 = 1000;

/// Where a column goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Behind all others; a key column behind the key.
    Last,
    /// Before all others.
    First,
    /// Behind this one.
    After(String),
}

/// One change of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A new column.
    Add(ColumnDef, Place),
    /// A column with another type, or at another place.
    Modify(ColumnDef, Place),
    /// A column less.
    Drop(String),
    /// A column with another name.
    Rename(String, String),
    /// A column with another comment.
    Comment(String, String),
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// Not begun.
    Pending,
    /// Waiting for the transactions that were open before it.
    WaitingTxn,
    /// At work.
    Running,
    /// Done; the table has changed.
    Finished,
    /// Given up.
    Cancelled,
}

impl JobState {
    /// The word of SHOW ALTER TABLE.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::WaitingTxn => "WAITING_TXN",
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Whether it changes no more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlterJob {
    /// Its number; later jobs have greater ones.
    pub id: i64,
    /// The table's database.
    pub database: String,
    /// The table.
    pub table: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ended.
    pub finished_ms: Option<i64>,
    /// How far it is.
    pub state: JobState,
    /// Why it was given up.
    pub message: String,
    /// The seconds after which it is given up.
    pub timeout_s: i64,
    changes: Vec<Change>,
    waits_for: Vec<i64>,
    looks: u32,
    stage_ms: i64,
}

impl TableDef {
    /// The table after some changes.
    fn changed(&self, changes: &[Change], system: System) -> Result<Self, CatalogError> {
        let mut table = self.clone();
        for change in changes {
            table.apply(change, system).map_err(CatalogError::Definition)?;
        }
        Ok(table)
    }

    fn apply(&mut self, change: &Change, system: System) -> Result<(), String> {
        let missing = |name: &str| format!("Column does not exists: {name}");
        match change {
            Change::Add(column, place) => {
                if self.column(&column.name).is_some() {
                    return Err(format!(
                        "Can not add column which already exists in base table: {}",
                        column.name
                    ));
                }
                if let Some(objection) = column.column_type.objection(system, column.key) {
                    return Err(objection);
                }
                if !column.nullable && column.default.is_none() && self.model != Model::Aggregate {
                    return Err(format!(
                        "Column {} is NOT NULL and has no default value: rows that are there need one",
                        column.name
                    ));
                }
                self.insert(column.clone(), place)
            }
            Change::Modify(column, place) => {
                let at = self.position(&column.name).ok_or_else(|| missing(&column.name))?;
                let old = self.columns[at].clone();
                let column = ColumnDef { key: old.key, name: old.name.clone(), ..column.clone() };
                if let Some(reason) = narrowed(&old, &column) {
                    return Err(reason);
                }
                self.columns[at] = column.clone();
                if *place == Place::Last {
                    return Ok(());
                }
                self.columns.remove(at);
                self.insert(column, place)
            }
            Change::Drop(name) => {
                let at = self.position(name).ok_or_else(|| missing(name))?;
                if self.columns[at].key && (self.is_keyed() || self.model == Model::Aggregate) {
                    return Err(format!("Can not drop key column {name}"));
                }
                self.columns.remove(at);
                self.keys.retain(|key| !key.eq_ignore_ascii_case(name));
                Ok(())
            }
            Change::Rename(from, to) => {
                let at = self.position(from).ok_or_else(|| missing(from))?;
                if self.column(to).is_some() {
                    return Err(format!("Column name[{to}] is already used"));
                }
                for name in self.keys.iter_mut().chain(&mut self.distribution).chain(&mut self.sort)
                {
                    if name.eq_ignore_ascii_case(from) {
                        name.clone_from(to);
                    }
                }
                self.columns[at].name.clone_from(to);
                Ok(())
            }
            Change::Comment(name, comment) => {
                let at = self.position(name).ok_or_else(|| missing(name))?;
                self.columns[at].comment.clone_from(comment);
                Ok(())
            }
        }
    }

    fn insert(&mut self, column: ColumnDef, place: &Place) -> Result<(), String> {
        let at = match place {
            Place::First => 0,
            Place::Last if column.key => self.key_columns().count(),
            Place::Last => self.columns.len(),
            Place::After(name) => {
                1 + self.position(name).ok_or_else(|| format!("Column does not exists: {name}"))?
            }
        };
        let keys = self.key_columns().count();
        if (column.key && at > keys) || (!column.key && at < keys) {
            return Err(format!(
                "Invalid column order. value should be after key. index[{}]",
                self.name
            ));
        }
        if column.key {
            self.keys.insert(at, column.name.clone());
        }
        self.columns.insert(at, column);
        Ok(())
    }
}

/// Why a column cannot become this one: rows that are there would lose something.
fn narrowed(old: &ColumnDef, new: &ColumnDef) -> Option<String> {
    use super::ColumnType as T;
    let rank = |column: &ColumnDef| match column.column_type {
        T::TinyInt => Some(1),
        T::SmallInt => Some(2),
        T::Int => Some(3),
        T::BigInt => Some(4),
        T::LargeInt => Some(5),
        _ => None,
    };
    let fits = match (&old.column_type, &new.column_type) {
        (from, to) if from == to => true,
        (T::Varchar(from) | T::Char(from), T::Varchar(to)) => to >= from,
        (T::Varchar(_) | T::Char(_), T::String) | (T::Float, T::Double) => true,
        (T::Date, T::DateTime(_)) => true,
        (T::DateTime(from), T::DateTime(to)) => to >= from,
        (
            T::Decimal { precision: from, scale: from_scale },
            T::Decimal { precision: to, scale: to_scale },
        ) => to_scale >= from_scale && to - to_scale.min(to) >= from - from_scale.min(from),
        (
            T::TinyInt | T::SmallInt | T::Int | T::BigInt | T::LargeInt,
            T::Varchar(_) | T::String,
        ) => true,
        (T::TinyInt | T::SmallInt | T::Int, T::Double) => true,
        _ => matches!((rank(old), rank(new)), (Some(from), Some(to)) if to >= from),
    };
    if !fits {
        return Some(format!(
            "Can not change {} to {}",
            old.column_type.mysql_name().to_uppercase(),
            new.column_type.mysql_name().to_uppercase()
        ));
    }
    (old.nullable && !new.nullable)
        .then(|| "Can not change from nullable to non-nullable".to_owned())
}

impl State {
    fn is_open(&self, txn: i64) -> bool {
        self.open.iter().any(|open| open.0 == txn)
    }

    /// Takes the job a stage further, unless it waits; true if it has reached its end.
    fn step(&mut self, at: usize, now_ms: i64) -> bool {
        let waits = self.jobs[at].waits_for.iter().any(|txn| self.is_open(*txn));
        let job = &mut self.jobs[at];
        job.state = match job.state {
            JobState::Pending => JobState::WaitingTxn,
            JobState::WaitingTxn if waits => JobState::WaitingTxn,
            JobState::WaitingTxn => JobState::Running,
            JobState::Running => JobState::Finished,
            ended => ended,
        };
        job.looks = 0;
        job.stage_ms = now_ms;
        if job.state == JobState::Finished {
            job.finished_ms = Some(now_ms);
        }
        job.state == JobState::Finished
    }
}

impl Catalog {
    /// Makes a job of some changes, which are checked now.
    pub(crate) fn alter(
        &self,
        database: &str,
        name: &str,
        changes: Vec<Change>,
        timeout_s: i64,
        now_ms: i64,
    ) -> Result<(), CatalogError> {
        self.change(|state| {
            let unknown = |_| CatalogError::UnknownTable(format!("{database}.{name}"));
            let table = state.table(database, name).map_err(unknown)?;
            let busy = |job: &AlterJob| {
                job.database == database && job.table == name && !job.state.is_final()
            };
            if state.jobs.iter().any(busy) {
                return Err(CatalogError::Definition(format!(
                    "Table[{name}]'s state(SCHEMA_CHANGE) is not NORMAL. Do not allow to do ALTER ops"
                )));
            }
            table.changed(&changes, self.system)?;
            let open = state.open.iter();
            let waits_for =
                open.filter(|open| open.1 == database && open.2 == name).map(|open| open.0);
            let job = AlterJob {
                waits_for: waits_for.collect(),
                id: state.new_id(),
                database: database.to_owned(),
                table: name.to_owned(),
                created_ms: now_ms,
                finished_ms: None,
                state: JobState::Pending,
                message: String::new(),
                timeout_s,
                changes,
                looks: 0,
                stage_ms: now_ms,
            };
            state.jobs.push(job);
            let light = self.system == System::Doris && table.properties.get("light_schema_change").is_none_or(|value| value == "true");
            if light {
                let at = state.jobs.len() - 1;
                state.jobs[at].state = JobState::Running;
                state.step(at, now_ms);
                self.finish(state, at)?;
            }
            Ok(())
        })
    }

    /// Somebody asks for the jobs of a database: each look takes a job on, `looks` of them a stage.
    pub(crate) fn look_at_jobs(&self, database: &str, looks: u32, now_ms: i64) -> Vec<AlterJob> {
        self.change(|state| {
            let before = state.jobs.clone();
            for at in 0..state.jobs.len() {
                if state.jobs[at].database != database || state.jobs[at].state.is_final() {
                    continue;
                }
                state.jobs[at].looks += 1;
                if state.jobs[at].looks >= looks.max(1) && state.step(at, now_ms) {
                    self.finish_or_cancel(state, at);
                }
            }
            before.into_iter().filter(|job| job.database == database).collect()
        })
    }

    /// Takes on the jobs that nobody looks at, by the clock.
    pub(crate) fn advance_jobs(&self, now_ms: i64) {
        let due = |job: &AlterJob| !job.state.is_final() && now_ms - job.stage_ms >= STAGE_MS;
        if !self.read().jobs.iter().any(due) {
            return;
        }
        self.change(|state| {
            for at in 0..state.jobs.len() {
                if !due(&state.jobs[at]) {
                    continue;
                }
                let job = &mut state.jobs[at];
                if now_ms - job.created_ms > job.timeout_s.saturating_mul(1000) {
                    job.state = JobState::Cancelled;
                    job.finished_ms = Some(now_ms);
                    "timeout".clone_into(&mut job.message);
                } else if state.step(at, now_ms) {
                    self.finish_or_cancel(state, at);
                }
            }
        });
    }

    /// Gives up the unfinished jobs of a table.
    pub(crate) fn cancel_jobs(&self, database: &str, table: &str, now_ms: i64) {
        self.change(|state| {
            for job in &mut state.jobs {
                if job.database == database && job.table == table && !job.state.is_final() {
                    job.state = JobState::Cancelled;
                    job.finished_ms = Some(now_ms);
                    "user cancelled".clone_into(&mut job.message);
                }
            }
        });
    }

    fn finish_or_cancel(&self, state: &mut State, at: usize) {
        if let Err(error) = self.finish(state, at) {
            let job = &mut state.jobs[at];
            job.state = JobState::Cancelled;
            job.message = error.to_string();
        }
    }

    /// Changes the table of a job that has come to its end.
    fn finish(&self, state: &mut State, at: usize) -> Result<(), CatalogError> {
        let job = state.jobs[at].clone();
        let unknown = |_| CatalogError::UnknownTable(format!("{}.{}", job.database, job.table));
        let old = state.table(&job.database, &job.table).map_err(unknown)?;
        let new = old.changed(&job.changes, self.system)?;
        let renames: Vec<(&str, &str)> = job
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Rename(from, to) => Some((from.as_str(), to.as_str())),
                _ => None,
            })
            .collect();
        self.store().rebuild(&old, &new, &renames)?;
        if let Some(database) = state.databases.get_mut(&job.database) {
            database.tables.insert(new.name.clone(), Arc::new(new));
        }
        Ok(())
    }
}
