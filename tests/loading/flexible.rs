//! Updates that leave out different columns, into Doris: one load takes all of them where the table
//! does, and there is one for each set of columns where it does not.

use std::collections::BTreeMap;

use millrace_standin::faults::{Point, Rule};
use millrace_tests::{Process, wait_until};
use nix::sys::signal::Signal;

use super::faults::run_to_the_end;
use super::scene::{Case, Scene, side_by_side};
use super::tailored::{commit_of, load_of, message, rewrite, struck, tailored};

/// Doris, exactly once.
const CASE: Case = Case::KEYED[1];
/// Doris, at least once.
const EAGER: Case = Case::KEYED[3];

const SOURCE: &str = r#"
format = "debezium-json"
table = "bets"

[sources.input.columns]
id = { type = "i64", key = true }
n = "i64"
a = "text"
b = "text"
c = "text"
"#;
/// What Debezium writes for a large value that an update does not change.
const UNAVAILABLE: &str = "__debezium_unavailable_value";

/// The property of a table that takes rows with different columns in one load.
const FLEXIBLE: &str = ", \"enable_unique_key_skip_bitmap_column\" = \"true\"";
/// Gives a table that property, and takes it away.
const ENABLE: &str = "ALTER TABLE shop.bets ENABLE FEATURE \"UPDATE_FLEXIBLE_COLUMNS\"";
const DISABLE: &str =
    "ALTER TABLE shop.bets SET (\"enable_unique_key_skip_bitmap_column\" = \"false\")";

/// Sets of columns that updates leave out, but for the empty one.
const SETS: usize = 7;

type Words = [String; 3];

fn words(id: usize, word: &str) -> Words {
    ["a", "b", "c"].map(|name| format!("{name} {word} {id}"))
}

fn image(id: usize, number: &str, [a, b, c]: &Words) -> String {
    format!("{{\"id\":{id},\"n\":{number},\"a\":\"{a}\",\"b\":\"{b}\",\"c\":\"{c}\"}}")
}

/// Whole rows; changes of them, of which most leave words out, in every way that there is; and the
/// table that both come to.
fn changes() -> (String, String, Vec<Vec<String>>) {
    let (mut first, mut second) = (String::new(), String::new());
    let mut rows: BTreeMap<usize, (&str, Words)> = BTreeMap::new();
    for id in 1..=60 {
        let new = words(id, "old");
        first += &message(id, 'c', "null", &image(id, "0", &new));
        rows.insert(id, ("0", new));
    }
    for id in 1..=64 {
        let place = 100 + id;
        match id {
            1..=48 => {
                let (mut sent, mut kept) = (words(id, "new"), words(id, "new"));
                for bit in (0..3_usize).filter(|bit| (id >> bit) & 1 == 1) {
                    sent[bit] = UNAVAILABLE.to_owned();
                    kept[bit] = rows[&id].1[bit].clone();
                }
                // Null is a value, and not one that is left out.
                let (number, shown) = match id % 5 {
                    0 => ("null", "NULL"),
                    _ => ("1", "1"),
                };
                second += &message(place, 'u', "null", &image(id, number, &sent));
                rows.insert(id, (shown, kept));
            }
            49..=52 => {
                second += &message(place, 'd', &format!("{{\"id\":{id}}}"), "null");
                rows.remove(&id);
            }
            53..=60 => {}
            _ => {
                let new = words(id, "new");
                second += &message(place, 'c', "null", &image(id, "1", &new));
                rows.insert(id, ("1", new));
            }
        }
    }
    let row = |(id, (number, words)): (usize, (&str, Words))| -> Vec<String> {
        [id.to_string(), number.to_owned()].into_iter().chain(words).collect()
    };
    (first, second, rows.into_iter().map(row).collect())
}

/// A table with the whole rows, the changes of one more checkpoint to come, and what the table is
/// to be then. `made` has more properties of the table; `None`: the sink makes it.
fn scene(case: Case, made: Option<&str>, extra: &str) -> (Scene, Vec<Vec<String>>) {
    let (first, second, expected) = changes();
    let create = if made.is_none() { "create_table = true" } else { "" };
    let scene = tailored(case, SOURCE, &format!("table = \"bets\"\n{create}\n{extra}"), &first);
    rewrite(&scene, "checkpoint = { rows = 100,", "checkpoint = { rows = 1000,");
    let load = "load = { rows = 1000, linger = \"60s\", in_flight = 1 }";
    rewrite(&scene, "load = { rows = 40, linger = \"20ms\", in_flight = 2 }", load);
    if let Some(more) = made {
        drop(scene.standin.sql(&format!(
            "CREATE TABLE shop.bets (id BIGINT NOT NULL, n BIGINT, a VARCHAR(200), \
             b VARCHAR(200), c VARCHAR(200)) UNIQUE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 \
             PROPERTIES (\"replication_num\" = \"1\", \
             \"enable_unique_key_merge_on_write\" = \"true\"{more})"
        )));
    }
    scene.run();
    scene.bench.write("input.jsonl", first + &second);
    (scene, expected)
}

