//! Statements, as read.

use crate::catalog::users::Privilege;
use crate::catalog::{Change, TableDef};
use crate::transaction::Which;

/// A table as a statement names it.
pub(super) type Path = (Option<String>, String);

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Statement {
    /// `CREATE DATABASE`.
    CreateDatabase { name: String, lenient: bool },
    /// `DROP DATABASE`.
    DropDatabase { name: String, lenient: bool },
    /// `CREATE TABLE`; the definition's database is empty where none is named.
    CreateTable { table: Box<TableDef>, lenient: bool },
    /// `CREATE TABLE … LIKE`.
    CreateLike { table: Path, like: Path, lenient: bool },
    /// `CREATE VIEW`, materialized or not.
    CreateView(View),
    /// `DROP TABLE`.
    DropTable { table: Path, lenient: bool },
    /// `DROP VIEW`, materialized or not.
    DropView { view: Path, lenient: bool },
    /// `TRUNCATE TABLE`.
    Truncate(Path),
    /// `ALTER TABLE`.
    Alter { table: Path, changes: Vec<Change>, set: Vec<(String, String)>, timeout_s: i64 },
    /// `CANCEL ALTER TABLE COLUMN FROM`.
    CancelAlter(Path),
    /// `SHOW`.
    Show(Show),
    /// `DESC`.
    Describe(Path),
    /// `USE`.
    Use(String),
    /// `SET` of variables, each with its value as written.
    Set(Vec<(String, String)>),
    /// `INSERT INTO … VALUES`, `INSERT INTO … SELECT`.
    Insert { table: Path, columns: Option<Vec<String>>, source: String },
    /// `DELETE FROM … WHERE`.
    Delete { table: Path, condition: String },
    /// `UPDATE … SET … WHERE`.
    Update { table: Path, changes: Vec<(String, String)>, condition: String },
    /// `SELECT` and `WITH … SELECT`.
    Select,
    /// `CREATE USER`.
    CreateUser { name: String, password: String, lenient: bool },
    /// `ALTER USER`, `SET PASSWORD`.
    SetPassword { name: Option<String>, password: String },
    /// `DROP USER`.
    DropUser { name: String, lenient: bool },
    /// `GRANT` and `REVOKE`.
    Grant(Grant),
    /// Something that is taken and does nothing here.
    Nothing,
}

/// `CREATE VIEW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) path: Path,
    pub(super) columns: Vec<String>,
    pub(super) select: String,
    pub(super) materialized: bool,
    pub(super) lenient: bool,
    pub(super) replace: bool,
}

/// `GRANT` or `REVOKE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) privileges: Vec<Privilege>,
    /// The database; `*` is every one.
    pub(super) database: Option<String>,
    /// The table; `*` is every one.
    pub(super) table: String,
    pub(super) user: String,
    pub(super) revoke: bool,
}

/// What SHOW shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Show {
    Databases {
        like: Option<String>,
    },
    Tables {
        database: Option<String>,
        like: Option<String>,
        full: bool,
    },
    Columns {
        table: Path,
        full: bool,
    },
    CreateTable {
        table: Path,
    },
    CreateDatabase {
        name: String,
    },
    AlterColumn {
        database: Option<String>,
        table: Option<String>,
        latest: bool,
        limit: Option<usize>,
    },
    Backends,
    Frontends,
    ComputeNodes,
    Grants {
        user: Option<String>,
        all: bool,
    },
    Variables {
        like: Option<String>,
    },
    Transaction {
        database: Option<String>,
        which: Which,
    },
    /// Something that has no rows here.
    Empty,
}
