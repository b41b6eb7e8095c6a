//! Signals: the first one drains, saves and ends well; a second one ends at once; what hangs past
//! its time ends with 3, and the next start goes on from there.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use millrace_tests::{Ending, Lock, Process, Workbench, number, wait_until};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::Signal;
use serde_json::Value;

const PIPELINE: &str = r#"
[pipeline]
name = "signals"
checkpoint = { every = "50ms", store = "${OUT}/store" }
batch = { rows = 64, linger = "5ms" }

[sources.wagers]
type = "generator"
seed = 11
rate = "${RATE}"
count = "${COUNT:-1000000000}"

[sources.wagers.columns]
wager_id = { path = "payload._id", type = "text", key = true }
version = { path = "payload.version", type = "i64" }
total_bet = { path = "payload.totalBet", type = "decimal(18,2)" }
total_win = { path = "payload.totalWin", type = "decimal(18,2)" }
end_time = { path = "payload.endTime", type = "timestamp", unit = "ms" }
line = { meta = "line" }

[transforms.revenue]
input = "wagers"
module = "${MODULES}/wager_revenue.wasm"

[sinks.history]
type = "sqlite"
input = "wagers"
path = "${OUT}/wagers.db"
table = "history"
mode = "append"

[sinks.copy]
type = "file"
input = "revenue"
path = "${OUT}/copy.jsonl"
"#;

fn start(bench: &Workbench, rate: &str) -> Process {
    let arguments = ["run", "--json", "--progress", "never", "pipeline.toml"];
    Process::start(bench.command(&arguments).env("RATE", rate))
}

/// Runs it to the end of `count` wagers, as fast as it goes.
fn run_to(bench: &Workbench, count: i64) -> Ending {
    let arguments = ["run", "--json", "--progress", "never", "pipeline.toml"];
    let mut command = bench.command(&arguments);
    Process::start(command.env("RATE", "1000000").env("COUNT", count.to_string())).finish()
}

fn committed(bench: &Workbench) -> i64 {
    number(&bench.path("wagers.db"), "select count(*) from history")
}

fn started(bench: &Workbench, rate: &str, rows: i64) -> Process {
    let process = start(bench, rate);
    wait_until("rows are committed", || committed(bench) >= rows);
    process
}

/// The table has the wagers 1 to `count`, each once and in order, and the file those of them that
/// are counted.
fn is_whole(bench: &Workbench, count: i64) {
    let lines = |text: &str| -> Vec<i64> {
        text.lines().map(|line| line.parse().expect("a number")).collect()
    };
    let table = bench.query("wagers.db", "select line from history order by rowid");
    assert!(lines(&table) == (1..=count).collect::<Vec<_>>(), "the table is not 1 to {count}");
    let counted =
        bench.query("wagers.db", "select line from history where version >= 1 order by rowid");
    let copy = std::fs::read_to_string(bench.path("copy.jsonl")).expect("the file");
    let copied: Vec<i64> = copy
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["line"].as_i64())
        .map(|line| line.expect("a number"))
        .collect();
    assert!(lines(&counted) == copied, "the file differs from the table");
}

fn rows_in(report: &Value) -> i64 {
    report["pipelines"][0]["rows"]["in"].as_i64().expect("rows are counted")
}

#[test]
fn the_first_signal_drains_saves_and_ends_well() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let bench = Workbench::new(PIPELINE);
        let process = started(&bench, "2000", 100);
        process.signal(signal);
        let ending = process.finish().with_code(0);
        assert!(ending.stderr.contains("stopping"), "{}", ending.stderr);
        let report = ending.json();
        assert_eq!(report["pipelines"][0]["outcome"], "stopped");
        let read = rows_in(&report);
        assert!(read >= 100);
        is_whole(&bench, read);

        let report = run_to(&bench, read + 500).with_code(0).json();
        assert_eq!(report["pipelines"][0]["outcome"], "finished");
        assert!(report["pipelines"][0]["resumed_from"].is_u64(), "{report}");
        assert_eq!(rows_in(&report), 500);
        is_whole(&bench, read + 500);
    }
}

