//! Columns that a source gains, widens and loses between two runs of a pipeline.

use millrace_standin::System;
use millrace_standin::faults::{Point, Rule};
use millrace_tests::{Process, wait_until};

use super::target::{BOTH, Target};

/// The columns before.
const BEFORE: &str = r#"
id = { type = "i64", key = true }
amount = "decimal(10,2)"
seen = "i32"
"#;

/// Their rows.
const FIRST: [&str; 2] =
    [r#"{"id":1,"amount":"1.50","seen":7}"#, r#"{"id":2,"amount":"-20.00","seen":null}"#];

/// One column more.
const MORE: &str = "note = \"text\"\n";

/// A row that has it.
const NOTED: &str = r#"{"id":3,"amount":"0.01","seen":9,"note":"new"}"#;

const RUN: [&str; 4] = ["run", "--progress", "never", "pipeline.toml"];

/// Makes these rows the input, each an insert; what was there before has to begin it.
fn write(target: &Target, rows: &[&str]) {
    let lines: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| {
            let lsn = 1000 + place;
            format!(
                "{{\"before\":null,\"after\":{row},\"op\":\"c\",\"source\":{{\"connector\":\
                 \"postgresql\",\"lsn\":{lsn},\"schema\":\"public\",\"table\":\"bets\",\"ts_ms\":\
                 1700000000000}},\"ts_ms\":1700000000000}}\n"
            )
        })
        .collect();
    target.bench.write("bets.jsonl", lines.concat());
}

/// A target whose table has [`FIRST`], and whose pipeline knows the columns of [`BEFORE`].
fn filled(system: System) -> Target {
    let mut target = Target::new(system);
    target.columns = BEFORE.to_owned();
    write(&target, &FIRST);
    target.run().with_code(0);
    target
}

/// [`FIRST`] and other rows.
fn grown<'a>(rows: &[&'a str]) -> Vec<&'a str> {
    [&FIRST[..], rows].concat()
}

/// The names and types of the table's columns.
fn columns(target: &Target) -> Vec<String> {
    let rows = target.sql(
        "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'bets' ORDER BY ORDINAL_POSITION",
    );
    rows.iter().map(|row| row.join(" ")).collect()
}

/// The table's rows, in the order of their keys.
fn rows(target: &Target) -> Vec<String> {
    let names: Vec<String> = columns(target)
        .iter()
        .filter_map(|column| Some(column.split_once(' ')?.0.to_owned()))
        .collect();
    let rows = target.sql(&format!("SELECT {} FROM shop.bets ORDER BY id", names.join(", ")));
    rows.iter().map(|row| row.join("|")).collect()
}

/// The states of the jobs that have changed the table.
fn jobs(target: &Target) -> Vec<String> {
    let jobs = target.sql("SHOW ALTER TABLE COLUMN FROM shop WHERE TableName = 'bets'");
    jobs.into_iter().map(|job| job[9].clone()).collect()
}

const NARROW: [&str; 3] = ["id bigint(20)", "amount decimal(10,2)", "seen int(11)"];

#[test]
fn a_new_column_halts_the_pipeline_until_it_may_be_added() {
    for system in BOTH {
        let mut target = filled(system);
        assert_eq!(columns(&target), NARROW);
        assert_eq!(rows(&target), ["1|1.50|7", "2|-20.00|NULL"]);
        target.columns.push_str(MORE);
        write(&target, &grown(&[NOTED]));
        for words in ["column `note` is missing", "evolution = \"apply\" to have it added"] {
            let stderr = target.run().with_code(1).stderr;
            assert!(stderr.contains(words), "{stderr}");
        }
        assert_eq!((columns(&target).len(), rows(&target).len()), (3, 2));
        assert!(jobs(&target).is_empty());

        // Each stage of the job lasts for two looks at it: the first load has to wait for its end.
        target.standin.world().settings.change(|limits| limits.alter_polls = 2);
        target.text("evolution", "apply").run().with_code(0);
        let text = if system == System::StarRocks { "varchar(1048576)" } else { "string" };
        assert_eq!(columns(&target)[..3], NARROW);
        assert_eq!(columns(&target)[3..], [format!("note {text}")]);
        let all = ["1|1.50|7|NULL", "2|-20.00|NULL|NULL", "3|0.01|9|new"];
        assert_eq!(rows(&target), all);
        assert_eq!(jobs(&target), ["FINISHED"]);

        // It is done once.
        target.run().with_code(0);
        assert_eq!((jobs(&target).len(), rows(&target).len()), (1, 3));
        target.assert_clean();
    }
}

