//! The commands as programs and scripts meet them: what goes to which stream, JSON, exit codes, and
//! what is never printed.

use std::fs;

use millrace_tests::{Ending, Process, Workbench, module, root, sandbox};
use serde_json::{Value, json};

const PIPELINE: &str = r#"
[pipeline]
name = "plain"
checkpoint = { rows = 100, store = "${OUT}/store" }

[sources.wagers]
type = "generator"
seed = 21
count = "${COUNT:-250}"

[sources.wagers.columns]
wager_id = { path = "payload._id", type = "text", key = true }
version = { path = "payload.version", type = "i64" }
total_bet = { path = "payload.totalBet", type = "decimal(18,2)" }
total_win = { path = "payload.totalWin", type = "decimal(18,2)" }
end_time = { path = "payload.endTime", type = "timestamp", unit = "ms" }

[transforms.revenue]
input = "wagers"
module = "${MODULES}/wager_revenue.wasm"

[sinks.history]
type = "sqlite"
input = "revenue"
path = "${OUT}/wagers.db"
table = "history"
mode = "append"
"#;

const WHOLE: &str = r#"
[pipeline]
name = "whole"
delivery = "at-least-once"
checkpoint = { rows = 100, store = "${OUT}/whole" }

[sources.wagers]
type = "SOURCE"

[sources.wagers.columns]
whole = { path = "", type = "json" }

[sinks.printed]
type = "stdout"
input = "wagers"
"#;

fn path(bench: &Workbench, name: &str) -> String {
    bench.path(name).to_string_lossy().into_owned()
}

fn wasm(name: &str) -> String {
    module(name).to_string_lossy().into_owned()
}

/// No escape sequence of a terminal in either stream.
fn is_plain(ending: &Ending) {
    assert!(!ending.stdout.contains('\x1b'), "{:?}", ending.stdout);
    assert!(!ending.stderr.contains('\x1b'), "{:?}", ending.stderr);
}

#[test]
fn a_run_reports_itself_as_json() {
    let bench = Workbench::new(PIPELINE);
    let ending = bench.millrace(&["run", "--json", "pipeline.toml"]).with_code(0);
    is_plain(&ending);
    assert_eq!(ending.stderr, "");
    let report = ending.json();
    for total in ["seconds", "cpu_seconds", "peak_memory_bytes"] {
        assert!(report[total].as_f64().is_some_and(|number| number > 0.0), "{total}: {report}");
    }
    let pipeline = &report["pipelines"][0];
    let kept = bench.query("wagers.db", "select count(*) from history");
    let kept: i64 = kept.trim().parse().expect("a number");
    let rows = json!({"in": 250, "kept": kept, "filtered": 250 - kept, "rejected": 0});
    for (name, count) in rows.as_object().expect("an object") {
        assert_eq!(&pipeline["rows"][name], count, "{name}: {report}");
    }
    assert!((200..250).contains(&kept), "about 5 % are of version 0: {kept}");
    let expected = json!({
        "name": "plain", "outcome": "finished", "message": "finished", "error": null,
        "exit_code": 0, "resumed_from": null, "had_finished": false, "checkpoints": 3,
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&pipeline[name], value, "{name}: {report}");
    }
    assert_eq!(pipeline["sources"]["wagers"]["rows_in"], 250);
    assert_eq!(pipeline["transforms"]["revenue"]["filtered"], 250 - kept);
    assert_eq!(pipeline["sinks"]["history"]["rows_out"], kept);
}

#[test]
fn results_go_to_stdout_and_logs_to_stderr() {
    let bench = Workbench::new(PIPELINE);
    let mut command = bench.command(&["--log", "debug", "run", "pipeline.toml"]);
    let ending = Process::start(&mut command).finish().with_code(0);
    is_plain(&ending);
    assert!(ending.stdout.contains("rows in") && ending.stdout.contains("plain: finished"));
    assert!(ending.stderr.contains("checkpoint committed"), "{}", ending.stderr);
    assert!(!ending.stdout.contains("checkpoint committed"));

    let always = ["run", "--progress", "always", "pipeline.toml"];
    let again = bench.millrace(&always).with_code(0);
    is_plain(&again);
    assert!(again.stdout.contains("already finished: nothing new since checkpoint 3"));

    // Where rows are the result, the summary makes way.
    bench.write("whole.toml", WHOLE.replace("\"SOURCE\"", "\"generator\"\ncount = 20"));
    let printed = bench.millrace(&["run", "whole.toml"]).with_code(0);
    assert_eq!(printed.stdout.lines().count(), 20);
    for line in printed.stdout.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
    assert!(printed.stderr.contains("whole: finished"), "{}", printed.stderr);
}