#[test]
fn a_stop_while_nothing_comes_is_obeyed_too() {
    let bench = Workbench::new(PIPELINE);
    // The first row comes at once, the second one after a quarter of an hour.
    let process = started(&bench, "0.001", 1);
    let asked = Instant::now();
    process.signal(Signal::SIGTERM);
    let ending = process.finish().with_code(0);
    assert!(asked.elapsed() < Duration::from_secs(15), "it waited for rows");
    assert_eq!(ending.json()["pipelines"][0]["outcome"], "stopped");
    is_whole(&bench, 1);
    assert_eq!(rows_in(&run_to(&bench, 50).with_code(0).json()), 49);
    is_whole(&bench, 50);
}

#[test]
fn a_second_signal_ends_at_once() {
    let [int, term] = [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)];
    for (first, (second, code)) in
        [(Signal::SIGTERM, int), (Signal::SIGINT, term), (Signal::SIGINT, int)]
    {
        let bench = Workbench::new(PIPELINE);
        let process = started(&bench, "2000", 50);
        // The last commit waits for the lock, so that the first signal cannot be obeyed yet.
        let lock = Lock::take(&bench.path("wagers.db"));
        process.signal(first);
        process.wait_for_log("stopping");
        process.signal(second);
        let asked = Instant::now();
        let ending = process.finish().with_code(code);
        assert!(asked.elapsed() < Duration::from_secs(3), "it did not end at once");
        assert_eq!(ending.stdout, "", "there was nothing to report yet");
        drop(lock);
        assert!(committed(&bench) >= 50, "what was committed stays");
        let _ = run_to(&bench, 50_000).with_code(0);
        is_whole(&bench, 50_000);
    }
}

#[test]
fn a_commit_that_hangs_ends_with_3_and_the_next_start_finishes_it() {
    let bench = Workbench::new(PIPELINE);
    let process = started(&bench, "2000", 50);
    let lock = Lock::take(&bench.path("wagers.db"));
    let before = committed(&bench);
    process.signal(Signal::SIGTERM);
    let ending = process.finish().with_code(3);
    assert!(ending.stderr.contains("locked by another program"), "{}", ending.stderr);
    let report = ending.json();
    assert_eq!(report["pipelines"][0]["outcome"], "failed");
    assert_eq!(report["pipelines"][0]["exit_code"], 3);
    assert_eq!(committed(&bench), before);
    drop(lock);
    let read = rows_in(&report);
    let report = run_to(&bench, read + 10).with_code(0).json();
    assert!(report["pipelines"][0]["resumed_from"].is_u64(), "{report}");
    is_whole(&bench, read + 10);
}

const PRINTED: &str = r#"
[pipeline]
name = "printed"
delivery = "at-least-once"
stop_timeout = "300ms"
checkpoint = { every = "50ms", store = "${OUT}/store" }
batch = { rows = 64, linger = "5ms" }

[sources.wagers]
type = "generator"
seed = 5
count = "${COUNT:-1000000000}"

[sources.wagers.columns]
wager_id = { path = "payload._id", type = "text", key = true }
line = { meta = "line" }

[sinks.printed]
type = "stdout"
input = "wagers"
"#;

#[test]
fn a_stop_past_its_timeout_ends_with_3_and_loses_nothing() {
    let bench = Workbench::new(PRINTED);
    let arguments = ["run", "--progress", "never", "pipeline.toml"];
    let (process, stdout) = Process::start_unread(&mut bench.command(&arguments));
    // A small pipe, so that it is full long before the rows are all printed.
    fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(4_096)).expect("a pipe may be small");
    let mut stdout = BufReader::new(stdout);
    let mut printed = String::new();
    stdout.read_line(&mut printed).expect("rows come");
    // From here on nobody reads, so that the sink cannot drain.
    process.signal(Signal::SIGTERM);
    let ending = process.finish().with_code(3);
    assert!(ending.stderr.contains("did not drain within its stop_timeout"), "{}", ending.stderr);
    stdout.read_to_string(&mut printed).expect("what the pipe still holds");

    let mut command = bench.command(&arguments);
    let ending = Process::start(command.env("COUNT", "5000")).finish().with_code(0);
    printed.push_str(&ending.stdout);
    let rows = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines: BTreeSet<i64> = rows.filter_map(|row| row["line"].as_i64()).collect();
    assert!(lines == (1..=5_000).collect(), "{} of 5000 wagers were printed", lines.len());
}
