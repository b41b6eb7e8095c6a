//! What a process comes to: its exit codes, runs that are repeated, pipelines side by side.

use std::fs;

use millrace_tests::{Process, Workbench, wait_until};
use nix::sys::signal::Signal;

const PIPELINE: &str = r#"
[pipeline]
name = "NAME"
checkpoint = { rows = 3, store = "${OUT}/NAME_store" }

[sources.numbers]
type = "file"
path = "${OUT}/NAME.jsonl"

[sources.numbers.columns]
id = { type = "i64", key = true }

[transforms.same]
input = "numbers"
module = "${MODULES}/identity.wasm"

[sinks.rows]
type = "sqlite"
input = "same"
path = "${OUT}/NAME.db"
table = "numbers"
mode = "append"
"#;

fn pipeline(name: &str) -> String {
    PIPELINE.replace("NAME", name)
}

fn numbers(from: i64, to: i64) -> String {
    (from..to).map(|id| format!("{{\"id\":{id}}}\n")).collect()
}

fn bench() -> Workbench {
    let bench = Workbench::new(&pipeline("a"));
    bench.write("a.jsonl", numbers(0, 10));
    bench
}

fn ids(bench: &Workbench, name: &str) -> Vec<i64> {
    let rows = bench.query(&format!("{name}.db"), "select id from numbers order by rowid");
    rows.lines().map(|id| id.parse().expect("a number")).collect()
}

const RUN: [&str; 3] = ["run", "--json", "pipeline.toml"];

#[test]
fn a_finished_file_is_finished_and_a_grown_one_goes_on() {
    let bench = bench();
    let first = bench.millrace(&RUN).with_code(0).json();
    assert_eq!(first["pipelines"][0]["outcome"], "finished");
    for _ in 0..2 {
        let again = bench.millrace(&RUN).with_code(0).json();
        let again = &again["pipelines"][0];
        assert_eq!(again["outcome"], "already-finished");
        assert_eq!(again["rows"]["in"], 0);
        assert!(again["message"].as_str().is_some_and(|said| said.contains("already finished")));
        assert_eq!(ids(&bench, "a"), (0..10).collect::<Vec<_>>());
    }
    bench.write("a.jsonl", numbers(0, 14));
    let grown = bench.millrace(&RUN).with_code(0).json();
    assert_eq!(grown["pipelines"][0]["rows"]["in"], 4);
    assert_eq!(grown["pipelines"][0]["had_finished"], true);
    assert_eq!(ids(&bench, "a"), (0..14).collect::<Vec<_>>());
}

#[test]
fn a_changed_beginning_and_a_half_line_halt_and_say_what_to_do() {
    let bench = bench();
    let whole = numbers(0, 10);
    bench.write("a.jsonl", whole.trim_end());
    let _ = bench.millrace(&RUN).with_code(0);
    assert_eq!(ids(&bench, "a"), (0..10).collect::<Vec<_>>(), "the last line counts");
    bench.write("a.jsonl", numbers(0, 11));
    let half = bench.millrace(&RUN).with_code(1);
    assert!(half.stderr.contains("line end") && half.stderr.contains("a.jsonl"), "{}", half.stderr);

    bench.write("a.jsonl", numbers(5, 20));
    let changed = bench.millrace(&RUN).with_code(1);
    assert!(changed.stderr.contains("a.jsonl"), "{}", changed.stderr);
    assert_eq!(ids(&bench, "a"), (0..10).collect::<Vec<_>>(), "nothing was written");
}

#[test]
fn what_fails_while_running_ends_with_1() {
    let bench = bench();
    bench.write("a.jsonl", numbers(0, 7) + "{\"id\":\"seven\"}\n" + &numbers(8, 10));
    let ending = bench.millrace(&RUN).with_code(1);
    assert!(ending.stderr.contains("a.jsonl:8") && ending.stderr.contains("seven"));
    let report = ending.json();
    assert_eq!(report["pipelines"][0]["outcome"], "failed");
    assert!(report["pipelines"][0]["error"].to_string().contains("seven"));
    bench.write("pipeline.toml", pipeline("a") + "[dead_letters]\ntype = \"blackhole\"\n");
    let _ = bench.millrace(&RUN).with_code(0);
    assert_eq!(ids(&bench, "a"), [0, 1, 2, 3, 4, 5, 6, 8, 9]);
}

