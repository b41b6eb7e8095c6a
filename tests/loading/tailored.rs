//! Pipelines with columns of a test's own, and what several tests do with a scene.

use std::fs;
use std::io;

use millrace_standin::faults::Point;
use millrace_standin::{Options, StandIn, System};
use millrace_tests::{Ending, Process, Workbench};

use super::scene::{Case, PASSWORD, Scene};

/// The source of [`super::input::Changes`], into the table `bets`.
pub const BETS: &str = r#"
format = "debezium-json"
table = "bets"

[sources.input.columns]
id = { type = "i64", key = true }
amount = "decimal(18,2)"
name = "text"
note = "text"
active = "bool"
"#;

const PIPELINE: &str = r#"
[pipeline]
name = "tailored"
delivery = "DELIVERY"
checkpoint = { rows = 100, store = "${OUT}/store" }
batch = { rows = 32, linger = "5ms" }
stop_timeout = "10s"

[sources.input]
type = "file"
path = "${OUT}/input.jsonl"
SOURCE

[sinks.copy]
type = "SYSTEM"
input = "input"
load_url = [HTTP]
mysql_url = "MYSQL"
database = "shop"
username = "loader"
password = "${PASSWORD}"
mode = "MODE"
connect_timeout = "2s"
timeout = "20s"
load = { rows = 40, linger = "20ms", in_flight = 2 }
SINK

[dead_letters]
type = "sqlite"
path = "${OUT}/dead.db"
table = "dead_letters"
"#;

/// Two frontends and two backends, with the user that pipelines load as.
pub fn options(case: Case) -> Options {
    Options {
        frontends: 2,
        backends: 2,
        user: "loader".to_owned(),
        password: PASSWORD.to_owned(),
        ..Options::new(case.system)
    }
}

/// An empty database `shop`, and a pipeline into it. `source` is what its source says beside its
/// path, `sink` what its sink says beside its addresses.
pub fn tailored(case: Case, source: &str, sink: &str, input: &str) -> Scene {
    tailored_at(case, options(case), source, sink, input).expect("the stand-in starts")
}

/// The same with another stand-in.
pub fn tailored_at(
    case: Case,
    options: Options,
    source: &str,
    sink: &str,
    input: &str,
) -> io::Result<Scene> {
    let standin = StandIn::start(options)?;
    standin.world().settings.change(|limits| limits.strict_client = true);
    drop(standin.sql("CREATE DATABASE shop"));
    let http: Vec<String> =
        standin.http().iter().map(|address| format!("\"http://{address}\"")).collect();
    let pipeline = PIPELINE
        .replace("DELIVERY", if case.exactly_once { "exactly-once" } else { "at-least-once" })
        .replace("SYSTEM", case.system.name())
        .replace("HTTP", &http.join(", "))
        .replace("MYSQL", &standin.mysql().to_string())
        .replace("MODE", if case.upsert { "upsert" } else { "append" })
        .replace("SOURCE", source)
        .replace("SINK", sink);
    let bench = Workbench::new(&pipeline);
    bench.write("input.jsonl", input);
    Ok(Scene { standin, bench })
}

/// Puts other words into a scene's pipeline.
pub fn rewrite(scene: &Scene, from: &str, to: &str) {
    let path = scene.bench.path("pipeline.toml");
    let pipeline = fs::read_to_string(&path).expect("the pipeline is there");
    assert!(pipeline.contains(from), "{from} is not in the pipeline");
    scene.bench.write("pipeline.toml", pipeline.replace(from, to));
}

/// Gives the sink of [`Scene::new`] another key.
pub fn add_key(scene: &Scene, key: &str) {
    rewrite(scene, "create_table = true", &format!("create_table = true\n{key}"));
}

/// One message of Debezium about the table `bets`; the images are JSON.
pub fn message(place: usize, op: char, before: &str, after: &str) -> String {
    let lsn = 1000 + place;
    format!(
        "{{\"before\":{before},\"after\":{after},\"op\":\"{op}\",\
         \"source\":{{\"connector\":\"postgresql\",\"lsn\":{lsn},\"schema\":\"public\",\
         \"table\":\"bets\",\"ts_ms\":1700000000000}},\"ts_ms\":1700000000000}}\n"
    )
}

/// Runs the program on a scene to its end, whatever that is.
pub fn ending(scene: &Scene) -> Ending {
    Process::start(&mut scene.command()).finish()
}

/// What `millrace status` says of a scene's pipeline.
pub fn status(scene: &Scene, more: &[&str]) -> Ending {
    let arguments: Vec<&str> =
        ["status"].iter().chain(more).chain(&["pipeline.toml"]).copied().collect();
    let mut command = scene.bench.command(&arguments);
    command.env("PASSWORD", PASSWORD);
    Process::start(&mut command).finish()
}

/// Where a point has struck: server, operation, table and label of each time.
pub fn struck(scene: &Scene, point: Point) -> Vec<String> {
    let taken = scene.standin.world().faults.taken();
    taken.into_iter().filter(|(struck, _)| *struck == point).map(|(_, place)| place).collect()
}

/// The operation that takes the bodies of a case, as faults know it.
pub fn load_of(case: Case) -> String {
    let is_transaction = case.system == System::StarRocks && case.exactly_once;
    let name = if is_transaction { "txn-load" } else { "load" };
    name.to_owned()
}

/// The second phase of a system, as faults know it.
pub fn commit_of(system: System) -> String {
    let name = match system {
        System::StarRocks => "commit",
        System::Doris => "2pc-commit",
    };
    name.to_owned()
}
