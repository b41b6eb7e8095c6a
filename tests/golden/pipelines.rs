//! Golden pipelines: run straight, with batches cut at random, and with a crash at every step of
//! every checkpoint, to the same rows, in the same order per key, duplicates counted.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use millrace::pipeline::{Faults, Outcome, PipelineError, RunOptions};
use millrace::source::{GeneratorConfig, WagerGenerator};
use millrace::telemetry::Clock;
use millrace_tests::{Workbench, compare_golden, module, root, sandbox};

/// 2026-11-20T12:00:00Z.
const NOW: i64 = 1_795_176_000_000_000;

const PIPELINE: &str = include_str!("pipelines/wagers/pipeline.toml");
const BAD: &str = include_str!("pipelines/wagers/bad.jsonl");

/// Generated wagers, updates of some of their keys, and a bad line after each ninth.
fn input() -> Vec<u8> {
    let mut generator = WagerGenerator::new(7, GeneratorConfig::DEFAULT_START);
    let mut lines = Vec::new();
    let mut bad = BAD.lines().cycle();
    for row in 0..120 {
        generator.seek(row);
        generator.append_line(&mut lines);
        if row % 9 == 8 {
            lines.extend_from_slice(bad.next().expect("there are bad lines").as_bytes());
            lines.push(b'\n');
        }
        if row % 10 == 9 {
            generator.seek(row / 2);
            generator.append_line(&mut lines);
        }
    }
    lines
}

fn bench() -> Workbench {
    let bench = Workbench::new(PIPELINE);
    bench.write("wagers.jsonl", input());
    bench.write("games.csv", fs::read(root().join("pipelines/games.csv")).expect("the games"));
    bench
}

fn options() -> RunOptions {
    RunOptions { clock: Clock::Fixed(NOW), ..RunOptions::default() }
}

/// All that came out: both tables, the file and the dead letters, nothing stripped. The folder and
/// the artifact's hash, which are this run's own, stand as names.
fn output(bench: &Workbench) -> String {
    let file = fs::read_to_string(bench.path("enriched.jsonl")).expect("the file");
    [
        ("ods_wagers", bench.query("wagers.db", "select * from ods_wagers order by wager_id")),
        ("history", bench.query("history.db", "select * from history order by rowid")),
        ("enriched.jsonl", file),
        (
            "dead_letters",
            bench.query("dead.db", "select * from dead_letters order by stage, position, reason"),
        ),
    ]
    .map(|(name, rows)| format!("== {name}\n{rows}"))
    .concat()
    .replace(&*bench.path("wagers.jsonl").to_string_lossy(), "WAGERS")
    .replace(revenue_hash(), "REVENUE")
}

fn revenue_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let artifact = sandbox().load(module("wager_revenue.wasm")).expect("it is a transform");
        artifact.hash().to_owned()
    })
}

fn straight() -> String {
    let bench = bench();
    let summary = bench.run(&options()).expect("the straight run ends");
    assert_eq!(summary.outcome, Outcome::Finished);
    output(&bench)
}

#[test]
fn the_main_job_gives_the_golden_rows() {
    compare_golden(&root().join("tests/golden/pipelines/wagers/output.txt"), &straight());
}

#[test]
fn batch_boundaries_carry_no_meaning() {
    let expected = straight();
    for seed in 0..8 {
        let bench = bench();
        bench.run(&RunOptions { cuts: Some(seed), ..options() }).expect("the cut run ends");
        assert!(output(&bench) == expected, "cut with seed {seed}");
    }
}

/// Faults that crash at the `index`-th crash point that they meet.
fn crash_at(index: usize) -> Faults {
    let met = Arc::new(AtomicUsize::new(0));
    Faults::new(move |_, _, _| met.fetch_add(1, Ordering::Relaxed) == index)
}

#[test]
fn a_crash_at_every_step_of_every_checkpoint_changes_nothing() {
    let expected = straight();
    let mut crashes = 0;
    loop {
        let bench = bench();
        let crash = RunOptions { faults: crash_at(crashes), ..options() };
        match bench.run(&crash) {
            Err(PipelineError::Injected(_)) => {}
            Ok(_) => break,
            Err(error) => panic!("crash point {crashes}: {error}"),
        }
        // Half of them crash again, while they recover or soon after.
        if crashes % 2 == 1 {
            let again = RunOptions { faults: crash_at(crashes % 5), cuts: Some(1), ..options() };
            assert!(matches!(bench.run(&again), Err(PipelineError::Injected(_)) | Ok(_)));
        }
        let resumed = bench
            .run(&options())
            .unwrap_or_else(|error| panic!("crash point {crashes}: the restart fails: {error:?}"));
        assert!(
            resumed.resumed_from.is_some() || crashes < 4,
            "only the first steps leave nothing"
        );
        assert!(output(&bench) == expected, "after a crash at point {crashes}");
        crashes += 1;
    }
    assert!(crashes > 50, "only {crashes} crash points were met");
}

