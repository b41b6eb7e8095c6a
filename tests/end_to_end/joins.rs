//! Tables beside rows: what becomes of rows that find nothing, and tables that change while rows
//! flow.

use std::fs;
use std::thread;

use millrace::pipeline::{Outcome, RunOptions, StopSignal, counters, run};
use millrace::telemetry::NodeCounters;
use millrace_tests::{Workbench, number, wait_until};

const TABLE: &str = r#"
[tables.games]
type = "file"
path = "${OUT}/games.csv"
key = "game_id"
REFRESH

[tables.games.columns]
game_id = "text"
provider = "text"
theoretical_rtp = "decimal(18,4)"

[transforms.rtp]
input = "wagers"
module = "${MODULES}/rtp_enrichment.wasm"
join.games = { on = "game_id", missing = "MISSING" }

[sinks.rows]
type = "sqlite"
input = "rtp"
path = "${OUT}/rows.db"
table = "rtp"
mode = "append"

[dead_letters]
type = "sqlite"
path = "${OUT}/dead.db"
table = "dead_letters"
"#;

const FILE: &str = r#"
[pipeline]
name = "joins"
checkpoint = { rows = 3, store = "${OUT}/store" }
batch = { rows = 2, linger = "5ms" }

[sources.wagers]
type = "file"
path = "${OUT}/wagers.jsonl"

[sources.wagers.columns]
id = { type = "i64", key = true }
game_id = { path = "game", type = "text" }
total_bet = { path = "bet", type = "decimal(18,2)" }
total_win = { path = "win", type = "decimal(18,2)" }
"#;

const WAGERS: &str = r#"{"id":1,"game":"a","bet":2,"win":1}
{"id":2,"game":"nowhere","bet":2,"win":1}
{"id":3,"bet":2,"win":1}
{"id":4,"game":"b","bet":2,"win":1}
{"id":5,"game":"nowhere","bet":0,"win":1}
{"id":6,"game":"a","bet":4,"win":1}
"#;

/// Runs with `missing`: the rows, the dead letters, and how many rows were filtered.
fn joined(missing: &str) -> (String, String, u64) {
    let table = TABLE.replace("REFRESH", "").replace("MISSING", missing);
    let bench = Workbench::new(&format!("{FILE}{table}"));
    bench.write("wagers.jsonl", WAGERS);
    bench.write("games.csv", "game_id,provider,theoretical_rtp\na,Acme,0.9\nb,\"Bolt, Inc\",\n");
    let plan = bench.plan();
    let counters = counters(&plan);
    let summary = run(&plan, &RunOptions::default(), &counters).expect("it ends");
    assert_eq!(summary.outcome, Outcome::Finished);
    let rows = "select id, provider, theoretical_rtp, rtp, rtp_difference from rtp order by rowid";
    let letters = "select stage, reason, \"column\", input from dead_letters order by rowid";
    let filtered = NodeCounters::get(&counters.transforms["rtp"].filtered);
    (bench.query("rows.db", rows), bench.query("dead.db", letters), filtered)
}

const FOUND: [&str; 3] = [
    "1|Acme|0.9000|0.5000|-0.4000\n",
    "4|Bolt, Inc|null|0.5000|null\n",
    "6|Acme|0.9000|0.2500|-0.6500\n",
];

#[test]
fn a_row_that_finds_nothing_goes_on_with_nulls() {
    let (rows, letters, filtered) = joined("null");
    let [one, four, six] = FOUND;
    let missed = "2|null|null|0.5000|null\n3|null|null|0.5000|null\n";
    assert_eq!(rows, format!("{one}{missed}{four}5|null|null|null|null\n{six}"));
    assert_eq!((letters.as_str(), filtered), ("", 0));
}