#[test]
fn what_is_wrong_before_the_start_ends_with_2_and_starts_nothing() {
    let bench = bench();
    for arguments in [
        &[][..],
        &["walk"],
        &["run"],
        &["run", "--wrong", "pipeline.toml"],
        &["run", "nowhere.toml"],
        &["--log", "a=b=c", "run", "pipeline.toml"],
        &["generate", "--count", "many"],
        &["bench", "--rows", "0", "pipeline.toml"],
    ] {
        let ending = bench.millrace(arguments).with_code(2);
        assert_eq!(ending.stdout, "", "{arguments:?}");
        assert!(!ending.stderr.is_empty(), "{arguments:?}");
    }
    for (from, to, said) in [
        ("identity.wasm", "nothing.wasm", "nothing.wasm"),
        ("${OUT}/a.jsonl", "${NOT_SET_ANYWHERE}/a.jsonl", "NOT_SET_ANYWHERE"),
        ("input = \"same\"", "input = \"sane\"", "`same`"),
        ("type = \"i64\"", "type = \"int\"", "`int`"),
        ("[pipeline]", "[pipeline", "pipeline.toml:"),
    ] {
        bench.write("pipeline.toml", pipeline("a").replacen(from, to, 1));
        let ending = bench.millrace(&RUN).with_code(2);
        assert!(ending.stderr.contains(said), "{to}: {}", ending.stderr);
        assert_eq!(ending.stdout, "");
    }
    assert!(!bench.path("a.db").exists() && !bench.path("a_store").exists());
}

#[test]
fn what_is_out_of_reach_ends_with_3_and_is_read_once_it_is_there() {
    let bench = bench();
    fs::rename(bench.path("a.jsonl"), bench.path("away.jsonl")).expect("ours");
    let ending = bench.millrace(&RUN).with_code(3);
    assert!(ending.stderr.contains("cannot read"), "{}", ending.stderr);
    assert_eq!(ending.json()["pipelines"][0]["exit_code"], 3);
    fs::rename(bench.path("away.jsonl"), bench.path("a.jsonl")).expect("ours");
    let _ = bench.millrace(&RUN).with_code(0);
    assert_eq!(ids(&bench, "a"), (0..10).collect::<Vec<_>>());
}

#[test]
fn of_two_pipelines_the_one_that_fails_leaves_the_other_be() {
    let bench = bench();
    bench.write("b.toml", pipeline("b"));
    bench.write("b.jsonl", "{\"id\":1}\nno JSON\n");
    bench.write("c.toml", pipeline("c"));
    let arguments = ["run", "--json", "b.toml", "pipeline.toml", "c.toml"];
    // One fails, one finishes, and the file of the third is not there: a failure outweighs that.
    let ending = bench.millrace(&arguments).with_code(1);
    let report = ending.json();
    let told = |index: usize, key: &str| report["pipelines"][index][key].clone();
    for (index, (name, code)) in [("b", 1), ("a", 0), ("c", 3)].into_iter().enumerate() {
        assert_eq!(told(index, "name"), name);
        assert_eq!(told(index, "exit_code"), code);
    }
    for name in ["b", "c"] {
        let place = format!("pipeline `{name}` failed");
        assert!(ending.stderr.contains(&place), "{}", ending.stderr);
    }
    assert_eq!(ids(&bench, "a"), (0..10).collect::<Vec<_>>());

    let text = bench.millrace(&["run", "b.toml", "pipeline.toml"]).with_code(1).stdout;
    assert!(text.contains("b: failed") && text.contains("a: already finished"), "{text}");
    bench.write("twin.toml", pipeline("a"));
    let twins = bench.millrace(&["run", "pipeline.toml", "twin.toml"]).with_code(2);
    assert!(twins.stderr.contains("name their pipeline `a`"), "{}", twins.stderr);
}

#[test]
fn a_store_belongs_to_one_process_at_a_time() {
    let bench = Workbench::new(
        &pipeline("a")
            .replace("type = \"file\"\npath = \"${OUT}/a.jsonl\"", "type = \"generator\"\nrate = 1")
            .replace(
                "id = { type = \"i64\", key",
                "id = { path = \"payload._id\", type = \"text\", key",
            ),
    );
    let process = Process::start(&mut bench.command(&RUN));
    wait_until("the store is open", || {
        bench.path("a_store/checkpoints.redb").exists() && bench.path("a.db").exists()
    });
    let second = bench.millrace(&RUN).with_code(3);
    assert!(second.stderr.contains("a_store"), "{}", second.stderr);
    process.signal(Signal::SIGTERM);
    let _ = process.finish().with_code(0);
}