#[test]
fn generate_makes_what_the_generator_source_brings() {
    let bench = Workbench::new(PIPELINE);
    let source = "\"generator\"\nseed = 9\ncount = 300";
    bench.write("made.toml", WHOLE.replace("\"SOURCE\"", source));
    let made = bench.millrace(&["run", "made.toml"]).with_code(0).stdout;

    let arguments = ["generate", "--count", "3_00", "--seed", "9", "--out", "sub/wagers.jsonl"];
    let ending = bench.millrace(&arguments).with_code(0);
    is_plain(&ending);
    assert!(ending.stdout.contains("sub/wagers.jsonl: 300 wagers"), "{}", ending.stdout);
    let read = WHOLE
        .replace("\"SOURCE\"", "\"file\"\npath = \"sub/wagers.jsonl\"")
        .replace("${OUT}/whole", "${OUT}/read");
    bench.write("read.toml", read);
    let read = bench.millrace(&["run", "read.toml"]).with_code(0).stdout;
    assert_eq!(made.lines().count(), 300);
    assert!(made == read, "the generator source brings other rows");

    let file = fs::read_to_string(bench.path("sub/wagers.jsonl")).expect("it was made");
    let fewer = bench.millrace(&["generate", "--count", "40", "--seed", "9"]).with_code(0).stdout;
    assert_eq!(fewer.lines().count(), 40);
    assert!(file.starts_with(&fewer), "fewer wagers are the first ones");
    let other = bench.millrace(&["generate", "--count", "40", "--seed", "8"]).with_code(0).stdout;
    assert!(fewer != other, "another seed makes other wagers");
}

#[test]
fn inspect_tells_what_a_module_says_and_is() {
    let bench = Workbench::new(PIPELINE);
    let path = wasm("wager_revenue.wasm");
    let ending = bench.millrace(&["inspect", "--json", &path]).with_code(0);
    let report = ending.json();
    let artifact = sandbox().load(module("wager_revenue.wasm")).expect("it loads");
    assert_eq!(report["hash"], artifact.hash());
    assert_eq!(report["module"], path.as_str());
    assert_eq!(report["contract"], "1.0.0");
    let size = fs::metadata(&path).expect("it is there").len();
    assert_eq!(report["sizes"]["module"], size);
    assert!(report["imports"].to_string().contains("millrace:transform/host@1.0.0"));
    let description = &report["description"];
    assert_eq!(description["name"], "wager_revenue");
    let columns = |list: &Value, name: &str| -> Vec<String> {
        let list = list.as_array().expect("a list");
        list.iter().filter_map(|column| column[name].as_str()).map(str::to_owned).collect()
    };
    let reads = columns(&description["inputs"][0]["columns"], "column");
    assert_eq!(reads, ["version", "total_bet", "total_win", "end_time"]);
    let gives = columns(&description["outputs"][0]["fields"], "name");
    assert_eq!(gives, ["is_completed", "event_count", "net_amount", "processed_at"]);

    let text = bench.millrace(&["inspect", &path]).with_code(0);
    is_plain(&text);
    assert!(text.stdout.contains(artifact.hash()) && text.stdout.contains("net_amount"));
    let params = ["inspect", &path, "--params", "{\"minversion\": 1}"];
    let refused = bench.millrace(&params).with_code(2);
    assert!(refused.stderr.contains("min_version"), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    let wrong = bench.millrace(&["inspect", &wasm("wrong_version_guest.wasm")]).with_code(2);
    assert!(wrong.stderr.contains("2.0.0"), "{}", wrong.stderr);
    let _ = bench.millrace(&["inspect", "pipeline.toml"]).with_code(2);
}

#[test]
fn check_lists_pipelines_and_problems() {
    let bench = Workbench::new(PIPELINE);
    let wrong = PIPELINE
        .replace("name = \"plain\"", "name = \"wrong\"")
        .replace("input = \"revenue\"", "input = \"revenu\"");
    bench.write("wrong.toml", wrong);
    let sound = bench.millrace(&["check", "--json", "pipeline.toml"]).with_code(0).json();
    let pipeline = json!({
        "file": "pipeline.toml", "name": "plain", "sources": ["wagers"], "tables": 0,
        "transforms": ["revenue"], "sinks": ["history"],
    });
    assert_eq!(sound, json!({"ok": true, "pipelines": [pipeline], "problems": []}));

    let both = ["check", "--json", "pipeline.toml", "wrong.toml"];
    let report = bench.millrace(&both).with_code(2).json();
    assert_eq!(report["ok"], false);
    assert_eq!(report["pipelines"], json!([pipeline]));
    let [problem] = &report["problems"].as_array().expect("a list")[..] else {
        panic!("one problem: {report}")
    };
    assert_eq!(problem["file"], "wrong.toml");
    let line = problem["line"].as_u64().expect("it has a line") as usize;
    let text = fs::read_to_string(bench.path("wrong.toml")).expect("it is there");
    assert_eq!(text.lines().nth(line - 1), Some("input = \"revenu\""));
    assert_eq!(problem["severity"], "error");
    assert!(problem["message"].as_str().is_some_and(|message| message.contains("`revenu`")));
    assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("`revenue`")));

    let printed = bench.millrace(&["check", "wrong.toml"]).with_code(2);
    is_plain(&printed);
    assert!(printed.stdout.contains("^^^^"), "{}", printed.stdout);
    let twice = bench.millrace(&["check", "pipeline.toml", "pipeline.toml"]).with_code(2);
    assert!(twice.stdout.contains("`plain`"), "{}", twice.stdout);
    assert!(!bench.path("wagers.db").exists(), "a check touches no sink");
}