#[test]
fn or_is_rejected_with_the_table_and_the_key() {
    let (rows, letters, filtered) = joined("reject");
    assert_eq!((rows, filtered), (FOUND.concat(), 0));
    let letters: Vec<&str> = letters.lines().collect();
    assert_eq!(letters.len(), 3);
    // The query shows a quote as `\"`.
    let keys = [r#"\"nowhere\""#, "null", r#"\"nowhere\""#];
    for (letter, (id, key)) in letters.iter().zip([2, 3, 5].into_iter().zip(keys)) {
        let start = format!("rtp|no row of table `games` has game_id = {key}|");
        assert!(letter.starts_with(&start), "{letter}");
        assert!(letter.contains(&format!("{{\\\"id\\\":{id},")), "{letter}");
    }
}

#[test]
fn or_is_dropped_and_counted() {
    let (rows, letters, filtered) = joined("drop");
    assert_eq!((rows, letters.as_str(), filtered), (FOUND.concat(), "", 3));
}

/// Rows come slowly, so that the table can change between two of them; a checkpoint is due after
/// each 20.
const SLOW: &str = r#"
[pipeline]
name = "refresh"
checkpoint = { rows = 20, store = "${OUT}/store" }
batch = { rows = 8, linger = "5ms" }

[sources.wagers]
type = "generator"
seed = 4
rate = 1000

[sources.wagers.columns]
line = { meta = "line" }
game_id = { path = "payload.gameId", type = "text" }
total_bet = { path = "payload.totalBet", type = "decimal(18,2)" }
total_win = { path = "payload.totalWin", type = "decimal(18,2)" }
"#;

/// Puts all games of one provider in place of those that are there, all at once.
fn write_games(bench: &Workbench, provider: &str) {
    let games: String = (1..=200).map(|game| format!("g-{game:03},{provider},0.9500\n")).collect();
    bench.write("games.new", format!("game_id,provider,theoretical_rtp\n{games}"));
    fs::rename(bench.path("games.new"), bench.path("games.csv")).expect("ours");
}

fn wait_for_rows_of(bench: &Workbench, provider: &str) {
    let sql = format!("select count(*) from rtp where provider = '{provider}'");
    wait_until(&format!("rows of {provider} are committed"), || {
        number(&bench.path("rows.db"), &sql) > 0
    });
}

/// Stops the pipeline also where a test fails, or its thread would be waited for without end.
struct StopAtTheEnd(StopSignal);

impl Drop for StopAtTheEnd {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The providers in the order of the rows, each with its first row.
fn providers(bench: &Workbench) -> Vec<(String, u64)> {
    let rows = bench.query("rows.db", "select provider, line from rtp order by rowid");
    let mut providers: Vec<(String, u64)> = Vec::new();
    for (line, row) in (1..).zip(rows.lines()) {
        let (provider, found) = row.split_once('|').expect("two columns");
        assert_eq!(found, line.to_string(), "no row is lost or doubled");
        if providers.last().is_none_or(|(last, _)| last != provider) {
            providers.push((provider.to_owned(), line));
        }
    }
    providers
}

#[test]
fn a_table_that_changes_takes_effect_at_a_barrier() {
    let table = TABLE.replace("REFRESH", "refresh = \"10ms\"").replace("MISSING", "reject");
    let bench = Workbench::new(&format!("{SLOW}{table}"));
    write_games(&bench, "first");
    let stop = StopSignal::default();
    let options = RunOptions { stop: stop.clone(), ..RunOptions::default() };
    thread::scope(|scope| {
        let stop = StopAtTheEnd(stop);
        let running = scope.spawn(|| bench.run(&options));
        wait_for_rows_of(&bench, "first");
        write_games(&bench, "second");
        wait_for_rows_of(&bench, "second");
        // A table that cannot be read leaves the rows of the last one in force.
        bench.write("games.csv", "nothing,of,the,kind\n");
        let before = number(&bench.path("rows.db"), "select count(*) from rtp");
        wait_until("more rows are committed", || {
            number(&bench.path("rows.db"), "select count(*) from rtp") > before + 40
        });
        write_games(&bench, "third");
        wait_for_rows_of(&bench, "third");
        drop(stop);
        let summary = running.join().expect("no panic").expect("it stops well");
        assert_eq!(summary.outcome, Outcome::Stopped);
    });
    let providers = providers(&bench);
    let names: Vec<&str> = providers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    for (name, line) in providers {
        assert_eq!(line % 20, 1, "{name} begins at row {line}, which follows no barrier");
    }
    assert_eq!(number(&bench.path("dead.db"), "select count(*) from dead_letters"), 0);
}
