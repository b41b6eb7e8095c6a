//! Values of every type through every kind of body, as the MySQL port shows them then.

use millrace_standin::System;
use proptest::collection::vec;
use proptest::num;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::scene::{Case, side_by_side};
use super::tailored::tailored;

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

const COLUMNS: [&str; 15] = [
    "a_bool", "an_i16", "an_i32", "an_i64", "an_f32", "an_f64", "money", "digits", "word", "bytes",
    "born", "clock", "moment", "token", "doc",
];

/// Rows of one run.
const ROWS: usize = 150;

/// What every body can carry.
const PIECES: [&str; 18] = [
    "a", "Z9", "\"", "'", "\\", "\n", "\r\n", "\t", ",", "\u{3}", "é", "🦀", "\\N ", "{", "}]",
    " ", "null", "\u{2028}",
];
/// What CSV cannot: a body with any of it goes as JSON.
const NASTY: [&str; 5] = ["\0", "\u{1}", "\u{2}", "\u{feff}", "\\N"];

/// How a value looks at the target.
#[derive(Clone, Debug)]
enum Shown {
    Text(String),
    /// The number, however it is written.
    Float(f64),
    /// The document, however it is written.
    Json(serde_json::Value),
    /// Up to the second, and the microseconds behind it.
    Moment(String, i64),
}

/// A value as the source has it, in JSON, and at the target.
#[derive(Clone, Debug)]
struct Cell {
    json: String,
    shown: Shown,
}

/// A value that looks at the target as its text, which stands in quotes at the source.
fn quoted(text: String) -> Cell {
    Cell { json: json!(text).to_string(), shown: Shown::Text(text) }
}

fn bare(text: String) -> Cell {
    Cell { json: text.clone(), shown: Shown::Text(text) }
}

fn decimal(mantissa: i128, scale: usize) -> String {
    let digits = format!("{:0>1$}", mantissa.unsigned_abs().to_string(), scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{}{whole}.{fraction}", if mantissa < 0 { "-" } else { "" })
}

fn decimals(precision: u32, scale: usize) -> impl Strategy<Value = Cell> {
    let most = 10_i128.pow(precision) - 1;
    let small = -10_000_i128..=10_000;
    let any = prop_oneof![-most..=most, small, Just(most), Just(-most), Just(0_i128)];
    any.prop_map(move |mantissa| quoted(decimal(mantissa, scale)))
}

fn words(pieces: Vec<&'static str>) -> impl Strategy<Value = String> {
    vec(select(pieces), 0..8).prop_map(|pieces| pieces.concat())
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        let digit = |at: usize| match at > group.len() {
            true => '=',
            false => char::from(ALPHABET[((bits >> (18 - 6 * at)) & 63) as usize]),
        };
        [0, 1, 2, 3].map(digit)
    };
    bytes.chunks(3).flat_map(group).collect()
}

fn days() -> impl Strategy<Value = String> {
    let any = (1..=9999, 1..=12, 1..=28).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"));
    prop_oneof![any, select(vec!["0001-01-01", "9999-12-31", "2024-02-29"]).prop_map(str::to_owned)]
}

/// The time of day up to the second, and the microseconds behind it.
fn times() -> impl Strategy<Value = (String, i64)> {
    const DAY: i64 = 86_400_000_000;
    let whole = (0..86_400_i64).prop_map(|seconds| seconds * 1_000_000);
    prop_oneof![0..DAY, Just(0_i64), Just(DAY - 1), whole].prop_map(|micros| {
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        (format!("{hour:02}:{minute:02}:{second:02}"), rest)
    })
}

