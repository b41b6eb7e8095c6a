//! Golden pipelines that keep state: alerts, sessions that timers end, and late rows, through random
//! cuts, a crash at every step of every checkpoint, other numbers of instances, and a stop: equal
//! rows, and equal order per key.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millrace::pipeline::{Faults, Outcome, PipelineError, RunOptions, StopSignal};
use millrace::telemetry::Clock;
use millrace_tests::{Workbench, compare_golden, module, root, sandbox};

/// 2026-11-20T12:00:00Z.
const NOW: i64 = 1_795_176_000_000_000;
const ROWS: usize = 300;

const PIPELINE: &str = include_str!("pipelines/stateful/pipeline.toml");

/// Bets of few users: out of order, some beyond the disorder, ties, null bets, and rows without event
/// time.
fn input(rows: usize) -> String {
    let mut state = 11_u64;
    let mut draw = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut time = 1_767_225_600_000_i64;
    let mut lines = String::new();
    for row in 0..rows {
        time += [0, 0, 150, 400, 900][draw(5) as usize];
        let back = if draw(4) == 0 { draw(2_500) as i64 } else { 0 };
        let at = if draw(25) == 0 { "null".to_owned() } else { (time - back).to_string() };
        let bet = if draw(15) == 0 { "null".to_owned() } else { format!("{}.50", draw(14)) };
        let (user, game) = (draw(7), draw(4));
        lines.push_str(&format!(
            "{{\"payload\":{{\"_id\":\"w-{row:03}\",\"gameId\":\"g-{game}\",\"userId\":\"u-{user}\",\
             \"version\":1,\"totalBet\":{bet},\"totalWin\":1.25,\"endTime\":null,\
             \"lastUpdateTime\":{at}}}}}\n"
        ));
    }
    lines
}

fn bench() -> Workbench {
    bench_of(1, 1)
}

/// The pipeline with so many instances of its keyed stages.
fn bench_of(fraud: usize, sessions: usize) -> Workbench {
    let bench = Workbench::new("");
    rescale(&bench, fraud, sessions);
    bench.write("wagers.jsonl", input(ROWS));
    bench
}

fn rescale(bench: &Workbench, fraud: usize, sessions: usize) {
    let text = PIPELINE
        .replace("parallelism = 1", &format!("parallelism = {sessions}"))
        .replace("params = { x = 5 }", &format!("params = {{ x = 5 }}\nparallelism = {fraud}"));
    bench.write("pipeline.toml", text);
}

fn options() -> RunOptions {
    RunOptions { clock: Clock::Fixed(NOW), ..RunOptions::default() }
}

/// All that came out, in order per key. The folder and the artifacts' hashes, which are this run's
/// own, stand as names.
fn output(bench: &Workbench) -> String {
    let late = fs::read_to_string(bench.path("late.jsonl")).expect("the file");
    let user = |line: &&str| line.split("\"user_id\":").nth(1).map(|rest| rest[..5].to_owned());
    let mut late: Vec<&str> = late.lines().collect();
    late.sort_by_key(user);
    let table = |name: &str, columns: &str| {
        let sql = format!("select {columns} from {name} order by user_id, rowid");
        bench.query(&format!("{name}.db"), &sql)
    };
    let letters = "select stage, reason, position, artifact, input from dead_letters \
                   order by stage, position";
    let mut text = [
        ("alerts", table("alerts", "*")),
        ("sessions", table("sessions", "*")),
        ("rows", table("rows", "*")),
        ("late.jsonl", late.join("\n") + "\n"),
        ("ods_wagers", bench.query("wagers.db", "select count(*) from ods_wagers")),
        ("dead_letters", bench.query("dead.db", letters)),
    ]
    .map(|(name, rows)| format!("== {name}\n{rows}"))
    .concat()
    .replace(&*bench.path("wagers.jsonl").to_string_lossy(), "WAGERS");
    for name in ["fraud_cep.wasm", "sessions_guest.wasm"] {
        let artifact = sandbox().load(module(name)).expect("it is a transform");
        text = text.replace(artifact.hash(), name);
    }
    text
}

fn straight() -> String {
    let bench = bench();
    let summary = bench.run(&options()).expect("the straight run ends");
    assert_eq!(summary.outcome, Outcome::Finished);
    output(&bench)
}

#[test]
fn state_timers_and_late_rows_give_the_golden_rows() {
    let output = straight();
    for section in output.split("== ").skip(1) {
        assert!(section.lines().count() > 1, "nothing in {section}");
    }
    compare_golden(&root().join("tests/golden/pipelines/stateful/output.txt"), &output);
}

#[test]
fn neither_cuts_nor_instances_carry_a_meaning() {
    let expected = straight();
    for seed in 0..8 {
        let bench = bench_of(1 + seed as usize % 2, 1 + seed as usize % 4);
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
        let bench = bench_of(1, 2);
        let crash = RunOptions { faults: crash_at(crashes), ..options() };
        match bench.run(&crash) {
            Err(PipelineError::Injected(_)) => {}
            Ok(_) => break,
            Err(error) => panic!("crash point {crashes}: {error:?}"),
        }
        // Half of them crash again, while they recover or soon after.
        if crashes % 2 == 1 {
            let again = RunOptions { faults: crash_at(crashes % 7), cuts: Some(1), ..options() };
            assert!(matches!(bench.run(&again), Err(PipelineError::Injected(_)) | Ok(_)));
        }
        bench
            .run(&options())
            .unwrap_or_else(|error| panic!("crash point {crashes}: the restart fails: {error:?}"));
        assert!(output(&bench) == expected, "after a crash at point {crashes}");
        crashes += 1;
    }
    assert!(crashes > 100, "only {crashes} crash points were met");
}

