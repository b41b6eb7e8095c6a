//! Sources of several files: by pattern, compressed, as CSV; killed, and run again when there is more.

use std::fs;
use std::io::Write;
use std::path::Path;

use millrace::pipeline::{Faults, PipelineError, RunOptions};
use millrace_tests::{Lock, Process, Workbench, number, wait_until};
use nix::sys::signal::Signal;

const LINES: i64 = 12_000;
/// The line of each file that is no JSON.
const BAD: i64 = 5_000;

const PACKED: &str = r#"
[pipeline]
name = "packed"
checkpoint = { rows = 500, store = "store" }
batch = { rows = 128, linger = "5ms" }

[sources.wagers]
type = "file"
path = ["in/a.jsonl", "in/*"]

[sources.wagers.columns]
id = { type = "i64", key = true }
file = { meta = "file" }
line = { meta = "line" }

[sinks.rows]
type = "sqlite"
input = "wagers"
path = "rows.db"
table = "rows"
mode = "append"

[dead_letters]
type = "sqlite"
path = "dead.db"
table = "dead_letters"
"#;

const CSV: &str = r#"
[pipeline]
name = "csv"
checkpoint = { rows = 2, store = "store" }

[sources.games]
type = "file"
path = "in/*.csv*"
format = "csv"
delimiter = ";"

[sources.games.columns]
name = { path = "Game name", type = "text" }
rtp = { type = "decimal(6,4)" }
game_id = { type = "text", key = true }
line = { meta = "line" }

[sinks.rows]
type = "sqlite"
input = "games"
path = "rows.db"
table = "rows"
mode = "append"

[dead_letters]
type = "sqlite"
path = "dead.db"
table = "dead_letters"
"#;

const TWO_TABLES: &str = r#"
[pipeline]
name = "two-tables"
checkpoint = { rows = 2, store = "store" }

[sources.orders]
type = "file"
path = "app.jsonl"
format = "debezium-json"
table = "public.orders"

[sources.orders.columns]
id = { type = "i64", key = true }
note = "text"

[sources.users]
type = "file"
path = "app.jsonl"
format = "debezium-json"
table = "users"

[sources.users.columns]
id = { type = "i64", key = true }
name = "text"

[sinks.kept_orders]
type = "sqlite"
input = "orders"
path = "orders.db"
table = "orders"
mode = "upsert"
key = ["id"]

[sinks.kept_users]
type = "sqlite"
input = "users"
path = "users.db"
table = "users"
mode = "upsert"
key = ["id"]

[dead_letters]
type = "sqlite"
path = "dead.db"
table = "dead_letters"
"#;

fn lines(first: i64) -> String {
    let line = |line: i64| match line {
        BAD => "no json\n".to_owned(),
        _ => format!("{{\"id\":{},\"filler\":\"{line:064}\"}}\n", first + line),
    };
    (1..=LINES).map(line).collect()
}

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn zstd(content: &str) -> Vec<u8> {
    zstd::encode_all(content.as_bytes(), 1).expect("memory takes all")
}

fn start(bench: &Workbench) -> Process {
    Process::start(&mut bench.command(&["run", "--json", "--progress", "never", "pipeline.toml"]))
}

fn rows(database: &Path) -> i64 {
    number(database, "select count(*) from rows")
}

#[test]
fn files_by_pattern_come_whole_and_in_order_whatever_kills_the_process() {
    let bench = Workbench::new(PACKED);
    fs::create_dir(bench.path("in")).expect("a folder");
    bench.write("in/a.jsonl", lines(0));
    // Two members, of which the first ends within a line.
    let packed = lines(100_000);
    let (head, tail) = packed.split_at(packed.len() / 3);
    bench.write("in/b.jsonl.gz", [gzip(head), gzip(tail)].concat());
    bench.write("in/c.jsonl.zst", zstd(&lines(200_000)));
    let database = bench.path("rows.db");
    let mut kills = 0;
    // In each of the files once.
    for committed in [1_000, LINES + 1_000, 2 * LINES + 1_000] {
        let process = start(&bench);
        wait_until("rows are committed", || rows(&database) >= committed);
        // No more is committed, so that the end is out of reach.
        let lock = Lock::take(&database);
        process.signal(Signal::SIGKILL);
        kills += i32::from(process.finish().code.is_none());
        drop(lock);
    }
    assert_eq!(kills, 3, "the process was killed too seldom");
    assert_eq!(start(&bench).finish().code, Some(0));
    is_whole(&bench, &["in/a.jsonl", "in/b.jsonl.gz", "in/c.jsonl.zst"]);

    // A file more: it is read, and nothing else.
    bench.write("in/d.jsonl", lines(300_000));
    let report = start(&bench).finish().with_code(0).json();
    assert_eq!(report["pipelines"][0]["rows"]["in"], LINES, "{report}");
    is_whole(&bench, &["in/a.jsonl", "in/b.jsonl.gz", "in/c.jsonl.zst", "in/d.jsonl"]);

    // One between those that were read would be passed over.
    bench.write("in/bb.jsonl", lines(400_000));
    let ending = start(&bench).finish();
    assert_ne!(ending.code, Some(0));
    let said = format!("{}{}", ending.stdout, ending.stderr);
    assert!(said.contains("`in/bb.jsonl` is new and stands before `in/d.jsonl`"), "{said}");
}

