//! A stand-in, a pipeline whose settings a test may bend, and what `check --connect` finds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use millrace_standin::{Options, StandIn, System};
use millrace_tests::{Ending, Process, Workbench};

use super::input::Changes;
use super::scene::PASSWORD;

pub const BOTH: [System; 2] = [System::StarRocks, System::Doris];

/// The table of [`Changes`], as statements make it.
pub const TABLE: &str =
    "id BIGINT NOT NULL, amount DECIMAL(18,2), name STRING, note STRING, active BOOLEAN";
/// How many rows the input has, unless a test writes another.
pub const ROWS: usize = 20;
/// A port where nobody listens: the one of the discard protocol.
pub const NOWHERE: &str = "127.0.0.1:9";
/// User and password as HTTP sends them.
const BASIC: &str = "bG9hZGVyOnMzY3JldC1wYXNz";
/// The table of [`Changes`], as sources declare it.
const COLUMNS: &str = r#"
id = { type = "i64", key = true }
amount = "decimal(18,2)"
name = "text"
note = "text"
active = "bool"
"#;

const PIPELINE: &str = r#"
[pipeline]
name = "bets"
delivery = "DELIVERY"
checkpoint = { every = "INTERVAL", store = "${OUT}/store" }
stop_timeout = "10s"

[sources.bets]
type = "file"
path = "${OUT}/bets.jsonl"
format = "debezium-json"
table = "bets"

[sources.bets.columns]
COLUMNS

[sinks.copy]
input = "bets"
KEYS

[dead_letters]
type = "sqlite"
path = "${OUT}/dead.db"
table = "dead_letters"
"#;

/// A stand-in with an empty database `shop`, and a pipeline of changes into its table `bets`.
pub struct Target {
    pub standin: StandIn,
    pub bench: Workbench,
    pub delivery: &'static str,
    /// How often the pipeline commits.
    pub interval: &'static str,
    /// The source's columns, as TOML.
    pub columns: String,
    /// What the variable of the password holds.
    pub password: &'static str,
    /// The sink's keys, each with its value as TOML.
    keys: BTreeMap<&'static str, String>,
}

impl Target {
    /// One frontend and two backends. The table is not there, and is made.
    pub fn new(system: System) -> Self {
        Self::with(Options::new(system))
    }

    /// The same with other options; user and password are ours.
    pub fn with(options: Options) -> Self {
        let user = "loader".to_owned();
        let options = Options { user, password: PASSWORD.to_owned(), ..options };
        let standin = StandIn::start(options).expect("the stand-in starts");
        standin.world().settings.change(|limits| limits.strict_client = true);
        let http: Vec<String> =
            standin.http().iter().map(|address| format!("\"http://{address}\"")).collect();
        let mut target = Self {
            bench: Workbench::new(""),
            delivery: "exactly-once",
            interval: "5s",
            columns: COLUMNS.to_owned(),
            password: PASSWORD,
            keys: BTreeMap::new(),
            standin,
        };
        target.sql("CREATE DATABASE shop");
        target.bench.write("bets.jsonl", &Changes::inserts(1, ROWS).lines);
        let (system, mysql) = (target.system().name(), target.standin.mysql().to_string());
        target.text("type", system).text("mysql_url", &mysql).set("load_url", list(&http));
        target.text("database", "shop").text("table", "bets").text("username", "loader");
        target.text("password", "${PASSWORD}").text("mode", "upsert").set("create_table", "true");
        target.text("connect_timeout", "2s").text("timeout", "20s");
        target
    }

    pub fn system(&self) -> System {
        self.standin.world().system
    }

    /// Gives the sink a key's value, as TOML.
    pub fn set(&mut self, key: &'static str, toml: impl Into<String>) -> &mut Self {
        self.keys.insert(key, toml.into());
        self
    }

    /// Gives the sink a key's value, a text.
    pub fn text(&mut self, key: &'static str, text: &str) -> &mut Self {
        self.set(key, format!("\"{text}\""))
    }

    /// The rows of a statement, as the administrator.
    pub fn sql(&self, statement: &str) -> Vec<Vec<String>> {
        self.standin.sql(statement)
    }

