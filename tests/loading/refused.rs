//! Rows that a table does not take: they go to the dead letters, and the others are loaded.

use std::collections::BTreeSet;

use millrace_standin::System;
use millrace_standin::faults::{Point, Rule};
use millrace_tests::{Process, number, wait_until};

use super::scene::{Case, Scene, side_by_side};
use super::tailored::{message, struck, tailored};

const NARROW_SOURCE: &str = r#"
format = "debezium-json"

[sources.input.columns]
id = { type = "i64", key = true }
word = "text"
amount = "decimal(18,2)"
small = "i64"
must = "i32"
ratio = "f64"
born = "date"
"#;

/// The columns of a table that is narrower than its source.
const NARROW: &str = "`id` BIGINT NOT NULL, `word` VARCHAR(5) NULL, `amount` DECIMAL(6,2) NULL, \
                      `small` SMALLINT NULL, `must` INT NOT NULL, `ratio` DOUBLE NULL, \
                      `born` DATE NULL";

/// Changes of a row that fits, but for one value each.
const VALUES: [(&str, &str); 7] = [
    ("word", "\"fünf\""),
    ("word", "\"éèê\""),
    ("amount", "\"12345.67\""),
    ("small", "40000"),
    ("must", "null"),
    ("ratio", "\"NaN\""),
    ("born", "4000000"),
];

fn narrow_input() -> String {
    let row = |id: usize, (column, value): (&str, &str)| {
        let fits = [
            ("word", "\"abcde\""),
            ("amount", "\"9999.99\""),
            ("small", "-32768"),
            ("must", "7"),
            ("ratio", "0.5"),
            ("born", "20000"),
        ];
        let members = fits
            .map(|(name, fit)| format!(",\"{name}\":{}", if name == column { value } else { fit }));
        message(id, 'c', "null", &format!("{{\"id\":{id}{}}}", members.concat()))
    };
    let odd = VALUES.into_iter().enumerate().map(|(id, value)| row(id + 1, value));
    odd.chain([row(100, ("", ""))]).collect()
}

/// The statement that makes a keyed table of one backend.
fn create(system: System, columns: &str) -> String {
    let (model, more) = match system {
        System::StarRocks => ("PRIMARY KEY", ""),
        System::Doris => ("UNIQUE KEY", ", \"enable_unique_key_merge_on_write\" = \"true\""),
    };
    format!(
        "CREATE TABLE shop.facts ({columns}) {model} (`id`) DISTRIBUTED BY HASH (`id`) BUCKETS 1 \
         PROPERTIES (\"replication_num\" = \"1\"{more})"
    )
}

#[test]
fn values_that_do_not_fit_are_found_before_they_are_sent() {
    side_by_side(&Case::KEYED, |case| {
        let scene = tailored(*case, NARROW_SOURCE, "table = \"facts\"", &narrow_input());
        drop(scene.standin.sql(&create(case.system, NARROW)));
        scene.run();

        let rows = scene.standin.sql("SELECT id FROM shop.facts ORDER BY id");
        assert_eq!(rows, [["1"], ["100"]], "{case:?}");
        let sql = "select stage, \"column\", reason from dead_letters where stage = 'copy'";
        let letters = scene.bench.query("dead.db", sql);
        let letters: BTreeSet<&str> = letters.lines().collect();
        let expected = [
            "copy|word|6 bytes of text, too many for VARCHAR(5)",
            "copy|amount|12345.67 has too many digits before the point for DECIMAL(6,2)",
            "copy|small|40000 is out of the range of SMALLINT",
            "copy|must|null, where the table takes none",
            "copy|ratio|NaN or infinity, which the target does not have",
        ];
        assert_eq!(letters, BTreeSet::from(expected), "{case:?}");
        // The source itself knows that there is no such day.
        let sql = "select count(*) from dead_letters where stage = 'input' and \"column\" = 'born' \
                   and reason like '%4000000%'";
        assert_eq!(number(&scene.bench.path("dead.db"), sql), 1);
        // The letter has the row.
        let sql = "select count(*) from dead_letters where \"column\" = 'amount' \
                   and input like '%12345.67%'";
        assert_eq!(number(&scene.bench.path("dead.db"), sql), 1);
        scene.assert_clean(&format!("{case:?}"));
    });
}

const SCORES_SOURCE: &str = r#"
[sources.input.columns]
id = { type = "i64", key = true }
score = "i64"
note = "text"
"#;

/// Every tenth row has a score of six digits.
fn scores() -> String {
    let line = |id: u32| {
        let score = if id.is_multiple_of(10) { 100_000 + id } else { id };
        format!("{{\"id\":{id},\"score\":{score},\"note\":\"of two\\nlines\"}}\n")
    };
    (1..=60).map(line).collect()
}

/// Makes the table narrower than the running sink knows: its scores become texts of three bytes.
fn narrow(scene: &Scene) {
    drop(scene.standin.sql("ALTER TABLE shop.facts MODIFY COLUMN score VARCHAR(3) NULL"));
    wait_until("the table has changed", || {
        let jobs = scene.standin.sql("SHOW ALTER TABLE COLUMN FROM shop");
        jobs.iter().any(|job| job.iter().any(|cell| cell == "FINISHED"))
    });
}

#[test]
fn rows_that_only_the_target_refuses_are_found_by_its_log_and_by_halving() {
    // A row of CSV with a line break in it is not whole in any line of the log.
    let cases: Vec<(Case, &str)> = Case::KEYED
        .into_iter()
        .chain(Case::APPENDING)
        .flat_map(|case| [(case, "json"), (case, "csv")])
        .collect();
    side_by_side(&cases, |(case, format)| {
        let sink = format!("table = \"facts\"\ncreate_table = true\nformat = \"{format}\"");
        let scene = tailored(*case, SCORES_SOURCE, &sink, &scores());
        let faults = &scene.standin.world().faults;
        faults.arm(Rule { times: u32::MAX, ..Rule::once(Point::TxnLimit) });
        let process = Process::start(&mut scene.command());
        wait_until("the first load waits", || !struck(&scene, Point::TxnLimit).is_empty());
        narrow(&scene);
        faults.clear();
        drop(process.finish().with_code(0));

        let what = format!("{case:?}, {format}");
        let rows = scene.standin.sql("SELECT id, score FROM shop.facts ORDER BY id");
        let expected: Vec<[String; 2]> = (1..=60)
            .filter(|id: &u32| !id.is_multiple_of(10))
            .map(|id| [id.to_string(), id.to_string()])
            .collect();
        assert_eq!(rows, expected, "{what}");
        let letters = scene.bench.path("dead.db");
        assert_eq!(number(&letters, "select count(*) from dead_letters"), 6, "{what}");
        for id in (10..=60).step_by(10) {
            let sql = format!(
                "select count(*) from dead_letters where stage = 'copy' and reason like '%score%' \
                 and input like '%{}%'",
                100_000 + id
            );
            assert_eq!(number(&letters, &sql), 1, "{what}: row {id}");
        }
        scene.assert_clean(&what);
    });
}
