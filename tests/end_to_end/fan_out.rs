//! Graphs that part and meet: one stage to several sinks, ports of a guest, a union of sources.
//! With a crash at every step of every checkpoint they come to the same rows.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millrace::pipeline::{Faults, Outcome, PipelineError, RunOptions};
use millrace::telemetry::Clock;
use millrace_tests::Workbench;

/// Two files into one stage, that into three sinks and another stage.
const GRAPH: &str = r#"
[pipeline]
name = "graph"
checkpoint = { rows = 10, store = "${OUT}/store" }
batch = { rows = 3, linger = "5ms" }

[sources.left]
type = "file"
path = "${OUT}/left.jsonl"

[sources.left.columns]
id = { type = "i64", key = true }
word = { type = "text" }
file = { meta = "file" }
line = { meta = "line" }

[sources.right]
type = "file"
path = "${OUT}/right.jsonl"

[sources.right.columns]
id = { type = "i64", key = true }
word = { type = "text" }
file = { meta = "file" }
line = { meta = "line" }

[transforms.both]
input = ["left", "right"]
module = "${MODULES}/identity.wasm"

[transforms.again]
input = "both"
module = "${MODULES}/identity.wasm"

[sinks.history]
type = "sqlite"
input = "both"
path = "${OUT}/rows.db"
table = "history"
mode = "append"

[sinks.again_history]
type = "sqlite"
input = "again"
path = "${OUT}/again.db"
table = "history"
mode = "append"

[sinks.copy]
type = "file"
input = "both"
path = "${OUT}/copy.jsonl"

[sinks.nowhere]
type = "blackhole"
input = "both"

[dead_letters]
type = "sqlite"
path = "${OUT}/dead.db"
table = "dead_letters"
"#;

fn lines(from: i64, to: i64) -> String {
    let line = |id: i64| match id % 6 {
        5 => format!("{{\"id\":\"bad {id}\"}}\n"),
        _ => format!("{{\"id\":{id},\"word\":\"w{id}\"}}\n"),
    };
    (from..to).map(line).collect()
}

fn graph() -> Workbench {
    let bench = Workbench::new(GRAPH);
    bench.write("left.jsonl", lines(0, 26));
    bench.write("right.jsonl", lines(100, 115));
    bench
}

fn options() -> RunOptions {
    RunOptions { clock: Clock::Fixed(1_795_176_000_000_000), ..RunOptions::default() }
}

/// The rows of each file in the order in which they came; how the files interleave is free.
fn by_file(rows: &str) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows.lines() {
        let file = if row.contains("right.jsonl") { "right" } else { "left" };
        files.entry(file.to_owned()).or_default().push(row.to_owned());
    }
    files
}

/// All that came out, without the folder, which is this run's own.
fn output(bench: &Workbench) -> [BTreeMap<String, Vec<String>>; 4] {
    let history = "select id, word, file, line from history order by rowid";
    let letters =
        "select position, stage, \"column\", reason, input from dead_letters order by rowid";
    [
        bench.query("rows.db", history),
        bench.query("again.db", history),
        fs::read_to_string(bench.path("copy.jsonl")).expect("the file"),
        bench.query("dead.db", letters),
    ]
    .map(|rows| by_file(&rows.replace(&*bench.folder().to_string_lossy(), "OUT")))
}

fn crash_at(index: usize) -> Faults {
    let met = Arc::new(AtomicUsize::new(0));
    Faults::new(move |_, _, _| met.fetch_add(1, Ordering::Relaxed) == index)
}

/// Crashes at each crash point in turn, starts again, and lets `check` look. How many there were.
fn crash_everywhere(make: fn() -> Workbench, check: impl Fn(&Workbench, usize)) -> usize {
    let mut crashes = 0;
    loop {
        let bench = make();
        let crash = RunOptions { faults: crash_at(crashes), cuts: Some(3), ..options() };
        match bench.run(&crash) {
            Err(PipelineError::Injected(_)) => {}
            Ok(_) => return crashes,
            Err(error) => panic!("crash point {crashes}: {error:?}"),
        }
        bench.run(&options()).expect("the restart ends");
        check(&bench, crashes);
        crashes += 1;
    }
}