#[test]
fn another_number_of_instances_takes_the_state_over() {
    let expected = straight();
    for (seed, numbers) in [[1, 3, 2], [2, 4, 1], [4, 1, 7], [3, 3, 5]].into_iter().enumerate() {
        let bench = bench_of(numbers[0], numbers[1]);
        for (run, number) in numbers.into_iter().enumerate() {
            rescale(&bench, numbers[(run + 1) % 3], number);
            let last = (run as u64 + 1) * 2;
            // Some stop behind a stored checkpoint, some with its commits open.
            let point = ["acknowledged", "stored"][(run + seed) % 2];
            let faults = Faults::new(move |at, _, epoch| at == point && epoch == last);
            let options = RunOptions { faults, cuts: Some(seed as u64), ..options() };
            assert!(matches!(bench.run(&options), Err(PipelineError::Injected(_))));
        }
        bench.run(&options()).expect("it ends");
        assert!(output(&bench) == expected, "instances {numbers:?}");
        let files = fs::read_dir(bench.path("store/state")).expect("the folder of state").count();
        assert!(files < 200, "{files} files of state are left");
    }
}

#[test]
fn open_sessions_and_timers_survive_a_stop() {
    let expected = straight();
    let bench = bench_of(1, 2);
    for last in [1, 3, 5] {
        let stop = StopSignal::default();
        let asks = stop.clone();
        let faults = Faults::new(move |point, _, epoch| {
            if point == "acknowledged" && epoch == last {
                asks.stop();
            }
            false
        });
        let summary = bench.run(&RunOptions { faults, stop, ..options() }).expect("it stops");
        assert_eq!(summary.outcome, Outcome::Stopped);
    }
    bench.run(&options()).expect("it ends");
    assert!(output(&bench) == expected);
}

#[test]
fn what_fired_at_the_end_stays_fired_and_what_came_out_is_late() {
    let bench = bench();
    bench.write("wagers.jsonl", input(150));
    assert_eq!(bench.run(&options()).expect("it ends").outcome, Outcome::Finished);
    let sessions = bench.query("sessions.db", "select * from sessions order by rowid");
    let greatest = bench.query("rows.db", "select max(at) from rows").trim().to_owned();
    let late = fs::read_to_string(bench.path("late.jsonl")).expect("the file");

    bench.write("wagers.jsonl", input(ROWS));
    let grown = bench.run(&options()).expect("it ends");
    assert!(grown.had_finished);
    let after = bench.query("sessions.db", "select * from sessions order by rowid");
    assert!(after.starts_with(&sessions) && after.len() > sessions.len());
    let doubled = "select wager_id from rows group by wager_id having count(*) > 1";
    assert_eq!(bench.query("rows.db", doubled), "");
    // A row of the grown part is late exactly if it is not behind everything that came out before.
    let fresh = fs::read_to_string(bench.path("late.jsonl")).expect("the file");
    let fresh = fresh.strip_prefix(&late).expect("late rows stay");
    assert!(fresh.lines().count() > 0, "the grown part begins out of order");
    let between =
        format!("select count(*) from rows where wager_id >= 'w-150' and at <= '{greatest}'");
    assert_eq!(bench.query("rows.db", &between), "0\n");
}

#[test]
fn more_waiting_rows_than_allowed_halt_and_lose_nothing() {
    let expected = straight();
    let bench = bench();
    let text = fs::read_to_string(bench.path("pipeline.toml")).expect("the pipeline");
    let narrow = "key = \"user_id\"\nlimits = { max_waiting = \"1KiB\" }";
    bench.write("pipeline.toml", text.replace("key = \"user_id\"", narrow));
    let error = bench.run(&options()).expect_err("the rows take more");
    let cause = std::error::Error::source(&error).expect("it has a cause").to_string();
    assert!(cause.contains("limits.max_waiting"), "{cause}");
    // With room for them it goes on from its last checkpoint, to the same rows.
    bench.write("pipeline.toml", text);
    bench.run(&options()).expect("it ends");
    assert!(output(&bench) == expected);
}

#[test]
fn state_that_does_not_fit_the_stage_halts() {
    let changes = [
        ("key = \"user_id\"", "key = \"game_id\"", "the key is (game_id text) now"),
        (
            "[transforms.sessions]",
            "[transforms.episodes]",
            "has the state of the transform `sessions`",
        ),
    ];
    for (old, new, wanted) in changes {
        let bench = bench();
        bench.run(&options()).expect("it ends");
        let before = output(&bench);
        let text = fs::read_to_string(bench.path("pipeline.toml")).expect("the pipeline");
        let text = text.replace(old, new);
        let text = match new.contains("episodes") {
            true => text.replace("= \"sessions.", "= \"episodes."),
            false => text,
        };
        bench.write("pipeline.toml", text);
        let error = bench.run(&options()).expect_err("the state is another's");
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(output(&bench) == before, "nothing was written");
    }
}
