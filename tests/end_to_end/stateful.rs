//! Stages that keep something, in a process that is told to stop: open sessions and timers survive,
//! by event time and by the host's clock.

use millrace::source::{GeneratorConfig, WagerGenerator};
use millrace_tests::{Process, Workbench, number, wait_until};
use nix::sys::signal::Signal;

const SOURCE: &str = r#"
[pipeline]
name = "stateful"
checkpoint = { every = "50ms", store = "${OUT}/store" }
batch = { rows = 64, linger = "5ms" }

[sources.wagers]
type = "generator"
seed = 5
rate = "${RATE}"
count = "${COUNT:-1000000000}"

[sources.wagers.columns]
wager_id = { path = "payload._id", type = "text", key = true }
user_id = { path = "payload.userId", type = "text" }
game_id = { path = "payload.gameId", type = "text" }
last_update_time = { path = "payload.lastUpdateTime", type = "timestamp", unit = "ms" }

[sources.wagers.event_time]
column = "last_update_time"
disorder = "5s"

[sinks.history]
type = "sqlite"
input = "wagers"
path = "${OUT}/wagers.db"
table = "history"
mode = "append"
"#;

const SESSIONS: &str = r#"
[transforms.sessions]
input = "wagers"
module = "${MODULES}/sessions_guest.wasm"
key = "game_id"
parallelism = "${INSTANCES:-2}"

[sinks.ended]
type = "sqlite"
input = "sessions.sessions"
path = "${OUT}/ended.db"
table = "ended"
mode = "append"
"#;

const REMINDERS: &str = r#"
[transforms.reminders]
input = "wagers"
module = "${MODULES}/reminders_guest.wasm"
key = "user_id"

[sinks.reminded]
type = "sqlite"
input = "reminders"
path = "${OUT}/reminded.db"
table = "reminded"
mode = "append"
"#;

const TWO_SOURCES: &str = r#"
[sources.file]
type = "file"
path = "${OUT}/wagers.jsonl"

[sources.file.columns]
wager_id = { path = "payload._id", type = "text", key = true }
user_id = { path = "payload.userId", type = "text" }
game_id = { path = "payload.gameId", type = "text" }
last_update_time = { path = "payload.lastUpdateTime", type = "timestamp", unit = "ms" }

[sources.file.event_time]
column = "last_update_time"
disorder = "5s"

[transforms.sessions]
input = ["wagers", "file"]
module = "${MODULES}/sessions_guest.wasm"
key = "game_id"
parallelism = 2

[sinks.ended]
type = "sqlite"
input = "sessions.sessions"
path = "${OUT}/ended.db"
table = "ended"
mode = "append"

[sinks.numbers]
type = "sqlite"
input = "sessions.rows"
path = "${OUT}/numbers.db"
table = "numbers"
mode = "append"
"#;

fn start(bench: &Workbench, settings: &[(&str, &str)]) -> Process {
    let arguments = ["run", "--json", "--progress", "never", "pipeline.toml"];
    Process::start(bench.command(&arguments).envs(settings.iter().copied()))
}

fn committed(bench: &Workbench) -> i64 {
    number(&bench.path("wagers.db"), "select count(*) from history")
}

fn sessions(bench: &Workbench) -> String {
    bench.query("ended.db", "select * from ended order by first, last, wager_ids")
}

#[test]
fn open_sessions_survive_a_signal_and_another_number_of_instances() {
    let whole = Workbench::new(&[SOURCE, SESSIONS].concat());
    let all = [("RATE", "1000000"), ("COUNT", "9000")];
    assert_eq!(start(&whole, &all).finish().code, Some(0));
    assert!(sessions(&whole).lines().count() > 300, "there are sessions to lose");

    let bench = Workbench::new(&[SOURCE, SESSIONS].concat());
    let mut ended = 0;
    for (rows, instances) in [(500, "2"), (2_500, "3"), (4_500, "1")] {
        let process = start(&bench, &[("RATE", "8000"), ("INSTANCES", instances)]);
        wait_until("rows are committed", || committed(&bench) >= rows);
        process.signal(Signal::SIGTERM);
        let report = process.finish().with_code(0).json();
        assert_eq!(report["pipelines"][0]["outcome"], "stopped");
        // A signal is not the end of time: what is open stays open.
        let now = number(&bench.path("ended.db"), "select count(*) from ended");
        assert!(now >= ended);
        ended = now;
    }
    assert_eq!(start(&bench, &all).finish().code, Some(0));
    assert!(sessions(&bench) == sessions(&whole));
}

#[test]
fn timers_of_the_hosts_clock_survive_a_signal() {
    let bench = Workbench::new(&[SOURCE, REMINDERS].concat());
    let reminded = || number(&bench.path("reminded.db"), "select count(*) from reminded");
    let process = start(&bench, &[("RATE", "500")]);
    wait_until("timers fire", || reminded() >= 50);
    process.signal(Signal::SIGTERM);
    assert_eq!(process.finish().code, Some(0));
    let (read, before) = (committed(&bench), reminded());
    assert!(before < read, "the last timers are still to fire");

    // Nearly nothing more comes, so that it is time alone that fires them.
    let process = start(&bench, &[("RATE", "1")]);
    wait_until("the timers of before fire", || reminded() >= read);
    process.signal(Signal::SIGTERM);
    assert_eq!(process.finish().code, Some(0));
    let doubled = "select wager_id from reminded group by wager_id having count(*) > 1";
    assert_eq!(bench.query("reminded.db", doubled), "");
}

#[test]
fn a_source_that_falls_silent_holds_nobody_back_and_ends_no_time() {
    let idle = SOURCE.replace("disorder = \"5s\"", "disorder = \"5s\"\nidle = \"150ms\"");
    let bench = Workbench::new(&[&idle, TWO_SOURCES].concat());
    // A day before the other source's rows: only its silence lets them go on.
    let mut generator = WagerGenerator::new(9, GeneratorConfig::DEFAULT_START + 86_400_000_000);
    let mut lines = Vec::new();
    (0..2_000).for_each(|_| generator.append_line(&mut lines));
    bench.write("wagers.jsonl", lines);
    let numbered = || number(&bench.path("numbers.db"), "select count(*) from numbers");
    let slow = [("RATE", "0.5")];
    let process = start(&bench, &slow);
    wait_until("the file's rows go on", || numbered() >= 2_000);
    process.signal(Signal::SIGTERM);
    assert_eq!(process.finish().code, Some(0));
    // The silent source was not at its end, so what is open stays open: the last sessions of 200 games.
    let ended = number(&bench.path("ended.db"), "select count(*) from ended");
    let open = "select count(distinct user_id) from numbers";
    assert!(number(&bench.path("numbers.db"), open) > 0 && ended > 0);
    let greatest = bench.query("numbers.db", "select max(at) from numbers");
    let behind = format!("select count(*) from ended where last > datetime('{}')", greatest.trim());
    assert_eq!(bench.query("ended.db", &behind), "0\n");

    // It goes on after a restart, where its rows are late behind the file's, and nothing comes twice.
    let process = start(&bench, &[("RATE", "200")]);
    wait_until("the slow source goes on", || committed(&bench) >= 100);
    process.signal(Signal::SIGTERM);
    let report = process.finish().with_code(0).json();
    assert!(report["pipelines"][0]["rows"]["late"].as_u64() > Some(0), "{report}");
    let doubled = "select wager_id from numbers group by wager_id, at having count(*) > 1";
    assert_eq!(bench.query("numbers.db", doubled), "");
}
