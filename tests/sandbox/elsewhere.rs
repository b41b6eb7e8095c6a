//! A guest from elsewhere: written by hand as WebAssembly text, with neither our SDK nor Rust in
//! it, a component that imports WASI. It loads, runs in a pipeline, and is told the same each time.

use std::fs;
use std::sync::OnceLock;

use millrace::pipeline::{Outcome, RunOptions};
use millrace::sandbox::ModuleKind;
use millrace::telemetry::Clock;
use millrace_tests::{Workbench, root, sandbox};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::support::NOW;

const PIPELINE: &str = r#"
[pipeline]
name = "elsewhere"
checkpoint = { rows = 4, store = "${OUT}/store" }
batch = { rows = 2, linger = "5ms" }

[sources.numbers]
type = "file"
path = "${OUT}/numbers.jsonl"

[sources.numbers.columns]
id = { type = "i64", key = true }

[transforms.elsewhere]
input = "numbers"
module = "${OUT}/elsewhere.wasm"

[sinks.rows]
type = "sqlite"
input = "elsewhere"
path = "${OUT}/rows.db"
table = "numbers"
mode = "append"
"#;

const ROWS: i64 = 9;

/// The component of the text and of its WIT.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let text = root().join("tests/guests/elsewhere.wat");
        let mut module = wat::parse_file(text).unwrap_or_else(|error| panic!("{error}"));
        let mut wit = Resolve::default();
        wit.push_path(root().join("guest-sdk/wit")).expect("the contract resolves");
        let package = wit
            .push_file(root().join("tests/guests/elsewhere.wit"))
            .unwrap_or_else(|error| panic!("{error:#}"));
        let world = wit.select_world(&[package], Some("elsewhere")).expect("it has the world");
        embed_component_metadata(&mut module, &wit, world, StringEncoding::UTF8)
            .expect("the world can be told");
        ComponentEncoder::default()
            .module(&module)
            .and_then(|encoder| encoder.validate(true).encode())
            .unwrap_or_else(|error| panic!("{error:#}"))
    })
}

fn bench() -> Workbench {
    let bench = Workbench::new(PIPELINE);
    bench.write("elsewhere.wasm", component());
    let lines: String = (0..ROWS).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    bench.write("numbers.jsonl", lines);
    bench
}

/// What a column holds, each value once.
fn told(bench: &Workbench, column: &str) -> String {
    bench.query("rows.db", &format!("select distinct {column} from numbers"))
}

fn has_every_row(bench: &Workbench) {
    let rows = bench.query("rows.db", "select id, twice from numbers order by rowid");
    let expected: String = (0..ROWS).map(|id| format!("{id}|{}\n", 2 * id)).collect();
    assert_eq!(rows, expected);
}

#[test]
fn it_is_a_component_that_imports_wasi() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("elsewhere.wasm");
    fs::write(&path, component()).expect("the folder is writable");
    let artifact = sandbox().load(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(artifact.kind(), ModuleKind::Component);
    for import in [
        "wasi:clocks/wall-clock@0.2.0",
        "wasi:random/random@0.2.0",
        "wasi:cli/stdout@0.2.0",
        "wasi:io/streams@0.2.0",
        "wasi:filesystem/preopens@0.2.0",
    ] {
        assert!(artifact.imports().iter().any(|found| found == import), "{import}");
    }
    // It has no use for what is ours.
    assert!(!artifact.imports().iter().any(|import| import.starts_with("millrace:transform/host")));
}

#[test]
fn a_pipeline_runs_it_and_wasi_tells_it_the_same_each_time() {
    let options = || RunOptions { clock: Clock::Fixed(NOW), ..RunOptions::default() };
    let drawn = [(), ()].map(|()| {
        let bench = bench();
        let summary = bench.run(&options()).expect("it ends");
        assert_eq!(summary.outcome, Outcome::Finished);
        has_every_row(&bench);
        assert_eq!(told(&bench, "told_at"), "2026-01-01 00:00:00.000000\n");
        assert_eq!(told(&bench, "folders"), "0\n");
        told(&bench, "drawn")
    });
    // Every call draws the same number, in this run and in the next.
    assert_eq!(drawn[0].lines().count(), 1);
    assert_eq!(drawn[0], drawn[1]);
}

#[test]
fn the_program_runs_it_and_logs_what_it_prints() {
    let bench = bench();
    let arguments = ["run", "--log", "info", "--progress", "never", "pipeline.toml"];
    let ending = bench.millrace(&arguments).with_code(0);
    has_every_row(&bench);
    assert_eq!(told(&bench, "folders"), "0\n");
    let lines: Vec<&str> =
        ending.stderr.lines().filter(|line| line.contains("a line from elsewhere")).collect();
    assert!(!lines.is_empty(), "{}", ending.stderr);
    for line in lines {
        assert!(line.contains("stage=elsewhere") && line.contains("stdout"), "{line}");
    }
}
