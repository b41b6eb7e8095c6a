//! Tables of databases beside rows, in the real program: values that change under it, locks, and
//! what is said of queries.

use millrace_tests::{Process, Workbench, number, wait_until};
use nix::sys::signal::Signal;
use rusqlite::Connection;

/// Rows come slowly, so that the table can change between two of them; a checkpoint is due after
/// each 20.
const PIPELINE: &str = r#"
[pipeline]
name = "tables"
checkpoint = { rows = 20, store = "${OUT}/store" }
batch = { rows = 8, linger = "5ms" }

[sources.wagers]
type = "generator"
seed = 4
COUNT

[sources.wagers.columns]
line = { meta = "line" }
game_id = { path = "payload.gameId", type = "text" }
total_bet = { path = "payload.totalBet", type = "decimal(18,2)" }
total_win = { path = "payload.totalWin", type = "decimal(18,2)" }

[tables.games]
type = "sqlite"
path = "${OUT}/games.db"
query = "select game_id, maker, rtp from games join makers using (maker_id)"
key = "game_id"
refresh = "10ms"

[tables.games.columns]
game_id = "text"
provider = { path = "maker", type = "text" }
theoretical_rtp = { path = "rtp", type = "decimal(18,4)" }

[transforms.rtp]
input = "wagers"
module = "${MODULES}/rtp_enrichment.wasm"
join.games = { on = "game_id", missing = "reject" }

[sinks.rows]
type = "sqlite"
input = "rtp"
path = "${OUT}/rows.db"
table = "rtp"
mode = "append"
"#;

const GAMES: &str = "
    CREATE TABLE makers (maker_id INTEGER PRIMARY KEY, maker TEXT);
    CREATE TABLE games (game_id TEXT PRIMARY KEY, maker_id INTEGER, rtp);
    INSERT INTO makers VALUES (1, 'first');
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
    INSERT INTO games SELECT printf('g-%03d', n), 1, '0.95' FROM n;";

fn bench(count: &str) -> Workbench {
    let bench = Workbench::new(&PIPELINE.replace("COUNT", count));
    change(&bench, GAMES);
    bench
}

/// Another program's transaction on the table.
fn change(bench: &Workbench, sql: &str) {
    let connection = Connection::open(bench.path("games.db")).expect("the database opens");
    connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {sql}; COMMIT")).expect("it is right");
}

fn committed(bench: &Workbench, condition: &str) -> i64 {
    number(&bench.path("rows.db"), &format!("select count(*) from rtp where {condition}"))
}

fn wait_for_rows(bench: &Workbench, condition: &str) {
    wait_until(&format!("rows with {condition} are committed"), || committed(bench, condition) > 0);
}

#[test]
fn a_database_that_changes_takes_effect_at_a_barrier() {
    let bench = bench("rate = 1000");
    let run = Process::start(&mut bench.command(&["run", "pipeline.toml"]));
    wait_for_rows(&bench, "provider = 'first'");
    change(&bench, "UPDATE makers SET maker = 'second'");
    wait_for_rows(&bench, "provider = 'second'");
    // A float is no decimal: the load fails, is told, and the rows loaded before stay in force.
    change(&bench, "UPDATE makers SET maker = 'wrong'; UPDATE games SET rtp = 0.5");
    run.wait_for_log("table refresh failed");
    let before = committed(&bench, "true");
    wait_until("more rows are committed", || committed(&bench, "true") > before + 40);
    change(&bench, "UPDATE games SET rtp = '0.9'; UPDATE makers SET maker = 'third'");
    wait_for_rows(&bench, "provider = 'third' and theoretical_rtp = '0.9000'");
    run.signal(Signal::SIGTERM);
    let ending = run.finish().with_code(0);
    assert!(ending.stderr.contains("money is never a float"), "{}", ending.stderr);

    let providers = bench.query(
        "rows.db",
        "select provider, min(line) % 20 from rtp group by provider order by min(line)",
    );
    assert_eq!(providers, "first|1\nsecond|1\nthird|1\n", "each begins behind a barrier");
    let holes = "select count(*) from rtp where line <> rowid";
    assert_eq!(number(&bench.path("rows.db"), holes), 0, "no row is lost or doubled");
}

#[test]
fn a_locked_database_is_out_of_reach_and_a_wrong_row_is_a_failure() {
    let bench = bench("count = 40");
    let lock = Connection::open(bench.path("games.db")).expect("the database opens");
    lock.execute_batch("BEGIN EXCLUSIVE").expect("nobody else has it");
    let ending = bench.millrace(&["run", "pipeline.toml"]).with_code(3);
    assert!(ending.stderr.contains("games.db` is locked by another program"), "{}", ending.stderr);
    drop(lock);
    change(&bench, "UPDATE games SET rtp = 'much' WHERE game_id = 'g-007'");
    let ending = bench.millrace(&["run", "pipeline.toml"]).with_code(1);
    for part in ["table `games`, row ", "game_id = \"g-007\"", "column `theoretical_rtp`", "much"] {
        assert!(ending.stderr.contains(part), "{part}: {}", ending.stderr);
    }
    change(&bench, "UPDATE games SET rtp = '0.95'");
    let _ = bench.millrace(&["run", "pipeline.toml"]).with_code(0);
    assert_eq!(committed(&bench, "provider = 'first'"), 40);
}

#[test]
fn a_query_is_checked_before_anything_runs() {
    let bench = bench("count = 40");
    let _ = bench.millrace(&["check", "pipeline.toml"]).with_code(0);
    change(&bench, "ALTER TABLE makers RENAME COLUMN maker TO name");
    for command in ["check", "run"] {
        let ending = bench.millrace(&[command, "pipeline.toml"]).with_code(2);
        let said = format!("{}{}", ending.stdout, ending.stderr);
        assert!(said.contains("no such column: maker"), "{said}");
    }
    std::fs::remove_file(bench.path("games.db")).expect("it is ours");
    let ending = bench.millrace(&["check", "--json", "pipeline.toml"]).with_code(2);
    let problem = &ending.json()["problems"][0];
    assert_eq!(problem["severity"], "error");
    assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("never made")), "{problem}");
    assert!(!bench.path("games.db").exists());
}
