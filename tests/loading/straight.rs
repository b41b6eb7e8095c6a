//! Without any fault: tables equal what the input says, in every mode.

use millrace_standin::System;
use millrace_tests::Process;

use super::input::Changes;
use super::scene::{Case, Scene};

#[test]
fn changes_come_to_the_table_that_they_say() {
    for case in Case::KEYED {
        let changes = Changes::random(1, 1000, true);
        let scene = Scene::new(case, &changes);
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
    }
}

#[test]
fn rows_that_are_appended_are_all_there() {
    for case in Case::APPENDING {
        let changes = Changes::inserts(2, 700);
        let scene = Scene::new(case, &changes);
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}"));
    }
}

#[test]
fn bodies_may_be_csv_and_compressed() {
    let extras = [
        (System::StarRocks, "format = \"csv\""),
        (System::StarRocks, "format = \"csv\"\ncompression = \"lz4\""),
        (System::StarRocks, "compression = \"zstd\""),
        (System::StarRocks, "compression = \"gzip\""),
        (System::Doris, "format = \"csv\""),
        (System::Doris, "format = \"csv\"\ncompression = \"gzip\""),
        (System::Doris, "format = \"csv\"\ncompression = \"lz4\""),
    ];
    for (system, extra) in extras {
        let case = Case { system, exactly_once: true, upsert: true };
        let changes = Changes::random(3, 300, true);
        let scene = Scene::with(case, &changes, extra);
        scene.run();
        scene.assert_whole(&changes, &format!("{system}: {extra}"));
    }
}

#[test]
fn grown_input_goes_on_where_it_ended() {
    let case = Case::KEYED[0];
    let changes = Changes::random(4, 600, true);
    let scene = Scene::new(case, &changes);
    let half: Vec<&str> = changes.lines.split_inclusive('\n').take(300).collect();
    scene.bench.write("input.jsonl", half.concat());
    scene.run();
    scene.bench.write("input.jsonl", &changes.lines);
    scene.run();
    scene.assert_whole(&changes, "grown");
}

#[test]
fn soft_deletes_and_audit_columns_say_what_became_of_a_row() {
    for system in [System::StarRocks, System::Doris] {
        let case = Case { system, exactly_once: true, upsert: true };
        let changes = Changes::random(5, 400, true);
        let scene = Scene::with(case, &changes, "deletes = \"soft\"\naudit = true");
        scene.run();
        let sql = "SELECT COUNT(*) FROM shop.bets WHERE millrace_deleted = 0";
        let alive = scene.standin.sql(sql);
        assert_eq!(alive[0][0], changes.table.len().to_string());
        let sql =
            "SELECT COUNT(*) FROM shop.bets WHERE millrace_deleted = 1 AND millrace_op = 'delete'";
        let gone = scene.standin.sql(sql);
        assert_ne!(gone[0][0], "0", "some rows were deleted");
        let sql = "SELECT COUNT(*) FROM shop.bets WHERE millrace_op IS NULL OR \
                   millrace_synced_at IS NULL OR millrace_version IS NULL";
        let unmarked = scene.standin.sql(sql);
        assert_eq!(unmarked[0][0], "0");
        scene.assert_clean("soft deletes");
    }
}

#[test]
fn a_store_belongs_to_the_tables_that_it_has_filled() {
    for case in Case::KEYED {
        let changes = Changes::random(6, 200, false);
        let scene = Scene::new(case, &changes);
        scene.run();
        let pipeline =
            std::fs::read_to_string(scene.bench.path("pipeline.toml")).expect("it is ours");
        let other =
            pipeline.replace("table = \"bets\"\ncreate_table", "table = \"others\"\ncreate_table");
        assert_ne!(pipeline, other);
        scene.bench.write("pipeline.toml", other);
        let ending = Process::start(&mut scene.command()).finish().with_code(1);
        assert!(ending.stderr.contains("table `bets` of database `shop`"), "{}", ending.stderr);
        assert!(ending.stderr.contains("new checkpoint store"), "{}", ending.stderr);

        // Nor is a table made anew that the checkpoint counts on.
        scene.bench.write("pipeline.toml", pipeline);
        drop(scene.standin.sql("DROP TABLE shop.bets"));
        let ending = Process::start(&mut scene.command()).finish().with_code(1);
        assert!(ending.stderr.contains("put it back"), "{}", ending.stderr);
        scene.assert_clean("another table");
    }
}
