//! Bodies of Arrow into Doris: the same rows as by JSON, and what Arrow cannot carry.

use std::process::Stdio;

use millrace_standin::{Options, System, Version};
use millrace_tests::{number, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::input::Changes;
use super::scene::{Case, Scene, side_by_side};
use super::tailored::{BETS, ending, options, tailored, tailored_at};

const UPSERT: Case = Case { system: System::Doris, exactly_once: true, upsert: true };
const APPEND: Case = Case { system: System::Doris, exactly_once: true, upsert: false };

/// How many bodies of a format came.
fn bodies(scene: &Scene, format: &str) -> u64 {
    scene.standin.world().stats.formats().get(format).copied().unwrap_or_default()
}

const SOURCE: &str = r#"
[sources.input.columns]
id = { type = "i64", key = true }
a_bool = "bool"
an_i16 = "i16"
an_i32 = "i32"
an_i64 = "i64"
an_f32 = "f32"
an_f64 = "f64"
money = "decimal(18,4)"
digits = "decimal(38,10)"
word = "text"
bytes = "binary"
born = "date"
clock = "time"
moment = { type = "timestamp", unit = "iso" }
token = "uuid"
doc = "json"
"#;

/// A table of the types that Arrow bodies fill, most of them others than the input's.
const TABLE: &str = "CREATE TABLE shop.facts (`id` BIGINT NOT NULL, `a_bool` BOOLEAN NULL, \
                     `an_i16` INT NULL, `an_i32` SMALLINT NULL, `an_i64` LARGEINT NULL, \
                     `an_f32` DOUBLE NULL, `an_f64` DOUBLE NULL, `money` DECIMAL(38,9) NULL, \
                     `digits` DECIMAL(38,10) NULL, `word` STRING NULL, `bytes` VARCHAR(100) NULL, \
                     `born` DATE NULL, `clock` VARCHAR(16) NULL, `moment` VARCHAR(26) NULL, \
                     `token` CHAR(36) NULL, `doc` STRING NULL) UNIQUE KEY (`id`) \
                     DISTRIBUTED BY HASH (`id`) BUCKETS 1 PROPERTIES (\"replication_num\" = \"1\", \
                     \"enable_unique_key_merge_on_write\" = \"true\")";

const NAMES: [&str; 15] = [
    "a_bool", "an_i16", "an_i32", "an_i64", "an_f32", "an_f64", "money", "digits", "word", "bytes",
    "born", "clock", "moment", "token", "doc",
];

/// The values of a row by its columns, each as JSON and as the MySQL port shows it.
const EXTREMES: [[(&str, &str); 15]; 4] = [
    [
        ("true", "1"),
        ("-32768", "-32768"),
        ("-32768", "-32768"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("0.1", "0.1"),
        ("-0.5", "-0.5"),
        ("\"-99999999999999.9999\"", "-99999999999999.999900000"),
        ("\"9999999999999999999999999999.9999999999\"", "9999999999999999999999999999.9999999999"),
        ("\"a\\u0000b\\\"\\\\\\n\\t,'🦀\"", "a\0b\"\\\n\t,'🦀"),
        ("\"AP8=\"", "AP8="),
        ("\"9999-12-31\"", "9999-12-31"),
        ("\"23:59:59.999999\"", "23:59:59.999999"),
        ("\"9999-12-31T23:59:59.999999Z\"", "9999-12-31 23:59:59.999999"),
        ("\"ffffffff-ffff-ffff-ffff-ffffffffffff\"", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("{\"a\":1}", "{\"a\":1}"),
    ],
    [
        ("false", "0"),
        ("32767", "32767"),
        ("32767", "32767"),
        ("9223372036854775807", "9223372036854775807"),
        ("0", "0"),
        ("0.1", "0.1"),
        ("\"0.0001\"", "0.000100000"),
        ("\"-0.0000000001\"", "-0.0000000001"),
        ("\"\"", ""),
        ("\"\"", ""),
        ("\"0001-01-01\"", "0001-01-01"),
        ("\"00:00:00.000000\"", "00:00:00.000000"),
        ("\"0001-01-01T00:00:00Z\"", "0001-01-01 00:00:00.000000"),
        ("\"00000000-0000-0000-0000-000000000000\"", "00000000-0000-0000-0000-000000000000"),
        ("[]", "[]"),
    ],
    [("null", "NULL"); 15],
    [
        ("true", "1"),
        ("0", "0"),
        ("0", "0"),
        ("0", "0"),
        ("-1.5", "-1.5"),
        ("2", "2"),
        ("\"0\"", "0.000000000"),
        ("\"0\"", "0.0000000000"),
        ("\"\\\\N\"", "\\N"),
        ("null", "NULL"),
        ("\"2024-02-29\"", "2024-02-29"),
        ("null", "NULL"),
        ("null", "NULL"),
        ("null", "NULL"),
        ("null", "NULL"),
    ],
];

/// More rows than one part holds, each a row of [`EXTREMES`].
fn extremes() -> String {
    let line = |id: usize| {
        let values = EXTREMES[id % EXTREMES.len()];
        let members = NAMES.iter().zip(values);
        let members: String =
            members.map(|(name, (json, _))| format!(",\"{name}\":{json}")).collect();
        format!("{{\"id\":{id}{members}}}\n")
    };
    (0..120).map(line).collect()
}

#[test]
fn values_of_every_type_arrive_as_they_were() {
    let select = format!("SELECT id, {} FROM shop.facts ORDER BY id", NAMES.join(", "));
    let rows = |format: &str| {
        let sink = format!("table = \"facts\"\nformat = \"{format}\"");
        let scene = tailored(UPSERT, SOURCE, &sink, &extremes());
        drop(scene.standin.sql(TABLE));
        scene.run();
        let letters = scene.bench.path("dead.db");
        assert_eq!(
            number(&letters, "select count(*) from dead_letters"),
            0,
            "{format}: rows are refused"
        );
        scene.assert_clean(format);
        (scene.standin.sql(&select), bodies(&scene, "arrow"), bodies(&scene, "json"))
    };
    let (arrow, arrow_bodies, json_bodies) = rows("arrow");
    assert!(arrow_bodies > 1 && json_bodies == 0, "{arrow_bodies} and {json_bodies}");
    assert_eq!(arrow.len(), 120);
    for (id, row) in arrow.iter().enumerate() {
        for ((name, (_, shown)), found) in
            NAMES.iter().zip(EXTREMES[id % EXTREMES.len()]).zip(&row[1..])
        {
            assert_eq!(found, shown, "row {id}, {name}");
        }
    }
    let (json, arrow_bodies, _) = rows("json");
    assert_eq!(arrow_bodies, 0);
    assert_eq!(arrow, json);
}

#[test]
fn changes_come_to_the_table_that_they_say() {
    // Updates that leave values out, and deletes, whose bodies are JSON.
    for exactly_once in [true, false] {
        let case = Case { exactly_once, ..UPSERT };
        let changes = Changes::random(21, 900, true);
        let scene = Scene::with(case, &changes, "format = \"arrow\"");
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
        assert!(bodies(&scene, "arrow") > 0 && bodies(&scene, "json") > 0, "{case:?}");
    }
}

#[test]
fn soft_deletes_and_audit_columns_are_those_of_json() {
    let rows = |format: &str| {
        let changes = Changes::random(22, 400, true);
        let sink = format!(
            "format = \"{format}\"\ndeletes = \"soft\"\n\
             audit = {{ op = \"op\", deleted = \"gone\", version = \"place\" }}"
        );
        let scene = Scene::with(UPSERT, &changes, &sink);
        scene.run();
        scene.assert_clean(format);
        let select = "SELECT id, amount, name, note, active, op, gone, place FROM shop.bets \
                      ORDER BY id";
        (scene.standin.sql(select), bodies(&scene, "arrow"), bodies(&scene, "json"))
    };
    let (arrow, arrow_bodies, json_bodies) = rows("arrow");
    assert!(arrow_bodies > 0 && json_bodies == 0, "a soft delete is a row");
    assert!(arrow.iter().any(|row| row[5] == "delete" && row[6] == "1"));
    assert_eq!(arrow, rows("json").0);
}

#[test]
fn a_process_that_is_killed_loses_and_doubles_nothing() {
    let turns: Vec<(Case, u64)> =
        (0..6).flat_map(|seed| [(UPSERT, seed), (APPEND, seed)]).collect();
    side_by_side(&turns, |(case, seed)| {
        let changes = match case.upsert {
            true => Changes::random(*seed, 400, true),
            false => Changes::inserts(*seed, 400),
        };
        let scene = Scene::with(*case, &changes, "format = \"arrow\"");
        let requests = || scene.standin.world().stats.requests().values().sum::<u64>();
        for life in [5 + 4 * seed, 20 + seed] {
            let before = requests();
            let mut child = scene
                .command()
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program starts");
            wait_until("the process has come far enough to be killed, or to its end", || {
                requests() - before >= life || child.try_wait().expect("it is ours").is_some()
            });
            // It may have ended by itself.
            kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).ok();
            child.wait().expect("it is ours");
        }
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}, seed {seed}"));
        assert!(bodies(&scene, "arrow") > 0, "{case:?}, seed {seed}");
    });
}

#[test]
fn a_table_with_times_is_refused_before_a_row_is_sent() {
    let input = "{\"id\":1,\"moment\":\"2026-11-20T12:00:00Z\"}\n";
    let source = "[sources.input.columns]\nid = { type = \"i64\", key = true }\n\
                  moment = { type = \"timestamp\", unit = \"iso\" }\n";
    let sink = "table = \"facts\"\nformat = \"arrow\"";
    let scene = tailored(UPSERT, source, sink, input);
    drop(scene.standin.sql(
        "CREATE TABLE shop.facts (`id` BIGINT NOT NULL, `moment` DATETIME(6) NULL) \
         UNIQUE KEY (`id`) DISTRIBUTED BY HASH (`id`) BUCKETS 1 PROPERTIES \
         (\"replication_num\" = \"1\")",
    ));
    let end = ending(&scene).with_code(1);
    assert!(end.stderr.contains("column `moment` is DATETIME(6)"), "{}", end.stderr);
    assert!(end.stderr.contains("say format = \"json\""), "{}", end.stderr);
    scene.assert_clean("times");
}

#[test]
fn a_doris_before_2_1_is_refused() {
    let changes = Changes::inserts(23, 5);
    let options = Options { version: Version::new(2, 0, 15), ..options(UPSERT) };
    let sink = "table = \"bets\"\ncreate_table = true\nformat = \"arrow\"";
    let scene =
        tailored_at(UPSERT, options, BETS, sink, &changes.lines).expect("the stand-in starts");
    let end = ending(&scene).with_code(1);
    assert!(end.stderr.contains("Apache Doris 2.1 or later"), "{}", end.stderr);
    assert_eq!(scene.standin.sql("SHOW TABLES FROM shop").len(), 0);
}
