//! What stands at the target: tables, columns, versions and nodes, asked over the MySQL port; how
//! the input's columns fit; the statements that make and change tables.
//!
//! | file | what it is |
//! |---|---|
//! | `admin`, `connection` | the MySQL port: login, statements, errors with their GRANT |
//! | `grants` | which privilege a statement needs, and how it is granted |
//! | `version`, `identity` | version numbers, and what they can do; which system it is |
//! | `column_type` | column types, read and printed; what DDL gives |
//! | `declaration` | SHOW CREATE TABLE, read |
//! | `table` | a table as it is |
//! | `model` | which table models take which mode |
//! | `mapping` | input columns to the table's |
//! | `arrow` | which columns and versions take Arrow bodies |
//! | `narrow` | columns that do not hold every value of the input's type |
//! | `checks` | values that the table would refuse or alter, found before the load |
//! | `ddl`, `views` | the statements that make tables and views |
//! | `evolve`, `alter_job` | columns added and widened, and the jobs that do it |
//! | `inspect` | an operator's checks |
//!
//! *Invariants*: statements go by the text protocol, as the two systems differ in the other; every
//! name is quoted; a column is mapped only if each of its values is kept whole or found by
//! `checks`.
//! *Not here*: loads (`protocol`).

mod admin;
mod alter_job;
mod arrow;
mod checks;
mod column_type;
mod connection;
mod ddl;
mod declaration;
mod evolve;
mod grants;
mod identity;
mod inspect;
mod mapping;
mod model;
mod narrow;
pub(super) mod sql;
mod table;
#[cfg(test)]
mod tests;
mod version;
mod views;

pub use inspect::{Finding, Severity, inspect};

pub(super) use admin::Admin;
pub(super) use arrow::check_format;
pub(super) use checks::refusals;
pub(super) use column_type::ColumnType;
#[cfg(test)]
pub(super) use column_type::column_type;
pub(super) use ddl::{create_table, create_table_for};
pub(super) use evolve::{evolve, evolved};
pub(super) use identity::{check_two_phases, identify, without_two_phases};
pub(super) use mapping::{Mapped, Origin, map};
pub(super) use table::Table;
pub(super) use views::views;