#[test]
fn a_new_column_may_be_left_out() {
    for system in BOTH {
        let mut target = filled(system);
        target.columns.push_str(MORE);
        write(&target, &grown(&[NOTED]));
        target.text("evolution", "ignore").run().with_code(0);
        assert_eq!(columns(&target), NARROW);
        assert_eq!(rows(&target), ["1|1.50|7", "2|-20.00|NULL", "3|0.01|9"]);
        assert!(jobs(&target).is_empty());
        target.assert_clean();
    }
}

#[test]
fn narrow_columns_are_widened_for_what_they_could_not_hold() {
    for system in BOTH {
        let mut target = filled(system);
        target.columns = BEFORE.replace("decimal(10,2)", "decimal(18,2)").replace("i32", "i64");
        write(&target, &grown(&[r#"{"id":3,"amount":"1234567890123456.78","seen":5000000000}"#]));
        target.text("evolution", "apply").run().with_code(0);
        assert_eq!(columns(&target), ["id bigint(20)", "amount decimal(18,2)", "seen bigint(20)"]);
        let all = ["1|1.50|7", "2|-20.00|NULL", "3|1234567890123456.78|5000000000"];
        assert_eq!(rows(&target), all);
        assert_eq!(jobs(&target), ["FINISHED"]);
        target.assert_clean();
    }
}

#[test]
fn a_column_that_the_source_loses_stays_and_is_null_in_new_rows() {
    for system in BOTH {
        for evolution in ["halt", "apply", "ignore"] {
            let mut target = Target::new(system);
            target.columns = format!("{BEFORE}{MORE}");
            let old = r#"{"id":1,"amount":"1.00","seen":1,"note":"old"}"#;
            write(&target, &[old]);
            target.text("evolution", evolution).run().with_code(0);
            target.columns = BEFORE.to_owned();
            write(&target, &[old, NOTED]);
            target.run().with_code(0);
            assert_eq!(columns(&target).len(), 4);
            assert_eq!(rows(&target), ["1|1.00|1|old", "3|0.01|9|NULL"], "{evolution}");
            assert!(jobs(&target).is_empty());
            target.assert_clean();
        }
    }
}

#[test]
fn transactions_of_a_dead_run_do_not_block_the_change() {
    for system in BOTH {
        // Prepared and written down by a checkpoint, or prepared only.
        let hangs = match system {
            System::StarRocks => [(Point::FeSlow307, "commit"), (Point::BeSlow, "prepare")],
            System::Doris => [(Point::FeSlow307, "2pc-commit"), (Point::BeSlow, "load")],
        };
        for (point, operation) in hangs {
            let mut target = Target::new(system);
            target.columns = BEFORE.to_owned();
            write(&target, &FIRST);
            let operation = Some(operation.to_owned());
            let hang = Rule { operation, delay_ms: Some(60_000), ..Rule::once(point) };
            target.standin.world().faults.arm(hang);
            let process = Process::start(&mut target.command(&RUN));
            let world = target.standin.world();
            wait_until("a prepared transaction waits", || !world.faults.taken().is_empty());
            let open = world.transactions.open();
            assert_eq!(open.len(), 1, "{point}: {open:?}");
            // That kills it.
            drop(process);
            assert_eq!(world.transactions.open(), open, "{point}");

            target.columns.push_str(MORE);
            write(&target, &grown(&[NOTED]));
            target.text("evolution", "apply").run().with_code(0);
            let all = ["1|1.50|7|NULL", "2|-20.00|NULL|NULL", "3|0.01|9|new"];
            assert_eq!(rows(&target), all, "{point}");
            assert_eq!(jobs(&target), ["FINISHED"], "{point}");
            target.assert_clean();
        }
    }
}
