//! SIGKILL at random moments: nothing lost, nothing doubled.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use millrace::source::{GeneratorConfig, WagerGenerator};
use millrace_tests::{Workbench, modules_dir, program, query, root};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ROWS: u64 = 60_000;
const KILLS: u32 = 20;

const PIPELINE: &str = r#"
[pipeline]
name = "kill"
checkpoint = { every = "20ms", store = "${OUT}/store" }
batch = { rows = 512, linger = "5ms" }

[sources.wagers]
type = "file"
path = "${OUT}/wagers.jsonl"
format = "json"

[sources.wagers.columns]
wager_id = { path = "payload._id", type = "text", key = true }
user_id = { path = "payload.userId", type = "text" }
game_id = { path = "payload.gameId", type = "text" }
version = { path = "payload.version", type = "i64" }
total_bet = { path = "payload.totalBet", type = "decimal(18,2)" }
total_win = { path = "payload.totalWin", type = "decimal(18,2)" }
end_time = { path = "payload.endTime", type = "timestamp", unit = "ms" }
last_update_time = { path = "payload.lastUpdateTime", type = "timestamp", unit = "ms" }

[sources.wagers.event_time]
column = "last_update_time"
disorder = "4s"

[tables.games]
type = "file"
path = "${OUT}/games.csv"
key = "game_id"

[tables.games.columns]
game_id = "text"
provider = "text"
theoretical_rtp = "decimal(18,4)"

[transforms.revenue]
input = "wagers"
module = "${MODULES}/wager_revenue.wasm"

[transforms.rtp]
input = "revenue"
module = "${MODULES}/rtp_enrichment.wasm"
join.games = { on = "game_id", missing = "null" }

[transforms.fraud]
input = "revenue"
module = "${MODULES}/fraud_cep.wasm"
parallelism = 2
params = { x = 20 }

[sinks.history]
type = "sqlite"
input = "revenue"
path = "${OUT}/wagers.db"
table = "history"
mode = "append"

[sinks.alerts]
type = "sqlite"
input = "fraud.alerts"
path = "${OUT}/alerts.db"
table = "alerts"
mode = "append"

[sinks.late]
type = "sqlite"
input = "fraud.late"
path = "${OUT}/late.db"
table = "late"
mode = "append"

[sinks.copy]
type = "file"
input = "rtp"
path = "${OUT}/copy.jsonl"

[dead_letters]
type = "sqlite"
path = "${OUT}/dead.db"
table = "dead_letters"
"#;

fn input() -> Vec<u8> {
    let mut generator = WagerGenerator::new(3, GeneratorConfig::DEFAULT_START);
    let mut lines = Vec::new();
    for row in 0..ROWS {
        if row % 1000 == 999 {
            lines.extend_from_slice(b"{\"payload\":{\"_id\":7,\"version\":[]}}\n");
        } else {
            generator.seek(row);
            generator.append_line(&mut lines);
        }
    }
    lines
}

fn start(bench: &Workbench) -> Child {
    Command::new(program())
        .args(["run", "--progress", "never"])
        .arg(bench.path("pipeline.toml"))
        .env("OUT", bench.folder())
        .env("MODULES", modules_dir())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// The file without the one column that is the clock's.
fn without_clock(path: &Path) -> Vec<String> {
    fs::read_to_string(path)
        .expect("the file")
        .lines()
        .map(|line| {
            let (before, after) = line.split_once(",\"processed_at\"").unwrap_or((line, ""));
            let after = after.split_once(',').map_or("", |(_, after)| after);
            format!("{before},{after}")
        })
        .collect()
}

/// A cheap stream of pseudo-random numbers, seeded so that a failure can be repeated.
fn moments(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    })
}

/// Waits until the process has ended or the moment has come; `true` when it has ended.
fn ended_before(child: &mut Child, moment: Duration) -> bool {
    let deadline = Instant::now() + moment;
    while Instant::now() < deadline {
        if child.try_wait().expect("the child is ours").is_some() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn killed_at_twenty_random_moments_nothing_is_lost_or_doubled() {
    let input = input();
    let whole = Workbench::new(PIPELINE);
    whole.write("wagers.jsonl", &input);
    let games = fs::read(root().join("pipelines/games.csv")).expect("the games");
    whole.write("games.csv", &games);
    let clock = Instant::now();
    assert!(start(&whole).wait_with_output().expect("it runs").status.success());
    let span = clock.elapsed().as_millis().max(50) as u64;

    let bench = Workbench::new(PIPELINE);
    bench.write("wagers.jsonl", &input);
    bench.write("games.csv", &games);
    let mut kills = 0;
    for moment in moments(20_261_120).take(400) {
        let mut child = start(&bench);
        // Short enough that most of the twenty strike before the end.
        if ended_before(&mut child, Duration::from_millis(moment % (span * 2 / 3) + 1)) {
            let output = child.wait_with_output().expect("it ran");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            // It finished: go on killing over a fresh copy of the same work.
            compare(&whole, &bench);
            for name in ["store", "wagers.db", "wagers.db-wal", "wagers.db-shm", "copy.jsonl"] {
                remove(&bench.path(name));
            }
            for name in ["copy.jsonl.millrace", "dead.db", "dead.db-wal", "dead.db-shm"] {
                remove(&bench.path(name));
            }
            for name in ["alerts.db", "alerts.db-wal", "late.db", "late.db-wal"] {
                remove(&bench.path(name));
            }
            continue;
        }
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).expect("it is ours");
        child.wait().expect("it is ours");
        kills += 1;
        if kills == KILLS {
            break;
        }
    }
    assert_eq!(kills, KILLS, "the process was killed too seldom");
    let output = start(&bench).wait_with_output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    compare(&whole, &bench);
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).expect("a folder of ours");
    } else {
        drop(fs::remove_file(path));
    }
}

fn compare(whole: &Workbench, bench: &Workbench) {
    let history = "select wager_id, version, total_bet, total_win, end_time, is_completed, \
                   event_count, net_amount from history order by rowid";
    let rows = |bench: &Workbench| query(&bench.path("wagers.db"), history);
    assert!(rows(whole) == rows(bench), "the table differs");
    assert!(rows(whole).lines().count() as u64 > ROWS * 9 / 10);
    let alerts = |bench: &Workbench| {
        query(&bench.path("alerts.db"), "select * from alerts order by user_id, rowid")
    };
    assert!(alerts(whole) == alerts(bench), "the alerts differ");
    assert!(alerts(whole).lines().count() > 100, "there are alerts to lose");
    let late = |bench: &Workbench| {
        query(&bench.path("late.db"), "select wager_id from late order by wager_id")
    };
    assert!(late(whole) == late(bench), "the late rows differ");
    assert!(late(whole).lines().count() > 100, "there are late rows to lose");
    let copy = |bench: &Workbench| without_clock(&bench.path("copy.jsonl"));
    assert!(copy(whole) == copy(bench), "the file differs");
    let letters = |bench: &Workbench| {
        let letters = "select position, reason, input from dead_letters order by rowid";
        query(&bench.path("dead.db"), letters).replace(&*bench.folder().to_string_lossy(), "")
    };
    assert!(letters(whole) == letters(bench), "the dead letters differ");
    assert_eq!(letters(whole).lines().count() as u64, ROWS / 1000);
}
