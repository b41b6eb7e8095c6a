//! CSV and Parquet: a crash at every step, and SIGKILL while rows flow; nothing lost, nothing
//! doubled, money exact in both.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use millrace::pipeline::{Faults, Outcome, PipelineError, RunOptions};
use millrace_tests::Workbench;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const PIPELINE: &str = r#"
[pipeline]
name = "columnar"
checkpoint = { rows = ROWS, store = "${OUT}/store" }
batch = { rows = 64, linger = "5ms" }

[sources.wagers]
type = "generator"
seed = 9
count = COUNT

[sources.wagers.columns]
wager_id = { path = "payload._id", type = "text", key = true }
total_bet = { path = "payload.totalBet", type = "decimal(18,2)" }
end_time = { path = "payload.endTime", type = "timestamp", unit = "ms" }
line = { meta = "line" }

[sinks.text]
type = "file"
input = "wagers"
path = "${OUT}/wagers.csv"
null = "NULL"

[sinks.parts]
type = "file"
input = "wagers"
path = "${OUT}/wagers.parquet"
row_group_rows = 50
"#;

const HEADER: &str = "wager_id,total_bet,end_time,line";

fn bench(count: usize, checkpoint_rows: usize) -> Workbench {
    let pipeline =
        PIPELINE.replace("COUNT", &count.to_string()).replace("ROWS", &checkpoint_rows.to_string());
    Workbench::new(&pipeline)
}

/// The lines that the rows came from, in the order of the output, and all bets together, in cents.
#[derive(Debug, PartialEq)]
struct Content {
    lines: Vec<i64>,
    cents: i128,
}

fn csv(bench: &Workbench) -> Content {
    let text = fs::read_to_string(bench.path("wagers.csv")).expect("the file");
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some(HEADER));
    let mut content = Content { lines: Vec::new(), cents: 0 };
    for row in rows {
        let fields: Vec<&str> = row.split(',').collect();
        let [_, bet, _, line] = fields[..] else { panic!("four fields: {row}") };
        content.lines.push(line.parse().expect("a number"));
        if bet != "NULL" {
            assert_eq!(bet.rfind('.'), Some(bet.len() - 3), "{bet}");
            content.cents += bet.replace('.', "").parse::<i128>().expect("a number");
        }
    }
    content
}

/// The names in the folder of parts, in order; none while there is no folder.
fn names(bench: &Workbench) -> Vec<String> {
    let Ok(entries) = fs::read_dir(bench.path("wagers.parquet")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn parts(bench: &Workbench) -> Content {
    let mut content = Content { lines: Vec::new(), cents: 0 };
    for name in names(bench) {
        assert!(name.starts_with("part-") && name.ends_with(".parquet"), "{name} was left behind");
        let file = File::open(bench.path("wagers.parquet").join(&name)).expect("the part");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("it is Parquet");
        for batch in reader.build().expect("it is Parquet") {
            let batch = batch.expect("it is whole");
            let column = |name: &str| Arc::clone(batch.column_by_name(name).expect("a column"));
            content.lines.extend(column("line").as_primitive::<Int64Type>().values().iter());
            let bets = column("total_bet");
            content.cents += bets.as_primitive::<Decimal128Type>().iter().flatten().sum::<i128>();
        }
    }
    content
}

/// Every line once and in order, in both outputs, and the same money.
fn assert_whole(bench: &Workbench, count: usize) {
    let (csv, parts) = (csv(bench), parts(bench));
    let expected: Vec<i64> = (1..).take(count).collect();
    assert!(csv.lines == expected, "CSV: {} rows", csv.lines.len());
    assert!(parts.lines == expected, "Parquet: {} rows", parts.lines.len());
    assert_eq!(csv.cents, parts.cents);
    assert!(csv.cents > 0);
}

#[test]
fn a_crash_at_every_step_loses_and_doubles_nothing() {
    const COUNT: usize = 200;
    let mut crashes = 0;
    loop {
        let bench = bench(COUNT, 64);
        let met = Arc::new(AtomicUsize::new(0));
        let faults = Faults::new(move |_, _, _| met.fetch_add(1, Ordering::Relaxed) == crashes);
        match bench.run(&RunOptions { faults, ..RunOptions::default() }) {
            Err(PipelineError::Injected(_)) => {}
            Ok(_) => break,
            Err(error) => panic!("crash point {crashes}: {error:?}"),
        }
        let resumed = bench
            .run(&RunOptions::default())
            .unwrap_or_else(|error| panic!("crash point {crashes}: the restart fails: {error:?}"));
        assert_ne!(resumed.outcome, Outcome::Stopped);
        assert_whole(&bench, COUNT);
        crashes += 1;
    }
    assert!(crashes > 20, "only {crashes} steps");
}

fn start(bench: &Workbench) -> Child {
    bench
        .command(&["run", "--progress", "never", "pipeline.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Looks at the folder of parts until it has changed so often, or the process has ended: `true`
/// then.
fn ended_before(bench: &Workbench, child: &mut Child, changes: usize) -> bool {
    let mut seen = names(bench);
    let mut changed = 0;
    while changed < changes {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            assert!(status.success(), "{status}");
            return true;
        }
        let now = names(bench);
        changed += usize::from(now != seen);
        seen = now;
        std::thread::yield_now();
    }
    false
}

#[test]
fn killed_again_and_again_nothing_is_lost_or_doubled() {
    const COUNT: usize = 60_000;
    let bench = bench(COUNT, 1000);
    let mut kills = 0;
    // So few changes each that parts are met unfinished, prepared and visible.
    for changes in [1, 2, 3, 4, 5, 6, 7, 2, 3, 5] {
        let mut child = start(&bench);
        if ended_before(&bench, &mut child, changes) {
            break;
        }
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).expect("it is ours");
        child.wait().expect("it is ours");
        kills += 1;
    }
    assert!(kills >= 3, "the process was killed too seldom");
    drop(bench.millrace(&["run", "--progress", "never", "pipeline.toml"]).with_code(0));
    assert_whole(&bench, COUNT);
}

#[test]
fn a_new_store_replaces_both_or_is_told_what_is_there() {
    let bench = bench(100, 64);
    bench.run(&RunOptions::default()).expect("it ends");
    fs::remove_dir_all(bench.path("store")).expect("the store goes");
    let before = (csv(&bench), parts(&bench));
    assert!(bench.run(&RunOptions::default()).is_err(), "there are rows");
    assert_eq!((csv(&bench), parts(&bench)), before, "nothing is touched");

    let pipeline = fs::read_to_string(bench.path("pipeline.toml")).expect("the pipeline");
    let replacing =
        pipeline.replace("input = \"wagers\"", "input = \"wagers\"\nif_exists = \"replace\"");
    bench.write("pipeline.toml", replacing);
    bench.run(&RunOptions::default()).expect("it ends");
    assert_whole(&bench, 100);
}
