//! Commands that make daily work easier: drawings, the schema for editors, a file with its
//! defaults, completions.

use millrace::config::{self, Plan};
use millrace_tests::{Workbench, compare_golden, root, sandbox};
use serde_json::Value;

const PIPELINE: &str = include_str!("../golden/graph/pipeline.toml");
const GAMES: &str = "game_id,provider,theoretical_rtp\na,Acme,0.9\n";

fn bench() -> Workbench {
    let bench = Workbench::new(PIPELINE);
    bench.write("games.csv", GAMES);
    bench
}

/// What a command says of the pipeline; it ends well and gives no value of a variable away.
fn said(bench: &Workbench, arguments: &[&str]) -> String {
    let ending = bench.millrace(arguments).with_code(0);
    assert!(!ending.stdout.contains('\x1b'), "{:?}", ending.stdout);
    let folder = bench.folder().to_string_lossy();
    assert!(!ending.stdout.contains(&*folder), "{}", ending.stdout);
    ending.stdout
}

#[test]
fn a_pipeline_is_drawn_in_each_format() {
    let bench = bench();
    let formats = [("text", "graph.txt"), ("mermaid", "graph.mmd"), ("dot", "graph.dot")];
    for (format, golden) in formats {
        let drawn = said(&bench, &["graph", "--format", format, "pipeline.toml"]);
        compare_golden(&root().join("tests/golden/graph").join(golden), &drawn);
    }
    let default = said(&bench, &["graph", "pipeline.toml"]);
    assert_eq!(default, said(&bench, &["graph", "--format", "text", "pipeline.toml"]));
}

#[test]
fn a_drawing_for_programs_has_every_edge_with_its_columns() {
    let graph = bench().millrace(&["graph", "--json", "pipeline.toml"]).with_code(0).json();
    let edges = graph["edges"].as_array().expect("a list");
    let ends = |edge: &Value| {
        let end = |name: &str| edge[name].as_str().expect("a text").to_owned();
        format!("{} -> {}: {}", end("from"), end("to"), end("passing"))
    };
    let ends: Vec<String> = edges.iter().map(ends).collect();
    assert_eq!(
        ends,
        [
            "source live -> transform revenue: rows",
            "source live -> dead letters: dead letters",
            "source late -> transform revenue: rows",
            "table games -> transform rtp: join",
            "transform revenue -> transform rtp: rows",
            "transform revenue -> sink history: rows",
            "transform revenue -> dead letters: dead letters",
            "transform rtp -> sink enriched: rows",
            "transform rtp -> dead letters: dead letters",
            "sink history -> dead letters: dead letters",
            "sink enriched -> dead letters: dead letters",
        ]
    );
    let column = |edge: usize, name: &str| {
        let columns = edges[edge]["columns"].as_array().expect("a list");
        columns.iter().find(|column| column["name"] == name).cloned().expect("the column")
    };
    assert_eq!(column(0, "wager_id")["key"], true);
    assert_eq!(column(0, "total_bet")["type"], "decimal(18,2)");
    assert_eq!(column(5, "net_amount")["added"], true);
    assert_eq!(column(5, "total_bet")["added"], false);
}

const PORTS: &str = r#"
[pipeline]
name = "ports"

[sources.wagers]
type = "generator"
count = 10

[sources.wagers.columns]
wager_id = { path = "payload._id", type = "text", key = true }
game_id = { path = "payload.gameId", type = "text" }
user_id = { path = "payload.userId", type = "text" }
total_bet = { path = "payload.totalBet", type = "decimal(18,2)" }
last_update_time = { path = "payload.lastUpdateTime", type = "timestamp", unit = "ms" }

[sources.wagers.event_time]
column = "last_update_time"

[transforms.fraud]
input = "wagers"
module = "${MODULES}/fraud_cep.wasm"

[sinks.alerts]
type = "blackhole"
input = "fraud.alerts"

[sinks.late]
type = "blackhole"
input = "fraud.late"
"#;