/// The table has each line of the files once and in order, and the dead letters the others.
fn is_whole(bench: &Workbench, files: &[&str]) {
    let good = (1..=LINES).filter(|line| *line != BAD);
    let expected: String = files
        .iter()
        .zip((0..).step_by(100_000))
        .flat_map(|(file, first)| {
            good.clone().map(move |line| format!("{}|{file}|{line}\n", first + line))
        })
        .collect();
    let found = bench.query("rows.db", "select id, file, line from rows order by rowid");
    assert!(found == expected, "the table differs");
    let letters: String = files.iter().map(|file| format!("{file}:{BAD}|no json\n")).collect();
    let found = bench.query("dead.db", "select position, input from dead_letters order by rowid");
    assert_eq!(found, letters);
}

#[test]
fn csv_is_read_the_same_with_a_crash_in_every_checkpoint() {
    let bench = Workbench::new(CSV);
    fs::create_dir(bench.path("in")).expect("a folder");
    bench.write(
        "in/a.csv",
        "game_id;Game name;rtp\r\ng-1;\"Book of; \"\"Runes\"\"\r\n(second edition)\";0.9650\r\n\
         g-2;;\r\ng-3;Reels\r\ng-4;\"\";1,5\r\ng-5;Aces;0.9\r\n",
    );
    bench.write("in/b.csv.gz", gzip("rtp;game_id;Game name;note\n0.5;g-6;Six;x\n;g-7;Seven;\n"));
    bench.write("in/c.csv", "Game name;rtp;game_id\nEight;1;g-8");
    let mut crashes = 0;
    loop {
        let faults = Faults::new(move |point, _, epoch| point == "stored" && epoch == crashes + 1);
        match bench.run(&RunOptions { faults, cuts: Some(crashes), ..RunOptions::default() }) {
            Ok(_) => break,
            Err(PipelineError::Injected(_)) => crashes += 1,
            Err(error) => panic!("after {crashes} crashes: {error:?}"),
        }
    }
    assert!(crashes >= 4, "only {crashes} crashes");
    let rows = bench.query("rows.db", "select game_id, name, rtp, line from rows order by rowid");
    let expected = "g-1|Book of; \\\"Runes\\\"\\r\\n(second edition)|0.9650|2\ng-2|null|null|4\n\
                    g-5|Aces|0.9000|7\ng-6|Six|0.5000|2\ng-7|Seven|null|3\ng-8|Eight|1.0000|2\n";
    assert_eq!(rows, expected);
    let letters = bench
        .query("dead.db", "select position, \"column\", input from dead_letters order by rowid");
    assert_eq!(letters, "in/a.csv:5|null|g-3;Reels\nin/a.csv:6|rtp|g-4;\\\"\\\";1,5\n");
}

/// One topic of two tables: each source has the rows of its own, and a truncate of one leaves the
/// other as it is. Who does not say which table is meant loses nothing either.
#[test]
fn two_tables_in_one_file_are_kept_apart() {
    let source = |table: &str| {
        format!(
            r#""source":{{"connector":"postgresql","db":"app","schema":"public","table":"{table}"}}"#
        )
    };
    let (orders, users) = (source("orders"), source("users"));
    let messages = [
        format!(r#"{{"op":"c","before":null,"after":{{"id":1,"note":"one"}},{orders}}}"#),
        format!(r#"{{"op":"c","before":null,"after":{{"id":1,"name":"Ada"}},{users}}}"#),
        r#"{"ts_ms":1795227347694}"#.to_owned(),
        format!(r#"{{"op":"c","before":null,"after":{{"id":2,"name":"Bob"}},{users}}}"#),
        format!(r#"{{"op":"c","before":null,"after":{{"id":2,"note":"two"}},{orders}}}"#),
        format!(r#"{{"op":"t","before":null,"after":null,{users}}}"#),
        format!(r#"{{"op":"d","before":{{"id":1,"note":null}},"after":null,{orders}}}"#),
        "null".to_owned(),
        format!(r#"{{"op":"c","before":null,"after":{{"id":3,"name":"Cy"}},{users}}}"#),
    ]
    .map(|message| message + "\n")
    .concat();
    let bench = Workbench::new(TWO_TABLES);
    bench.write("app.jsonl", &messages);
    assert_eq!(start(&bench).finish().code, Some(0));
    assert_eq!(bench.query("orders.db", "select id, note from orders order by id"), "2|two\n");
    assert_eq!(bench.query("users.db", "select id, name from users order by id"), "3|Cy\n");
    assert_eq!(number(&bench.path("dead.db"), "select count(*) from dead_letters"), 0);

    let bench = Workbench::new(&TWO_TABLES.replace("table = \"public.orders\"\n", ""));
    bench.write("app.jsonl", &messages);
    assert_eq!(start(&bench).finish().code, Some(0));
    assert_eq!(bench.query("orders.db", "select id, note from orders order by id"), "2|two\n");
    let letters = bench.query(
        "dead.db",
        "select position from dead_letters where reason like '%set `table%' order by rowid",
    );
    let expected: String = [2, 4, 6, 9].map(|line| format!("app.jsonl:{line}\n")).concat();
    assert_eq!(letters, expected);
}
