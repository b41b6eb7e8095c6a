//! Guests that trap, loop and grow: each is a typed error that ends its own pipeline. The process
//! and other pipelines go on, and what was checkpointed stays good.

use std::sync::Arc;

use millrace::config::Plan;
use millrace::pipeline::{NodeError, Outcome, PipelineError, RunOptions, counters};
use millrace::sandbox::{Place, SandboxError};
use millrace::stage::StageError;
use millrace::supervisor::{Ended, run_all};
use millrace::telemetry::PipelineCounters;
use millrace_tests::{Workbench, module, sandbox};

const PIPELINE: &str = r#"
[pipeline]
name = "hostile"
checkpoint = { rows = 5, store = "${OUT}/store" }
batch = { rows = 5, bytes = "200B" }

[sources.numbers]
type = "file"
path = "${OUT}/numbers.jsonl"

[sources.numbers.columns]
id = { type = "i64", key = true }

[transforms.deed]
input = "numbers"
module = "${MODULES}/hostile_guest.wasm"
params = { do = "MISDEED", row = 3 }
limits = { deadline = "500ms", max_memory = "32MiB" }

[sinks.rows]
type = "sqlite"
input = "deed"
path = "${OUT}/rows.db"
table = "numbers"
mode = "append"
"#;

const LONG: i64 = 10;
const ALL: i64 = 30;

/// Ten long lines, each a batch of its own, then twenty short ones. Misdeeds strike the first batch
/// that has a row 3, so that checkpoints come before it.
fn input() -> String {
    let pad = "x".repeat(200);
    let line = |id: i64| {
        let pad = if id < LONG { pad.as_str() } else { "" };
        format!("{{\"id\":{id},\"pad\":\"{pad}\"}}\n")
    };
    (0..ALL).map(line).collect()
}

fn bench(misdeed: &str) -> Workbench {
    let bench = Workbench::new(&PIPELINE.replace("MISDEED", misdeed));
    bench.write("numbers.jsonl", input());
    bench
}

fn ids(bench: &Workbench) -> String {
    bench.query("rows.db", "select id from numbers order by rowid")
}

fn first(count: i64) -> String {
    (0..count).map(|id| format!("{id}\n")).collect()
}

fn hash() -> String {
    let artifact = sandbox().load(module("hostile_guest.wasm")).expect("the guest loads");
    artifact.hash().to_owned()
}

fn ready(bench: &Workbench) -> (Plan, Arc<PipelineCounters>) {
    let plan = bench.plan();
    let counters = counters(&plan);
    (plan, counters)
}

/// The guest's error, of which the pipeline says no more than the node.
fn guest_error(ended: Ended) -> SandboxError {
    let Ended::Failed(PipelineError::Node { node, source }) = ended else {
        panic!("the guest ends its pipeline: {ended:?}")
    };
    assert_eq!(node, "deed");
    match *source {
        NodeError::Stage(StageError::Guest { batch, source }) => {
            assert!(batch.first.contains("numbers.jsonl:"), "the batch is named: {batch}");
            source
        }
        other => panic!("the guest's error is its own: {other:?}"),
    }
}

/// Whether the error is the one of a misdeed, with the bound that was broken.
fn fits(misdeed: &str, error: &SandboxError) -> bool {
    match (misdeed, error) {
        ("trap", SandboxError::Trapped { trap, .. }) => {
            trap.place == Place::Row(3) && trap.message == "this row is poison"
        }
        ("recurse", SandboxError::Trapped { trap, .. }) => trap.place == Place::Unknown,
        ("loop", SandboxError::DeadlineExceeded { deadline, .. }) => deadline.as_millis() == 500,
        ("grow", SandboxError::OutOfMemory { max, .. }) => *max == 32 << 20,
        ("columns", SandboxError::ContractBreach { .. }) => true,
        _ => false,
    }
}

#[test]
fn a_misdeed_is_a_typed_error_that_ends_its_own_pipeline() {
    let hash = hash();
    for misdeed in ["trap", "recurse", "loop", "grow", "columns"] {
        let (bad, good) = (bench(misdeed), bench("no harm"));
        let mut ended = run_all(&[ready(&bad), ready(&good)], &RunOptions::default()).into_iter();
        let error = guest_error(ended.next().expect("one ending each"));
        assert!(fits(misdeed, &error), "{misdeed}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("`deed`") && text.contains(&hash[..12]), "{text}");
        match ended.next() {
            Some(Ended::Well(summary)) => assert_eq!(summary.outcome, Outcome::Finished),
            other => panic!("beside `{misdeed}` the other goes on: {other:?}"),
        }
        assert_eq!(ids(&good), first(ALL));
    }
}

#[test]
fn what_was_checkpointed_stays_good_and_a_repaired_pipeline_goes_on() {
    for misdeed in ["trap", "loop", "grow"] {
        let bench = bench(misdeed);
        for _ in 0..2 {
            // Starting again without a repair comes to the same error, and harms nothing.
            let ended = run_all(&[ready(&bench)], &RunOptions::default());
            let error = guest_error(ended.into_iter().next().expect("one ending"));
            assert!(fits(misdeed, &error), "{misdeed}: {error:?}");
        }
        let kept = ids(&bench).lines().count() as i64;
        assert!(kept == 5 || kept == LONG, "{kept} rows do not end at a checkpoint");
        assert_eq!(ids(&bench), first(kept));

        bench.write("pipeline.toml", PIPELINE.replace("MISDEED", "no harm"));
        let summary = bench.run(&RunOptions::default()).expect("it is repaired");
        assert_eq!(summary.outcome, Outcome::Finished);
        assert_eq!(summary.resumed_from, Some(kept as u64 / 5));
        assert_eq!(ids(&bench), first(ALL), "after `{misdeed}`");
    }
}

#[test]
fn the_process_tells_stage_and_artifact_and_finishes_the_others() {
    let bench = bench("loop");
    let other = PIPELINE
        .replace("MISDEED", "no harm")
        .replace("name = \"hostile\"", "name = \"harmless\"")
        .replace("${OUT}/store", "${OUT}/other_store")
        .replace("rows.db", "others.db");
    bench.write("other.toml", other);
    let arguments = ["run", "--json", "--progress", "never", "pipeline.toml", "other.toml"];
    let ending = bench.millrace(&arguments).with_code(1);
    for part in
        ["`deed`", &hash()[..12], "exceeded its deadline of 500 ms", "pipeline `hostile` failed"]
    {
        assert!(ending.stderr.contains(part), "no {part} in {}", ending.stderr);
    }
    let report = ending.json();
    assert_eq!(report["pipelines"][0]["outcome"], "failed");
    assert_eq!(report["pipelines"][0]["exit_code"], 1);
    assert_eq!(report["pipelines"][1]["name"], "harmless");
    assert_eq!(report["pipelines"][1]["outcome"], "finished");
    assert_eq!(report["pipelines"][1]["rows"]["kept"], ALL);
    let rows = bench.query("others.db", "select id from numbers order by rowid");
    assert_eq!(rows, first(ALL));
}