fn assert_table(scene: &Scene, expected: &[Vec<String>], what: &str) {
    let found = scene.standin.sql("SELECT id, n, a, b, c FROM shop.bets ORDER BY id");
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}");
    }
    scene.assert_clean(what);
}

/// The parts of all loads that `work` makes, such as `all-0`, in the order of their names.
fn loads(scene: &Scene, work: impl FnOnce()) -> Vec<String> {
    // A reply that is late by nothing is written down, and no more.
    let rule = Rule {
        times: u32::MAX,
        operation: Some(load_of(CASE)),
        delay_ms: Some(0),
        ..Rule::once(Point::BeSlow)
    };
    let before = struck(scene, Point::BeSlow).len();
    scene.standin.world().faults.arm(rule);
    work();
    let mut parts: Vec<String> =
        struck(scene, Point::BeSlow)[before..].iter().map(|place| part_of(place)).collect();
    parts.sort();
    parts
}

/// What a label says of its part.
fn part_of(label: &str) -> String {
    label.rsplit('_').nth(2).expect("a label has a part").to_owned()
}

#[test]
fn updates_that_leave_out_different_columns_are_one_load() {
    let turns = [CASE, EAGER].into_iter().flat_map(|case| [(case, Some(FLEXIBLE)), (case, None)]);
    side_by_side(&turns.collect::<Vec<_>>(), |(case, made)| {
        let (scene, expected) = scene(*case, *made, "");
        let parts = loads(&scene, || scene.run());
        assert_eq!(parts, ["all-0", "flex-0"], "{case:?}, {made:?}");
        assert_table(&scene, &expected, &format!("{case:?}, {made:?}"));
    });
}

#[test]
fn each_set_of_columns_is_a_load_where_the_table_wants_it() {
    let turns = [(CASE, "format = \"csv\""), (EAGER, "format = \"json\"")];
    side_by_side(&turns, |(case, extra)| {
        let (scene, expected) = scene(*case, Some(""), extra);
        let parts = loads(&scene, || scene.run());
        assert_eq!(parts.len(), SETS + 1, "{parts:?}");
        assert!(parts.iter().all(|part| !part.starts_with("flex")), "{parts:?}");
        assert_table(&scene, &expected, &format!("{case:?}, {extra}"));
    });
}

/// Lets the process die when the changes are prepared and none of them is committed. Answers their
/// parts, in the order of their names.
fn die_between_the_phases(scene: &Scene) -> Vec<String> {
    let world = scene.standin.world();
    // No commit gets its lock.
    let operation = Some(commit_of(CASE.system));
    let times = u32::MAX;
    world.faults.arm(Rule { times, operation, ..Rule::once(Point::CommitFails) });
    let process = Process::start(&mut scene.command());
    wait_until("a commit is tried", || !struck(scene, Point::CommitFails).is_empty());
    process.signal(Signal::SIGKILL);
    assert_eq!(process.finish().code, None);
    world.faults.clear();
    let open = world.transactions.open();
    let mut parts: Vec<String> = open.iter().map(|open| part_of(&open.label)).collect();
    parts.sort();
    parts
}

#[test]
fn what_is_prepared_before_a_kill_is_committed_and_not_loaded_again() {
    let (scene, expected) = scene(CASE, Some(FLEXIBLE), "");
    assert_eq!(die_between_the_phases(&scene), ["all-0", "flex-0"]);
    let again = loads(&scene, || run_to_the_end(&scene, "after a kill"));
    assert_eq!(again, Vec::<String>::new());
    assert_table(&scene, &expected, "after a kill");
}

#[test]
fn a_part_that_expires_comes_again_as_it_was_cut_whatever_the_table_takes_now() {
    // The part that expires, by its place: of the flexible ones, the whole rows are the first.
    let turns = [
        (Some(FLEXIBLE), None, 0_usize),
        (Some(FLEXIBLE), None, 1),
        (Some(FLEXIBLE), Some(DISABLE), 0),
        (Some(""), Some(ENABLE), 0),
        (Some(""), Some(ENABLE), 5),
    ];
    side_by_side(&turns, |(made, between, place)| {
        let what = format!("{made:?}, {between:?}, part {place}");
        let (scene, expected) = scene(CASE, *made, "");
        let before = die_between_the_phases(&scene);
        if let Some(statement) = between {
            drop(scene.standin.sql(statement));
        }
        let skip = u32::try_from(*place).expect("it is small");
        let operation = Some(commit_of(CASE.system));
        let expires = Rule { skip, operation, ..Rule::once(Point::ExpirePrepared) };
        scene.standin.world().faults.arm(expires);
        let again = loads(&scene, || run_to_the_end(&scene, &what));
        assert_eq!(struck(&scene, Point::ExpirePrepared).len(), 1, "{what}");
        // The others are visible.
        assert_eq!(again, before[*place..=*place], "{what}");
        assert_table(&scene, &expected, &what);
    });
}
