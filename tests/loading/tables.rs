//! What changes do to tables: many of them, emptied ones, keys that change, the order of versions.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::scene::{Case, Scene, side_by_side};
use super::tailored::{ending, message, tailored};

/// Both systems.
const SYSTEMS: [Case; 2] = [Case::KEYED[0], Case::KEYED[1]];

const KINDS_SOURCE: &str = r#"
format = "debezium-json"

[sources.input.columns]
id = { type = "i64", key = true }
kind = { type = "text", key = true }
name = "text"
"#;

const KINDS: [&str; 4] = ["casino", "sports", "live_2", "x"];

/// Inserts, updates and deletes of several kinds, and what they come to: names by kind and id.
fn kinds() -> (String, BTreeMap<(&'static str, i64), String>) {
    let mut random = StdRng::seed_from_u64(51);
    let (mut lines, mut rows) = (String::new(), BTreeMap::new());
    for place in 0..400 {
        let kind = KINDS[random.random_range(0..KINDS.len())];
        let id = random.random_range(0..40);
        let key = format!("\"id\":{id},\"kind\":\"{kind}\"");
        let is_there = rows.contains_key(&(kind, id));
        if is_there && random.random_bool(0.3) {
            lines += &message(place, 'd', &format!("{{{key},\"name\":null}}"), "null");
            rows.remove(&(kind, id));
            continue;
        }
        let name = format!("name {place}");
        let op = if is_there { 'u' } else { 'c' };
        lines += &message(place, op, "null", &format!("{{{key},\"name\":\"{name}\"}}"));
        rows.insert((kind, id), name);
    }
    (lines, rows)
}

#[test]
fn a_stream_fans_out_to_many_tables() {
    side_by_side(&Case::KEYED, |case| {
        let (lines, expected) = kinds();
        let sink = "table = \"ods_{kind}\"\ncreate_table = true";
        let scene = tailored(*case, KINDS_SOURCE, sink, &lines);
        scene.run();
        let mut found = BTreeMap::new();
        for kind in KINDS {
            let rows = scene.standin.sql(&format!("SELECT id, name FROM shop.`ods_{kind}`"));
            for row in rows {
                let id = row[0].parse().expect("an id");
                let before = found.insert((kind, id), row[1].clone());
                assert_eq!(before, None, "{case:?}: {id} is in ods_{kind} twice");
            }
        }
        assert_eq!(found, expected, "{case:?}");
        scene.assert_clean(&format!("{case:?}"));
    });
}

const TABLES_SOURCE: &str = r#"
format = "debezium-json"
table = ["casino", "public.sports"]

[sources.input.columns]
id = { type = "i64", key = true }
name = "text"
"source.table" = { meta = "table" }
"#;

#[test]
fn tables_of_one_stream_go_each_to_its_own() {
    side_by_side(&Case::KEYED, |case| {
        let of = |table: &str, place: usize, op: char, before: &str, after: &str| {
            let named = format!("\"table\":\"{table}\"");
            message(place, op, before, after).replace("\"table\":\"bets\"", &named)
        };
        // The same keys in each, and a table that nobody reads.
        let lines: String = [
            of("casino", 1, 'c', "null", &named(1, "one")),
            of("sports", 2, 'c', "null", &named(1, "uno")),
            of("lottery", 3, 'c', "null", &named(1, "ein")),
            of("casino", 4, 'u', "null", &named(1, "two")),
            of("sports", 5, 'c', "null", &named(2, "due")),
            of("sports", 6, 'd', &named(1, "uno"), "null"),
            of("casino", 7, 'c', "null", &named(3, "three")),
        ]
        .concat();
        let sink = "table = \"ods_{source.table}\"\ncreate_table = true";
        let scene = tailored(*case, TABLES_SOURCE, sink, &lines);
        scene.run();
        let rows = |table: &str| {
            scene.standin.sql(&format!("SELECT id, name FROM shop.ods_{table} ORDER BY id"))
        };
        assert_eq!(rows("casino"), [["1", "two"], ["3", "three"]], "{case:?}");
        assert_eq!(rows("sports"), [["2", "due"]], "{case:?}");
        scene.assert_clean(&format!("{case:?}"));
    });
}

const NAMES_SOURCE: &str = r#"
format = "debezium-json"
table = "bets"

[sources.input.columns]
id = { type = "i64", key = true }
name = "text"
"#;

fn named(id: i64, name: &str) -> String {
    format!("{{\"id\":{id},\"name\":\"{name}\"}}")
}

fn inserts(ids: std::ops::RangeInclusive<i64>) -> String {
    ids.map(|id| message(id.unsigned_abs() as usize, 'c', "null", &named(id, "n"))).collect()
}

/// The ids of the table `names`, in order.
fn ids(scene: &Scene) -> Vec<i64> {
    let rows = scene.standin.sql("SELECT id FROM shop.names ORDER BY id");
    rows.iter().map(|row| row[0].parse().expect("an id")).collect()
}

#[test]
fn a_truncate_does_what_the_policy_says() {
    let cases: Vec<(Case, &str)> = Case::KEYED
        .into_iter()
        .flat_map(|case| ["apply", "ignore", "halt"].map(|policy| (case, policy)))
        .collect();
    side_by_side(&cases, |(case, policy)| {
        let sink = format!("table = \"names\"\ncreate_table = true\non_truncate = \"{policy}\"");
        let first = inserts(1..=5);
        let scene = tailored(*case, NAMES_SOURCE, &sink, &first);
        scene.run();
        assert_eq!(ids(&scene), [1, 2, 3, 4, 5]);

        // Rows of the same checkpoint stand before it and behind it.
        let truncate = message(20, 't', "null", "null");
        let grown = [first, inserts(6..=7), truncate, inserts(8..=9)].concat();
        scene.bench.write("input.jsonl", grown);
        let end = ending(&scene);
        let what = format!("{case:?}, {policy}: {}", end.stderr);
        match *policy {
            "apply" => assert_eq!((end.code, ids(&scene)), (Some(0), vec![8, 9]), "{what}"),
            "ignore" => {
                assert_eq!((end.code, ids(&scene)), (Some(0), (1..=9).collect()), "{what}");
            }
            _ => {
                assert_ne!(end.code, Some(0), "{what}");
                assert!(end.stderr.contains("on_truncate = \"apply\""), "{what}");
                assert!(ids(&scene).starts_with(&[1, 2, 3, 4, 5]), "{what}");
            }
        }
        let breaches = scene.standin.breaches();
        assert!(breaches.is_empty(), "{what}: {breaches:#?}");
    });
}

#[test]
fn a_key_that_changes_is_a_delete_and_an_insert() {
    side_by_side(&Case::KEYED, |case| {
        let sink = "table = \"names\"\ncreate_table = true";
        let move_to =
            |place, from: i64, to: i64| message(place, 'u', &named(from, "n"), &named(to, "moved"));
        // Within one checkpoint, and onto a key that another row has just left.
        let moved = [move_to(10, 1, 11), move_to(11, 2, 12), move_to(12, 12, 1)];
        let first = inserts(1..=4) + &moved.concat();
        let scene = tailored(*case, NAMES_SOURCE, sink, &first);
        scene.run();
        assert_eq!(ids(&scene), [1, 3, 4, 11], "{case:?}");
        // Of a row that an earlier checkpoint has loaded.
        scene.bench.write("input.jsonl", first + &move_to(13, 3, 13));
        scene.run();
        assert_eq!(ids(&scene), [1, 4, 11, 13], "{case:?}");
        let names = scene.standin.sql("SELECT name FROM shop.names WHERE id = 13");
        assert_eq!(names, [["moved"]], "{case:?}");
        scene.assert_clean(&format!("{case:?}"));
    });
}

const VERSIONS_SOURCE: &str = r#"
[sources.input.columns]
id = { type = "i64", key = true }
version = "i64"
name = "text"
"#;

fn version(id: i64, version: i64, name: &str) -> String {
    format!("{{\"id\":{id},\"version\":{version},\"name\":\"{name}\"}}\n")
}

#[test]
fn an_older_version_that_comes_later_does_not_win() {
    side_by_side(&Case::KEYED, |case| {
        let sink = "table = \"versions\"\ncreate_table = true\nsequence = \"version\"";
        let first = [
            version(1, 5, "new"),
            version(2, 1, "old"),
            // Within a checkpoint.
            version(3, 9, "new"),
            version(3, 8, "old"),
            version(4, 7, "first"),
        ]
        .concat();
        let scene = tailored(*case, VERSIONS_SOURCE, sink, &first);
        scene.run();
        let later = [
            version(1, 3, "old"),
            version(2, 2, "new"),
            version(3, 8, "old again"),
            // The same version counts as later.
            version(4, 7, "second"),
        ];
        scene.bench.write("input.jsonl", [first, later.concat()].concat());
        scene.run();
        let sql = "SELECT id, `version`, name FROM shop.versions ORDER BY id";
        let expected =
            [["1", "5", "new"], ["2", "2", "new"], ["3", "9", "new"], ["4", "7", "second"]];
        assert_eq!(scene.standin.sql(sql), expected, "{case:?}");
        scene.assert_clean(&format!("{case:?}"));
    });
}

#[test]
fn a_template_wants_values_that_can_be_names() {
    side_by_side(&SYSTEMS, |case| {
        let row = |place: usize, kind: &str| {
            let after = format!("{{\"id\":{place},\"kind\":{kind},\"name\":\"n\"}}");
            message(place, 'c', "null", &after)
        };
        let lines = [row(1, "\"good\""), row(2, "\"no`good\""), row(3, "\"\"")].concat();
        let sink = "table = \"ods_{kind}\"\ncreate_table = true";
        let scene = tailored(*case, KINDS_SOURCE, sink, &lines);
        scene.run();
        assert_eq!(scene.standin.sql("SELECT id FROM shop.ods_good"), [["1"]]);
        let letters = scene.bench.query("dead.db", "select \"column\" from dead_letters");
        assert_eq!(letters, "kind\nkind\n");
        assert_eq!(scene.standin.sql("SHOW TABLES FROM shop"), [["ods_good"]]);
        scene.assert_clean(&format!("{case:?}"));
    });
}