#[test]
fn a_finished_input_is_finished_and_a_grown_one_goes_on() {
    let bench = bench();
    let whole = input();
    let cut = whole.iter().take(10_000).rposition(|byte| *byte == b'\n').expect("lines") + 1;
    bench.write("wagers.jsonl", &whole[..cut]);
    assert_eq!(bench.run(&options()).expect("it ends").outcome, Outcome::Finished);
    let again = bench.run(&options()).expect("it ends");
    assert_eq!(again.outcome, Outcome::AlreadyFinished);
    bench.write("wagers.jsonl", &whole);
    let grown = bench.run(&options()).expect("it ends");
    assert!(grown.had_finished);
    assert_eq!(grown.outcome, Outcome::Finished);
    assert!(output(&bench) == straight());
}

#[test]
fn an_input_whose_beginning_changed_halts() {
    let bench = bench();
    bench.run(&options()).expect("it ends");
    let mut changed = input();
    changed[5] ^= 1;
    bench.write("wagers.jsonl", changed);
    let error = bench.run(&options()).expect_err("another file");
    assert!(chain(&error).contains("wagers.jsonl"), "{}", chain(&error));
}

#[test]
fn a_new_store_over_an_old_database_is_refused() {
    let bench = bench();
    bench.run(&options()).expect("it ends");
    fs::remove_dir_all(bench.path("store")).expect("the store goes");
    let before = bench.query("wagers.db", "select count(*) from ods_wagers");
    let error = chain(&bench.run(&options()).expect_err("the table has rows"));
    assert!(error.contains("if_exists"), "{error}");
    assert_eq!(bench.query("wagers.db", "select count(*) from ods_wagers"), before);
}

#[test]
fn a_source_or_sink_that_goes_by_another_name_now_halts() {
    let renames = [
        [("[sources.wagers", "[sources.bets"), ("input = \"wagers\"", "input = \"bets\"")],
        [("[sinks.history]", "[sinks.archive]"), ("history.db", "archive.db")],
    ];
    for rename in renames {
        let bench = bench();
        bench.run(&options()).expect("it ends");
        let before = output(&bench);
        let renamed = rename.iter().fold(PIPELINE.to_owned(), |text, (old, new)| {
            assert!(text.contains(old));
            text.replace(old, new)
        });
        bench.write("pipeline.toml", renamed);
        let error = chain(&bench.run(&options()).expect_err("the checkpoint knows another name"));
        assert!(error.contains("`wagers`") || error.contains("`history`"), "{error}");
        assert!(output(&bench) == before, "nothing was written");
    }
}

/// Crashes after checkpoint 2 was stored and before its commit, so that it is still to be applied.
fn stopped_between_prepare_and_commit() -> Workbench {
    let bench = bench();
    let faults = Faults::new(|point, _, epoch| point == "stored" && epoch == 2);
    let crashed = bench.run(&RunOptions { faults, ..options() });
    assert!(matches!(crashed, Err(PipelineError::Injected(_))));
    bench
}

#[test]
fn a_database_put_back_to_an_older_copy_halts() {
    let bench = bench();
    let faults = Faults::new(|point, _, epoch| point == "stored" && epoch == 1);
    assert!(bench.run(&RunOptions { faults, ..options() }).is_err());
    let copy = fs::read(bench.path("wagers.db")).expect("the database");
    let faults = Faults::new(|point, _, epoch| point == "stored" && epoch == 3);
    assert!(bench.run(&RunOptions { faults, ..options() }).is_err());
    for name in ["wagers.db-wal", "wagers.db-shm"] {
        drop(fs::remove_file(bench.path(name)));
    }
    bench.write("wagers.db", copy);
    let error = chain(&bench.run(&options()).expect_err("an older copy"));
    assert!(error.contains("wagers.db"), "{error}");
    assert!(error.contains("older") || error.contains("epoch"), "{error}");
}

#[test]
fn a_file_that_others_cut_halts_and_one_that_they_grew_is_cut_back() {
    let expected = straight();
    let bench = stopped_between_prepare_and_commit();
    let mut grown = fs::read(bench.path("enriched.jsonl")).expect("the file");
    grown.extend_from_slice(b"somebody else's line\n");
    bench.write("enriched.jsonl", &grown);
    bench.run(&options()).expect("what lies beyond the checkpoint is provisional");
    assert!(output(&bench) == expected);

    let bench = stopped_between_prepare_and_commit();
    let whole = fs::read(bench.path("enriched.jsonl")).expect("the file");
    bench.write("enriched.jsonl", &whole[..whole.len() / 2]);
    let error = chain(&bench.run(&options()).expect_err("rows are gone"));
    assert!(error.contains("enriched.jsonl"), "{error}");
}

fn chain(error: &PipelineError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