#[test]
fn a_union_and_a_fan_out_come_to_the_same_rows_after_every_crash() {
    let straight = graph();
    assert_eq!(straight.run(&options()).expect("it ends").outcome, Outcome::Finished);
    let expected = output(&straight);
    let [history, again, copy, letters] = &expected;
    assert_eq!(history, again, "a stage that changes nothing changes nothing");
    assert_eq!((history["left"].len(), history["right"].len()), (22, 12));
    assert_eq!((copy["left"].len(), copy["right"].len()), (22, 12));
    assert_eq!((letters["left"].len(), letters["right"].len()), (4, 3));
    assert_eq!(history["right"][0], "100|w100|OUT/right.jsonl|1");

    let crashes = crash_everywhere(graph, |bench, crash| {
        assert!(output(bench) == expected, "after a crash at point {crash}");
    });
    assert!(crashes > 40, "only {crashes} crash points were met");
}

#[test]
fn named_inputs_of_a_row_function_give_the_rows_of_all() {
    let union = graph();
    union.run(&options()).expect("it ends");
    let named = graph();
    let inputs = GRAPH
        .replace(r#"input = ["left", "right"]"#, r#"input = { one = "left", other = "right" }"#);
    assert_ne!(inputs, GRAPH);
    named.write("pipeline.toml", inputs);
    named.run(&options()).expect("it ends");
    assert_eq!(output(&named), output(&union));
}

#[test]
fn a_union_that_has_finished_goes_on_where_one_file_grows() {
    let bench = graph();
    bench.write("right.jsonl", lines(100, 106));
    assert_eq!(bench.run(&options()).expect("it ends").outcome, Outcome::Finished);
    bench.write("right.jsonl", lines(100, 115));
    let grown = bench.run(&options()).expect("it ends");
    assert!(grown.had_finished);
    assert_eq!(bench.run(&options()).expect("it ends").outcome, Outcome::AlreadyFinished);
    let straight = graph();
    straight.run(&options()).expect("it ends");
    assert!(output(&bench) == output(&straight));
}

/// A guest with two ports, each into a sink of its own.
const PORTS: &str = r#"
[pipeline]
name = "ports"
checkpoint = { rows = 4, store = "${OUT}/store" }
batch = { rows = 3, linger = "5ms" }

[sources.numbers]
type = "file"
path = "${OUT}/numbers.jsonl"

[sources.numbers.columns]
id = { type = "i64", key = true }

[transforms.split]
input = "numbers"
module = "${MODULES}/contract_guest.wasm"
params = { do = "emit" }

[sinks.evens]
type = "sqlite"
input = "split.evens"
path = "${OUT}/rows.db"
table = "evens"

[sinks.all]
type = "file"
input = "split.all"
path = "${OUT}/all.jsonl"

[dead_letters]
type = "sqlite"
path = "${OUT}/dead.db"
table = "dead_letters"
"#;

/// Even numbers are inserted, updated, deleted, truncate the table or are read, as n % 5 says.
const NUMBERS: [i64; 12] = [10, 30, 8, 20, -3, 16, 40, 12, 4, 7, 2, 5];

fn ports() -> Workbench {
    let bench = Workbench::new(PORTS);
    let lines: String = NUMBERS.iter().map(|id| format!("{{\"id\":{id}}}\n")).collect();
    bench.write("numbers.jsonl", lines);
    bench
}

fn port_rows(bench: &Workbench) -> [String; 3] {
    let letters = "select stage, \"column\", reason, input from dead_letters order by rowid";
    [
        bench.query("rows.db", "select id, note from evens order by id"),
        fs::read_to_string(bench.path("all.jsonl")).expect("the file"),
        bench.query("dead.db", letters),
    ]
}

#[test]
fn the_ports_of_a_guest_go_to_sinks_of_their_own() {
    let bench = ports();
    bench.run(&options()).expect("it ends");
    let [evens, all, letters] = port_rows(&bench);
    // 8 truncates 10 and 30 away; 12 and 2 are deletes of what is not there.
    assert_eq!(evens, "4|null\n16|null\n20|null\n40|null\n");
    let every: String = NUMBERS.iter().map(|id| format!("{{\"id\":{id}}}\n")).collect();
    assert_eq!(all, every);
    assert_eq!(letters, "split|id|-3 is negative|{\\\"id\\\":-3}\n");

    let expected = port_rows(&bench);
    let crashes = crash_everywhere(ports, |bench, crash| {
        assert!(port_rows(bench) == expected, "after a crash at point {crash}");
    });
    assert!(crashes > 20, "only {crashes} crash points were met");
}