fn uuid(value: u128) -> String {
    let text = format!("{value:032x}");
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// A value of each column.
fn cells(pieces: &[&'static str]) -> Vec<BoxedStrategy<Cell>> {
    let floats = num::f32::NORMAL | num::f32::SUBNORMAL | num::f32::ZERO;
    let floats = floats | num::f32::POSITIVE | num::f32::NEGATIVE;
    let doubles = num::f64::NORMAL | num::f64::SUBNORMAL | num::f64::ZERO;
    let doubles = doubles | num::f64::POSITIVE | num::f64::NEGATIVE;
    let single = |value: f32| {
        // The target keeps the shortest digits that give the float again.
        let shortest = value.to_string().parse().expect("a float's own digits");
        Cell { json: format!("{value:?}"), shown: Shown::Float(shortest) }
    };
    let documents = (words(pieces.to_vec()), any::<i64>(), any::<bool>()).prop_map(
        |(word, number, is_list)| match is_list {
            true => json!([word, number, null, {}]),
            false => json!({"word": word, "number": number, "nested": {"list": [true, []]}}),
        },
    );
    vec![
        any::<bool>()
            .prop_map(|value| Cell {
                json: value.to_string(),
                shown: Shown::Text(u8::from(value).to_string()),
            })
            .boxed(),
        prop_oneof![any::<i16>(), Just(i16::MIN), Just(i16::MAX)]
            .prop_map(|value| bare(value.to_string()))
            .boxed(),
        prop_oneof![any::<i32>(), Just(i32::MIN), Just(i32::MAX)]
            .prop_map(|value| bare(value.to_string()))
            .boxed(),
        prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
            .prop_map(|value| bare(value.to_string()))
            .boxed(),
        prop_oneof![floats, Just(f32::MAX), Just(f32::MIN_POSITIVE)].prop_map(single).boxed(),
        prop_oneof![doubles, Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(0.1)]
            .prop_map(|value| Cell { json: format!("{value:?}"), shown: Shown::Float(value) })
            .boxed(),
        decimals(18, 4).boxed(),
        decimals(38, 10).boxed(),
        words(pieces.to_vec()).prop_map(quoted).boxed(),
        vec(any::<u8>(), 0..12).prop_map(|bytes| quoted(base64(&bytes))).boxed(),
        days().prop_map(quoted).boxed(),
        times().prop_map(|(time, micros)| quoted(format!("{time}.{micros:06}"))).boxed(),
        (days(), times())
            .prop_map(|(day, (time, micros))| Cell {
                json: format!("\"{day}T{time}.{micros:06}Z\""),
                shown: Shown::Moment(format!("{day} {time}"), micros),
            })
            .boxed(),
        any::<u128>().prop_map(|value| quoted(uuid(value))).boxed(),
        documents
            .prop_map(|value| Cell { json: value.to_string(), shown: Shown::Json(value) })
            .boxed(),
    ]
}

/// The same rows in each run of the tests; `None` is null.
fn rows(is_nasty: bool) -> Vec<Vec<Option<Cell>>> {
    let mut pieces = PIECES.to_vec();
    if is_nasty {
        pieces.extend(NASTY);
    }
    let row: Vec<_> =
        cells(&pieces).into_iter().map(|cell| proptest::option::weighted(0.85, cell)).collect();
    let tree = vec(row, ROWS).new_tree(&mut TestRunner::deterministic());
    tree.expect("values can be made").current()
}

fn line(id: usize, row: &[Option<Cell>]) -> String {
    let member = |(name, cell): (&&str, &Option<Cell>)| {
        let value = cell.as_ref().map_or("null", |cell| cell.json.as_str());
        format!(",\"{name}\":{value}")
    };
    let members: String = COLUMNS.iter().zip(row).map(member).collect();
    format!("{{\"id\":{id}{members}}}\n")
}

fn is_shown(system: System, cell: Option<&Cell>, found: &str) -> bool {
    match cell.map(|cell| &cell.shown) {
        None => found == "NULL",
        Some(Shown::Text(text)) => found == text,
        Some(Shown::Float(value)) => found.parse::<f64>().is_ok_and(|found| found == *value),
        Some(Shown::Json(value)) => {
            serde_json::from_str::<serde_json::Value>(found).is_ok_and(|found| found == *value)
        }
        Some(Shown::Moment(text, 0)) if system == System::StarRocks => found == text,
        Some(Shown::Moment(text, micros)) => found == format!("{text}.{micros:06}"),
    }
}

/// How bodies go, and whether values are among the rows that CSV cannot carry.
type Way = (&'static str, bool);

fn check(system: System, ways: &[Way]) {
    side_by_side(ways, |(way, is_nasty)| {
        let rows = rows(*is_nasty);
        let input: String = rows.iter().enumerate().map(|(id, row)| line(id, row)).collect();
        let case = Case { system, exactly_once: true, upsert: true };
        let sink = format!("table = \"facts\"\ncreate_table = true\n{way}");
        let scene = tailored(case, SOURCE, &sink, &input);
        scene.run();

        let what = format!("{system}, {}", way.replace('\n', ", "));
        let letters = scene.bench.path("dead.db");
        let refused = millrace_tests::number(&letters, "select count(*) from dead_letters");
        assert_eq!(refused, 0, "{what}: rows are refused");
        let columns: Vec<String> = COLUMNS.iter().map(|name| format!("`{name}`")).collect();
        let sql = format!("SELECT {} FROM shop.facts ORDER BY id", columns.join(", "));
        let found = scene.standin.sql(&sql);
        assert_eq!(found.len(), ROWS, "{what}");
        for (id, (row, found)) in rows.iter().zip(&found).enumerate() {
            for ((name, cell), found) in COLUMNS.iter().zip(row).zip(found) {
                assert!(
                    is_shown(system, cell.as_ref(), found),
                    "{what}: row {id}, {name}: {cell:?} became {found:?}"
                );
            }
        }
        scene.assert_clean(&what);
    });
}

#[test]
fn values_of_every_type_arrive_in_starrocks_as_they_were() {
    check(
        System::StarRocks,
        &[
            ("", true),
            ("compression = \"gzip\"", true),
            ("compression = \"lz4\"", true),
            ("compression = \"zstd\"", true),
            ("format = \"csv\"", true),
            ("format = \"csv\"", false),
            ("format = \"csv\"\ncompression = \"gzip\"", false),
            ("format = \"csv\"\ncompression = \"lz4\"", false),
            ("format = \"csv\"\ncompression = \"zstd\"", false),
        ],
    );
}

#[test]
fn values_of_every_type_arrive_in_doris_as_they_were() {
    check(
        System::Doris,
        &[
            ("", true),
            // Compressed bodies are CSV there, and those that cannot be must go as they are.
            ("format = \"csv\"\ncompression = \"gzip\"", true),
            ("format = \"csv\"", false),
            ("format = \"csv\"\ncompression = \"gzip\"", false),
            ("format = \"csv\"\ncompression = \"lz4\"", false),
        ],
    );
}
