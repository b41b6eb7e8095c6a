//! `millrace columns`: what it prints for files of every format, and that a pipeline takes it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use millrace_tests::{Workbench, compare_golden, root};
use serde_json::Value;

fn golden(name: &str) -> PathBuf {
    root().join("tests/golden/columns").join(name)
}

/// A folder with one of the samples.
fn bench(file: &str) -> Workbench {
    let bench = Workbench::new("");
    bench.write(file, fs::read(golden(file)).expect("it is in the tree"));
    bench
}

/// A pipeline over a sample with the columns that were printed.
fn pipeline(file: &str, format: &str, block: &str) -> String {
    let name = file.split('.').next().expect("a name");
    format!(
        r#"
[pipeline]
name = "columns"
checkpoint = {{ rows = 100, store = "${{OUT}}/store" }}

[sources.{name}]
type = "file"
path = "${{OUT}}/{file}"
format = "{format}"

{block}

[sinks.nowhere]
type = "blackhole"
input = "{name}"

[dead_letters]
type = "sqlite"
path = "${{OUT}}/dead.db"
table = "letters"
"#
    )
}

/// Prints the columns of a sample, compares them, and runs a pipeline over the sample with them.
fn check(file: &str, format: &str, rows_in: u64, rejected: u64) {
    let bench = bench(file);
    let ending = bench.millrace(&["columns", file]).with_code(0);
    assert!(ending.stderr.starts_with(&format!("{file}: ")), "{}", ending.stderr);
    assert!(ending.stderr.contains(&format!("({format})")), "{}", ending.stderr);
    compare_golden(&golden(&format!("{file}.toml")), &ending.stdout);
    bench.write("pipeline.toml", pipeline(file, format, &ending.stdout));
    let report = bench.millrace(&["run", "--json", "pipeline.toml"]).with_code(0).json();
    let rows = &report["pipelines"][0]["rows"];
    assert_eq!(
        (&rows["in"], &rows["rejected"]),
        (&Value::from(rows_in), &Value::from(rejected)),
        "{report}"
    );
}

#[test]
fn lines_of_json() {
    check("wagers.jsonl", "json", 5, 0);
}

#[test]
fn messages_with_a_schema() {
    check("orders.jsonl", "debezium-json", 4, 0);
}

#[test]
fn messages_without_a_schema() {
    // A truncate is refused, unless the source says which table it reads.
    check("users.jsonl", "debezium-json", 6, 1);
}

#[test]
fn unwrapped_messages() {
    check("unwrapped.jsonl", "debezium-json", 3, 0);
}

#[test]
fn csv_with_a_header() {
    check("games.csv", "csv", 3, 0);
}

#[test]
fn the_root_cuts_names_and_not_paths() {
    let bench = bench("wagers.jsonl");
    let whole = bench.millrace(&["columns", "wagers.jsonl"]).with_code(0).stdout;
    let part =
        bench.millrace(&["columns", "--root", "payload", "wagers.jsonl"]).with_code(0).stdout;
    assert_eq!(part, whole, "everything is under it");
    let none = bench.millrace(&["columns", "--root", "after", "wagers.jsonl"]).with_code(1);
    assert_eq!(none.stdout, "");
    assert!(none.stderr.contains("no row to sample"), "{}", none.stderr);
    let csv = bench.millrace(&["columns", "--format", "csv", "--root", "x", "wagers.jsonl"]);
    assert!(csv.with_code(2).stderr.contains("--root is for JSON"));
}

#[test]
fn a_header_alone_and_another_delimiter_are_told() {
    let bench = Workbench::new("");
    bench.write("header.csv", "id,name\n");
    let header = bench.millrace(&["columns", "header.csv"]).with_code(1);
    assert!(header.stderr.contains("it has a header and no row"), "{}", header.stderr);
    bench.write("empty.csv", "");
    let empty = bench.millrace(&["columns", "empty.csv"]).with_code(1);
    assert!(empty.stderr.contains("it is empty"), "{}", empty.stderr);
    bench.write("other.csv", "id;name\n1;a\n");
    let other = bench.millrace(&["columns", "other.csv"]).with_code(0);
    assert!(other.stderr.contains("say `delimiter = \";\"` in the source"), "{}", other.stderr);
}

#[test]
fn programs_read_json() {
    let bench = bench("wagers.jsonl");
    let ending = bench.millrace(&["columns", "--json", "--rows", "2", "wagers.jsonl"]).with_code(0);
    assert_eq!(ending.stderr, "");
    let report = ending.json();
    assert_eq!((&report["rows"], &report["format"]), (&Value::from(2), &Value::from("json")));
    let columns = report["columns"].as_array().expect("a list");
    let begin = columns.iter().find(|column| column["name"] == "begin_time").expect("it is there");
    assert_eq!(begin["path"], serde_json::json!(["payload", "beginTime"]));
    assert_eq!((&begin["type"], &begin["unit"]), (&Value::from("timestamp"), &Value::from("ms")));
    let win = columns.iter().find(|column| column["name"] == "total_win").expect("it is there");
    assert_eq!((&win["type"], &win["nulls"]), (&Value::Null, &Value::from(2)));
}

#[test]
fn a_compressed_file_gives_the_same_columns() {
    let bench = bench("wagers.jsonl");
    let plain = bench.millrace(&["columns", "wagers.jsonl"]).with_code(0).stdout;
    let content = fs::read(golden("wagers.jsonl")).expect("it is in the tree");
    let packed = packed(&content);
    bench.write("wagers.jsonl.gz", packed);
    let unpacked = bench.millrace(&["columns", "wagers.jsonl.gz"]).with_code(0).stdout;
    assert_eq!(unpacked.replace("wagers.jsonl.gz", "wagers.jsonl"), plain);
    let none = bench.millrace(&["columns", "none.jsonl"]).with_code(2);
    assert!(none.stderr.contains("cannot read none.jsonl"), "{}", none.stderr);
}

/// The bytes as the system's gzip packs them.
fn packed(content: &[u8]) -> Vec<u8> {
    let mut gzip = Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip is there");
    gzip.stdin.take().expect("it was asked for").write_all(content).expect("it reads");
    gzip.wait_with_output().expect("it ends").stdout
}
