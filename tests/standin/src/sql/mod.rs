//! SQL: statements in, rows out; over the MySQL port and for tests.
//!
//! *Invariants*: what is not understood is refused with MySQL's number and the place, never passed
//! over; a statement checks the user's privileges before it touches anything; a decimal never
//! becomes a float.
//! *Not here*: rows and definitions (`catalog`).

mod binary;
mod cursor;
mod error;
mod login;
mod packets;
mod parse;
mod port;
mod run;
mod schema;
mod secure;
mod select;
mod statement;
#[cfg(test)]
mod tests;
mod token;
mod variables;

use std::collections::BTreeMap;

pub use error::SqlError;
pub use port::{Serving, serve};

use crate::catalog::{ColumnType, Privilege};
use crate::world::World;

/// The user that the stand-in itself runs statements as; none can log in under this name.
pub const ADMINISTRATOR: &str = "<stand-in>";

/// What a connection has chosen.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Who is connected.
    pub user: String,
    /// The database of unqualified names; empty before one is chosen.
    pub database: String,
    /// The number of the connection.
    pub connection: u32,
    /// Variables that were set, in lower case and without their marks.
    pub variables: BTreeMap<String, String>,
}

impl Session {
    /// A session of a user.
    #[must_use]
    pub fn new(user: &str) -> Self {
        Self { user: user.to_owned(), ..Self::default() }
    }
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}

/// What a statement gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The columns; none where the statement has no result.
    pub columns: Vec<ResultColumn>,
    /// The rows; `None` is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows were changed.
    pub affected: u64,
}

impl Outcome {
    /// Rows of text.
    fn of_text(columns: &[&str], rows: Vec<Vec<Option<String>>>) -> Self {
        let columns = columns
            .iter()
            .map(|name| ResultColumn { name: (*name).to_owned(), column_type: ColumnType::String })
            .collect();
        Self { columns, rows, affected: 0 }
    }
}

/// Runs one statement as a user.
pub fn execute(
    world: &World,
    user: &str,
    session: &mut Session,
    sql: &str,
) -> Result<Outcome, SqlError> {
    user.clone_into(&mut session.user);
    world.catalog.advance_jobs(world.clock.now_ms());
    run::statement(world, session, sql)
}

/// Runs statements, one after the other, and gives the last one's rows; null is `NULL`.
pub fn rows(
    world: &World,
    user: &str,
    database: &str,
    sql: &str,
) -> Result<Vec<Vec<String>>, SqlError> {
    let mut session = Session::new(user);
    database.clone_into(&mut session.database);
    let mut last = Outcome::default();
    for statement in token::statements(sql).map_err(SqlError::syntax)? {
        last = execute(world, user, &mut session, statement)?;
    }
    let row = |row: Vec<Option<String>>| {
        row.into_iter().map(|value| value.unwrap_or_else(|| "NULL".to_owned())).collect()
    };
    Ok(last.rows.into_iter().map(row).collect())
}

/// The error of a user who may not do something, if so.
fn require(
    world: &World,
    session: &Session,
    privilege: Privilege,
    database: &str,
    table: &str,
) -> Result<(), SqlError> {
    let user = &session.user;
    if user == ADMINISTRATOR || world.catalog.may(user, privilege, database, table) {
        return Ok(());
    }
    Err(match world.system {
        crate::world::System::StarRocks => {
            let thing = if table.is_empty() {
                format!("DATABASE {database}")
            } else {
                format!("TABLE {table}")
            };
            SqlError::new(
                5203,
                format!(
                    "Access denied; you need (at least one of) the {} privilege(s) on {thing} for \
                     this operation. Please ask the admin to grant permission(s) or try \
                     activating existing roles using <set [default] role>. Current role(s): NONE. \
                     Inactivated role(s): NONE.",
                    privilege.starrocks()
                ),
            )
        }
        crate::world::System::Doris if table.is_empty() => {
            SqlError::new(1044, format!("Access denied for user '{user}' to database '{database}'"))
        }
        crate::world::System::Doris => SqlError::new(
            1142,
            format!(
                "{} command denied to user '{user}'@'%' for table '{database}.{table}'",
                privilege.starrocks()
            ),
        ),
    })
}