#[test]
fn build_refuses_what_it_cannot_build_and_says_what_it_can() {
    let bench = Workbench::new(PIPELINE);
    let tree = root().to_string_lossy().into_owned();
    let docs = root().join("docs").to_string_lossy().into_owned();
    let nowhere = bench.millrace(&["build", "nowhere"]).with_code(2);
    assert!(nowhere.stderr.contains("nowhere is no folder"), "{}", nowhere.stderr);
    let unknown = bench.millrace(&["build", &tree, "--package", "wager"]).with_code(2);
    assert!(unknown.stderr.contains("wager-revenue"), "{}", unknown.stderr);
    let none = bench.millrace(&["build", &docs]).with_code(2);
    assert!(none.stderr.contains("cdylib"), "{}", none.stderr);
    let empty = bench.millrace(&["build", &path(&bench, ".")]);
    assert!(empty.code != Some(0) && empty.stderr.contains("Cargo.toml"), "{}", empty.stderr);
    for ending in [nowhere, unknown, none, empty] {
        assert_eq!(ending.stdout, "");
    }
}

#[test]
fn values_of_variables_come_from_a_file_and_are_never_printed() {
    const SECRET: &str = "correct-horse-battery";
    let bench = Workbench::new(PIPELINE);
    bench.write("good.env", "# made up\nCOUNT=120\n");
    let arguments = ["run", "--json", "--env-file", "good.env", "pipeline.toml"];
    let report = bench.millrace(&arguments).with_code(0).json();
    assert_eq!(report["pipelines"][0]["rows"]["in"], 120);

    let mut grown = bench.command(&arguments);
    let report = Process::start(grown.env("COUNT", "130")).finish().with_code(0).json();
    assert_eq!(report["pipelines"][0]["rows"]["in"], 10, "what is set already wins");

    bench.write("secret.env", format!("COUNT={SECRET}\nTOKEN=\"{SECRET}\"\n"));
    for (from, to) in [
        ("type = \"i64\"", "type = \"${TOKEN}\""),
        ("input = \"revenue\"", "input = \"${TOKEN}\""),
        ("mode = \"append\"", "mode = \"${TOKEN}\""),
        ("rows = 100", "rows = \"${TOKEN}\""),
        ("seed = 21", "seed = \"${TOKEN}\""),
    ] {
        assert!(PIPELINE.contains(from), "{from}");
        bench.write("secret.toml", PIPELINE.replace(from, to));
        for command in [&["check"][..], &["check", "--json"], &["--log", "trace", "run"]] {
            let arguments = [command, &["--env-file", "secret.env", "secret.toml"]].concat();
            let ending = bench.millrace(&arguments).with_code(2);
            for text in [&ending.stdout, &ending.stderr] {
                assert!(!text.contains(SECRET), "{command:?} with {to}:\n{text}");
            }
            let said = format!("{}{}", ending.stdout, ending.stderr);
            assert!(said.contains("${TOKEN}") && said.contains("${COUNT"), "{said}");
        }
    }
    let missing =
        bench.millrace(&["check", "--env-file", "none.env", "pipeline.toml"]).with_code(2);
    assert!(missing.stderr.contains("none.env"), "{}", missing.stderr);
}