#[test]
fn edges_of_a_stage_with_several_ports_name_theirs() {
    let bench = Workbench::new(PORTS);
    let graph = bench.millrace(&["graph", "--json", "pipeline.toml"]).with_code(0).json();
    let edges = graph["edges"].as_array().expect("a list");
    let ports: Vec<[&Value; 2]> = edges.iter().map(|edge| [&edge["to"], &edge["port"]]).collect();
    let text = |text: &str| Value::from(text);
    assert_eq!(
        ports,
        [
            [&text("transform fraud"), &Value::Null],
            [&text("sink alerts"), &text("alerts")],
            [&text("sink late"), &text("late")],
        ]
    );
    for format in ["text", "mermaid", "dot"] {
        let drawn = said(&bench, &["graph", "--format", format, "pipeline.toml"]);
        assert!(drawn.contains("port alerts") && drawn.contains("port late"), "{drawn}");
    }
}

#[test]
fn what_is_wrong_is_told_in_place_of_a_drawing() {
    let bench = Workbench::new(&PIPELINE.replace("input = \"rtp\"", "input = \"rpt\""));
    let ending = bench.millrace(&["graph", "pipeline.toml"]).with_code(2);
    assert_eq!(ending.stdout, "");
    assert!(ending.stderr.contains("did you mean `rtp`?"), "{}", ending.stderr);
}

/// Everything of a plan that a run depends on.
fn whole(plan: &Plan) -> String {
    let transforms: Vec<String> = plan
        .transforms
        .iter()
        .map(|node| {
            let stage = node.stage();
            let (edges, joins) = (node.edges(), &stage.joins);
            let head = format!("{} {} {:?}", stage.name, stage.params, stage.limits);
            let (outputs, key) = (&stage.outputs, &node.inputs[0].key);
            let tail = format!("{:?} {} {key:?}", node.on_error, node.parallelism);
            format!("{head} {:?} {edges:?} {joins:?} {outputs:?} {tail}", stage.description)
        })
        .collect();
    let Plan { name, delivery, checkpoint, batch, stop_timeout, .. } = plan;
    let settings = format!("{name} {delivery:?} {checkpoint:?} {batch:?} {stop_timeout:?}");
    let Plan { sources, tables, sinks, dead_letters, .. } = plan;
    format!("{settings} {sources:?} {tables:?} {transforms:?} {sinks:?} {dead_letters:?}")
}

#[test]
fn a_file_with_its_defaults_comes_to_the_same_plan() {
    let bench = bench();
    let text = said(&bench, &["check", "--show-defaults", "pipeline.toml"]);
    compare_golden(&root().join("tests/golden/graph/defaults.toml"), &text);
    bench.write("again.toml", &text);
    let load = |name: &str| {
        config::load(&bench.path(name), &bench.environment(), sandbox())
            .unwrap_or_else(|problems| panic!("{problems}"))
    };
    assert_eq!(whole(&load("again.toml")), whole(&load("pipeline.toml")));
    // What was a default is said now.
    let again = said(&bench, &["check", "--show-defaults", "again.toml"]);
    let settings = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("  # ").next().unwrap_or_default().to_owned()).collect()
    };
    assert!(!again.contains("# default"), "{again}");
    assert_eq!(settings(&again), settings(&text));
}

#[test]
fn defaults_are_those_of_one_file() {
    let bench = bench();
    let two = ["check", "--show-defaults", "pipeline.toml", "pipeline.toml"];
    let ending = bench.millrace(&two).with_code(2);
    assert!(ending.stderr.contains("takes one file"), "{}", ending.stderr);
}

#[test]
fn the_schema_for_editors_is_fresh_and_printed() {
    let schema = config::schema();
    compare_golden(&root().join("docs/pipeline.schema.json"), &schema);
    let ending = Workbench::new("").millrace(&["schema"]).with_code(0);
    assert_eq!(ending.stdout, schema);
}

#[test]
fn completions_know_every_command() {
    let bench = Workbench::new("");
    let help = bench.millrace(&["--help"]).with_code(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = listed
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() >= 9 && commands.contains(&"completions"), "{help}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = bench.millrace(&["completions", shell]).with_code(0).stdout;
        for command in &commands {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
    }
    let ending = bench.millrace(&["completions", "tcsh"]).with_code(2);
    assert!(ending.stderr.contains("possible values"), "{}", ending.stderr);
}