    /// The words of a table whose rows have one key each.
    pub fn keyed(&self) -> &'static str {
        match self.system() {
            System::StarRocks => "PRIMARY KEY",
            System::Doris => "UNIQUE KEY",
        }
    }

    /// Makes the table; `model` is such as `PRIMARY KEY(id)`.
    pub fn make(&self, columns: &str, model: &str, replicas: usize, buckets: usize) {
        let more = match model.split(' ').next() {
            Some("UNIQUE") => {
                ", \"enable_unique_key_merge_on_write\" = \"true\", \
                 \"enable_unique_key_skip_bitmap_column\" = \"true\""
            }
            _ => "",
        };
        self.sql(&format!(
            "CREATE TABLE shop.bets ({columns}) {model} DISTRIBUTED BY HASH(id) BUCKETS {buckets} \
             PROPERTIES (\"replication_num\" = \"{replicas}\"{more})"
        ));
    }

    /// Makes the table with these columns and the key `id`.
    pub fn make_keyed(&self, columns: &str) {
        self.make(columns, &format!("{}(id)", self.keyed()), 1, 4);
    }

    /// Another user, who may read the database's tables and nothing else, takes the sink over.
    pub fn send_the_clerk(&mut self) {
        self.sql("CREATE USER 'clerk' IDENTIFIED BY 'cl3rk-pass'");
        self.sql(match self.system() {
            System::StarRocks => "GRANT SELECT ON ALL TABLES IN DATABASE shop TO USER 'clerk'",
            System::Doris => "GRANT SELECT_PRIV ON shop.* TO 'clerk'",
        });
        self.text("username", "clerk");
        self.password = "cl3rk-pass";
    }

    fn pipeline(&self) -> String {
        let keys: Vec<String> =
            self.keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        PIPELINE
            .replace("DELIVERY", self.delivery)
            .replace("INTERVAL", self.interval)
            .replace("COLUMNS", &self.columns)
            .replace("KEYS", &keys.join("\n"))
    }

    /// A command of the program on the pipeline as it is now.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.bench.write("pipeline.toml", self.pipeline());
        let mut command = self.bench.command(arguments);
        command.env("PASSWORD", self.password);
        command
    }

    /// Runs a command of the program to its end. The password is nowhere then.
    pub fn millrace(&self, arguments: &[&str]) -> Ending {
        let ending = Process::start(&mut self.command(arguments)).finish();
        self.assert_secret(&ending);
        ending
    }

    /// Runs the pipeline to its end.
    pub fn run(&self) -> Ending {
        self.millrace(&["run", "--progress", "never", "pipeline.toml"])
    }

    /// What `check --connect` finds; the exit code is 2 if there is an error, and otherwise 0.
    pub fn look(&self) -> Findings {
        let ending = self.millrace(&["check", "--connect", "--json", "pipeline.toml"]);
        let value = ending.json();
        let target = &value["targets"][0];
        let all = target["findings"].as_array().unwrap_or_else(|| panic!("{}", ending.stdout));
        let text = |finding: &serde_json::Value, member: &str| {
            finding[member].as_str().unwrap_or_default().to_owned()
        };
        let found = all.iter().map(|finding| Finding {
            severity: text(finding, "severity"),
            message: text(finding, "message"),
            hint: text(finding, "hint"),
        });
        let found = Findings(found.collect());
        let errors = found.count("error");
        assert_eq!(ending.code, Some(if errors > 0 { 2 } else { 0 }), "{found:#?}");
        assert_eq!(target["ok"].as_bool(), Some(errors == 0), "{found:#?}");
        found
    }

    /// Nothing that was said, and no file, has the password.
    ///
    /// # Panics
    /// If it is somewhere.
    pub fn assert_secret(&self, ending: &Ending) {
        let mut told = vec![
            ("stdout".to_owned(), ending.stdout.clone()),
            ("stderr".to_owned(), ending.stderr.clone()),
        ];
        for file in files(self.bench.folder()) {
            // A file may go while it is looked for.
            let bytes = fs::read(&file).unwrap_or_default();
            told.push((file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
        for (place, text) in told {
            for secret in [self.password, PASSWORD, BASIC] {
                assert!(!text.contains(secret), "{place} has the password");
            }
        }
    }

    /// No load was begun, and nothing is open.
    ///
    /// # Panics
    /// If one was.
    pub fn assert_untouched(&self) {
        let world = self.standin.world();
        let requests = world.stats.requests();
        let begun: Vec<&String> = requests
            .keys()
            .filter(|request| request.ends_with(" begin") || request.ends_with("load"))
            .collect();
        assert!(begun.is_empty(), "{begun:?}");
        assert!(world.transactions.open().is_empty());
    }

    /// Nothing is left open, and nothing was said against the protocol.
    ///
    /// # Panics
    /// If not.
    pub fn assert_clean(&self) {
        let open = self.standin.world().transactions.open();
        assert!(open.is_empty(), "{open:?}");
        let breaches = self.standin.breaches();
        assert!(breaches.is_empty(), "{breaches:#?}");
    }
}

/// A list, as TOML.
pub fn list(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// One thing that `check --connect` has looked at.
#[derive(Debug)]
pub struct Finding {
    pub severity: String,
    pub message: String,
    pub hint: String,
}

impl Finding {
    /// The statement that the hint says to run.
    pub fn statement(&self) -> &str {
        let (_, behind) = self.hint.split_once("run: ").expect("there is something to run");
        behind.split_once("; or").map_or(behind, |(statement, _)| statement)
    }
}

/// All that it has looked at, in order.
#[derive(Debug)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn count(&self, severity: &str) -> usize {
        self.0.iter().filter(|finding| finding.severity == severity).count()
    }

    /// The finding of this severity that says so.
    ///
    /// # Panics
    /// If there is none.
    pub fn says(&self, severity: &str, message: &str, hint: &str) -> &Finding {
        let fits = |finding: &&Finding| {
            finding.severity == severity
                && finding.message.contains(message)
                && finding.hint.contains(hint)
        };
        let found = self.0.iter().find(fits);
        found.unwrap_or_else(|| panic!("no {severity} says {message:?}, {hint:?}: {self:#?}"))
    }

    /// The only error.
    ///
    /// # Panics
    /// If there is another one, or none.
    pub fn the_error(&self, message: &str, hint: &str) -> &Finding {
        assert_eq!(self.count("error"), 1, "{self:#?}");
        self.says("error", message, hint)
    }

    /// The only warning, beside which there is no error.
    ///
    /// # Panics
    /// If there is another one, or none.
    pub fn the_warning(&self, message: &str, hint: &str) -> &Finding {
        assert_eq!((self.count("error"), self.count("warning")), (0, 1), "{self:#?}");
        self.says("warning", message, hint)
    }

    /// # Panics
    /// If something is not as it should be.
    pub fn assert_well(&self) {
        assert_eq!((self.count("error"), self.count("warning")), (0, 0), "{self:#?}");
    }
}
