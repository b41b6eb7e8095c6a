use std::fs;

use tempfile::TempDir;

use super::*;
use crate::config::load;
use crate::sandbox::{Sandbox, SandboxConfig};

const FILE: &str = r#"
[pipeline]
name = "p-${NAME}"
checkpoint = { rows = 10 }

[sources.a]
type = "generator"
count = "${COUNT:-5}"
on_error = { action = "dead-letter", max = 3 }

[sources.a.columns]
id = { path = "payload._id", type = "text", key = true }
version = { path = ["payload", "v"], type = "i64" }
"a.b" = "i64"

[sinks.b]
type = "file"
input = "${SOURCE}"
path = "${FOLDER}/b.jsonl"
expect = { version = "i64" }

[dead_letters]
type = "blackhole"
"#;

const EFFECTIVE: &str = r#"[pipeline]
name = "p-${NAME}"
delivery = "exactly-once"  # default
stop_timeout = "30s"  # default

[pipeline.checkpoint]
rows = 10
store = ".millrace/p-${NAME}"  # default

[pipeline.batch]
rows = 8192  # default
bytes = "4MiB"  # default
linger = "50ms"  # default
"#;

fn environment() -> Environment {
    Environment::from_variables([
        ("NAME", "hunter2"),
        ("SOURCE", "a"),
        ("FOLDER", "/nowhere/hunter2"),
    ])
}

fn loaded(folder: &TempDir, text: &str) -> Plan {
    let file = folder.path().join("p.toml");
    fs::write(&file, text).expect("the folder is writable");
    let sandbox = Sandbox::new(&SandboxConfig::default()).expect("the sandbox starts");
    load(&file, &environment(), &sandbox).unwrap_or_else(|problems| panic!("{problems}"))
}

/// All of a plan but its warnings.
fn whole(plan: &Plan) -> String {
    let Plan { name, delivery, checkpoint, batch, stop_timeout, .. } = plan;
    let settings = format!("{name} {delivery:?} {checkpoint:?} {batch:?} {stop_timeout:?}");
    let Plan { sources, tables, sinks, dead_letters, .. } = plan;
    format!("{settings} {sources:?} {tables:?} {sinks:?} {dead_letters:?}")
}

#[test]
fn defaults_are_there_and_marked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = loaded(&folder, FILE);
    let text = effective(&plan, &environment()).expect("the file is right");
    assert!(text.starts_with(EFFECTIVE), "{text}");
    for line in [
        "count = \"${COUNT:-5}\"",
        "seed = 0  # default",
        "start = \"2026-01-01T00:00:00Z\"  # default",
        "[sources.a.on_error]\naction = \"dead-letter\"\nmax = 3",
        "id = { path = \"payload._id\", type = \"text\", key = true }",
        "version = { path = [\"payload\", \"v\"], type = \"i64\" }",
        "\"a.b\" = \"i64\"",
        "input = \"${SOURCE}\"",
        "path = \"${FOLDER}/b.jsonl\"",
        "format = \"json\"  # default",
        "if_exists = \"error\"  # default",
        "on_error = \"dead-letter\"  # default",
        "version = \"i64\"",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line} is not in\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn defaults_that_follow_from_others_are_those_of_the_plan() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sinks = r#"
[sinks.kept]
type = "sqlite"
input = "a"
path = "k.db"
table = "k"

[sinks.all]
type = "sqlite"
input = "a"
path = "l.db"
table = "l"
mode = "append"
on_update = "ignore"

[sinks.lines]
type = "file"
input = "a"
path = "c.csv"

[sinks.parts]
type = "file"
input = "a"
path = "d.parquet"

[dead_letters]
type = "file"
path = "e.csv"
"#;
    let text = FILE.replace("\n[dead_letters]\ntype = \"blackhole\"\n", sinks);
    let plan = loaded(&folder, &text);
    let text = effective(&plan, &environment()).expect("the file is right");
    let block = |name: &str| {
        let found = text.split("\n[").find(|block| block.starts_with(&format!("{name}]")));
        found.unwrap_or_else(|| panic!("no {name} in\n{text}"))
    };
    let defaults = |name: &str| -> Vec<&str> {
        let common = ["delivery", "on_error", "if_exists"];
        let lines = block(name).lines().filter_map(|line| line.strip_suffix("  # default"));
        lines.filter(|line| !common.iter().any(|key| line.starts_with(key))).collect()
    };
    assert_eq!(defaults("sinks.kept"), ["mode = \"upsert\""]);
    assert_eq!(defaults("sinks.all"), ["on_delete = \"dead-letter\""]);
    let lines = ["format = \"csv\"", "delimiter = \",\"", "header = true"];
    assert_eq!(defaults("sinks.lines"), lines);
    assert_eq!(defaults("dead_letters"), lines);
    let parts = ["format = \"parquet\"", "row_group_rows = 1048576", "compression = \"zstd\""];
    assert_eq!(defaults("sinks.parts"), parts);
    assert_eq!(whole(&loaded(&folder, &text)), whole(&plan));
}

#[test]
fn what_is_printed_comes_to_the_same_plan_and_prints_as_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = loaded(&folder, FILE);
    let text = effective(&plan, &environment()).expect("the file is right");
    let again = loaded(&folder, &text);
    assert_eq!(whole(&again), whole(&plan));
    let without_marks = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("  #").next().unwrap_or_default().to_owned()).collect()
    };
    let twice = effective(&again, &environment()).expect("the file is right");
    assert_eq!(without_marks(&twice), without_marks(&text));
    assert!(!twice.contains("# default"), "{twice}");
}

#[test]
fn a_default_that_does_not_go_with_the_rest_is_left_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("p.toml");
    let block = |header: &str, default, lines: &[(&str, bool)]| Block {
        header: format!("\n[{header}]\n"),
        default,
        lines: lines.iter().map(|(line, default)| ((*line).to_owned(), *default)).collect(),
    };
    let blocks = vec![
        block("pipeline", false, &[("name = \"p\"", false), ("nothing = 1", true)]),
        block("pipeline.nowhere", true, &[("nothing = 1", true)]),
        block("sources.a", false, &[("type = \"generator\"", false), ("columns = 5", false)]),
    ];
    let text = applying(blocks, &file, &environment());
    let kept = "[pipeline]\nname = \"p\"\n\n[sources.a]\ntype = \"generator\"\ncolumns = 5\n";
    assert_eq!(text, kept);
}
