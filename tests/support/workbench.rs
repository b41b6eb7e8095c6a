//! A pipeline in a folder of its own: write files, run, look at what came out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use millrace::config::{self, Environment, Plan};
use millrace::pipeline::{self, PipelineError, RunOptions, Summary};
use millrace::sandbox::{Sandbox, SandboxConfig};
use rusqlite::types::ValueRef;
use tempfile::TempDir;

/// A temporary folder with a pipeline in it.
pub struct Workbench {
    folder: TempDir,
}

impl Workbench {
    /// An empty folder with `pipeline.toml` in it.
    ///
    /// # Panics
    /// If the folder cannot be made.
    #[must_use]
    pub fn new(pipeline: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        bench.write("pipeline.toml", pipeline);
        bench
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the folder.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("the folder is writable");
    }

    /// The checked plan of `pipeline.toml`. Its variables are `MODULES` and `OUT`, this folder.
    ///
    /// # Panics
    /// If it has problems: prints them.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let path = self.path("pipeline.toml");
        config::load(&path, &self.environment(), sandbox())
            .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    }

    /// The variables that the pipeline sees.
    #[must_use]
    pub fn environment(&self) -> Environment {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Environment::from_variables(BTreeMap::from([
            ("MODULES".to_owned(), text(&crate::modules_dir())),
            ("OUT".to_owned(), text(self.folder.path())),
        ]))
    }

    /// Runs the pipeline to its end, as a process would from its last checkpoint.
    ///
    /// # Errors
    /// As [`pipeline::run`].
    pub fn run(&self, options: &RunOptions) -> Result<Summary, PipelineError> {
        let plan = self.plan();
        pipeline::run(&plan, options, &pipeline::counters(&plan))
    }

    /// Every row of a query, a line each, values joined by `|` as SQLite stores them.
    ///
    /// # Panics
    /// If the database or query is wrong.
    #[must_use]
    pub fn query(&self, database: &str, sql: &str) -> String {
        query(&self.path(database), sql)
    }
}

/// Every row of a query over a database, a line each, values joined by `|`.
///
/// # Panics
/// If the database or query is wrong.
#[must_use]
pub fn query(database: &Path, sql: &str) -> String {
    let connection = rusqlite::Connection::open(database).expect("the database opens");
    let mut statement = connection.prepare(sql).expect("the query is right");
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("the query runs");
    let mut text = String::new();
    while let Some(row) = rows.next().expect("the query runs") {
        let values: Vec<String> =
            (0..columns).map(|column| show(row.get_ref(column).expect("it has columns"))).collect();
        text.push_str(&values.join("|"));
        text.push('\n');
    }
    text
}

fn show(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).escape_debug().to_string(),
        ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
    }
}

/// One sandbox for all tests of a process: modules are compiled once.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::new(&SandboxConfig::default()).expect("the sandbox starts"))
}
